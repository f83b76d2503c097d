package intake

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"

	"limn/storage"
)

// A Format is a way in which highlights are written down.
type Format struct {
	Name string // as it is asked for

	read func(*source)
}

// Formats are all there are.
var Formats = []Format{
	{"json", readJSON},
	{"ndjson", readNDJSON},
	{"jsonld", readJSONLD},
	{"hypothesis", readHypothesis},
	{"readwise", readReadwise},
	{"csv", readCSV},
}

// Find is the format of a name.
func Find(name string) (Format, bool) {
	for _, f := range Formats {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}

// Read reads a file, which may be compressed with gzip. An item that cannot be read has the reason in it. The error is the
// file's reader's own, and the last that there is.
func (f Format) Read(file io.Reader) iter.Seq2[storage.Item, error] {
	return func(yield func(storage.Item, error) bool) {
		s := &source{file: file, line: 1, yield: yield}
		s.in = bufio.NewReaderSize(failing{s}, bufferSize)
		if s.open() {
			f.read(s)
		}
		if s.failed != nil && !s.stopped {
			yield(storage.Item{}, s.failed)
		}
	}
}

const (
	bufferSize = 64 << 10 // bytes
	maxElement = 8 << 20  // bytes of an item, but for the threads and files in those that are ours
	maxRatio   = 200      // what a compressed file may unfold to, beyond maxElement; text is seldom a twentieth
)

// A source is a file that is being read.
type source struct {
	file    io.Reader
	in      *bufio.Reader
	line    int64 // of what is read next
	failed  error // the file's reader's
	stopped bool  // nobody wants more
	yield   func(storage.Item, error) bool
}

// failing notes why a file cannot be read any further.
type failing struct{ *source }

func (f failing) Read(b []byte) (int, error) {
	n, err := f.file.Read(b)
	if err != nil && err != io.EOF {
		f.failed = err
	}
	return n, err
}

// open looks at the first bytes of a file.
func (s *source) open() bool {
	start, _ := s.in.Peek(4)
	switch {
	case s.failed != nil:
		return false
	case len(start) == 0:
		s.refuse("", "the file is empty")
		return false
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		packed := &counted{Reader: s.in}
		unpacked, err := gzip.NewReader(packed)
		if err != nil {
			s.refuse("", "the file cannot be unpacked")
			return false
		}
		s.in = bufio.NewReaderSize(&unfolding{s: s, from: packed, to: &counted{Reader: unpacked}}, bufferSize)
	case bytes.HasPrefix(start, []byte("PK\x03\x04")):
		s.refuse("", "the file is a zip archive: unpack it first")
		return false
	case bytes.HasPrefix(start, []byte{0xff, 0xfe}), bytes.HasPrefix(start, []byte{0xfe, 0xff}):
		s.refuse("", "the file is in UTF-16: save it in UTF-8")
		return false
	}
	if mark, _ := s.in.Peek(3); string(mark) == "\ufeff" {
		s.in.Discard(3)
	}
	return true
}

type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}

// unfolding ends a compressed file that unfolds to more than any text does, or that cannot be unpacked to its end.
type unfolding struct {
	s        *source
	from, to *counted
	ended    bool
}

func (u *unfolding) Read(b []byte) (int, error) {
	if u.ended {
		return 0, io.EOF
	}
	n, err := u.to.Read(b)
	switch {
	case u.to.n > u.from.n*maxRatio+maxElement:
		u.ended = true
		u.s.refuse("", "the file unfolds to more than text does")
		return 0, io.EOF
	case err != nil && err != io.EOF && u.s.failed == nil:
		u.ended = true
		u.s.refuse("", "the file cannot be unpacked any further")
		return n, io.EOF
	}
	return n, err
}

// put hands an item on; not ok: nobody wants more.
func (s *source) put(item storage.Item) (ok bool) {
	if !s.stopped && !s.yield(item, nil) {
		s.stopped = true
	}
	return !s.stopped
}

// refuse says of the place where the source is that it cannot be read.
func (s *source) refuse(pointer, format string, args ...any) {
	s.put(storage.Item{Line: s.line, Pointer: pointer, Err: fmt.Errorf(format, args...)})
}

var errTooLarge = errors.New("is too large")

// A refusal is a field that cannot be taken.
func refused(pointer, format string, args ...any) error {
	return &storage.InvalidError{Fields: []storage.FieldError{{Pointer: pointer, Detail: fmt.Sprintf(format, args...)}}}
}
