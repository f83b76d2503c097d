package server

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"limn/export"
	"limn/storage"
)

// A session is an account and the token that stands for it, which is shown only this once.
type session struct {
	Account storage.Account `json:"account"`
	Token   string          `json:"token"`
}

// Who may sign up.
const (
	SignupOpen   = "open"   // anybody
	SignupInvite = "invite" // who is invited to a group
	SignupClosed = "closed" // nobody
)

func (s *Server) createAccount(c *gin.Context) error {
	var request struct {
		Name     *string `json:"name"`
		Password *string `json:"password"`
		Invite   *string `json:"invite"`
	}
	if err := decode(c, &request); err != nil {
		return err
	}
	if request.Name == nil {
		return refused("/name", "is missing")
	}
	if err := s.maySignUp(orZero(request.Invite)); err != nil {
		return err
	}
	if err := s.limits.costly(c); err != nil {
		return err
	}
	if orZero(request.Password) != "" {
		if err := s.limits.hash(c, *request.Name); err != nil {
			return err
		}
	}
	n := storage.NewAccount{Name: *request.Name, Password: orZero(request.Password), Invite: orZero(request.Invite)}
	account, err := s.store.CreateAccount(c, n)
	if err != nil {
		return err
	}
	return s.answerSession(c, http.StatusCreated, account)
}

// maySignUp says whether somebody may make an account who has an invite, or none.
func (s *Server) maySignUp(invite string) error {
	switch {
	case s.config.Signup == SignupClosed:
		return errSignup
	case s.config.Signup == SignupInvite && invite == "":
		return errUninvited
	}
	return nil
}

func (s *Server) createSession(c *gin.Context) error {
	var request struct {
		Name     *string `json:"name"`
		Password *string `json:"password"`
	}
	if err := decode(c, &request); err != nil {
		return err
	}
	switch {
	case request.Name == nil:
		return refused("/name", "is missing")
	case request.Password == nil:
		return refused("/password", "is missing")
	}
	if err := s.limits.hash(c, *request.Name); err != nil {
		return err
	}
	account, err := s.store.SignIn(c, *request.Name, *request.Password)
	if err != nil {
		return err
	}
	return s.answerSession(c, http.StatusOK, account)
}

// answerSession makes a token and, for the server's own pages, a cookie of it.
func (s *Server) answerSession(c *gin.Context, status int, account storage.Account) error {
	token, expires, err := s.store.CreateSession(c, account.ID)
	if err != nil {
		return err
	}
	if crossOrigin.Check(c.Request) == nil {
		s.setCookie(c, token, expires)
	}
	c.JSON(status, session{account, token})
	return nil
}

func (s *Server) deleteSession(c *gin.Context) error {
	if err := s.store.DeleteToken(c, readerOf(c), readerOf(c).Token); err != nil {
		return err
	}
	s.hub.Dismiss(readerOf(c).Account.ID)
	s.forgetCookie(c)
	c.Status(http.StatusNoContent)
	return nil
}

func (s *Server) setCookie(c *gin.Context, token string, expires time.Time) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: cookieName, Value: token, Path: "/", Expires: expires,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.isSecure(c),
	})
}

// forgetCookie takes the cookie back from whoever has asked with it.
func (s *Server) forgetCookie(c *gin.Context) {
	if _, byCookie := tokenOf(c.Request); byCookie {
		s.setCookie(c, "", time.Unix(1, 0))
	}
}

func (s *Server) getMe(c *gin.Context) error {
	c.JSON(http.StatusOK, readerOf(c).Account)
	return nil
}

func (s *Server) updateMe(c *gin.Context) error {
	var request struct {
		Name            *string `json:"name"`
		Password        *string `json:"password"`
		CurrentPassword *string `json:"current_password"`
	}
	if err := decode(c, &request); err != nil {
		return err
	}
	switch {
	case request.Name != nil && request.Password != nil:
		return refused("/password", "cannot be changed together with the name: send two requests")
	case request.Password != nil:
		return s.setPassword(c, orZero(request.CurrentPassword), *request.Password)
	case request.Name == nil:
		return refused("/name", "is missing")
	}
	account, err := s.store.RenameAccount(c, readerOf(c).Account.ID, *request.Name)
	if err != nil {
		return err
	}
	if err := s.hub.Renamed(c, account.ID); err != nil {
		s.log.WarnContext(c, "the pages that an account reads were not told its new name", "error", err)
	}
	c.JSON(http.StatusOK, account)
	return nil
}

func (s *Server) setPassword(c *gin.Context, current, password string) error {
	if err := s.limits.hash(c, readerOf(c).Account.ID.String()); err != nil {
		return err
	}
	if err := s.store.SetPassword(c, readerOf(c), current, password); err != nil {
		return err
	}
	s.hub.Dismiss(readerOf(c).Account.ID)
	return s.getMe(c)
}

func (s *Server) deleteMe(c *gin.Context) error {
	if err := s.endAccount(c); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

// endAccount ends the account of the one who asks, and all that is open in its name.
func (s *Server) endAccount(c *gin.Context) error {
	heirs, err := s.store.DeleteAccount(c, readerOf(c))
	if err != nil {
		return err
	}
	for _, account := range append(heirs, readerOf(c).Account.ID) {
		s.hub.Dismiss(account)
	}
	s.eraseSoon()
	s.forgetCookie(c)
	return nil
}

// exportMe streams everything that is the account's own. As in export, an answer that breaks off ends the connection.
func (s *Server) exportMe(c *gin.Context) error {
	release, err := s.limits.export(c)
	if err != nil {
		return err
	}
	defer release()
	reader := readerOf(c)
	own := export.Account{Account: reader.Account}
	if own.Identities, err = s.store.ListIdentities(c, reader); err != nil {
		return err
	}
	if own.Groups, err = listAll(c, reader, s.store.ListGroups); err != nil {
		return err
	}
	if own.Tokens, err = listAll(c, reader, s.store.ListTokens); err != nil {
		return err
	}
	if own.Webhooks, err = s.store.ListWebhooks(c, reader); err != nil {
		return err
	}
	account := reader.Account.ID
	own.Highlights, own.Replies = paced(s, c, s.store.OwnHighlights(c, account)), paced(s, c, s.store.OwnReplies(c, account))
	own.Flags, own.Files = paced(s, c, s.store.OwnFlags(c, account)), paced(s, c, s.store.OwnFiles(c, account))
	c.Header("Content-Type", "application/json; charset=utf-8")
	c.Header("Content-Disposition", `attachment; filename="limn-account.json"`)
	c.Status(http.StatusOK)
	return s.finishExport(c, "account", own.Write(patientWriter{c.Writer}))
}

// listAll goes through all pages of a list.
func listAll[T any](ctx context.Context, reader storage.Reader, list func(context.Context, storage.Reader, storage.Paging) ([]T, string, error)) (all []T, err error) {
	all = []T{}
	paging := storage.Paging{Limit: maxLimit}
	for {
		page, next, err := list(ctx, reader, paging)
		if err != nil {
			return nil, err
		}
		if all = append(all, page...); next == "" {
			return all, nil
		}
		paging.After = next
	}
}
