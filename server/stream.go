package server

import (
	"math"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"limn/live"
	"limn/storage"
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
	subscription.Reader = readerOf(c)
	if groups := q.values["group"]; len(groups) > 0 {
		var err error
		if subscription.Reader, err = subscription.Reader.Only(groups...); err != nil {
			return err
		}
	}
	release, err := s.limits.stream(c, subscription.Reader.Account.ID)
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

// pages are those that a stream asks for, each once.
func (q *query) pages() []uuid.UUID {
	var pages []uuid.UUID
	for _, raw := range q.values["url"] {
		normal, err := storage.NormalizeURL(raw)
		if err != nil && q.err == nil {
			q.err = err
		}
		pages = append(pages, storage.PageID(normal))
	}
	for _, raw := range q.values["page"] {
		id, err := uuid.Parse(raw)
		if err != nil || id == uuid.Nil {
			q.fail("the parameter page", "must be a UUID")
		}
		pages = append(pages, id)
	}
	slices.SortFunc(pages, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	pages = slices.Compact(pages)
	switch {
	case len(pages) == 0:
		q.fail("the parameter url or page", "is missing")
	case len(pages) > live.MaxPages:
		q.fail("the parameters url and page", "name more than "+strconv.Itoa(live.MaxPages)+" pages")
	}
	return pages
}
