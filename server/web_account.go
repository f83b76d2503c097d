package server

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"limn/storage"
)

// An accountView is who one is here, and from where.
type accountView struct {
	HasPassword bool
	Sessions    []storage.Token
	Operator    bool
}

func (s *Server) viewAccount(c *gin.Context) error { return s.answerAccount(c, http.StatusOK, form{}) }

func (s *Server) answerAccount(c *gin.Context, status int, typed form) error {
	body := accountView{Operator: readerOf(c).Operator}
	var err error
	if body.HasPassword, err = s.store.HasPassword(c, readerOf(c).Account.ID); err != nil {
		return err
	}
	if body.Sessions, err = s.tokens(c, "session"); err != nil {
		return err
	}
	return s.show(c, status, "account", view{Title: "Account", Form: typed, Body: body})
}

// tokens are those of somebody that are of a kind, the newest first.
func (s *Server) tokens(c *gin.Context, kind string) (tokens []storage.Token, err error) {
	for paging := (storage.Paging{Limit: maxLimit}); ; {
		list, next, err := s.store.ListTokens(c, readerOf(c), paging)
		if err != nil {
			return nil, err
		}
		for _, t := range list {
			if t.Kind == kind {
				tokens = append([]storage.Token{t}, tokens...)
			}
		}
		if next == "" {
			return tokens, nil
		}
		paging.After = next
	}
}

// accountForm is a form's handler on the page of one's account: what it refuses is said there.
func (s *Server) accountForm(do func(*gin.Context, form) (done string, err error)) func(*gin.Context) error {
	return filled(func(c *gin.Context, f form) error {
		done, err := do(c, f)
		if err == nil {
			return leave(c, "/account", done)
		}
		judged, status, fault := f.judge(err)
		if fault != nil {
			return fault
		}
		return s.answerAccount(c, status, judged)
	})
}

func (s *Server) renameOnPage(c *gin.Context, f form) (string, error) {
	account, err := s.store.RenameAccount(c, readerOf(c).Account.ID, f.text("name"))
	if err != nil {
		return "", err
	}
	if err := s.hub.Renamed(c, account.ID); err != nil {
		s.log.WarnContext(c, "the pages that an account reads were not told its new name", "error", err)
	}
	return "renamed", nil
}

func (s *Server) setPasswordOnPage(c *gin.Context, f form) (string, error) {
	if err := s.limits.hash(c, readerOf(c).Account.ID.String()); err != nil {
		return "", err
	}
	if err := s.store.SetPassword(c, readerOf(c), f.Values.Get("current_password"), f.Values.Get("password")); err != nil {
		return "", err
	}
	s.hub.Dismiss(readerOf(c).Account.ID)
	return "password", nil
}

// endSessionOnPage signs somebody out elsewhere.
func (s *Server) endSessionOnPage(c *gin.Context, _ form) (string, error) {
	id, err := pathID(c)
	if err != nil {
		return "", err
	}
	if err := s.store.DeleteToken(c, readerOf(c), id); err != nil {
		return "", err
	}
	s.hub.Dismiss(readerOf(c).Account.ID)
	return "session", nil
}

func (s *Server) deleteAccountOnPage(c *gin.Context, f form) error {
	if f.text("confirm") != readerOf(c).Account.Name {
		return s.answerAccount(c, http.StatusUnprocessableEntity, f.refuse("confirm", "That is not your name."))
	}
	if err := s.endAccount(c); err != nil {
		return err
	}
	return leave(c, "/", "account-deleted")
}
