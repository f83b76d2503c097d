package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"limn/storage"
)

const maxBody = 4 << 20 // bytes: the largest highlight, with every character escaped

// decode reads a request's body into v. What is no JSON, has a member twice or one that v does not know cannot be
// read; what has the wrong type, or text that is none, is refused with its pointer.
func decode(c *gin.Context, v any) error {
	body, err := readBody(c)
	if err != nil {
		return err
	}
	err = json.Unmarshal(body, v, json.RejectUnknownMembers(true))
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntactic):
		pointer := string(syntactic.JSONPointer)
		switch {
		case strings.Contains(syntactic.Err.Error(), "surrogate"):
			return refused(pointer, "must be text: a surrogate has no partner")
		case isNoNumber(body[min(int(syntactic.ByteOffset), len(body)):]):
			return refused(pointer, "must be a number")
		}
		return &unreadableError{orBody(pointer), syntactic.Err.Error()}
	case errors.As(err, &semantic):
		pointer := string(semantic.JSONPointer)
		if errors.Is(err, json.ErrUnknownName) {
			return &unreadableError{pointer, "is not a field of this request"}
		}
		return refused(pointer, "must be %s", typeName(semantic))
	}
	return fmt.Errorf("decode the request: %w", err)
}

func readBody(c *gin.Context) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxBody))
	var tooLarge *http.MaxBytesError
	var slow net.Error
	switch {
	case errors.As(err, &tooLarge):
		return nil, errTooLarge
	case errors.As(err, &slow) && slow.Timeout():
		return nil, errTooSlow
	case err != nil:
		return nil, &unreadableError{"the request's body", "does not arrive"}
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, &unreadableError{"the request's body", "is empty"}
	}
	return body, http.NewResponseController(c.Writer).SetReadDeadline(time.Time{})
}

// isNoNumber tells the values that other notations have for what is no number.
func isNoNumber(rest []byte) bool {
	for _, word := range []string{"NaN", "Infinity", "-Infinity", "-NaN", "nan", "inf"} {
		if bytes.HasPrefix(rest, []byte(word)) {
			return true
		}
	}
	return false
}

func orBody(pointer string) string {
	if pointer == "" {
		return "the request's body"
	}
	return pointer
}

// typeName says what was expected where something else stood.
func typeName(e *json.SemanticError) string {
	if e.GoType == nil {
		return "something else"
	}
	t := e.GoType
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[uuid.UUID]() {
		return "a UUID"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Int:
		return "a whole number"
	case reflect.Slice:
		return "an array"
	case reflect.Struct:
		return "an object"
	}
	return "something else"
}

// refused is a request that was read, but has a field that cannot be taken.
func refused(pointer, format string, args ...any) error {
	return &storage.InvalidError{Fields: []storage.FieldError{{Pointer: pointer, Detail: fmt.Sprintf(format, args...)}}}
}

// pathID is the UUID in the path; what is none names nothing.
func pathID(c *gin.Context) (uuid.UUID, error) {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return uuid.Nil, storage.ErrNotFound
	}
	return id, nil
}

// newIDOf is the id that a client has chosen for what it creates; the nil UUID: none.
func newIDOf(id *uuid.UUID) (uuid.UUID, error) {
	switch {
	case id == nil:
		return uuid.Nil, nil
	case *id == uuid.Nil:
		return uuid.Nil, refused("/id", "must not be the nil UUID")
	}
	return *id, nil
}

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
	if text != "" && !slices.Contains(values, text) {
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

// A list is one page of a list.
type list[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next"` // the cursor of the next page; null: there is none
}

// newList makes an answer of a page of a list, with a link to the next.
func newList[T any](c *gin.Context, items []T, next string) list[T] {
	if next == "" {
		return list[T]{Items: items}
	}
	link := *c.Request.URL
	values := link.Query()
	values.Set("after", next)
	link.RawQuery = values.Encode()
	c.Header("Link", fmt.Sprintf(`<%s>; rel="next"`, link.RequestURI()))
	return list[T]{Items: items, Next: &next}
}

var etag = regexp.MustCompile(`^"([0-9]{1,18})"$`)

// ifMatch is the version that a change is meant for; nil: whatever there is.
func ifMatch(c *gin.Context) (*int64, error) {
	value := strings.TrimSpace(c.GetHeader("If-Match"))
	if value == "" || value == "*" {
		return nil, nil
	}
	match := etag.FindStringSubmatch(value)
	if match == nil {
		return nil, &unreadableError{"the header If-Match", `must be one ETag of this server, such as "3"`}
	}
	version, err := strconv.ParseInt(match[1], 10, 64)
	return &version, err
}

func setETag(c *gin.Context, version int64) { c.Header("ETag", `"`+strconv.FormatInt(version, 10)+`"`) }
