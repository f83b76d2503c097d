package server

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"limn/storage"
)

// A tokensView is the tokens that programs have of somebody, and the webhooks by which they are told.
type tokensView struct {
	Tokens   []storage.Token
	Webhooks []storage.Webhook
	Made     string // the one that was just made, which is shown only this once
	Scopes   []choice
	Operator bool
}

func (s *Server) viewTokens(c *gin.Context) error {
	return s.answerTokens(c, http.StatusOK, form{}, "")
}

func (s *Server) answerTokens(c *gin.Context, status int, typed form, made string) error {
	body := tokensView{Made: made, Operator: readerOf(c).Operator}
	var err error
	if body.Tokens, err = s.tokens(c, "token"); err != nil {
		return err
	}
	if body.Webhooks, err = s.store.ListWebhooks(c, readerOf(c)); err != nil {
		return err
	}
	chosen := typed.Values["scopes"]
	for _, scope := range []choice{
		{Value: "read", Words: "Read what you may read", Chosen: true},
		{Value: "write", Words: "Write in your name", Chosen: true},
		{Value: "admin", Words: "Change your account and its tokens"},
	} {
		if typed.Values != nil {
			scope.Chosen = slices.Contains(chosen, scope.Value)
		}
		body.Scopes = append(body.Scopes, scope)
	}
	if made != "" {
		c.Header("Cache-Control", "no-store")
	}
	return s.show(c, status, "tokens", view{Title: "Tokens", Form: typed, Body: body})
}

// makeToken answers with the token itself, which is known only now.
func (s *Server) makeToken(c *gin.Context, f form) error {
	n := storage.NewToken{Name: f.text("name"), Scopes: []storage.Scope{}}
	for _, scope := range f.Values["scopes"] {
		n.Scopes = append(n.Scopes, storage.Scope(scope))
	}
	days, err := strconv.Atoi(f.text("days"))
	if err != nil || days < 1 || days > maxTokenDays {
		return s.answerTokens(c, http.StatusUnprocessableEntity, f.refuse("days", "Write a number from 1 to 3650."), "")
	}
	n.ExpiresIn = time.Duration(days) * 24 * time.Hour
	_, secret, err := s.store.CreateToken(c, readerOf(c), n)
	if err != nil {
		judged, status, fault := f.judge(err)
		if fault != nil {
			return fault
		}
		return s.answerTokens(c, status, judged, "")
	}
	return s.answerTokens(c, http.StatusCreated, form{}, secret)
}

const maxTokenDays = 3650

func (s *Server) revokeToken(c *gin.Context, _ form) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if err := s.store.DeleteToken(c, readerOf(c), id); err != nil {
		return err
	}
	s.hub.Dismiss(readerOf(c).Account.ID)
	return leave(c, "/account/tokens", "token")
}

// tryWebhook sends a webhook something now: if it answers well, it is told what changes from now on.
func (s *Server) tryWebhook(c *gin.Context, _ form) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if err := s.limits.costly(c); err != nil {
		return err
	}
	w, err := s.store.GetWebhook(c, readerOf(c), id)
	if err != nil {
		return err
	}
	delivery, err := s.webhooks.Ping(c, w)
	if err != nil {
		return err
	}
	done := "answered"
	if delivery.Reason != "" {
		done = "unanswered"
	}
	return leave(c, "/account/tokens", done)
}

func (s *Server) endWebhook(c *gin.Context, _ form) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if err := s.store.DeleteWebhook(c, readerOf(c), id); err != nil {
		return err
	}
	return leave(c, "/account/tokens", "webhook")
}
