package server

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"limn/storage"
)

func (s *Server) putMember(c *gin.Context) error {
	group, account, err := memberID(c)
	if err != nil {
		return err
	}
	var request struct {
		Role *storage.Role `json:"role"`
	}
	if err := decode(c, &request); err != nil {
		return err
	}
	m, before, err := s.store.PutMember(c, readerOf(c), group, account, orZero(request.Role))
	if err != nil {
		return err
	}
	if m.Role != before { // nobody ends another's streams by asking for what is so already
		s.hub.Dismiss(account)
	}
	status := http.StatusOK
	if before == "" {
		status = http.StatusCreated
	}
	c.JSON(status, m)
	return nil
}

func (s *Server) deleteMember(c *gin.Context) error {
	group, account, err := memberID(c)
	if err != nil {
		return err
	}
	if err := s.store.DeleteMember(c, readerOf(c), group, account); err != nil {
		return err
	}
	s.hub.Dismiss(account)
	c.Status(http.StatusNoContent)
	return nil
}

// memberID is the group and the account in the path; what is none names nothing.
func memberID(c *gin.Context) (group, account uuid.UUID, err error) {
	if group, err = pathID(c); err != nil {
		return uuid.Nil, uuid.Nil, err
	}
	if account, err = uuid.Parse(c.Param("account")); err != nil {
		return uuid.Nil, uuid.Nil, storage.ErrNotFound
	}
	return group, account, nil
}
