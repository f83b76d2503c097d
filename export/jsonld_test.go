package export

import (
	"encoding/json"
	"net/url"
	"reflect"
	"testing"
	"time"

	"limn/storage"
	"limn/xpath"
)

// mustAnnotations writes threads as JSON-LD, holds the result to what the Web Annotation Data Model says it MUST be, and
// returns the annotations.
func mustAnnotations(t *testing.T, list ...storage.Thread) []map[string]any {
	t.Helper()
	var collection map[string]any
	if err := json.Unmarshal([]byte(mustWrite(t, "jsonld", list...)), &collection); err != nil {
		t.Fatal(err)
	}
	first, _ := collection["first"].(map[string]any)
	items, ok := first["items"].([]any)
	if collection["@context"] != "http://www.w3.org/ns/anno.jsonld" || collection["type"] != "AnnotationCollection" || first["type"] != "AnnotationPage" ||
		first["partOf"] != collection["id"] || !ok || collection["total"] != float64(len(items)) {
		t.Fatalf("this is no collection: %v", collection)
	}
	wantIRI(t, collection["id"])
	wantIRI(t, first["id"])
	annotations := make([]map[string]any, len(items))
	for i, item := range items {
		annotations[i] = item.(map[string]any)
		wantAnnotation(t, annotations[i])
	}
	return annotations
}

func wantIRI(t *testing.T, value any) {
	t.Helper()
	text, _ := value.(string)
	if u, err := url.Parse(text); err != nil || !u.IsAbs() {
		t.Errorf("%v is no IRI", value)
	}
}

func wantAnnotation(t *testing.T, a map[string]any) {
	t.Helper()
	wantIRI(t, a["id"])
	if a["@context"] != "http://www.w3.org/ns/anno.jsonld" || a["type"] != "Annotation" || a["target"] == nil {
		t.Errorf("this is no annotation: %v", a)
	}
	for _, name := range []string{"created", "modified"} {
		if at, err := time.Parse(time.RFC3339, a[name].(string)); err != nil || at.Location() != time.UTC {
			t.Errorf("%s is %v; want a time in UTC", name, a[name])
		}
	}
	bodies, _ := a["body"].([]any)
	for _, b := range bodies {
		if b := b.(map[string]any); b["type"] != "TextualBody" || b["value"] == nil || b["format"] == nil {
			t.Errorf("this is no body: %v", b)
		}
	}
	switch target := a["target"].(type) {
	case string:
		wantIRI(t, target)
	case map[string]any:
		wantTarget(t, target)
	case []any:
		for _, one := range target {
			wantTarget(t, one.(map[string]any))
		}
	}
}

func wantTarget(t *testing.T, target map[string]any) {
	t.Helper()
	wantIRI(t, target["source"])
	if state := target["state"].(map[string]any); state["type"] != "TimeState" || state["sourceDate"] == nil {
		t.Errorf("this is no state: %v", state)
	}
	selectors, _ := target["selector"].([]any)
	for _, s := range selectors {
		wantSelector(t, s.(map[string]any))
	}
}

func wantSelector(t *testing.T, s map[string]any) {
	t.Helper()
	must := map[string][]string{
		"TextQuoteSelector": {"exact"}, "TextPositionSelector": {"start", "end"}, "XPathSelector": {"value"}, "RangeSelector": {"startSelector", "endSelector"},
	}[s["type"].(string)]
	if must == nil {
		t.Errorf("the model has no selector %v", s)
	}
	for _, name := range must {
		if s[name] == nil {
			t.Errorf("%v has no %s", s, name)
		}
	}
	for _, inner := range []string{"startSelector", "endSelector", "refinedBy"} {
		if s, ok := s[inner].(map[string]any); ok {
			wantSelector(t, s)
		}
	}
}

func TestAHighlightAndItsRepliesAreAnnotations(t *testing.T) {
	second := ink().Replies[0]
	second.ID, second.InReplyTo = ada.ID, &replyID
	thread := ink()
	thread.Replies = append(thread.Replies, second)

	got := mustAnnotations(t, thread)

	if len(got) != 3 {
		t.Fatalf("%d annotations; want 3", len(got))
	}
	h, reply, nested := got[0], got[1], got[2]
	person := map[string]any{"id": "urn:uuid:01970000-0000-7000-8000-00000000000a", "type": "Person", "name": "Ada"}
	bodies := []any{
		map[string]any{"type": "TextualBody", "value": "Is *this* so?", "format": "text/markdown", "purpose": "commenting"},
		map[string]any{"type": "TextualBody", "value": "to read", "format": "text/plain", "purpose": "tagging"},
		map[string]any{"type": "TextualBody", "value": "ink", "format": "text/plain", "purpose": "tagging"},
	}
	if h["id"] != "https://limn.example/api/v1/highlights/01970000-0000-7000-8000-000000000001" || h["motivation"] != "highlighting" ||
		h["created"] != "2026-11-21T14:03:00.123456Z" || !reflect.DeepEqual(h["creator"], person) || !reflect.DeepEqual(h["body"], bodies) {
		t.Errorf("the highlight is %v", h)
	}
	if reply["motivation"] != "replying" || reply["target"] != h["id"] {
		t.Errorf("the reply is %v; want it to be about the highlight", reply)
	}
	if nested["target"] != reply["id"] {
		t.Errorf("the second reply is about %v; want the first", nested["target"])
	}
}

