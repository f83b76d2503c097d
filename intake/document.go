package intake

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"limn/storage"
)

// A document is JSON of any length, of which only some arrays are wanted, an element at a time. It is cut at the brackets
// and quotation marks, and each element is read by itself: one that is broken takes no other with it.
type document struct {
	*source
	elements func(path string) func(e *element) // what is done with the elements of an array; nil: nothing
	value    func(path string, text []byte)     // is told the other members that are small
}

const (
	maxKept  = 64 << 10 // bytes of a member that is told of
	maxDepth = 4        // of objects that arrays are looked for in
)

// each reads elements one by one, and makes an item of each.
func (s *source) each(item func(text []byte) storage.Item) func(*element) {
	var buffer []byte
	return func(e *element) {
		text, err := e.read(buffer, maxElement)
		buffer = text
		made := storage.Item{Err: err}
		if err == nil {
			made = item(text)
		}
		made.Line, made.Pointer = e.line, e.pointer
		s.put(made)
	}
}

// walkAnnotations reads a document whose annotations stand in some of these arrays.
func (d *document) walkAnnotations(read func(*element), arrays ...string) {
	found := false
	d.elements = func(path string) func(*element) {
		if !slices.Contains(arrays, path) {
			return nil
		}
		found = true
		return read
	}
	d.walk()
	if !found && !d.stopped && d.failed == nil {
		d.refuse("", "has no annotations")
	}
}

// walk reads a document to its end. It says so if the file has less than a document, or more.
func (d *document) walk() {
	if next, ok := d.space(); ok && next != '{' && next != '[' {
		d.refuse("", "is no JSON: is the format right?")
		d.stopped = true
		return
	}
	if !d.walkValue("", 0) || d.stopped {
		if !d.stopped && d.failed == nil {
			d.refuse("", "the file ends in the middle: what was to come is missing")
		}
		return
	}
	if _, more := d.space(); more {
		d.refuse("", "there is something after the end of the document")
	}
}

// walkValue reads a value; not whole: the file ends in it.
func (d *document) walkValue(path string, depth int) (whole bool) {
	next, ok := d.space()
	switch {
	case !ok:
		return false
	case next == '[':
		if each := d.elements(path); each != nil {
			return d.walkArray(path, each)
		}
	case next == '{' && depth < maxDepth:
		return d.walkObject(path, depth)
	}
	e := &element{source: d.source}
	kept, _ := io.ReadAll(io.LimitReader(e, maxKept))
	whole = e.drain()
	if d.value != nil && len(kept) < maxKept {
		d.value(path, kept)
	}
	return whole
}

func (d *document) walkObject(path string, depth int) (whole bool) {
	d.in.Discard(1)
	for {
		next, ok := d.space()
		switch {
		case !ok:
			return false
		case next == '}':
			d.in.Discard(1)
			return true
		case next == ',':
			d.in.Discard(1)
			continue
		case next != '"':
			return d.stray(path)
		}
		e := &element{source: d.source}
		text, _ := io.ReadAll(io.LimitReader(e, maxKept))
		var name string
		if !e.drain() {
			return false
		}
		if err := json.Unmarshal(text, &name); err != nil {
			return d.stray(path)
		}
		if next, ok = d.space(); !ok || next != ':' {
			return ok && d.stray(path)
		}
		d.in.Discard(1)
		if !d.walkValue(path+"/"+jsontext.Pointer("").AppendToken(name).LastToken(), depth+1) || d.stopped {
			return false
		}
	}
}

func (d *document) walkArray(path string, each func(e *element)) (whole bool) {
	d.in.Discard(1)
	for i := 0; ; {
		next, ok := d.space()
		switch {
		case !ok:
			return false
		case next == ']':
			d.in.Discard(1)
			return true
		case next == ',':
			d.in.Discard(1)
			continue
		case next == '}' || next == ':':
			return d.stray(path)
		}
		e := &element{source: d.source, line: d.source.line, pointer: path + "/" + strconv.Itoa(i)}
		i++
		each(e)
		if !e.drain() || d.stopped {
			return false
		}
	}
}

// stray gives up on a document that is none: what follows cannot be told apart.
func (d *document) stray(path string) (whole bool) {
	d.refuse(path, "is no JSON: what follows cannot be read")
	d.stopped = true
	return false
}

