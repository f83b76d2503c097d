package server

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"limn/live"
	"limn/storage"
)

// A query is a request's parameters, read one by one. The first that cannot be read is kept as the error.
type query struct {
	values url.Values
	err    error
}

// readQuery takes the parameters apart and refuses those that are not known.
func readQuery(c *gin.Context, known ...string) *query {
	values, err := url.ParseQuery(c.Request.URL.RawQuery)
	q := &query{values: values}
	if err != nil {
		q.fail("the query", "is not well-formed")
	}
	for name, all := range values {
		if !slices.Contains(known, name) {
			q.fail("the parameter "+strconv.Quote(name), "is not known here")
		}
		for _, value := range all {
			if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				q.fail("the parameter "+strconv.Quote(name), "is not text")
			}
		}
	}
	return q
}

func (q *query) fail(what, detail string) {
	if q.err == nil {
		q.err = &unreadableError{what, detail}
	}
}

func (q *query) has(name string) bool { return q.values.Has(name) }

func (q *query) text(name string) string {
	if len(q.values[name]) > 1 {
		q.fail("the parameter "+name, "is there more than once")
	}
	return q.values.Get(name)
}

// searched is a text to be searched for.
func (q *query) searched(name string) string {
	text := q.text(name)
	if len(text) > storage.MaxSearch {
		q.fail("the parameter "+name, fmt.Sprintf("must have at most %d bytes", storage.MaxSearch))
	}
	return text
}

func (q *query) id(name string) uuid.UUID {
	if !q.has(name) {
		return uuid.Nil
	}
	id, err := uuid.Parse(q.text(name))
	if err != nil || id == uuid.Nil {
		q.fail("the parameter "+name, "must be a UUID")
	}
	return id
}

func (q *query) time(name string) time.Time {
	if !q.has(name) {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, q.text(name))
	if err != nil || t.Year() < 1 || t.Year() > 9999 {
		q.fail("the parameter "+name, "must be a time as in RFC 3339")
	}
	return t
}

func (q *query) number(name string, from, to, otherwise int64) int64 {
	if !q.has(name) {
		return otherwise
	}
	n, err := strconv.ParseInt(q.text(name), 10, 64)
	if err != nil || n < from || n > to {
		q.fail("the parameter "+name, fmt.Sprintf("must be a number from %d to %d", from, to))
	}
	return n
}

func (q *query) oneOf(name string, values ...string) string {
	text := q.text(name)
	if q.has(name) && !slices.Contains(values, text) {
		q.fail("the parameter "+name, "must be one of "+strings.Join(values, ", "))
	}
	return text
}

const (
	defaultLimit = 50
	maxLimit     = 200
)

func (q *query) paging() storage.Paging {
	return storage.Paging{Limit: int(q.number("limit", 1, maxLimit, defaultLimit)), After: q.text("after")}
}

// pageOf is the page that url or page names; the nil UUID: neither is there.
func (q *query) pageOf() uuid.UUID {
	if q.has("url") && q.has("page") {
		q.fail("the parameters url and page", "name the same thing: send one of them")
	}
	if !q.has("url") {
		return q.id("page")
	}
	normal, err := storage.NormalizeURL(q.text("url"))
	if err != nil && q.err == nil {
		q.err = err
	}
	return storage.PageID(normal)
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
