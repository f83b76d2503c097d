package intake

import (
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"limn/storage"
	"limn/xpath"
)

// readJSONLD reads annotations of the W3C Web Annotation Data Model: a collection, a page of one, an array, or one alone.
func readJSONLD(s *source) {
	read := s.each(Annotation)
	if next, ok := s.space(); ok && next == '{' { // one alone is small enough to be looked at
		start, _ := s.in.Peek(s.in.Size())
		if alone(start) {
			read(&element{source: s, line: s.line})
			return
		}
	}
	d := &document{source: s}
	d.walkAnnotations(read, "", "/items", "/first/items", "/@graph")
}

// alone tells an annotation by its target, which no collection has at its top.
func alone(start []byte) bool {
	dec := jsontext.NewDecoder(strings.NewReader(string(start)))
	if _, err := dec.ReadToken(); err != nil {
		return false
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return false
		}
		if name.String() == "target" {
			return true
		}
		if name.String() == "items" || name.String() == "first" || dec.SkipValue() != nil {
			return false
		}
	}
	return false
}

// A webAnnotation has the members that mean something here. Many may be one thing or a list, a string or an object.
type webAnnotation struct {
	ID         string         `json:"id"`
	OtherID    string         `json:"@id"`
	Type       jsontext.Value `json:"type"`
	Canonical  string         `json:"canonical"`
	Motivation jsontext.Value `json:"motivation"`
	Created    time.Time      `json:"created"`
	Modified   time.Time      `json:"modified"`
	Creator    jsontext.Value `json:"creator"`
	Stylesheet jsontext.Value `json:"stylesheet"`
	Body       jsontext.Value `json:"body"`
	BodyValue  *string        `json:"bodyValue"`
	Target     jsontext.Value `json:"target"`
}

// Annotation reads one annotation.
func Annotation(text []byte) (item storage.Item) {
	var a webAnnotation
	if item.Err = decode(text, &a); item.Err != nil {
		return item
	}
	if !isObject(text) {
		item.Err = refused("", "must be an object")
		return item
	}
	if !has(a.Type, "Annotation") {
		item.Err = refused("/type", "must be Annotation")
		return item
	}
	if a.Body != nil && a.BodyValue != nil {
		item.Err = refused("/bodyValue", "must not be there beside a body")
		return item
	}
	targets := list(a.Target)
	if len(targets) == 0 {
		item.Err = refused("/target", "is missing")
		return item
	}
	id, foreign := annotationID(a)
	note, tags := bodies(a)
	author := storage.Account{Name: creatorOf(a.Creator)}
	if answered, ok := ours(sourceOf(targets[0])); ok && has(a.Motivation, "replying") {
		item.Reply = &storage.Reply{ID: id, Author: author, Note: note, InReplyTo: &answered, CreatedAt: a.Created, UpdatedAt: a.Modified}
		item.Foreign = foreign
		return item
	}
	h := storage.Highlight{
		ID: id, Page: storage.PageRef{URL: sourceOf(targets[0])}, Author: author, Note: note, Tags: tags, Color: ink(a.Stylesheet),
		CreatedAt: a.Created, UpdatedAt: a.Modified,
	}
	for i, target := range targets {
		if i > 0 && sourceOf(target) != h.Page.URL {
			item.Err = refused("/target", "must be one page: a highlight stands on one")
			return item
		}
		if r, ok := annotatedRange(target); ok {
			h.Ranges = append(h.Ranges, r)
		}
	}
	item.Highlight, item.Foreign = &h, foreign
	if h.Page.URL == "" {
		item.Err = refused("/target", "has no source")
	}
	return item
}

// annotationID is an id of ours, or one that stands for another. Ours says its UUID in its canonical IRI, too.
func annotationID(a webAnnotation) (id uuid.UUID, foreign string) {
	if a.ID == "" {
		a.ID = a.OtherID
	}
	for _, iri := range []string{a.Canonical, a.ID} {
		if id, ok := ours(iri); ok {
			return id, ""
		}
	}
	if a.ID == "" {
		return uuid.Nil, ""
	}
	return uuid.Nil, "annotation " + a.ID
}

var ourIRI = regexp.MustCompile(`^(?:urn:uuid:|https?://[^/]+/(?:api/v1/(?:highlights|replies)|annotations)/)([0-9a-fA-F-]{36})$`)

// ours is the UUID in the IRI of a highlight or reply.
func ours(iri string) (id uuid.UUID, ok bool) {
	match := ourIRI.FindStringSubmatch(iri)
	if match == nil {
		return uuid.Nil, false
	}
	id, err := uuid.Parse(match[1])
	return id, err == nil && id != uuid.Nil
}

// list is the one thing or the many that a member has.
func list(value jsontext.Value) (all []jsontext.Value) {
	switch value.Kind() {
	case 'n', 0:
		return nil
	case '[':
		_ = json.Unmarshal(value, &all) // it has been read before
		return all
	}
	return []jsontext.Value{value}
}

// has tells whether a word is the one, or among the many.
func has(value jsontext.Value, word string) bool {
	for _, v := range list(value) {
		if textOf(v) == word {
			return true
		}
	}
	return false
}

// textOf is a string; empty: it is none.
func textOf(value jsontext.Value) (text string) {
	if value.Kind() == '"' {
		_ = json.Unmarshal(value, &text)
	}
	return text
}

