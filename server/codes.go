package server

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

func (s *Server) redeemCode(c *gin.Context) error {
	var request struct {
		Code         *string `json:"code"`
		CodeVerifier *string `json:"code_verifier"`
	}
	if err := decode(c, &request); err != nil {
		return err
	}
	switch {
	case request.Code == nil:
		return refused("/code", "is missing")
	case request.CodeVerifier == nil:
		return refused("/code_verifier", "is missing")
	}
	account, err := s.store.RedeemCode(c, *request.Code, *request.CodeVerifier)
	if err != nil {
		return err
	}
	token, _, err := s.store.CreateSession(c, account.ID) // without a cookie: it is the extension's, not the page's
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, session{account, token})
	return nil
}
