package server

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"limn/export"
	"limn/intake"
	"limn/storage"
)

// The container of the W3C Web Annotation Protocol. Its sections are meant below.
const (
	containerPath  = "/annotations/"
	annotationType = `application/ld+json; profile="http://www.w3.org/ns/anno.jsonld"`
	annotationPage = 50 // annotations on a page of the container
)

func (s *Server) annotationRoutes() []route {
	return []route{
		{http.MethodGet, containerPath, nothing, s.getContainer},
		{http.MethodHead, containerPath, nothing, s.getContainer},
		{http.MethodOptions, containerPath, nothing, s.describeContainer},
		{http.MethodPost, containerPath, account, s.createAnnotation},
		{http.MethodGet, containerPath + "{id}", nothing, s.getAnnotation},
		{http.MethodHead, containerPath + "{id}", nothing, s.getAnnotation},
		{http.MethodOptions, containerPath + "{id}", nothing, s.describeAnnotation},
		{http.MethodPut, containerPath + "{id}", account, s.putAnnotation},
		{http.MethodDelete, containerPath + "{id}", account, s.deleteAnnotation},
	}
}

// describeContainer says what the container is and what can be done with it (4.1).
func (s *Server) describeContainer(c *gin.Context) error {
	header := c.Writer.Header()
	header.Add("Link", `<http://www.w3.org/ns/ldp#BasicContainer>; rel="type"`)
	header.Add("Link", `<http://www.w3.org/ns/oa#AnnotationCollection>; rel="type"`)
	header.Add("Link", `<http://www.w3.org/TR/annotation-protocol/>; rel="http://www.w3.org/ns/ldp#constrainedBy"`)
	header.Set("Allow", "GET, HEAD, OPTIONS, POST")
	header.Set("Accept-Post", annotationType)
	header.Set("Vary", "Accept, Prefer, Authorization, Cookie")
	if c.Request.Method == http.MethodOptions {
		c.Status(http.StatusNoContent)
	}
	return nil
}

func (s *Server) describeAnnotation(c *gin.Context) error {
	header := c.Writer.Header()
	header.Add("Link", `<http://www.w3.org/ns/ldp#Resource>; rel="type"`)
	header.Add("Link", `<http://www.w3.org/ns/oa#Annotation>; rel="type"`)
	header.Set("Allow", "GET, HEAD, OPTIONS, PUT, DELETE")
	header.Set("Vary", "Accept, Authorization, Cookie")
	if c.Request.Method == http.MethodOptions {
		c.Status(http.StatusNoContent)
	}
	return nil
}

// A container is an AnnotationCollection that is a BasicContainer as well (4.2).
type container struct {
	Context []string `json:"@context"`
	ID      string   `json:"id"`
	Type    []string `json:"type"`
	Label   string   `json:"label"`
	Total   int64    `json:"total"`
	First   any      `json:"first,omitempty"` // the page, or its IRI; an empty container has none
	Last    string   `json:"last,omitempty"`
}

// A containerPage is one page of a container (4.3).
type containerPageOf struct {
	Context    string `json:"@context,omitempty"` // none within a container, which has it
	ID         string `json:"id"`
	Type       string `json:"type"`
	PartOf     partOf `json:"partOf"`
	StartIndex int64  `json:"startIndex"`
	Next       string `json:"next,omitempty"`
	Prev       string `json:"prev,omitempty"`
	Items      []any  `json:"items"`
}

type partOf struct {
	ID    string `json:"id"`
	Total int64  `json:"total"`
}

// getContainer answers with the container or one of its pages. What the client prefers decides whether annotations are in it,
// and whether whole or as IRIs.
func (s *Server) getContainer(c *gin.Context) error {
	q := readQuery(c, "iris", "page")
	iris := q.oneOf("iris", "0", "1") == "1"
	page := q.number("page", 0, 1<<40, 0)
	if q.err != nil {
		return q.err
	}
	if err := s.limits.costly(c); err != nil {
		return err
	}
	if err := s.describeContainer(c); err != nil {
		return err
	}
	minimal := false
	if !q.has("page") {
		preferred := preferences(c)
		minimal = slices.Contains(preferred, "http://www.w3.org/ns/ldp#PreferMinimalContainer")
		if !q.has("iris") {
			iris = slices.Contains(preferred, "http://www.w3.org/ns/oa#PreferContainedIRIs") &&
				!slices.Contains(preferred, "http://www.w3.org/ns/oa#PreferContainedDescriptions")
		}
		if len(preferred) > 0 {
			c.Header("Preference-Applied", "return=representation")
		}
	}
	listed, total, err := s.store.ListAnnotations(c, readerOf(c), page*annotationPage, annotationPage)
	if err != nil {
		return err
	}
	at := s.origin(c) + containerPath + "?iris=" + map[bool]string{true: "1", false: "0"}[iris]
	if q.has("page") {
		if page > 0 && page*annotationPage >= total {
			return storage.ErrNotFound
		}
		answer := s.pageOf(c, at, page, total, listed, iris)
		answer.Context = "http://www.w3.org/ns/anno.jsonld"
		return sendAnnotations(c, answer.ID, answer)
	}
	answer := container{
		Context: []string{"http://www.w3.org/ns/anno.jsonld", "http://www.w3.org/ns/ldp.jsonld"}, ID: at,
		Type: []string{"BasicContainer", "AnnotationCollection"}, Label: "Highlights of limn", Total: total,
	}
	if total > 0 {
		answer.Last = at + "&page=" + strconv.FormatInt((total-1)/annotationPage, 10)
		answer.First = s.pageOf(c, at, 0, total, listed, iris)
		if minimal {
			answer.First = at + "&page=0"
		}
	}
	if minimal {
		answer.ID = s.origin(c) + containerPath
	}
	return sendAnnotations(c, answer.ID, answer)
}

