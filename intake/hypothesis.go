package intake

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"limn/storage"
	"limn/xpath"
)

// readHypothesis reads what Hypothesis's client writes, what its API answers a search with, and a bare array of annotations.
func readHypothesis(s *source) {
	owner := ""
	d := &document{source: s}
	d.value = func(path string, text []byte) {
		if path == "/export_userid" {
			_ = json.Unmarshal(text, &owner) // what is none says nothing
		}
	}
	item := func(text []byte) storage.Item { return hypothesisItem(text, owner) }
	d.walkAnnotations(s.each(item), "", "/annotations", "/rows", "/replies")
}

type hypothesisAnnotation struct {
	ID       string    `json:"id"`
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
	User     string    `json:"user"`
	UserInfo *struct {
		Name *string `json:"display_name"`
	} `json:"user_info"`
	URI         string   `json:"uri"`
	Text        string   `json:"text"`
	Tags        []string `json:"tags"`
	Group       string   `json:"group"`
	References  []string `json:"references"`
	Permissions struct {
		Read []string `json:"read"`
	} `json:"permissions"`
	Target []struct {
		Source   string     `json:"source"`
		Selector []selector `json:"selector"`
	} `json:"target"`
	Document struct {
		Title jsontext.Value `json:"title"`
	} `json:"document"`
}

// A selector is any of those that are read: which fields it has depends on its type.
type selector struct {
	Type          string    `json:"type"`
	Value         string    `json:"value"`
	Exact         string    `json:"exact"`
	Prefix        string    `json:"prefix"`
	Suffix        string    `json:"suffix"`
	Start         *int      `json:"start"`
	End           *int      `json:"end"`
	StartSelector *selector `json:"startSelector"`
	EndSelector   *selector `json:"endSelector"`
	RefinedBy     *selector `json:"refinedBy"`
}

func hypothesisItem(text []byte, owner string) (item storage.Item) {
	var a hypothesisAnnotation
	if item.Err = decode(text, &a); item.Err != nil {
		return item
	}
	author := storage.Account{Name: a.User} // none: the one who takes it in
	switch {
	case a.User == owner:
		author.Name = ""
	case a.UserInfo != nil && a.UserInfo.Name != nil && *a.UserInfo.Name != "":
		author.Name = *a.UserInfo.Name
	default:
		author.Name, _, _ = strings.Cut(strings.TrimPrefix(a.User, "acct:"), "@")
	}
	id, foreign := hypothesisID(a.ID)
	if len(a.References) > 0 {
		r := storage.Reply{ID: id, Author: author, Note: a.Text, CreatedAt: a.Created, UpdatedAt: a.Updated}
		item.Reply, item.Foreign = &r, foreign
		var answered uuid.UUID
		if answered, item.Answers = hypothesisID(a.References[len(a.References)-1]); item.Answers == "" {
			r.InReplyTo = &answered
		}
		if r.Note == "" {
			item.Err = refused("/text", "must not be empty")
		}
		return item
	}
	h := storage.Highlight{
		ID: id, Page: storage.PageRef{URL: a.URI, Title: hypothesisTitle(a.Document.Title)}, Group: a.Group, Author: author,
		Note: a.Text, Tags: a.Tags, CreatedAt: a.Created, UpdatedAt: a.Updated,
	}
	if h.Group == "__world__" || h.Group == "" {
		h.Group = "public"
	}
	if len(a.Permissions.Read) > 0 && !strings.HasPrefix(a.Permissions.Read[0], "group:") {
		h.Group = "me"
	}
	for _, target := range a.Target {
		if r, ok := hypothesisRange(target.Selector); ok {
			h.Ranges = append(h.Ranges, r)
		}
	}
	item.Highlight, item.Foreign = &h, foreign
	if a.URI == "" {
		item.Err = refused("/uri", "is missing")
	}
	return item
}

// hypothesisID is an id of ours, or one that stands for another.
func hypothesisID(id string) (ours uuid.UUID, foreign string) {
	if ours, err := uuid.Parse(id); err == nil && len(id) == 36 {
		return ours, ""
	}
	return uuid.Nil, "hypothesis " + id
}

// hypothesisRange is what a target's selectors say. Paths lead to elements there and count text from them, which takes the
// page; so a target is its quote. One without is a note on the page.
func hypothesisRange(selectors []selector) (r xpath.Range, ok bool) {
	var at *xpath.Position
	for _, s := range selectors {
		switch {
		case s.Type == "TextQuoteSelector" && s.Exact != "":
			r, ok = quoted(s.Exact, s.Prefix, s.Suffix), true
		case s.Type == "TextPositionSelector" && s.Start != nil && s.End != nil && *s.Start >= 0 && *s.End >= *s.Start:
			at = &xpath.Position{Start: *s.Start, End: *s.End}
		}
	}
	r.Position = at
	return r, ok
}

// hypothesisTitle is the first title; some write one, some a list.
func hypothesisTitle(text jsontext.Value) string {
	var titles []string
	if json.Unmarshal(text, &titles) == nil && len(titles) > 0 {
		return titles[0]
	}
	var title string
	if json.Unmarshal(text, &title) != nil {
		return ""
	}
	return title
}
