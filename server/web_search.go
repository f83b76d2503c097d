package server

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"limn/export"
	"limn/storage"
	"limn/xpath"
)

// A searchView is a search, and what it finds.
type searchView struct {
	Asked  bool // there is something to look for
	Found  []match
	Next   string
	Query  string // the words
	Groups []choice
	Colors []choice
	States []choice
	Author string // as it was typed
	Tag    string
	Since  string // a day
	Until  string // a day, and all of it
	Narrow bool   // some filter is set
}

// A match is a highlight that a search has found, and where in it the words stand.
type match struct {
	card
	storage.Snippet // the zero Snippet: no words were looked for
}

// searchFields are what a search can be narrowed by; empty ones are as if they were not there, as forms send them.
var searchFields = []string{"q", "group", "author", "color", "tag", "state", "since", "until", "after", "done"}

// inkNames are the colors that have one.
var inkNames = []string{"yellow", "green", "blue", "pink", "purple", "orange", "red"}

func (s *Server) search(c *gin.Context) error {
	q := readQuery(c, searchFields...)
	for name, values := range q.values {
		if len(values) == 1 && strings.TrimSpace(values[0]) == "" {
			q.values.Del(name)
		}
	}
	body := searchView{
		Query: q.searched("q"), Author: q.text("author"), Tag: q.text("tag"), Since: q.text("since"), Until: q.text("until"),
	}
	filter := storage.Filter{
		Text: body.Query, Tag: body.Tag, Color: q.text("color"), State: xpath.State(q.oneOf("state", checkStates...)),
	}
	v := view{Title: "Search", Form: form{Values: q.values, Errors: map[string]string{}}}
	filter.Since = day(body.Since, v.Form, "since")
	if filter.Until = day(body.Until, v.Form, "until"); !filter.Until.IsZero() {
		filter.Until = filter.Until.AddDate(0, 0, 1)
	}
	group, after := q.text("group"), q.text("after")
	if q.err != nil {
		return q.err
	}
	if err := s.searchChoices(c, &body, group, filter); err != nil {
		return err
	}
	known, err := s.author(c, body.Author, &filter)
	if err != nil {
		return err
	}
	if !known {
		v.Form.Errors["author"] = "Nobody here has this name."
	}
	delete(q.values, "after")
	delete(q.values, "done")
	body.Asked = len(q.values) > 0
	body.Narrow = body.Asked && (len(q.values) > 1 || !q.has("q"))
	status := http.StatusOK
	switch {
	case len(v.Form.Errors) > 0:
		status = http.StatusUnprocessableEntity
	case body.Asked:
		if err := s.find(c, &body, group, filter, after, q.values); err != nil {
			return err
		}
	}
	if body.Query != "" {
		v.Title = body.Query + " – Search"
	}
	v.Body = body
	return s.show(c, status, "search", v)
}

func (s *Server) find(c *gin.Context, body *searchView, group string, filter storage.Filter, after string, values url.Values) error {
	reader := readerOf(c)
	var err error
	if group != "" {
		if reader, err = s.store.Only(c, reader, group); err != nil {
			return err
		}
	}
	list, next, _, err := s.store.ListHighlights(c, reader, filter, storage.Paging{Limit: pageCards, After: after})
	if err != nil {
		return err
	}
	cards, err := s.cardsOf(c, readerOf(c), list, 0)
	if err != nil {
		return err
	}
	snippets := make([]storage.Snippet, len(list))
	if filter.Text != "" {
		if snippets, err = s.store.Snippets(c, filter.Text, list, export.NoteText); err != nil {
			return err
		}
	}
	for i := range cards {
		body.Found = append(body.Found, match{cards[i], snippets[i]})
	}
	if next != "" {
		values.Set("after", next)
		body.Next = "/search?" + values.Encode()
	}
	return nil
}

// checkStates are those of a check.
var checkStates = []string{string(xpath.Pending), string(xpath.Verified), string(xpath.Moved), string(xpath.Orphaned), string(xpath.Unverifiable)}

// author finds whom a search names, by name or id.
func (s *Server) author(c *gin.Context, name string, filter *storage.Filter) (known bool, err error) {
	if name == "" {
		return true, nil
	}
	if id, err := uuid.Parse(name); err == nil {
		filter.Author = id
		return true, nil
	}
	id, known, err := s.store.FindAccount(c, name)
	filter.Author = id
	return known, err
}

// day reads a field that is a day; the zero time: there is none.
func day(text string, f form, field string) time.Time {
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < 1 || t.Year() > 9998 {
		f.Errors[field] = "Write a day as 2026-11-21."
	}
	return t
}

// searchChoices are what can be chosen among.
func (s *Server) searchChoices(c *gin.Context, body *searchView, group string, filter storage.Filter) error {
	option := func(list *[]choice, chosen, value, words string) {
		*list = append(*list, choice{Value: value, Words: words, Chosen: value == chosen})
	}
	option(&body.Groups, group, "", "All that you read")
	option(&body.Groups, group, "public", "Everybody")
	if readerOf(c).Account.ID != uuid.Nil {
		option(&body.Groups, group, "me", "Only me")
		groups, _, err := s.store.ListGroups(c, readerOf(c), storage.Paging{Limit: maxLimit})
		if err != nil {
			return err
		}
		for _, g := range groups {
			option(&body.Groups, group, g.ID.String(), g.Name)
		}
	}
	option(&body.Colors, filter.Color, "", "Any")
	for _, ink := range inkNames {
		option(&body.Colors, filter.Color, ink, strings.ToUpper(ink[:1])+ink[1:])
	}
	if filter.Color != "" && !slices.Contains(inkNames, filter.Color) {
		option(&body.Colors, filter.Color, filter.Color, filter.Color)
	}
	option(&body.States, string(filter.State), "", "Any")
	for _, state := range checkStates {
		option(&body.States, string(filter.State), state, foundStates[xpath.State(state)])
	}
	return nil
}