// sourceOf is the IRI of a target: itself, its source, or its id.
func sourceOf(target jsontext.Value) string {
	if target.Kind() != '{' {
		return textOf(target)
	}
	var resource struct {
		ID     string         `json:"id"`
		Source jsontext.Value `json:"source"`
	}
	if json.Unmarshal(target, &resource) != nil {
		return ""
	}
	if resource.Source != nil {
		return sourceOf(resource.Source)
	}
	return resource.ID
}

// bodies are the note and the tags. A body that stands elsewhere is its address.
func bodies(a webAnnotation) (note string, tags []string) {
	var notes []string
	if a.BodyValue != nil {
		notes = append(notes, *a.BodyValue)
	}
	for _, value := range list(a.Body) {
		var body struct {
			ID      string         `json:"id"`
			Source  string         `json:"source"`
			Value   string         `json:"value"`
			Purpose jsontext.Value `json:"purpose"`
		}
		if value.Kind() != '{' {
			body.ID = textOf(value)
		} else if json.Unmarshal(value, &body) != nil {
			continue
		}
		text := body.Value
		if text == "" {
			text = body.Source
		}
		if text == "" {
			text = body.ID
		}
		switch {
		case text == "":
		case has(body.Purpose, "tagging"), body.Purpose == nil && has(a.Motivation, "tagging"):
			tags = append(tags, text)
		default:
			notes = append(notes, text)
		}
	}
	return strings.Join(notes, "\n\n"), tags
}

func creatorOf(value jsontext.Value) string {
	for _, v := range list(value) {
		var agent struct {
			ID       string         `json:"id"`
			Name     jsontext.Value `json:"name"`
			Nickname string         `json:"nickname"`
		}
		if v.Kind() != '{' {
			return textOf(v)
		}
		if json.Unmarshal(v, &agent) != nil {
			continue
		}
		for _, name := range list(agent.Name) {
			return textOf(name)
		}
		if agent.Nickname != "" {
			return agent.Nickname
		}
		return agent.ID
	}
	return ""
}

var inkRule = regexp.MustCompile(`background(?:-color)?:\s*(#[0-9a-fA-F]{6}|[a-z]{3,10})`)

// ink is the color in a stylesheet; empty: it says none that there is.
func ink(value jsontext.Value) string {
	var sheet struct {
		Value string `json:"value"`
	}
	if value.Kind() != '{' || json.Unmarshal(value, &sheet) != nil {
		return ""
	}
	match := inkRule.FindStringSubmatch(sheet.Value)
	if match == nil || storage.CheckColor(match[1]) != nil {
		return ""
	}
	return match[1]
}

// annotatedRange is what a target's selectors say. Numbers in them count code points; what lies before them is in the quote, if it
// reaches back far enough. Otherwise the quote alone says where it stands.
func annotatedRange(target jsontext.Value) (r xpath.Range, ok bool) {
	var resource struct {
		Selector jsontext.Value `json:"selector"`
	}
	if target.Kind() != '{' || json.Unmarshal(target, &resource) != nil {
		return r, false
	}
	var selectors []selector
	for _, value := range list(resource.Selector) {
		var s selector
		if value.Kind() == '{' && json.Unmarshal(value, &s) == nil {
			selectors = append(selectors, s)
		}
	}
	var quote *selector
	for i := range selectors {
		switch s := &selectors[i]; {
		case s.Type == "TextQuoteSelector" && s.Exact != "":
			quote = s
		case quote == nil && s.RefinedBy != nil && s.RefinedBy.Type == "TextQuoteSelector" && s.RefinedBy.Exact != "":
			quote = s.RefinedBy
		}
	}
	if quote == nil {
		return r, false
	}
	r = quoted(quote.Exact, quote.Prefix, quote.Suffix)
	for _, s := range selectors {
		switch s.Type {
		case "TextPositionSelector":
			if start, known := pointsBefore(quote, s.Start); known {
				r.Position = &xpath.Position{Start: start, End: start + xpath.Units(quote.Exact)}
			}
		case "RangeSelector":
			if anchor, focus, known := rangeEnds(quote, s); known {
				r.Anchor, r.Focus = anchor, focus
			}
		case "XPathSelector":
			if _, err := xpath.Parse(s.Value); err == nil && r.Anchor.XPath == body {
				r.Anchor.XPath, r.Focus.XPath = s.Value, s.Value
			}
		}
	}
	return r, true
}

// pointsBefore is a number of code points before a quote in code units, if the quote's prefix has them all.
func pointsBefore(quote *selector, points *int) (units int, known bool) {
	if points == nil || *points < 0 {
		return 0, false
	}
	return lastPoints(quote.Prefix, *points)
}

// rangeEnds are the ends of a range, each a place in a text node.
func rangeEnds(quote *selector, s selector) (anchor, focus xpath.Point, known bool) {
	from, to := s.StartSelector, s.EndSelector
	if from == nil || to == nil || from.Type != "XPathSelector" || to.Type != "XPathSelector" || from.RefinedBy == nil || to.RefinedBy == nil || to.RefinedBy.End == nil {
		return anchor, focus, false
	}
	for _, path := range []string{from.Value, to.Value} {
		if _, err := xpath.Parse(path); err != nil {
			return anchor, focus, false
		}
	}
	start, known := pointsBefore(quote, from.RefinedBy.Start)
	if !known {
		return anchor, focus, false
	}
	end := start + xpath.Units(quote.Exact)
	if from.Value != to.Value { // the quote ends with the beginning of the last node
		if end, known = lastPoints(quote.Exact, *to.RefinedBy.End); !known {
			return anchor, focus, false
		}
	}
	return xpath.Point{XPath: from.Value, Offset: start}, xpath.Point{XPath: to.Value, Offset: end}, true
}