func TestPageNotesAndSeveralRangesAreTargets(t *testing.T) {
	page, several := ink(), ink()
	page.Highlight.Ranges, page.Highlight.Note, page.Highlight.Tags = nil, "", nil
	several.Highlight.Ranges = append(several.Highlight.Ranges, several.Highlight.Ranges[0])
	got := mustAnnotations(t, page, several)
	if target, ok := got[0]["target"].(map[string]any); !ok || target["source"] != "https://example.org/a" || target["selector"] != nil {
		t.Errorf("the target of a note on the page is %v", got[0]["target"])
	}
	if _, ok := got[0]["body"]; ok {
		t.Errorf("a highlight without words has the body %v", got[0]["body"])
	}
	if targets, ok := got[2]["target"].([]any); !ok || len(targets) != 2 {
		t.Errorf("two ranges have the target %v", got[2]["target"])
	}
	if got := mustAnnotations(t); len(got) != 0 {
		t.Errorf("nothing became %v", got)
	}
}

func TestPlacesAreCountedInCodePointsOrNotAtAll(t *testing.T) {
	const p1, p2, em = "/html[1]/body[1]/p[1]/text()[1]", "/html[1]/body[1]/p[2]/text()[1]", "/html[1]/body[1]/p[1]/em[1]/text()[1]"
	point := func(path string, offset int) xpath.Point { return xpath.Point{XPath: path, Offset: offset} }
	place := func(path string, at int) *selector {
		return &selector{Type: "XPathSelector", Value: path, RefinedBy: &selector{Type: "TextPositionSelector", Start: &at, End: &at}}
	}
	between := func(start, end *selector) selector {
		return selector{Type: "RangeSelector", StartSelector: start, EndSelector: end}
	}
	// 👍 and 😀 are one code point and two UTF-16 code units each.
	quote := &xpath.Quote{Exact: "😀is", Prefix: "👍nk", Suffix: " quiet."}
	text := selector{Type: "TextQuoteSelector", Exact: "😀is", Prefix: "👍nk", Suffix: " quiet."}
	inside := selector{Type: "XPathSelector", Value: p1, RefinedBy: &text}
	for name, c := range map[string]struct {
		in   xpath.Range
		want []selector
	}{
		"within a node":                         {xpath.Range{Anchor: point(p1, 4), Focus: point(p1, 8), Quote: quote}, []selector{text, between(place(p1, 3), place(p1, 6))}},
		"backward":                              {xpath.Range{Anchor: point(p1, 8), Focus: point(p1, 4), Quote: quote}, []selector{text, between(place(p1, 3), place(p1, 6))}},
		"from the node's start":                 {xpath.Range{Anchor: point(p1, 0), Focus: point(p1, 4), Quote: quote}, []selector{text, between(place(p1, 0), place(p1, 3))}},
		"farther in than the prefix reaches":    {xpath.Range{Anchor: point(p1, 5), Focus: point(p1, 9), Quote: quote}, []selector{text, inside}},
		"from the middle of a character":        {xpath.Range{Anchor: point(p1, 3), Focus: point(p1, 7), Quote: quote}, []selector{text, inside}},
		"over two nodes":                        {xpath.Range{Anchor: point(p1, 1), Focus: point(p2, 4), Quote: quote}, []selector{text, between(place(p1, 1), place(p2, 3))}},
		"over two nodes, backward":              {xpath.Range{Anchor: point(p2, 2), Focus: point(p1, 1), Quote: quote}, []selector{text, between(place(p1, 1), place(p2, 2))}},
		"farther than the quote reaches back":   {xpath.Range{Anchor: point(p1, 1), Focus: point(p2, 5), Quote: quote}, []selector{text}},
		"over nodes whose order is not known":   {xpath.Range{Anchor: point(p1, 1), Focus: point(em, 2), Quote: quote}, []selector{text}},
		"from an element":                       {xpath.Range{Anchor: point("/html[1]/body[1]", 0), Focus: point(p2, 2), Quote: quote}, []selector{text}},
		"without a quote":                       {xpath.Range{Anchor: point(p1, 4), Focus: point(p1, 8)}, nil},
		"with a position the prefix reaches":    {xpath.Range{Anchor: point(em, 0), Focus: point(p1, 2), Quote: quote, Position: &xpath.Position{Start: 4, End: 8}}, []selector{text, position(3, 6)}},
		"with a position that nobody can count": {xpath.Range{Anchor: point(em, 0), Focus: point(p1, 2), Quote: quote, Position: &xpath.Position{Start: 5, End: 9}}, []selector{text}},
	} {
		if got := selectors(c.in); !reflect.DeepEqual(got, c.want) {
			got, _ := json.Marshal(got)
			want, _ := json.Marshal(c.want)
			t.Errorf("%s: %s; want %s", name, got, want)
		}
	}
}
