package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"limn/storage"
)

const maxBody = 4 << 20 // bytes: the largest highlight, with every character escaped

// decode reads a request's body into v. What is no JSON, has a member twice or one that v does not know cannot be
// read; what has the wrong type, or text that is none, is refused with its pointer.
func decode(c *gin.Context, v any, options ...json.Options) error {
	body, err := readBody(c)
	if err != nil {
		return err
	}
	if string(bytes.TrimSpace(body)) == "null" { // which would leave all as it is
		return refused("", "must not be null")
	}
	err = json.Unmarshal(body, v, append(options, json.RejectUnknownMembers(true))...)
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
		return &unreadableError{orBody(pointer), "is no JSON: " + syntactic.Err.Error()}
	case errors.As(err, &semantic):
		pointer := string(semantic.JSONPointer)
		if errors.Is(err, json.ErrUnknownName) {
			return &unreadableError{pointer, "is not known here"}
		}
		return refused(pointer, "must be %s", typeName(semantic))
	}
	return fmt.Errorf("decode the request: %w", err)
}

func readBody(c *gin.Context) ([]byte, error) {
	body, err := readAll(c)
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, &unreadableError{"the request's body", "is empty"}
	}
	if err := http.NewResponseController(c.Writer).SetReadDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("set a request's deadlines: %w", err)
	}
	return body, beginTurn(c)
}

// readAll is io.ReadAll for a body of which one knows how large it says it is. Only one that has begun to be large gets that
// room, when it is its turn, and at once: to grow into it would cost five times as much.
func readAll(c *gin.Context) ([]byte, error) {
	r, size := http.MaxBytesReader(c.Writer, c.Request.Body, maxBody), c.Request.ContentLength
	var body bytes.Buffer
	_, err := io.CopyN(&body, r, bodyShare)
	switch {
	case errors.Is(err, io.EOF):
		return body.Bytes(), nil
	case err != nil:
		return nil, bodyError(err)
	}
	end, err := beginBody(c)
	if err != nil {
		return nil, err
	}
	defer end()
	if size > bodyShare && size <= maxBody {
		body.Grow(int(size) - bodyShare + bytes.MinRead)
	}
	if _, err := body.ReadFrom(r); err != nil {
		return nil, bodyError(err)
	}
	return body.Bytes(), nil
}

// bodyError is what becomes of a request whose body did not arrive.
func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	var slow net.Error
	switch {
	case errors.As(err, &tooLarge):
		return errTooLarge
	case errors.As(err, &slow) && slow.Timeout():
		return errTooSlow
	}
	return &unreadableError{"the request's body", "does not arrive"}
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
	case reflect.Int, reflect.Int64:
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

// orZero is what a field holds that may be missing.
func orZero[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
