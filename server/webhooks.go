package server

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"limn/storage"
)

func (s *Server) createWebhook(c *gin.Context) error {
	var request struct {
		URL   *string    `json:"url"`
		Page  *uuid.UUID `json:"page"`
		Group *string    `json:"group"`
	}
	if err := decode(c, &request); err != nil {
		return err
	}
	if request.URL == nil {
		return refused("/url", "is missing")
	}
	if request.Page != nil && *request.Page == uuid.Nil {
		return refused("/page", "must not be the nil UUID")
	}
	if err := s.checker.CheckTarget(*request.URL); err != nil {
		return err
	}
	w, err := s.store.CreateWebhook(c, readerOf(c), storage.Webhook{URL: *request.URL, Page: request.Page, Group: request.Group})
	if err != nil {
		return err
	}
	c.JSON(http.StatusCreated, struct {
		storage.Webhook
		Secret string `json:"secret"` // shown only this once
	}{w, w.Secret})
	return nil
}

func (s *Server) listWebhooks(c *gin.Context) error {
	if q := readQuery(c); q.err != nil {
		return q.err
	}
	webhooks, err := s.store.ListWebhooks(c, readerOf(c))
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, newList(c, webhooks, ""))
	return nil
}

func (s *Server) deleteWebhook(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if err := s.store.DeleteWebhook(c, readerOf(c), id); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

// pingWebhook sends a webhook something at once, and answers with how that went.
func (s *Server) pingWebhook(c *gin.Context) error {
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
	c.JSON(http.StatusOK, delivery)
	return nil
}
