package export

import (
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"limn/storage"
)

// A csvSheet is a table (RFC 4180) with a row a highlight. Every cell is quoted.
type csvSheet struct {
	w      io.Writer
	origin string
	begun  bool
}

var csvHeader = []string{
	"id", "url", "title", "quote", "note", "tags", "color", "author", "group", "state", "replies", "created_at", "updated_at", "link",
}

func beginCSV(w io.Writer, origin string) sheet { return &csvSheet{w: w, origin: origin} }

func (s *csvSheet) add(t storage.Thread) error {
	if err := s.begin(); err != nil {
		return err
	}
	h := t.Highlight
	return s.row([]string{
		h.ID.String(), h.Page.URL, h.Page.Title, strings.Join(quotes(h), "\n…\n"), h.Note, strings.Join(h.Tags, ", "), h.Color,
		h.Author.Name, h.Group, string(h.Check.State), thread(t.Replies),
		h.CreatedAt.UTC().Format(time.RFC3339), h.UpdatedAt.UTC().Format(time.RFC3339), highlightURL(s.origin, h),
	})
}

func (s *csvSheet) end() error { return s.begin() }

func (s *csvSheet) begin() error {
	if s.begun {
		return nil
	}
	s.begun = true
	return s.row(csvHeader)
}

func (s *csvSheet) row(cells []string) error {
	var line strings.Builder
	for i, cell := range cells {
		if i > 0 {
			line.WriteByte(',')
		}
		line.WriteByte('"')
		line.WriteString(strings.ReplaceAll(inert(cell), `"`, `""`))
		line.WriteByte('"')
	}
	line.WriteString("\r\n")
	_, err := io.WriteString(s.w, line.String())
	return err
}

// inert is a cell that no spreadsheet takes for a formula: an apostrophe before it says that it is text. Forms of the same
// character count like it, for programs that fold them, and so does what programs trim or do not show before it.
func inert(cell string) string {
	visible := strings.TrimLeftFunc(cell, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	})
	first, _ := utf8.DecodeRuneInString(cell)
	_, size := utf8.DecodeRuneInString(visible)
	folded := norm.NFKC.String(visible[:size])
	if unicode.IsControl(first) || strings.HasPrefix(folded, "=") || strings.HasPrefix(folded, "+") ||
		strings.HasPrefix(folded, "-") || strings.HasPrefix(folded, "@") || strings.HasPrefix(folded, "\u2212") {
		return "'" + cell
	}
	return cell
}

// quotes are the texts of a highlight's ranges, as far as they are known.
func quotes(h storage.Highlight) []string {
	var texts []string
	for _, r := range h.Ranges {
		if r.Quote != nil && r.Quote.Exact != "" {
			texts = append(texts, r.Quote.Exact)
		}
	}
	return texts
}

// thread is what was replied, by whom, in one text.
func thread(replies []storage.Reply) string {
	texts := make([]string, len(replies))
	for i, r := range replies {
		texts[i] = r.Author.Name + ": " + r.Note
	}
	return strings.Join(texts, "\n\n")
}