// space passes over white space, and looks at what follows.
func (s *source) space() (next byte, ok bool) {
	for {
		window := s.window()
		if len(window) == 0 {
			return 0, false
		}
		rest := bytes.TrimLeft(window, " \t\r\n")
		skipped := len(window) - len(rest)
		s.pass(window[:skipped])
		if len(rest) > 0 {
			return rest[0], true
		}
	}
}

// window is some of what is read next; empty: there is no more.
func (s *source) window() []byte {
	if s.in.Buffered() == 0 {
		s.in.Peek(1)
	}
	window, _ := s.in.Peek(s.in.Buffered())
	return window
}

func (s *source) pass(b []byte) {
	s.line += int64(bytes.Count(b, []byte{'\n'}))
	s.in.Discard(len(b))
}

// An element is one value of a document, as a reader that ends with it.
type element struct {
	*source
	line    int64 // where it begins
	pointer string
	lines   bool // it ends with its line, whatever is in it

	begun, ended, text, escaped, cut bool
	depth                            int
}

// Read implements io.Reader.
func (e *element) Read(b []byte) (int, error) {
	if e.ended {
		return 0, io.EOF
	}
	window := e.window()
	if len(window) == 0 {
		e.ended, e.cut = true, !e.lines
		if e.failed != nil {
			return 0, e.failed
		}
		return 0, io.EOF
	}
	n := e.scan(window[:min(len(window), len(b))])
	copy(b, window[:n])
	e.pass(window[:n])
	if n == 0 && e.ended {
		return 0, io.EOF
	}
	return n, nil
}

// scan is how many of the bytes are the element's.
func (e *element) scan(b []byte) int {
	if e.lines {
		if end := bytes.IndexByte(b, '\n'); end >= 0 {
			e.ended = true
			return end + 1
		}
		return len(b)
	}
	for i := 0; i < len(b); i++ {
		c := b[i]
		if e.text {
			switch {
			case e.escaped:
				e.escaped = false
			case c == '\\':
				e.escaped = true
			case c == '"':
				e.text = false
				if e.depth == 0 {
					e.ended = true
					return i + 1
				}
			}
			continue
		}
		switch c {
		case '"':
			e.text = true
		case '{', '[':
			e.depth++
		case '}', ']':
			if e.depth == 0 {
				e.ended = true
				return i
			}
			if e.depth--; e.depth == 0 {
				e.ended = true
				return i + 1
			}
		case ',', ':', ' ', '\t', '\r', '\n':
			if e.depth == 0 && e.begun {
				e.ended = true
				return i
			}
		}
		e.begun = true
	}
	return len(b)
}

// drain passes over what is left of an element; not whole: the file ends in it.
func (e *element) drain() (whole bool) {
	var rest [4096]byte
	for !e.ended {
		if _, err := e.Read(rest[:]); err != nil {
			break
		}
	}
	return !e.cut && e.failed == nil
}

// read is a whole element; errTooLarge if it is more than is held.
func (e *element) read(into []byte, most int) ([]byte, error) {
	into = into[:0]
	for {
		if len(into) == cap(into) {
			into = append(into, 0)[:len(into)]
		}
		n, err := e.Read(into[len(into):min(cap(into), most+1)])
		into = into[:len(into)+n]
		switch {
		case err == io.EOF:
			return into, nil
		case err != nil:
			return into, err
		case len(into) > most:
			return into, errTooLarge
		}
	}
}

// decode reads JSON into v. Its error names the field.
func decode(text []byte, v any) error { return named(json.Unmarshal(text, v)) }

// named makes an error of JSON's one for people, with a pointer.
func named(err error) error {
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &syntactic):
		words := syntactic.Err.Error()
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			return refused("", "is cut off")
		case errors.Is(err, io.EOF):
			return refused("", "is empty")
		case strings.Contains(words, "surrogate"):
			return refused(string(syntactic.JSONPointer), "must be text: a surrogate has no partner")
		}
		return refused(string(syntactic.JSONPointer), "is no JSON: %s", words)
	case errors.As(err, &semantic):
		return refused(string(semantic.JSONPointer), "is not what it has to be")
	}
	return err
}
