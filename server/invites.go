package server

import (
	"math"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"limn/storage"
)

// An invite is as it is stored, with a link for people as long as the code is known.
type invite struct {
	storage.Invite
	URL string `json:"url,omitzero"`
}

func (s *Server) createInvite(c *gin.Context) error {
	group, err := pathID(c)
	if err != nil {
		return err
	}
	var request struct {
		Role      *storage.Role `json:"role"`
		MaxUses   *int          `json:"max_uses"`
		ExpiresIn *int64        `json:"expires_in"` // seconds
	}
	if err := decode(c, &request); err != nil {
		return err
	}
	n := storage.NewInvite{Role: orZero(request.Role), MaxUses: orZero(request.MaxUses)}
	if request.MaxUses != nil && *request.MaxUses == 0 {
		n.MaxUses = -1 // asked for, which is not the same as left out
	}
	if request.ExpiresIn != nil {
		n.ExpiresIn = seconds(*request.ExpiresIn)
	}
	i, err := s.store.CreateInvite(c, readerOf(c), group, n)
	if err != nil {
		return err
	}
	c.JSON(http.StatusCreated, invite{i, s.origin(c) + "/join#" + i.Code})
	return nil
}

// seconds is a time that was asked for; what is none is far too much.
func seconds(n int64) time.Duration {
	if n < 1 || n > int64(math.MaxInt64/time.Second) {
		return math.MaxInt64
	}
	return time.Duration(n) * time.Second
}

func (s *Server) deleteInvite(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if err := s.store.DeleteInvite(c, readerOf(c), id); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

func (s *Server) acceptInvite(c *gin.Context) error {
	g, err := s.store.AcceptInvite(c, readerOf(c), c.Param("code"))
	if err != nil {
		return err
	}
	s.hub.Dismiss(readerOf(c).Account.ID)
	c.JSON(http.StatusOK, g)
	return nil
}
