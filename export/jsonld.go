package export

import (
	"io"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"limn/storage"
	"limn/xpath"
)

const annotationContext = "http://www.w3.org/ns/anno.jsonld"

// A jsonldSheet is an AnnotationCollection of the W3C Web Annotation Data Model with all annotations in its first
// page. A highlight is an annotation, each reply another. Each has the context of its own, so that it can be taken out.
type jsonldSheet struct {
	list
	origin string
}

func beginJSONLD(w io.Writer, origin string) sheet {
	collection := "urn:uuid:" + uuid.NewString() // this export: asked again, there may be more
	page := "urn:uuid:" + uuid.NewString()
	return &jsonldSheet{origin: origin, list: list{w: w, head: `{"@context":"` + annotationContext + `","id":"` + collection +
		`","type":"AnnotationCollection","label":"Highlights from limn","first":{"id":"` + page +
		`","type":"AnnotationPage","partOf":"` + collection + `","startIndex":0,"items":[`}}
}

func (s *jsonldSheet) add(t storage.Thread) error {
	h := t.Highlight
	id := s.origin + "/api/v1/highlights/" + h.ID.String()
	if err := s.list.add(highlightAnnotation(id, h)); err != nil {
		return err
	}
	for _, r := range t.Replies {
		answered, replies := id, s.origin+"/api/v1/replies/"
		if r.InReplyTo != nil && slices.ContainsFunc(t.Replies, func(other storage.Reply) bool { return other.ID == *r.InReplyTo }) { // else it is gone
			answered = replies + r.InReplyTo.String()
		}
		if err := s.list.add(replyAnnotation(replies+r.ID.String(), answered, r)); err != nil {
			return err
		}
	}
	return nil
}

func (s *jsonldSheet) end() error {
	s.tail = `]},"total":` + strconv.Itoa(s.items) + "}\n"
	return s.list.end()
}

type annotation struct {
	Context    string      `json:"@context"`
	ID         string      `json:"id"`
	Type       string      `json:"type"`
	Canonical  string      `json:"canonical"`
	Via        string      `json:"via,omitempty"`
	Motivation string      `json:"motivation"`
	Created    time.Time   `json:"created"`
	Modified   time.Time   `json:"modified"`
	Creator    person      `json:"creator"`
	Stylesheet *stylesheet `json:"stylesheet,omitempty"`
	Body       []body      `json:"body,omitempty"`
	Target     any         `json:"target"`
}

type person struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Name string `json:"name"`
}

type body struct {
	Type    string `json:"type"`
	Value   string `json:"value"`
	Format  string `json:"format"`
	Purpose string `json:"purpose"`
}

// A stylesheet keeps the ink: the model has no property for a color.
type stylesheet struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

type target struct {
	Type       string     `json:"type"`
	Source     string     `json:"source"`
	StyleClass string     `json:"styleClass"`
	State      state      `json:"state"`
	Selector   []selector `json:"selector,omitempty"`
}

type state struct {
	Type       string    `json:"type"`
	SourceDate time.Time `json:"sourceDate"`
}

// A selector is any of the model's: which fields it has depends on its type.
type selector struct {
	Type          string    `json:"type"`
	Value         string    `json:"value,omitempty"`
	Exact         string    `json:"exact,omitempty"`
	Prefix        string    `json:"prefix,omitempty"`
	Suffix        string    `json:"suffix,omitempty"`
	Start         *int      `json:"start,omitempty"`
	End           *int      `json:"end,omitempty"`
	StartSelector *selector `json:"startSelector,omitempty"`
	EndSelector   *selector `json:"endSelector,omitempty"`
	RefinedBy     *selector `json:"refinedBy,omitempty"`
}

func highlightAnnotation(id string, h storage.Highlight) annotation {
	a := annotation{
		Context: annotationContext, ID: id, Type: "Annotation", Canonical: "urn:uuid:" + h.ID.String(), Motivation: "highlighting",
		Created: h.CreatedAt.UTC(), Modified: h.UpdatedAt.UTC(), Creator: creator(h.Author),
		Stylesheet: &stylesheet{"CssStylesheet", ".ink { background-color: " + h.Color + " }"},
	}
	if h.Note != "" {
		a.Body = append(a.Body, body{"TextualBody", h.Note, "text/markdown", "commenting"})
	}
	for _, tag := range h.Tags {
		a.Body = append(a.Body, body{"TextualBody", tag, "text/plain", "tagging"})
	}
	targets := make([]target, max(1, len(h.Ranges)))
	for i := range targets {
		targets[i] = target{Type: "SpecificResource", Source: h.Page.URL, StyleClass: "ink", State: state{"TimeState", h.CreatedAt.UTC()}}
		if i < len(h.Ranges) {
			targets[i].Selector = selectors(h.Ranges[i])
		}
	}
	if a.Target = targets; len(targets) == 1 {
		a.Target = targets[0]
	}
	return a
}

