package export

import (
	"io"
	"strconv"
	"strings"
	"time"

	"limn/storage"
)

// A readwiseSheet is the table that Readwise imports. It has no column for who has marked something, nor for what
// others have answered: both are in the note, and tags are as Readwise reads them there. A note on a whole page, which
// Readwise does not have, stands in the place of the text.
type readwiseSheet struct{ table }

var readwiseHeader = []string{"Highlight", "Title", "Author", "URL", "Note", "Location", "Date"}

func beginReadwise(w io.Writer, _ string) sheet {
	return &readwiseSheet{table{w: w, header: readwiseHeader}}
}

func (s *readwiseSheet) add(t storage.Thread) error {
	h := t.Highlight
	text, note := strings.Join(Quotes(h), "\n…\n"), h.Note
	if text == "" {
		text, note = note, ""
	}
	if text == "" {
		return nil // which Readwise would refuse
	}
	location := ""
	if len(h.Ranges) > 0 && h.Ranges[0].Position != nil {
		location = strconv.Itoa(h.Ranges[0].Position.Start)
	}
	var about []string
	if tags := readwiseTags(h.Tags); tags != "" {
		about = append(about, tags)
	}
	for _, part := range []string{note, "— " + h.Author.Name, thread(t.Replies)} {
		if part != "" {
			about = append(about, part)
		}
	}
	title := h.Page.Title
	if title == "" {
		title = h.Page.URL
	}
	return s.row([]string{text, title, "", h.Page.URL, strings.Join(about, "\n\n"), location, h.CreatedAt.UTC().Format(time.DateTime)})
}

// readwiseTags are tags as they are read at the beginning of a note: a dot and one word each.
func readwiseTags(tags []string) string {
	var words []string
	for _, tag := range tags {
		if word := strings.Join(strings.FieldsFunc(tag, func(r rune) bool { return r <= ' ' || r == '.' || r == '\u00a0' }), "-"); word != "" {
			words = append(words, "."+word)
		}
	}
	return strings.Join(words, " ")
}
