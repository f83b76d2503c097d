package server

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"limn/storage"
	"limn/verify"
)

// verify judges ranges on a page without keeping anything.
func (s *Server) verify(c *gin.Context) error {
	var request struct {
		URL    *string        `json:"url"`
		Ranges []rangeRequest `json:"ranges"`
	}
	if err := decode(c, &request); err != nil {
		return err
	}
	if request.URL == nil {
		return refused("/url", "is missing")
	}
	if err := verify.CheckURL(*request.URL); err != nil {
		return refused("/url", "%v", err)
	}
	ranges, err := rangesOf(request.Ranges)
	if err != nil {
		return err
	}
	if err := storage.CheckRanges(ranges); err != nil {
		return err
	}
	if err := s.limits.costly(c); err != nil {
		return err
	}
	report, err := s.checker.Report(c, *request.URL, ranges)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, report)
	return nil
}
