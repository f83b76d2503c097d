package server

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

func (s *Server) listHistory(c *gin.Context) error {
	highlight, err := pathID(c)
	if err != nil {
		return err
	}
	q := readQuery(c, "limit", "after")
	paging := q.paging()
	if q.err != nil {
		return q.err
	}
	entries, next, err := s.store.ListHistory(c, readerOf(c), highlight, paging)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, newList(c, entries, next))
	return nil
}