func replyAnnotation(id, answered string, r storage.Reply) annotation {
	return annotation{
		Context: annotationContext, ID: id, Type: "Annotation", Canonical: "urn:uuid:" + r.ID.String(), Motivation: "replying",
		Created: r.CreatedAt.UTC(), Modified: r.UpdatedAt.UTC(), Creator: creator(r.Author),
		Body: []body{{"TextualBody", r.Note, "text/markdown", "replying"}}, Target: answered,
	}
}

// Annotation is a highlight or a reply in the container of a server, with the IRIs that it came with.
func Annotation(origin string, a storage.Annotation) any {
	container := origin + "/annotations/"
	id := container + a.ID().String()
	var written annotation
	if a.Reply == nil {
		written = highlightAnnotation(id, *a.Highlight)
	} else {
		answered := a.Reply.Highlight
		if a.Reply.InReplyTo != nil {
			answered = *a.Reply.InReplyTo
		}
		written = replyAnnotation(id, container+answered.String(), *a.Reply)
	}
	written.Canonical, written.Via = a.Canonical(), a.Via
	return written
}

func creator(a storage.Account) person { return person{"urn:uuid:" + a.ID.String(), "Person", a.Name} }

// selectors are all that say soundly where a range is; none before its page was read. The model counts code points
// where browsers and limn count UTF-16 code units. What lies between is the page's text, which is not kept, so a number
// is given only where the quote and its prefix reach back to where it counts from.
func selectors(r xpath.Range) []selector {
	if r.Quote == nil || r.Quote.Exact == "" {
		return nil
	}
	quote := selector{Type: "TextQuoteSelector", Exact: r.Quote.Exact, Prefix: r.Quote.Prefix, Suffix: r.Quote.Suffix}
	list := []selector{quote}
	if start, end, ok := ends(r); ok {
		list = append(list, selector{Type: "RangeSelector", StartSelector: &start, EndSelector: &end})
	} else if r.Anchor.XPath == r.Focus.XPath && isText(r.Anchor.XPath) {
		list = append(list, selector{Type: "XPathSelector", Value: r.Anchor.XPath, RefinedBy: &quote})
	}
	if r.Position != nil {
		if start, ok := tail(r.Quote.Prefix, r.Position.Start); ok {
			list = append(list, position(start, start+utf8.RuneCountInString(r.Quote.Exact)))
		}
	}
	return list
}

// ends are where a range starts and ends, each a place in a text node.
func ends(r xpath.Range) (start, end selector, ok bool) {
	first, last := r.Anchor, r.Focus
	if !isText(first.XPath) || !isText(last.XPath) {
		return selector{}, selector{}, false
	}
	switch inOrder, known := xpath.InOrder(first, last); {
	case !known:
		return selector{}, selector{}, false
	case !inOrder:
		first, last = last, first
	}
	from, ok := tail(r.Quote.Prefix, first.Offset)
	if !ok {
		return selector{}, selector{}, false
	}
	to := from + utf8.RuneCountInString(r.Quote.Exact)
	if first.XPath != last.XPath { // the quote ends with the beginning of the last node
		if to, ok = tail(r.Quote.Exact, last.Offset); !ok {
			return selector{}, selector{}, false
		}
	}
	return at(first.XPath, from), at(last.XPath, to), true
}

func at(path string, codePoint int) selector {
	refined := position(codePoint, codePoint)
	return selector{Type: "XPathSelector", Value: path, RefinedBy: &refined}
}

func position(start, end int) selector {
	return selector{Type: "TextPositionSelector", Start: &start, End: &end}
}

func isText(path string) bool {
	parsed, err := xpath.Parse(path)
	return err == nil && len(parsed.Steps) > 0 && parsed.Steps[len(parsed.Steps)-1].Text
}

// tail counts the code points of the last so many UTF-16 code units of a text. Not ok: the text has fewer, or they begin
// in the middle of a character.
func tail(text string, units int) (codePoints int, ok bool) {
	runes := []rune(text)
	for i := len(runes) - 1; units > 0 && i >= 0; i-- {
		units--
		if runes[i] > 0xffff {
			units--
		}
		codePoints++
	}
	return codePoints, units == 0
}
