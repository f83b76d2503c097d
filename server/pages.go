package server

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
)

func (s *Server) findPage(c *gin.Context) error {
	q := readQuery(c, "url")
	page := q.pageOf()
	if q.err != nil {
		return q.err
	}
	if page == uuid.Nil {
		return &unreadableError{"the parameter url", "is missing"}
	}
	return s.answerPage(c, page)
}

func (s *Server) getPage(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	return s.answerPage(c, id)
}

func (s *Server) answerPage(c *gin.Context, id uuid.UUID) error {
	page, err := s.store.GetPage(c, readerOf(c), id)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, page)
	return nil
}

// checkPage answers at once; what the look finds arrives as changes of the page.
func (s *Server) checkPage(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	page, err := s.store.GetPage(c, readerOf(c), id)
	if err != nil {
		return err
	}
	if err := s.limits.costly(c); err != nil {
		return err
	}
	if err := s.store.CheckPageAgain(c, id); err != nil {
		return err
	}
	s.checker.Wake()
	c.JSON(http.StatusAccepted, page)
	return nil
}

var hashPrefix = regexp.MustCompile(`^[0-9a-f]{4,8}$`)

func (s *Server) listPagesNear(c *gin.Context) error {
	prefix := strings.ToLower(c.Param("prefix"))
	if !hashPrefix.MatchString(prefix) {
		return &unreadableError{"the prefix", "must be 4 to 8 hex digits"}
	}
	hashes, err := s.store.PagesNear(c, readerOf(c), prefix)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, newList(c, hashes, ""))
	return nil
}