func (s *Server) pageOf(c *gin.Context, at string, page, total int64, listed []storage.Annotation, iris bool) containerPageOf {
	number := func(n int64) string { return at + "&page=" + strconv.FormatInt(n, 10) }
	p := containerPageOf{
		ID: number(page), Type: "AnnotationPage", PartOf: partOf{at, total}, StartIndex: page * annotationPage, Items: make([]any, len(listed)),
	}
	if page > 0 {
		p.Prev = number(page - 1)
	}
	if (page+1)*annotationPage < total {
		p.Next = number(page + 1)
	}
	for i, a := range listed {
		if p.Items[i] = export.Annotation(s.origin(c), a); iris {
			p.Items[i] = s.origin(c) + containerPath + a.ID().String()
		}
	}
	return p
}

// sendAnnotations answers with a container or a page. Its ETag is what it says.
func sendAnnotations(c *gin.Context, id string, answer any) error {
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	c.Header("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	c.Header("Content-Location", id)
	c.Data(http.StatusOK, annotationType, text)
	return nil
}

// preferences are the IRIs that a request prefers to be included (4.2, RFC 7240).
func preferences(c *gin.Context) (included []string) {
	for _, header := range c.Request.Header.Values("Prefer") {
		for part := range strings.SplitSeq(header, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			if strings.EqualFold(strings.TrimSpace(name), "include") {
				included = append(included, strings.Fields(strings.Trim(strings.TrimSpace(value), `"`))...)
			}
		}
	}
	return included
}

// getAnnotation answers with one annotation (3.1).
func (s *Server) getAnnotation(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	a, err := s.store.GetAnnotation(c, readerOf(c), id)
	if err != nil {
		return err
	}
	return s.sendAnnotation(c, http.StatusOK, a)
}

func (s *Server) sendAnnotation(c *gin.Context, status int, a storage.Annotation) error {
	if err := s.describeAnnotation(c); err != nil {
		return err
	}
	text, err := json.Marshal(export.Annotation(s.origin(c), a))
	if err != nil {
		return err
	}
	setETag(c, a.Version())
	c.Data(status, annotationType, text)
	return nil
}

// createAnnotation stores an annotation under an IRI of its own, and keeps the ones that it came with (5.1). It is for everybody,
// unless the query names a group.
func (s *Server) createAnnotation(c *gin.Context) error {
	q := readQuery(c, "group")
	group := q.text("group")
	if q.err != nil {
		return q.err
	}
	if group == "" {
		group = "public"
	}
	item, iris, err := readAnnotation(c)
	if err != nil {
		return err
	}
	a := storage.Annotation{IRIs: iris}
	if item.Reply != nil {
		answered, err := s.store.GetAnnotation(c, readerOf(c), *item.Reply.InReplyTo)
		if err != nil {
			return refused("/target", "is nothing that can be answered")
		}
		n := storage.NewReply{Highlight: answered.ID(), Note: item.Reply.Note}
		if answered.Reply != nil {
			n.Highlight, n.InReplyTo = answered.Reply.Highlight, &answered.Reply.ID
		}
		reply, page, _, err := s.store.CreateReply(c, readerOf(c), n)
		if err != nil {
			return err
		}
		s.hub.Changed(page)
		a.Reply = &reply
	} else {
		n, err := newHighlightOf(*item.Highlight, group)
		if err != nil {
			return err
		}
		n.Found = s.checker.Find(n.URL, n.Ranges)
		h, _, err := s.store.CreateHighlight(c, readerOf(c), n)
		if err != nil {
			return err
		}
		s.hub.Wrote(h.Page.ID, storage.Made(h))
		s.checker.Wake()
		a.Highlight = &h
	}
	if err := s.store.KeepIRIs(c, a); err != nil {
		return err
	}
	c.Header("Location", s.origin(c)+containerPath+a.ID().String())
	return s.sendAnnotation(c, http.StatusCreated, a)
}

// readAnnotation reads an annotation from a request, and the IRIs that are to be kept: its canonical one as it is, and its own,
// which it gets another one for, as that by which it came.
func readAnnotation(c *gin.Context) (item storage.Item, iris storage.IRIs, err error) {
	media, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil || media != "application/ld+json" && media != "application/json" {
		return item, iris, &unreadableError{"the header Content-Type", "must be " + annotationType}
	}
	body, err := readBody(c)
	if err != nil {
		return item, iris, err
	}
	if item = intake.Annotation(body); item.Err != nil {
		return item, iris, item.Err
	}
	var given struct {
		ID        string `json:"id"`
		Canonical string `json:"canonical"`
	}
	if err := json.Unmarshal(body, &given); err != nil {
		return item, iris, &unreadableError{"the request's body", "is no annotation"}
	}
	iris = storage.IRIs{Canonical: given.Canonical, Via: given.ID}
	for pointer, iri := range map[string]string{"/canonical": iris.Canonical, "/id": iris.Via} {
		if u, err := url.Parse(iri); iri != "" && (err != nil || u.Scheme == "" || len(iri) > 2048) {
			return item, iris, refused(pointer, "must be an IRI")
		}
	}
	return item, iris, nil
}

func newHighlightOf(h storage.Highlight, group string) (n storage.NewHighlight, err error) {
	n = storage.NewHighlight{Title: h.Page.Title, Group: group, Ranges: h.Ranges, Color: h.Color, Note: h.Note, Tags: h.Tags}
	n.URL, err = storage.NormalizeURL(h.Page.URL)
	return n, err
}

// putAnnotation replaces an annotation by another one on the same page, whose canonical IRI it keeps (5.3).
func (s *Server) putAnnotation(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	version, err := ifMatch(c)
	if err != nil {
		return err
	}
	item, iris, err := readAnnotation(c)
	if err != nil {
		return err
	}
	reader := readerOf(c)
	a, err := s.store.GetAnnotation(c, reader, id)
	if err != nil {
		return err
	}
	if iris.Canonical != "" && iris.Canonical != a.Canonical() {
		return refused("/canonical", "must stay what it is")
	}
	switch {
	case (a.Reply == nil) != (item.Reply == nil):
		return refused("/target", "must stay what it is")
	case a.Reply != nil:
		reply, page, err := s.store.UpdateReply(c, reader, id, storage.ReplyEdit{Note: item.Reply.Note, Version: version})
		if err != nil {
			return err
		}
		s.hub.Changed(page)
		a.Reply = &reply
	default:
		if err := s.putHighlight(c, *a.Highlight, *item.Highlight, version); err != nil {
			return err
		}
		if a, err = s.store.GetAnnotation(c, reader, id); err != nil {
			return err
		}
	}
	return s.sendAnnotation(c, http.StatusOK, a)
}

func (s *Server) putHighlight(c *gin.Context, h, put storage.Highlight, version *int64) error {
	n, err := newHighlightOf(put, "")
	if err != nil {
		return err
	}
	if n.URL != h.Page.URL {
		return refused("/target", "must stay on the same page")
	}
	if n.Color == "" {
		n.Color = h.Color
	}
	if n.Tags == nil {
		n.Tags = []string{}
	}
	_, err = s.store.UpdateHighlight(c, readerOf(c), h.ID, storage.HighlightEdit{Color: &n.Color, Note: &n.Note, Tags: &n.Tags, Version: version})
	if err == nil && !sameQuotes(h, put) {
		_, err = s.store.ReanchorHighlight(c, readerOf(c), h.ID, storage.Reanchoring{Ranges: n.Ranges})
		s.checker.Wake()
	}
	s.hub.Changed(h.Page.ID)
	return err
}

// sameQuotes tells whether an annotation is about the same passages as before: then it stays where it was found.
func sameQuotes(a, b storage.Highlight) bool {
	quotes := func(h storage.Highlight) (all []string) {
		for _, r := range h.Ranges {
			if r.Quote != nil {
				all = append(all, r.Quote.Exact, r.Quote.Prefix, r.Quote.Suffix)
			}
		}
		return all
	}
	return reflect.DeepEqual(quotes(a), quotes(b))
}

// deleteAnnotation erases an annotation; its IRI is never used again (5.4).
func (s *Server) deleteAnnotation(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	version, err := ifMatch(c)
	if err != nil {
		return err
	}
	page, err := s.store.DeleteHighlight(c, readerOf(c), id, version)
	if errors.Is(err, storage.ErrNotFound) {
		page, err = s.store.DeleteReply(c, readerOf(c), id, version)
	}
	if err != nil {
		return err
	}
	s.hub.Changed(page)
	c.Status(http.StatusNoContent)
	return nil
}
