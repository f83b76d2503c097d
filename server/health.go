package server

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"limn/storage"
)

// ready says whether the server can do its work, which takes the database.
func (s *Server) ready(c *gin.Context) error {
	ctx, cancel := context.WithTimeout(c, 2*time.Second)
	defer cancel()
	if err := s.store.Ping(ctx); err != nil {
		return fmt.Errorf("%w: %w", storage.ErrUnavailable, err)
	}
	c.String(http.StatusOK, "ok\n")
	return nil
}
