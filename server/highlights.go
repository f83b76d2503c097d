package server

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"limn/export"
	"limn/storage"
	"limn/xpath"
)

// A highlightRequest asks for a highlight. What may be left out has a pointer, so that null is not zero.
type highlightRequest struct {
	ID     *uuid.UUID     `json:"id"`
	Page   *pageRequest   `json:"page"`
	URL    *string        `json:"url"`   // the same as page.url
	Title  *string        `json:"title"` // the same as page.title
	Group  *string        `json:"group"`
	Ranges []rangeRequest `json:"ranges"`
	Color  *string        `json:"color"`
	Note   *string        `json:"note"`
	Tags   []string       `json:"tags"`
}

type pageRequest struct {
	URL   *string `json:"url"`
	Title *string `json:"title"`
}

func (s *Server) createHighlight(c *gin.Context) error {
	var request highlightRequest
	if err := decode(c, &request); err != nil {
		return err
	}
	wait, err := preferredWait(c)
	if err != nil {
		return err
	}
	n, err := request.highlight()
	if err != nil {
		return err
	}
	n.Found = s.checker.Find(n.URL, n.Ranges)
	h, created, err := s.store.CreateHighlight(c, readerOf(c), n)
	if err != nil {
		return err
	}
	if created {
		s.hub.Wrote(h.Page.ID, storage.Made(h))
	}
	if h.Check.State == xpath.Pending {
		s.checker.Wake()
	}
	h = s.awaitVerdict(c, h, wait)
	status := http.StatusOK
	if created {
		status = http.StatusCreated
		c.Header("Location", apiBase+"/highlights/"+h.ID.String())
	}
	setETag(c, h.Version)
	c.JSON(status, h)
	return nil
}

// highlight is what is asked for, with its URL normalised.
func (r highlightRequest) highlight() (n storage.NewHighlight, err error) {
	url, title := r.URL, r.Title
	if r.Page != nil {
		if url != nil || title != nil {
			return n, refused("/page", "says what url and title say: send one of them")
		}
		url, title = r.Page.URL, r.Page.Title
	}
	if url == nil {
		return n, refused("/url", "is missing")
	}
	n = storage.NewHighlight{
		Title: orZero(title), Group: orZero(r.Group), Color: orZero(r.Color), Note: orZero(r.Note), Tags: r.Tags,
	}
	if n.ID, err = newIDOf(r.ID); err != nil {
		return n, err
	}
	if n.URL, err = storage.NormalizeURL(*url); err != nil {
		return n, err
	}
	n.Ranges, err = rangesOf(r.Ranges)
	return n, err
}

// A rangeRequest is an xpath.Range in which everything may be missing.
type rangeRequest struct {
	Anchor *pointRequest `json:"anchor"`
	Focus  *pointRequest `json:"focus"`
	Quote  *struct {
		Exact  *string `json:"exact"`
		Prefix string  `json:"prefix"`
		Suffix string  `json:"suffix"`
	} `json:"quote"`
	Position *struct {
		Start *int `json:"start"`
		End   *int `json:"end"`
	} `json:"position"`
	Landmarks *xpath.Landmarks `json:"landmarks"`
}

type pointRequest struct {
	XPath  *string `json:"xpath"`
	Offset *int    `json:"offset"`
}

// rangesOf reads ranges and refuses those of which something is missing.
func rangesOf(requests []rangeRequest) ([]xpath.Range, error) {
	var invalid storage.InvalidError
	missing := func(pointer string) {
		invalid.Fields = append(invalid.Fields, storage.FieldError{Pointer: pointer, Detail: "is missing"})
	}
	point := func(pointer string, p *pointRequest) (q xpath.Point) {
		switch {
		case p == nil:
			missing(pointer)
		case p.XPath == nil:
			missing(pointer + "/xpath")
		case p.Offset == nil:
			missing(pointer + "/offset")
		default:
			q = xpath.Point{XPath: *p.XPath, Offset: *p.Offset}
		}
		return q
	}
	ranges := make([]xpath.Range, len(requests))
	for i, r := range requests {
		pointer := "/ranges/" + strconv.Itoa(i)
		ranges[i] = xpath.Range{Anchor: point(pointer+"/anchor", r.Anchor), Focus: point(pointer+"/focus", r.Focus), Landmarks: r.Landmarks}
		if q := r.Quote; q != nil {
			if q.Exact == nil {
				missing(pointer + "/quote/exact")
				continue
			}
			ranges[i].Quote = &xpath.Quote{Exact: *q.Exact, Prefix: q.Prefix, Suffix: q.Suffix}
		}
		if p := r.Position; p != nil {
			if p.Start == nil || p.End == nil {
				missing(pointer + "/position")
				continue
			}
			ranges[i].Position = &xpath.Position{Start: *p.Start, End: *p.End}
		}
	}
	if len(invalid.Fields) > 0 {
		return nil, &invalid
	}
	return ranges, nil
}

const maxWait = 10 * time.Second

var waitPreference = regexp.MustCompile(`(?i)(?:^|[,;]\s*)wait\s*=\s*"?([0-9]{1,9})"?\s*(?:$|[,;])`)

