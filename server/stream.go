package server

import (
	"math"

	"github.com/gin-gonic/gin"

	"limn/live"
)

func (s *Server) stream(c *gin.Context) error {
	q := readQuery(c, "url", "page", "group", "since", "last_event_id")
	subscription := live.Subscription{
		Pages: q.pages(), Cursor: q.text("last_event_id"), Since: q.number("since", 0, math.MaxInt64, 0),
	}
	if id := c.GetHeader("Last-Event-ID"); id != "" {
		subscription.Cursor = id
	}
	if subscription.Since > 0 && len(subscription.Pages) > 1 {
		q.fail("the parameter since", "needs exactly one page")
	}
	if q.err != nil {
		return q.err
	}
	var err error
	if subscription.Reader, err = s.readerIn(c, q.values["group"]); err != nil {
		return err
	}
	release, err := s.limits.stream(c, subscription.Reader.Account.ID, len(subscription.Pages))
	if err != nil {
		return err
	}
	subscription.Done = release
	if err := s.hub.Stream(c.Request.Context(), c.Writer, subscription); err != nil {
		release()
		return err
	}
	return nil
}
