package server

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

func (s *Server) flagHighlight(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	var request struct {
		Reason *string `json:"reason"`
	}
	if err := decode(c, &request); err != nil {
		return err
	}
	if err := s.store.FlagHighlight(c, readerOf(c), id, orZero(request.Reason)); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

func (s *Server) deleteFlags(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if err := s.store.DeleteFlags(c, readerOf(c), id); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

func (s *Server) hideHighlight(c *gin.Context) error { return s.hide(c, true) }

func (s *Server) showHighlight(c *gin.Context) error { return s.hide(c, false) }

func (s *Server) hide(c *gin.Context, hide bool) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	page, err := s.store.HideHighlight(c, readerOf(c), id, hide)
	if err != nil {
		return err
	}
	s.hub.Changed(page)
	c.Status(http.StatusNoContent)
	return nil
}
