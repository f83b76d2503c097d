package export

import (
	"encoding/json"
	"io"

	"limn/storage"
)

// jsonVersion counts the changes of the json format that a reader has to know of.
const jsonVersion = "1"

// A jsonSheet has every field of every highlight, as the API shows them, with its thread:
//
//	{"version": 1, "items": [{"id": …, "ranges": […], …, "thread": [{"id": …, "note": …}, …]}, …]}
type jsonSheet struct{ list }

func beginJSON(w io.Writer, _ string) sheet {
	return &jsonSheet{list{w: w, head: `{"version":` + jsonVersion + `,"items":[`, tail: "]}\n"}}
}

func (s *jsonSheet) add(t storage.Thread) error { return s.list.add(itemOf(t)) }

// An item is a highlight with its thread.
type item struct {
	storage.Highlight
	Thread []storage.Reply `json:"thread"`
}

func itemOf(t storage.Thread) item { return item{t.Highlight, append([]storage.Reply{}, t.Replies...)} }

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
	before := ",\n"
	if l.items == 0 {
		before = l.head + "\n"
	}
	l.items++
	if _, err := io.WriteString(l.w, before); err != nil {
		return err
	}
	_, err = l.w.Write(text)
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
