package server

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"limn/storage"
)

func (s *Server) createReply(c *gin.Context) error {
	highlight, err := pathID(c)
	if err != nil {
		return err
	}
	var request struct {
		ID        *uuid.UUID `json:"id"`
		InReplyTo *uuid.UUID `json:"in_reply_to"`
		Note      string     `json:"note"`
	}
	if err := decode(c, &request); err != nil {
		return err
	}
	id, err := newIDOf(request.ID)
	if err != nil {
		return err
	}
	n := storage.NewReply{ID: id, Highlight: highlight, InReplyTo: request.InReplyTo, Note: request.Note}
	r, page, created, err := s.store.CreateReply(c, readerOf(c), n)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		s.hub.Changed(page)
		status = http.StatusCreated
	}
	setETag(c, r.Version)
	c.JSON(status, r)
	return nil
}

func (s *Server) updateReply(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	var request struct {
		Note string `json:"note"`
	}
	if err := decode(c, &request); err != nil {
		return err
	}
	version, err := ifMatch(c)
	if err != nil {
		return err
	}
	r, page, err := s.store.UpdateReply(c, readerOf(c), id, storage.ReplyEdit{Note: request.Note, Version: version})
	if err != nil {
		return err
	}
	s.hub.Changed(page)
	setETag(c, r.Version)
	c.JSON(http.StatusOK, r)
	return nil
}

func (s *Server) deleteReply(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	version, err := ifMatch(c)
	if err != nil {
		return err
	}
	page, err := s.store.DeleteReply(c, readerOf(c), id, version)
	if err != nil {
		return err
	}
	s.hub.Changed(page)
	c.Status(http.StatusNoContent)
	return nil
}