// preferredWait is how long the client wants to wait for the verdict, by RFC 7240's Prefer: wait.
func preferredWait(c *gin.Context) (time.Duration, error) {
	match := waitPreference.FindStringSubmatch(c.GetHeader("Prefer"))
	if match == nil {
		return 0, nil
	}
	seconds, err := strconv.Atoi(match[1])
	return min(time.Duration(seconds)*time.Second, maxWait), err
}

// awaitVerdict is the highlight once its page was looked at, or as it is when the time that the client wants to wait
// is up.
func (s *Server) awaitVerdict(c *gin.Context, h storage.Highlight, wait time.Duration) storage.Highlight {
	if wait == 0 {
		return h
	}
	c.Header("Preference-Applied", "wait="+strconv.Itoa(int(wait.Seconds())))
	ctx, cancel := context.WithTimeout(c, wait)
	defer cancel()
	seen := h.Seq
	for h.Check.State == xpath.Pending {
		var err error
		if seen, err = s.hub.AwaitChange(ctx, h.Page.ID, seen); err != nil {
			break // the time is up
		}
		newer, err := s.store.GetHighlight(c, readerOf(c), h.ID)
		if err != nil {
			break // stored, and deleted since: the answer is what was stored
		}
		h = newer
	}
	return h
}

func (s *Server) getHighlight(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	h, err := s.store.GetHighlight(c, readerOf(c), id)
	if err != nil {
		return err
	}
	setETag(c, h.Version)
	c.JSON(http.StatusOK, h)
	return nil
}

func (s *Server) updateHighlight(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	var request struct {
		Group *string   `json:"group"`
		Color *string   `json:"color"`
		Note  *string   `json:"note"`
		Tags  *[]string `json:"tags"`
	}
	if err := decode(c, &request); err != nil {
		return err
	}
	version, err := ifMatch(c)
	if err != nil {
		return err
	}
	edit := storage.HighlightEdit{Group: request.Group, Color: request.Color, Note: request.Note, Tags: request.Tags, Version: version}
	h, err := s.store.UpdateHighlight(c, readerOf(c), id, edit)
	if err != nil {
		return err
	}
	s.hub.Changed(h.Page.ID)
	setETag(c, h.Version)
	c.JSON(http.StatusOK, h)
	return nil
}

func (s *Server) reanchorHighlight(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	var request struct {
		Ranges []rangeRequest `json:"ranges"`
	}
	if err := decode(c, &request); err != nil {
		return err
	}
	wait, err := preferredWait(c)
	if err != nil {
		return err
	}
	version, err := ifMatch(c)
	if err != nil {
		return err
	}
	ranges, err := rangesOf(request.Ranges)
	if err != nil {
		return err
	}
	h, err := s.store.ReanchorHighlight(c, readerOf(c), id, storage.Reanchoring{Ranges: ranges, Version: version})
	if err != nil {
		return err
	}
	s.hub.Changed(h.Page.ID)
	s.checker.Wake()
	h = s.awaitVerdict(c, h, wait)
	setETag(c, h.Version)
	c.JSON(http.StatusOK, h)
	return nil
}

func (s *Server) deleteHighlight(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	version, err := ifMatch(c)
	if err != nil {
		return err
	}
	page, err := s.store.DeleteHighlight(c, readerOf(c), id, version)
	if err != nil {
		return err
	}
	s.hub.Changed(page)
	c.Status(http.StatusNoContent)
	return nil
}

// filterParameters are what a list of highlights can be narrowed by.
var filterParameters = []string{"url", "page", "group", "author", "tag", "color", "state", "q", "since", "until", "sort"}

func (q *query) filter() storage.Filter {
	return storage.Filter{
		Page: q.pageOf(), Author: q.id("author"), Tag: q.text("tag"), Color: q.text("color"),
		State: xpath.State(q.oneOf("state", checkStates...)), Text: q.searched("q"),
		Since: q.time("since"), Until: q.time("until"), Sort: q.oneOf("sort", storage.Sorts...),
	}
}

func (s *Server) listHighlights(c *gin.Context) error {
	q := readQuery(c, append([]string{"limit", "after", "snippets"}, filterParameters...)...)
	filter, paging := q.filter(), q.paging()
	wantsSnippets := q.oneOf("snippets", "true", "false") == "true"
	if q.err != nil {
		return q.err
	}
	reader, err := s.readerIn(c, q.values["group"])
	if err != nil {
		return err
	}
	highlights, next, seq, err := s.store.ListHighlights(c, reader, filter, paging)
	if err != nil {
		return err
	}
	answer := struct {
		list[storage.Highlight]
		Seq      *int64            `json:"seq,omitempty"`      // the page's number as of this list
		Snippets []storage.Snippet `json:"snippets,omitempty"` // of each item, where the words are that were searched for
	}{list: newList(c, highlights, next)}
	if wantsSnippets && filter.Text != "" {
		if answer.Snippets, err = s.store.Snippets(c, filter.Text, highlights, export.NoteText); err != nil {
			return err
		}
	}
	if filter.Page != uuid.Nil {
		answer.Seq = &seq
	}
	c.JSON(http.StatusOK, answer)
	return nil
}
