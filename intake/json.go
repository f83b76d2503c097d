package intake

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"limn/storage"
)

// readJSON reads what export writes as json, what an account takes along from /me/export, and a bare array of highlights.
func readJSON(s *source) {
	r := newItems(s)
	d := &document{source: s}
	found := false
	d.elements = func(path string) func(*element) {
		switch path {
		case "", "/items", "/highlights":
			found = true
			return r.item
		case "/replies":
			return r.loose
		}
		return nil
	}
	d.walk()
	if !found && !s.stopped && s.failed == nil {
		s.refuse("", "has no items")
	}
}

// readNDJSON reads one item a line.
func readNDJSON(s *source) {
	r := newItems(s)
	for !s.stopped {
		window := s.window()
		if len(window) == 0 {
			return
		}
		e := &element{source: s, line: s.line, lines: true}
		r.item(e)
		e.drain()
	}
}

// items reads the items of json and ndjson.
type items struct {
	*source
	buffer  []byte
	decoder *jsontext.Decoder
}

func newItems(s *source) *items {
	return &items{source: s, decoder: jsontext.NewDecoder(bytes.NewReader(nil))}
}

// heldTogether is how much of an item is read at once; a larger one is read member by member.
const heldTogether = 1 << 20 // bytes

// An item is a highlight with all that is its own.
type item struct {
	storage.Highlight
	VerifiedAt   *time.Time            `json:"verified_at"`
	GroupDetails *storage.GroupDetails `json:"group_details"`

	History []jsontext.Value `json:"history"`
	Thread  []jsontext.Value `json:"thread"`
	Files   []jsontext.Value `json:"files"`
}

func (r *items) item(e *element) {
	text, err := e.read(r.buffer, heldTogether)
	r.buffer = text
	if e.lines && err == nil && len(bytes.TrimSpace(text)) == 0 {
		return
	}
	var it item
	switch {
	case err == nil:
		err = decode(text, &it)
		if err == nil && !isObject(text) {
			err = refused("", "must be an object")
		}
	case errors.Is(err, errTooLarge):
		err = r.large(e, text, &it)
	}
	if r.failed != nil {
		return
	}
	if err != nil {
		r.put(storage.Item{Line: e.line, Pointer: e.pointer, Err: err, Highlight: &it.Highlight})
		return
	}
	for i, text := range it.History {
		r.event(e, i, text, it.ID)
	}
	for i, text := range it.Thread {
		r.reply(e, i, text, it.ID)
	}
	for i, text := range it.Files {
		r.decoder.Reset(bytes.NewReader(text))
		if err := r.file(e, i, r.decoder, nil, it.ID); err != nil {
			r.part(e, "/files", i, err)
		}
	}
	r.highlight(e, it)
}

func isObject(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	return len(text) > 0 && text[0] == '{'
}

func (r *items) highlight(e *element, it item) {
	if it.GroupDetails != nil {
		r.put(storage.Item{Line: e.line, Pointer: e.pointer + "/group_details", Part: true, Group: it.GroupDetails})
	}
	if it.Page.URL == "" {
		r.put(storage.Item{Line: e.line, Pointer: e.pointer, Highlight: &it.Highlight, Err: refused("/page/url", "is missing")})
		return
	}
	r.put(storage.Item{Line: e.line, Pointer: e.pointer, Highlight: &it.Highlight, Verified: it.VerifiedAt})
}

// part refuses a part of an item, which goes in without it.
func (r *items) part(e *element, list string, i int, err error) {
	r.put(storage.Item{Line: e.line, Pointer: e.pointer + list + "/" + strconv.Itoa(i), Part: true, Err: err})
}

func (r *items) event(e *element, i int, text []byte, highlight uuid.UUID) {
	event := storage.Event{}
	if err := decode(text, &event); err != nil {
		r.part(e, "/history", i, err)
		return
	}
	event.Highlight = highlight
	r.put(storage.Item{Line: e.line, Pointer: e.pointer + "/history/" + strconv.Itoa(i), Part: true, Event: &event})
}

func (r *items) reply(e *element, i int, text []byte, highlight uuid.UUID) {
	var reply storage.Reply
	err := decode(text, &reply)
	if reply.Highlight = highlight; err == nil && highlight == uuid.Nil {
		err = refused("", "answers a highlight that has no id")
	}
	if err != nil {
		r.part(e, "/thread", i, err)
		return
	}
	r.put(storage.Item{Line: e.line, Pointer: e.pointer + "/thread/" + strconv.Itoa(i), Part: true, Reply: &reply})
}

// loose reads a reply that stands by itself, as an account's own do.
func (r *items) loose(e *element) {
	text, err := e.read(r.buffer, heldTogether)
	r.buffer = text
	var reply storage.Reply
	if err == nil {
		err = decode(text, &reply)
	}
	r.put(storage.Item{Line: e.line, Pointer: e.pointer, Reply: &reply, Err: err})
}

