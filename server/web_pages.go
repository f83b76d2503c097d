package server

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"limn/storage"
)

const (
	pageCards   = 50 // highlights of a page at once
	lostCards   = 50 // of those that have lost their place, which stand after the others
	lastReplies = 3  // of each highlight
	namedHere   = 20 // of those who read along
)

// A pageView is a page with what stands on it, in its order, or with what is said about all of it.
type pageView struct {
	Page    storage.Page
	Part    storage.Part // Marks or Notes
	Cards   []card
	Lost    []card
	Next    string // where the list goes on; empty: it ends here
	First   bool   // the list begins here
	Group   string // the one that is looked at alone; empty: all that one reads
	Groups  []choice
	Stream  string
	Viewers storage.Viewers
	Heat    string   // the address of where the page is marked
	Write   []choice // the groups that one may write for
}

// A choice is one of several, as a link or as an option.
type choice struct {
	Path, Value, Words string
	Chosen             bool
}

func (s *Server) viewPage(c *gin.Context) error { return s.answerPageView(c, http.StatusOK, form{}) }

func (s *Server) answerPageView(c *gin.Context, status int, typed form) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	q := readQuery(c, "group", "part", "after", "done")
	group, after := q.text("group"), q.text("after")
	part := storage.Part(q.oneOf("part", string(storage.Marks), string(storage.Notes)))
	if q.err != nil {
		return q.err
	}
	if part == "" {
		part = storage.Marks
	}
	body := pageView{Part: part, Group: group, First: after == ""}
	reader, groups := readerOf(c), []string(nil)
	if group != "" {
		groups = []string{group}
		if reader, err = s.store.Only(c, reader, group); err != nil {
			return err
		}
	}
	if body.Page, err = s.pageFor(c, reader, id); err != nil {
		return err
	}
	body.Stream = streamPath(s.hub.Cursor(reader, map[uuid.UUID]int64{id: body.Page.Seq}), groups, []uuid.UUID{id})
	if err := s.fillPage(c, reader, &body, after); err != nil {
		return err
	}
	if body.Groups, body.Write, err = s.groupChoices(c, body); err != nil {
		return err
	}
	heat := url.Values{"page": {id.String()}, "window": {"all"}, "limit": {"1"}, "group": groups}
	body.Heat = apiBase + "/popular?" + heat.Encode()
	all, err := s.store.ListViewers(c, []uuid.UUID{id}, namedHere)
	if err != nil {
		return err
	}
	body.Viewers = all[id]
	return s.show(c, status, "page", view{
		Title: named(body.Page.PageRef), Path: pagePath(id, part, group, after), Scripts: []string{"/live.js", "/heat.js"}, Form: typed, Body: body,
	})
}

// pageFor finds a page on which somebody sees something, whether or not they look at one group alone.
func (s *Server) pageFor(c *gin.Context, reader storage.Reader, id uuid.UUID) (storage.Page, error) {
	page, err := s.store.GetPage(c, reader, id)
	if errors.Is(err, storage.ErrNotFound) {
		if page, err = s.store.GetPage(c, readerOf(c), id); err == nil {
			page.Counts = storage.PageCounts{}
		}
	}
	return page, err
}

// fillPage reads what a page shows, a part of the list at a time.
func (s *Server) fillPage(c *gin.Context, reader storage.Reader, body *pageView, after string) error {
	list := func(part storage.Part, sort string, paging storage.Paging) ([]card, string, error) {
		filter := storage.Filter{Page: body.Page.ID, Part: part, Sort: sort}
		list, next, _, err := s.store.ListHighlights(c, reader, filter, paging)
		if err != nil {
			return nil, "", err
		}
		for _, h := range list {
			if body.Page.Title == "" { // which it has only for who sees what is private there
				body.Page.Title = h.Page.Title
			}
		}
		cards, err := s.cardsOf(c, reader, list, lastReplies)
		return cards, next, err
	}
	sort := storage.ByPlace
	if body.Part == storage.Notes {
		sort = "created"
	}
	cards, next, err := list(body.Part, sort, storage.Paging{Limit: pageCards, After: after})
	if err != nil {
		return err
	}
	body.Cards = cards
	if next != "" {
		body.Next = pagePath(body.Page.ID, body.Part, body.Group, next)
	}
	if body.Part == storage.Marks && after == "" && body.Page.Counts.Orphaned > 0 {
		body.Lost, _, err = list(storage.Lost, "created", storage.Paging{Limit: lostCards})
	}
	return err
}

// groupChoices are the groups that somebody can look at a page for, one at a time, and those that they can write for.
func (s *Server) groupChoices(c *gin.Context, body pageView) (look, write []choice, err error) {
	add := func(list []choice, name, words string) []choice {
		return append(list, choice{pagePath(body.Page.ID, body.Part, name, ""), name, words, name == body.Group})
	}
	if readerOf(c).Account.ID == uuid.Nil {
		return nil, nil, nil
	}
	look = add(add(add(nil, "", "All"), "public", "Everybody"), "me", "Only me")
	write = add(add(nil, "public", "Everybody"), "me", "Only me")
	groups, _, err := s.store.ListGroups(c, readerOf(c), storage.Paging{Limit: maxLimit})
	for _, g := range groups {
		look = add(look, g.ID.String(), g.Name)
		if *g.Role != storage.RoleReader {
			write = add(write, g.ID.String(), g.Name)
		}
	}
	return look, write, err
}

// writeOnPage puts a note on the whole of a page.
func (s *Server) writeOnPage(c *gin.Context, f form) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	page, err := s.store.GetPage(c, readerOf(c), id)
	if err != nil {
		return err
	}
	if f.text("note") == "" {
		return s.answerPageView(c, http.StatusUnprocessableEntity, f.refuse("note", "Write something first."))
	}
	n := storage.NewHighlight{URL: page.URL, Title: page.Title, Group: f.text("group"), Note: f.text("note")}
	h, _, err := s.store.CreateHighlight(c, readerOf(c), n)
	if err != nil {
		judged, status, fault := f.judge(err)
		if fault != nil {
			return fault
		}
		return s.answerPageView(c, status, judged)
	}
	s.hub.Wrote(h.Page.ID, storage.Made(h))
	c.Redirect(http.StatusSeeOther, pagePath(id, storage.Notes, "", "")+"#h-"+h.ID.String())
	return nil
}

// pagePath is the address of a part of a page.
func pagePath(id uuid.UUID, part storage.Part, group, after string) string {
	values := url.Values{}
	if part == storage.Notes {
		values.Set("part", string(part))
	}
	if group != "" {
		values.Set("group", group)
	}
	if after != "" {
		values.Set("after", after)
	}
	path := "/p/" + id.String()
	if len(values) > 0 {
		path += "?" + values.Encode()
	}
	return path
}
