package server

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"limn/storage"
)

// A session is an account and the token that stands for it, which is shown only this once.
type session struct {
	Account storage.Account `json:"account"`
	Token   string          `json:"token"`
}

type credentials struct {
	Name     *string `json:"name"`
	Password *string `json:"password"`
}

func (s *Server) createAccount(c *gin.Context) error {
	var request credentials
	if err := decode(c, &request); err != nil {
		return err
	}
	if request.Name == nil {
		return refused("/name", "is missing")
	}
	if !s.config.Signup {
		return errSignup
	}
	if err := s.limits.costly(c); err != nil {
		return err
	}
	account, err := s.store.CreateAccount(c, *request.Name, orZero(request.Password))
	if err != nil {
		return err
	}
	return s.answerSession(c, http.StatusCreated, account)
}

func (s *Server) createSession(c *gin.Context) error {
	var request credentials
	if err := decode(c, &request); err != nil {
		return err
	}
	switch {
	case request.Name == nil:
		return refused("/name", "is missing")
	case request.Password == nil:
		return refused("/password", "is missing")
	}
	if err := s.limits.costly(c); err != nil {
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
	token, expires, err := s.store.CreateToken(c, account.ID)
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
	token, byCookie := tokenOf(c.Request)
	if err := s.store.DeleteToken(c, token); err != nil {
		return err
	}
	s.hub.Dismiss(readerOf(c).Account.ID)
	if byCookie {
		s.setCookie(c, "", time.Unix(1, 0))
	}
	c.Status(http.StatusNoContent)
	return nil
}

func (s *Server) setCookie(c *gin.Context, token string, expires time.Time) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: cookieName, Value: token, Path: "/", Expires: expires,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.isSecure(c),
	})
}

func (s *Server) getMe(c *gin.Context) error {
	c.JSON(http.StatusOK, readerOf(c).Account)
	return nil
}

func (s *Server) updateMe(c *gin.Context) error {
	var request struct {
		Name *string `json:"name"`
	}
	if err := decode(c, &request); err != nil {
		return err
	}
	if request.Name == nil {
		return refused("/name", "is missing")
	}
	account, err := s.store.RenameAccount(c, readerOf(c).Account.ID, *request.Name)
	if err != nil {
		return err
	}
	if err := s.hub.Renamed(c, account.ID); err != nil {
		s.log.Warn("the pages that an account reads were not told its new name", "error", err)
	}
	c.JSON(http.StatusOK, account)
	return nil
}