// large reads an item member by member, and hands on the parts of the lists in it as they come.
func (r *items) large(e *element, begun []byte, it *item) error {
	guard := &guard{from: io.MultiReader(bytes.NewReader(bytes.Clone(begun)), e), left: maxElement}
	dec := jsontext.NewDecoder(guard)
	if token, err := dec.ReadToken(); err != nil || token.Kind() != '{' {
		return named(errors.Join(err, refused("", "must be an object")))
	}
	rest := []byte{'{'}
	for dec.PeekKind() == '"' {
		token, err := dec.ReadToken()
		if err != nil {
			return guard.err(err)
		}
		name := token.String()
		if dec.PeekKind() == '[' && (name == "history" || name == "thread" || name == "files") {
			if err := json.Unmarshal(append(bytes.Clone(rest), '}'), it); err != nil {
				return named(err)
			}
			if it.ID == uuid.Nil {
				return refused("", "is too large, unless its id comes first")
			}
			if err := r.parts(e, dec, guard, name, it.ID); err != nil {
				return guard.err(err)
			}
			continue
		}
		value, err := dec.ReadValue()
		if err != nil {
			return guard.err(err)
		}
		if len(rest)+len(value) > maxElement {
			return errTooLarge
		}
		if len(rest) > 1 {
			rest = append(rest, ',')
		}
		rest, err = jsontext.AppendQuote(rest, name)
		if err != nil {
			return named(err)
		}
		rest = append(append(rest, ':'), value...)
		guard.left = maxElement
	}
	if _, err := dec.ReadToken(); err != nil {
		return guard.err(err)
	}
	return decode(append(rest, '}'), it)
}

func (r *items) parts(e *element, dec *jsontext.Decoder, guard *guard, list string, highlight uuid.UUID) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for i := 0; dec.PeekKind() != ']'; i++ {
		guard.left = maxElement
		if list == "files" {
			if err := r.file(e, i, dec, guard, highlight); err != nil {
				return err
			}
			continue
		}
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		if list == "thread" {
			r.reply(e, i, value, highlight)
		} else {
			r.event(e, i, value, highlight)
		}
	}
	_, err := dec.ReadToken()
	return err
}

// file reads a file, whose content is handed on piece by piece.
func (r *items) file(e *element, i int, dec *jsontext.Decoder, guard *guard, highlight uuid.UUID) error {
	f := storage.File{On: storage.Attached{Highlight: highlight}}
	if token, err := dec.ReadToken(); err != nil || token.Kind() != '{' {
		return errors.Join(err, refused("", "must be an object"))
	}
	var place int64
	for dec.PeekKind() == '"' {
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		name := token.String()
		if name != "content" {
			value, err := dec.ReadValue()
			if err != nil {
				return err
			}
			var into any
			switch name {
			case "id":
				into = &f.ID
			case "reply":
				into = &f.On.Reply
			case "name":
				into = &f.Name
			case "type":
				into = &f.Type
			case "stored_at":
				into = &f.StoredAt
			default:
				continue
			}
			if err := json.Unmarshal(value, into); err != nil {
				return refused("/"+name, "is not what it has to be")
			}
			continue
		}
		if token, err := dec.ReadToken(); err != nil || token.Kind() != '[' {
			return errors.Join(err, refused("/content", "must be an array"))
		}
		for dec.PeekKind() != ']' {
			if guard != nil {
				guard.left = maxElement
			}
			value, err := dec.ReadValue()
			if err != nil {
				return err
			}
			var piece []byte
			if err := json.Unmarshal(value, &piece); err != nil || len(piece) == 0 {
				return refused("/content", "must be base64")
			}
			if place+int64(len(piece)) > storage.MaxAttachment {
				return refused("/content", "must have at most %d bytes", storage.MaxAttachment)
			}
			if f.ID == uuid.Nil {
				return refused("/id", "must come first")
			}
			r.put(storage.Item{Piece: &storage.Piece{File: f.ID, Place: place, Content: piece}})
			place += int64(len(piece))
		}
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	f.Size = place
	r.put(storage.Item{Line: e.line, Pointer: e.pointer + "/files/" + strconv.Itoa(i), Part: true, File: &f})
	return nil
}

// A guard ends a value that is larger than what is held.
type guard struct {
	from io.Reader
	left int
	over bool
}

func (g *guard) Read(b []byte) (int, error) {
	if g.left <= 0 {
		g.over = true
		return 0, errTooLarge
	}
	n, err := g.from.Read(b[:min(len(b), g.left)])
	g.left -= n
	return n, err
}

func (g *guard) err(err error) error {
	if g.over {
		return errTooLarge
	}
	return named(err)
}
