package server

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"limn/storage"
)

func (s *Server) createGroup(c *gin.Context) error {
	var request struct {
		ID   *uuid.UUID `json:"id"`
		Name *string    `json:"name"`
		Kind *string    `json:"kind"`
	}
	if err := decode(c, &request); err != nil {
		return err
	}
	if request.Name == nil {
		return refused("/name", "is missing")
	}
	id, err := newIDOf(request.ID)
	if err != nil {
		return err
	}
	g, created, err := s.store.CreateGroup(c, readerOf(c), storage.NewGroup{ID: id, Name: *request.Name, Kind: orZero(request.Kind)})
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		s.hub.Dismiss(readerOf(c).Account.ID)
		status = http.StatusCreated
		c.Header("Location", apiBase+"/groups/"+g.ID.String())
	}
	c.JSON(status, g)
	return nil
}

func (s *Server) listGroups(c *gin.Context) error {
	q := readQuery(c, "limit", "after", "kind")
	kind, paging := q.oneOf("kind", "open"), q.paging()
	if q.err != nil {
		return q.err
	}
	list := s.store.ListGroups
	if kind == "open" {
		list = s.store.ListOpenGroups
	}
	groups, next, err := list(c, readerOf(c), paging)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, newList(c, groups, next))
	return nil
}

func (s *Server) getGroup(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	g, err := s.store.GetGroup(c, readerOf(c), id)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, g)
	return nil
}

func (s *Server) updateGroup(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	var request struct {
		Name *string `json:"name"`
		Kind *string `json:"kind"`
	}
	if err := decode(c, &request); err != nil {
		return err
	}
	g, closed, err := s.store.UpdateGroup(c, readerOf(c), id, storage.GroupEdit{Name: request.Name, Kind: request.Kind})
	if err != nil {
		return err
	}
	if closed {
		s.hub.Dismiss(id)
	}
	c.JSON(http.StatusOK, g)
	return nil
}

func (s *Server) deleteGroup(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if err := s.store.DeleteGroup(c, readerOf(c), id); err != nil {
		return err
	}
	s.hub.Dismiss(id)
	s.eraseSoon()
	c.Status(http.StatusNoContent)
	return nil
}
