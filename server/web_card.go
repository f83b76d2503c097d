package server

import (
	"net/url"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"limn/storage"
	"limn/xpath"
)

// A card is a highlight as a list shows it, with the end of its thread.
type card struct {
	storage.Highlight
	GroupName string          // empty: public
	Latest    []storage.Reply // the last ones, oldest first
}

// Earlier is how many replies there are before the latest ones.
func (h card) Earlier() int64 { return h.Replies - int64(len(h.Latest)) }

// Astray tells whether a highlight does not stand where it was made, which a list says of it.
func (h card) Astray() bool {
	return h.Check.State == xpath.Moved || h.Check.State == xpath.Orphaned
}

// cardsOf adds to highlights what a list shows of each: its group's name, and its last replies.
func (s *Server) cardsOf(c *gin.Context, reader storage.Reader, list []storage.Highlight, replies int) ([]card, error) {
	names, err := s.groupNames(c, reader)
	if err != nil {
		return nil, err
	}
	threads := map[uuid.UUID][]storage.Reply{}
	if replies > 0 {
		if threads, err = s.store.LatestReplies(c, reader, list, replies); err != nil {
			return nil, err
		}
	}
	cards := make([]card, len(list))
	for i, h := range list {
		cards[i] = card{h, names[h.Group], threads[h.ID]}
	}
	return cards, nil
}

// groupNames are what the groups of somebody are called, as a highlight names them.
func (s *Server) groupNames(c *gin.Context, reader storage.Reader) (map[string]string, error) {
	names := map[string]string{"me": "Only me"}
	if reader.Account.ID == uuid.Nil {
		return names, nil
	}
	groups, _, err := s.store.ListGroups(c, reader, storage.Paging{Limit: maxLimit})
	for _, g := range groups {
		names[g.ID.String()] = g.Name
	}
	return names, err
}

// streamPath is the address of a stream that goes on after a cursor.
func streamPath(cursor string, groups []string, pages []uuid.UUID) string {
	values := url.Values{"last_event_id": {cursor}, "group": groups}
	for _, page := range pages {
		values.Add("page", page.String())
	}
	return apiBase + "/stream?" + values.Encode()
}
