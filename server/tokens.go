package server

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"limn/storage"
)

func (s *Server) createToken(c *gin.Context) error {
	var request struct {
		Name      *string         `json:"name"`
		Scopes    []storage.Scope `json:"scopes"`
		ExpiresIn *int64          `json:"expires_in"` // seconds
	}
	if err := decode(c, &request); err != nil {
		return err
	}
	n := storage.NewToken{Name: orZero(request.Name), Scopes: request.Scopes}
	if request.ExpiresIn != nil {
		n.ExpiresIn = seconds(*request.ExpiresIn)
	}
	t, secret, err := s.store.CreateToken(c, readerOf(c), n)
	if err != nil {
		return err
	}
	c.JSON(http.StatusCreated, struct {
		storage.Token
		Secret string `json:"token"` // shown only this once
	}{t, secret})
	return nil
}

func (s *Server) listTokens(c *gin.Context) error {
	q := readQuery(c, "limit", "after")
	paging := q.paging()
	if q.err != nil {
		return q.err
	}
	tokens, next, err := s.store.ListTokens(c, readerOf(c), paging)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, newList(c, tokens, next))
	return nil
}

func (s *Server) deleteToken(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if err := s.store.DeleteToken(c, readerOf(c), id); err != nil {
		return err
	}
	s.hub.Dismiss(readerOf(c).Account.ID)
	c.Status(http.StatusNoContent)
	return nil
}
