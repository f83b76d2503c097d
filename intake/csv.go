package intake

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"limn/export"
	"limn/storage"
)

// readCSV reads the table that export writes: any of its columns, in any order, but the page has to be there.
func readCSV(s *source) {
	readTable(s, []string{"url"}, func(row func(string) string) (item storage.Item) {
		h := storage.Highlight{
			Page: storage.PageRef{URL: row("url"), Title: row("title")}, Note: row("note"), Color: row("color"), Group: row("group"),
			Author: storage.Account{Name: row("author")},
		}
		item.Highlight = &h
		if id := row("id"); id != "" {
			if h.ID, item.Err = uuid.Parse(id); item.Err != nil {
				item.Err = refused("/id", "must be a UUID")
				return item
			}
		}
		if h.Tags, item.Err = tagsOf(row("tags")); item.Err != nil {
			return item
		}
		for _, quote := range split(row("quote"), "\n…\n") {
			h.Ranges = append(h.Ranges, quoted(quote, "", ""))
		}
		if h.CreatedAt, item.Err = timeOf("/created_at", row("created_at")); item.Err == nil {
			h.UpdatedAt, item.Err = timeOf("/updated_at", row("updated_at"))
		}
		return item
	})
}

// readReadwise reads the table that Readwise imports. Its tags stand at the beginning of the note.
func readReadwise(s *source) {
	readTable(s, []string{"highlight", "url"}, func(row func(string) string) (item storage.Item) {
		h := storage.Highlight{Page: storage.PageRef{URL: row("url"), Title: row("title")}, Group: "me"}
		item.Highlight = &h
		h.Tags, h.Note = readwiseTags(row("note"))
		for _, quote := range split(row("highlight"), "\n…\n") {
			h.Ranges = append(h.Ranges, quoted(quote, "", ""))
		}
		h.CreatedAt, item.Err = timeOf("/Date", row("date"))
		switch {
		case row("highlight") == "":
			item.Err = refused("/Highlight", "is missing")
		case h.Page.URL == "":
			item.Err = refused("/URL", "is missing: a highlight stands on a web page")
		}
		return item
	})
}

// readTable reads a table with a header (RFC 4180). What stands before a formula so that it is none goes away.
func readTable(s *source, needs []string, read func(row func(string) string) storage.Item) {
	guard := &guard{from: s.in, left: maxElement}
	r := csv.NewReader(guard)
	r.FieldsPerRecord, r.ReuseRecord = -1, true
	header, err := r.Read()
	if err != nil {
		s.refuse("", "has no header")
		return
	}
	columns := map[string]int{}
	for i, name := range header {
		columns[strings.ToLower(strings.TrimSpace(name))] = i
	}
	for _, name := range needs {
		if _, there := columns[name]; !there {
			s.refuse("", "has no column %s", name)
			return
		}
	}
	width := len(header)
	for !s.stopped {
		guard.left = maxElement
		cells, err := r.Read()
		switch {
		case err == io.EOF || s.failed != nil:
			return
		case guard.over:
			s.refuse("", "is too large: perhaps a quotation mark before it is not closed")
			return
		}
		var broken *csv.ParseError
		if errors.As(err, &broken) {
			s.line = int64(broken.StartLine)
			s.refuse("", "cannot be read: %s", tableErrors[broken.Err])
			continue
		}
		line, _ := r.FieldPos(0)
		s.line = int64(line)
		if len(cells) > width || len(cells) < len(needs) {
			s.refuse("", "has %d cells where the header has %d", len(cells), width)
			continue
		}
		item := read(func(name string) string {
			i, there := columns[name]
			if !there || i >= len(cells) {
				return ""
			}
			return active(cells[i])
		})
		item.Line = s.line
		s.put(item)
	}
}

var tableErrors = map[error]string{
	csv.ErrBareQuote: "a quotation mark stands in a cell that does not begin with one",
	csv.ErrQuote:     "a quotation mark is not closed, or something follows it",
}

// active is a cell without the apostrophe that keeps it from being a formula.
func active(cell string) string {
	if rest, found := strings.CutPrefix(cell, "'"); found && export.Inert(rest) != rest {
		return rest
	}
	return cell
}

// tagsOf reads tags with commas between them; one with a comma in it is quoted.
func tagsOf(cell string) ([]string, error) {
	if strings.TrimSpace(cell) == "" {
		return nil, nil
	}
	r := csv.NewReader(strings.NewReader(cell))
	r.TrimLeadingSpace = true
	tags, err := r.Read()
	if err != nil {
		return nil, refused("/tags", "must have commas between them")
	}
	return slices.DeleteFunc(tags, func(tag string) bool { return strings.TrimSpace(tag) == "" }), nil
}

// readwiseTags are the words with a dot at the beginning of a note, and the rest of it.
func readwiseTags(note string) (tags []string, rest string) {
	rest = note
	for {
		word, after, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
		line, below, more := strings.Cut(word, "\n")
		tag, found := strings.CutPrefix(line, ".")
		if !found || tag == "" || strings.ContainsAny(tag, ".\t") {
			return tags, strings.TrimLeft(rest, " \n")
		}
		tags = append(tags, tag)
		if rest = after; more {
			rest = below
			if after != "" {
				rest += " " + after
			}
			return tags, strings.TrimLeft(rest, " \n")
		}
	}
}

var timeLayouts = []string{time.RFC3339Nano, time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02 15:04:05-07:00", time.DateOnly, "January 2, 2006 3:04 PM"}

// timeOf is a time as tables have them, in UTC unless it says otherwise; the zero time: the cell is empty.
func timeOf(pointer, cell string) (time.Time, error) {
	cell = strings.TrimSpace(cell)
	if cell == "" {
		return time.Time{}, nil
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, cell); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, refused(pointer, "must be a time such as 2026-11-21 14:03:00")
}
