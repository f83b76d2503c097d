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

// A csvSheet is a table with a row a highlight.
type csvSheet struct {
	table
	origin string
}

var csvHeader = []string{
	"id", "url", "title", "quote", "note", "tags", "color", "author", "group", "state", "replies", "created_at", "updated_at", "link",
}

func beginCSV(w io.Writer, origin string) sheet {
	return &csvSheet{table{w: w, header: csvHeader}, origin}
}

func (s *csvSheet) add(t storage.Thread) error {
	h := t.Highlight
	return s.row([]string{
		h.ID.String(), h.Page.URL, h.Page.Title, strings.Join(Quotes(h), "\n…\n"), h.Note, joinTags(h.Tags), h.Color,
		h.Author.Name, h.Group, string(h.Check.State), thread(t.Replies),
		h.CreatedAt.UTC().Format(time.RFC3339), h.UpdatedAt.UTC().Format(time.RFC3339), highlightURL(s.origin, h),
	})
}

// A table is what RFC 4180 describes, with a header. Every cell is quoted, and inert.
type table struct {
	w      io.Writer
	header []string // until it is written
}

func (t *table) row(cells []string) error {
	if err := t.end(); err != nil {
		return err
	}
	return t.write(cells)
}

func (t *table) end() error {
	header := t.header
	if t.header = nil; header == nil {
		return nil
	}
	return t.write(header)
}

func (t *table) write(cells []string) error {
	var line strings.Builder
	for i, cell := range cells {
		if i > 0 {
			line.WriteByte(',')
		}
		line.WriteByte('"')
		line.WriteString(strings.ReplaceAll(Inert(cell), `"`, `""`))
		line.WriteByte('"')
	}
	line.WriteString("\r\n")
	_, err := io.WriteString(t.w, line.String())
	return err
}

// Inert is a cell that no spreadsheet takes for a formula: an apostrophe before it says that it is text. Forms of the same
// character count like it, for programs that fold them, and so does what programs trim or do not show before it. A cell that
// began with such an apostrophe gets another one, so that who takes one away has what was there.
func Inert(cell string) string {
	if text, found := strings.CutPrefix(cell, "'"); isFormula(cell) || found && Inert(text) != text {
		return "'" + cell
	}
	return cell
}

func isFormula(cell string) bool {
	visible := strings.TrimLeftFunc(cell, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	})
	first, _ := utf8.DecodeRuneInString(cell)
	_, size := utf8.DecodeRuneInString(visible)
	folded := norm.NFKC.String(visible[:size])
	return unicode.IsControl(first) || strings.HasPrefix(folded, "=") || strings.HasPrefix(folded, "+") ||
		strings.HasPrefix(folded, "-") || strings.HasPrefix(folded, "@") || strings.HasPrefix(folded, "\u2212")
}

// joinTags writes tags with commas between them. One that has a comma, or begins with a quotation mark, is quoted.
func joinTags(tags []string) string {
	list := make([]string, len(tags))
	for i, tag := range tags {
		if list[i] = tag; strings.ContainsAny(tag, ",\"\r\n") || strings.TrimSpace(tag) != tag {
			list[i] = `"` + strings.ReplaceAll(tag, `"`, `""`) + `"`
		}
	}
	return strings.Join(list, ", ")
}

// Quotes are the texts of a highlight's ranges, as far as they are known.
func Quotes(h storage.Highlight) []string {
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
