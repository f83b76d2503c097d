package export

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"limn/storage"
)

// jsonVersion counts the changes of the json format that a reader has to know of.
const jsonVersion = "1"

// A jsonSheet has every field of every highlight, as the API shows them, with its thread and what else is known of it: when it
// was first verified, what has happened to it, the files on it, in pieces of 256 KiB, and, at the first of a group, who that is:
//
//	{"version": 1, "items": [{"id": …, "ranges": […], …, "verified_at": …, "group_details": {…}, "history": [{…}, …],
//	 "thread": [{"id": …, "note": …}, …], "files": [{"id": …, "stored_at": …, "content": ["…", …]}]}, …]}
type jsonSheet struct{ list }

func beginJSON(w io.Writer, _ string) sheet {
	return &jsonSheet{list{w: w, head: `{"version":` + jsonVersion + `,"items":[`, tail: "]}\n"}}
}

func (s *jsonSheet) add(t storage.Thread) error {
	if err := s.list.next(); err != nil {
		return err
	}
	return writeItem(s.list.w, t)
}

// writeItem writes a highlight with all that is its own.
func writeItem(w io.Writer, t storage.Thread) error {
	text, err := appendItem(make([]byte, 0, 1024), t)
	if err != nil {
		return err
	}
	if len(t.Files) == 0 {
		_, err = w.Write(text)
		return err
	}
	if _, err := w.Write(text[:len(text)-1]); err != nil {
		return err
	}
	for i, f := range t.Files {
		before := ","
		if i == 0 {
			before = `,"files":[`
		}
		if _, err := io.WriteString(w, before); err != nil {
			return err
		}
		if err := writeFile(w, f, nil); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, "]}")
	return err
}

// writeFile writes a file a piece at a time, with the highlight that it is on where that is not said by its place.
func writeFile(w io.Writer, f *storage.AttachedFile, highlight *uuid.UUID) error {
	about := struct {
		ID        uuid.UUID  `json:"id"`
		Highlight *uuid.UUID `json:"highlight,omitempty"`
		Reply     *uuid.UUID `json:"reply,omitempty"`
		Name      string     `json:"name"`
		Type      string     `json:"type"`
		StoredAt  time.Time  `json:"stored_at"`
	}{f.ID, highlight, nil, f.Name, f.Type, f.StoredAt}
	if f.On.Reply != uuid.Nil {
		about.Reply = &f.On.Reply
	}
	text, err := json.Marshal(about)
	if err != nil {
		return err
	}
	if _, err := w.Write(append(text[:len(text)-1], `,"content":[`...)); err != nil {
		return err
	}
	piece := make([]byte, filePiece)
	for before := `"`; ; before = `,"` {
		n, err := io.ReadFull(f, piece)
		if n > 0 {
			if _, err := io.WriteString(w, before+base64.StdEncoding.EncodeToString(piece[:n])+`"`); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read a file: %w", err)
		}
	}
	_, err = io.WriteString(w, "]}")
	return err
}

const filePiece = 256 << 10 // bytes that are held at once

// A list writes a JSON array item by item, between a head and a tail. Like all of encoding/json it writes <, > and &
// as escapes, so that no item can end a script that holds it.
type list struct {
	w          io.Writer
	head, tail string
	items      int
}

func (l *list) add(item any) error {
	text, err := json.Marshal(item)
	if err != nil {
		return err
	}
	if err := l.next(); err != nil {
		return err
	}
	_, err = l.w.Write(text)
	return err
}

// next begins another item.
func (l *list) next() error {
	before := ",\n"
	if l.items == 0 {
		before = l.head + "\n"
	}
	l.items++
	_, err := io.WriteString(l.w, before)
	return err
}

func (l *list) end() error {
	if l.items == 0 {
		if _, err := io.WriteString(l.w, l.head); err != nil {
			return err
		}
	}
	_, err := io.WriteString(l.w, l.tail)
	return err
}
