package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"limn/storage"
)

// maxOperations is how many may be sent at once; all are done in the time of one request.
const maxOperations = 100

// A queuedOperation is a request that a client could not send when it was made. What is asked for in it is read and
// judged like any request of its own.
type queuedOperation struct {
	ID        *uuid.UUID     `json:"id"`
	Method    *string        `json:"method"`
	Path      *string        `json:"path"` // below apiBase, which may be there, too
	Body      jsontext.Value `json:"body"`
	IfVersion *int64         `json:"if_version"` // as If-Match
}

// A result is how an operation would have been answered by itself.
type result struct {
	ID     uuid.UUID      `json:"id"`
	Status int            `json:"status"`
	Body   jsontext.Value `json:"body,omitzero"` // a problem, too; missing: there is none, or it is gone since
}

// maxResults is how many bytes of answers are gathered, but for the last of them.
const maxResults = 4 << 20

// doOperations does what a client has queued, in its order and each once. When the server cannot do one of them now,
// those after it, which may depend on it, are not tried.
func (s *Server) doOperations(c *gin.Context) error {
	var operations []queuedOperation
	// Text that is none is the fault of one operation, and refused with it.
	if err := decode(c, &operations, jsontext.AllowInvalidUTF8(true)); err != nil {
		return err
	}
	if err := checkOperations(operations); err != nil {
		return err
	}
	if err := s.limits.more(c, len(operations)-1); err != nil {
		return err
	}
	notTried := problemOf(errNotTried)
	body, err := json.Marshal(notTried)
	if err != nil {
		return err
	}
	results, size, later := make([]result, len(operations)), 0, false
	for i, o := range operations {
		results[i] = result{ID: *o.ID, Status: notTried.Status, Body: body}
		if later {
			continue
		}
		answer := heldAnswer{header: http.Header{}}
		s.queue.ServeHTTP(&answer, o.request(c, readerOf(c)))
		results[i].Status, results[i].Body = answer.status, answer.body.Bytes()
		size += answer.body.Len()
		later = answer.status >= http.StatusInternalServerError || size > maxResults
	}
	c.JSON(http.StatusOK, results)
	return nil
}

func checkOperations(operations []queuedOperation) error {
	if len(operations) > maxOperations {
		return refused("", "must have at most %d operations", maxOperations)
	}
	var invalid storage.InvalidError
	for i, o := range operations {
		missing := func(name string, is bool) {
			if is {
				pointer := "/" + strconv.Itoa(i) + "/" + name
				invalid.Fields = append(invalid.Fields, storage.FieldError{Pointer: pointer, Detail: "is missing"})
			}
		}
		missing("id", o.ID == nil || *o.ID == uuid.Nil)
		missing("method", o.Method == nil)
		missing("path", o.Path == nil)
	}
	if len(invalid.Fields) > 0 {
		return &invalid
	}
	return nil
}

// request is the operation as a request of a reader.
func (o queuedOperation) request(ctx context.Context, reader storage.Reader) *http.Request {
	hash := sha256.New()
	fmt.Fprintf(hash, "%q %q %d %s", *o.Method, *o.Path, orZero(o.IfVersion), o.Body)
	reader.Operation = &storage.Operation{ID: *o.ID, Hash: hash.Sum(nil)}
	request := &http.Request{Method: *o.Method, URL: &url.URL{}, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(o.Body))}
	if path, err := url.ParseRequestURI(strings.TrimPrefix(*o.Path, apiBase)); err == nil {
		request.URL = path // else there is nothing to be found
	}
	if o.IfVersion != nil {
		request.Header.Set("If-Match", `"`+strconv.FormatInt(*o.IfVersion, 10)+`"`)
	}
	return request.WithContext(context.WithValue(ctx, operationKey{}, reader))
}

type operationKey struct{}

// newQueue is the routes that operations are for, with the same handlers as all.
func (s *Server) newQueue() *gin.Engine {
	engine := gin.New()
	engine.RedirectTrailingSlash = false
	engine.ContextWithFallback = true
	engine.Use(func(c *gin.Context) { c.Set(readerKey, c.Request.Context().Value(operationKey{})) })
	engine.NoRoute(s.handle(func(*gin.Context) error {
		return refused("/path", "is, with this method, nothing that is done later: changes of highlights and replies are")
	}))
	for _, r := range s.routes() {
		if r.needs == queueable {
			engine.Handle(r.method, ginPath(r.path), s.handle(s.once(r.handle)))
		}
	}
	return engine
}

// once makes of a handler one that does nothing for an operation that was done before.
func (s *Server) once(handle func(*gin.Context) error) func(*gin.Context) error {
	return func(c *gin.Context) error {
		thing, err := s.store.DoneOperation(c, readerOf(c))
		if errors.Is(err, storage.ErrNotFound) {
			if err = handle(c); !errors.Is(err, storage.ErrRepeated) {
				return err
			}
			thing, err = s.store.DoneOperation(c, readerOf(c))
		}
		if err != nil {
			return err
		}
		return s.answerDone(c, thing)
	}
}

// answerDone answers an operation that was done before with the status of then and what there is now.
func (s *Server) answerDone(c *gin.Context, thing uuid.UUID) error {
	status := http.StatusOK
	switch {
	case c.Request.Method == http.MethodDelete:
		c.Status(http.StatusNoContent)
		return nil
	case c.Request.Method == http.MethodPost && !strings.HasSuffix(c.FullPath(), "/reanchor"):
		status = http.StatusCreated
	}
	var now any
	var err error
	if strings.Contains(c.FullPath(), "/replies") {
		now, err = s.store.GetReply(c, readerOf(c), thing)
	} else {
		now, err = s.store.GetHighlight(c, readerOf(c), thing)
	}
	switch {
	case errors.Is(err, storage.ErrNotFound): // erased since, or hidden
		c.Status(status)
		return nil
	case err != nil:
		return err
	}
	c.JSON(status, now)
	return nil
}

// A heldAnswer keeps what a handler answers. The deadlines are those of the request that all operations came in.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *heldAnswer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *heldAnswer) WriteHeader(status int) { a.status = status }

// Write implements http.ResponseWriter.
func (a *heldAnswer) Write(b []byte) (int, error) { return a.body.Write(b) }

// SetReadDeadline lets http.ResponseController have its way.
func (a *heldAnswer) SetReadDeadline(time.Time) error { return nil }
