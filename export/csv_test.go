package export

import (
	"encoding/csv"
	"strings"
	"testing"

	"limn/storage"
	"limn/xpath"
)

func TestCSVIsATableOfQuotedCells(t *testing.T) {
	h := ink()
	h.Highlight.Ranges = append(h.Highlight.Ranges, xpath.Range{Quote: &xpath.Quote{Exact: `a "second" range`}}, xpath.Range{})
	want := `"id","url","title","quote","note","tags","color","author","group","state","replies","created_at","updated_at","link"` + "\r\n" +
		`"01970000-0000-7000-8000-000000000001","https://example.org/a","On ink","😀is` + "\n…\n" + `a ""second"" range","Is *this* so?",` +
		`"to read, ink","green","Ada","public","verified","Bob: It is.` + "\n" + `Really.","2026-11-21T14:03:00Z","2026-11-21T14:03:00Z",` +
		`"https://limn.example/h/01970000-0000-7000-8000-000000000001"` + "\r\n"
	if got := mustWrite(t, "csv", h); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := mustWrite(t, "csv"); got != want[:strings.Index(want, "\n")+1] {
		t.Errorf("an empty table is %q; want its header", got)
	}
}

func TestCellsAreNoFormulas(t *testing.T) {
	for _, formula := range []string{
		"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "＋1", "－1", "＠1", "﹦1", "⁼1", "−1", "\u200b=1", "\ufeff=1", "\u00a0=1", "\x00=1", "\ttext", "'=1", "''=1",
	} {
		if got := Inert(formula); got != "'"+formula {
			t.Errorf("Inert(%q) = %q; want an apostrophe before it", formula, got)
		}
	}
	for _, text := range []string{"", "a=1", "1-2", " text", "'tis", "“=1”", "…", "é"} {
		if got := Inert(text); got != text {
			t.Errorf("Inert(%q) = %q; want it unchanged", text, got)
		}
	}
}

func FuzzCSV(f *testing.F) {
	f.Add("=cmd|' /C calc'!A0", "\"\r\n=1", "a,b")
	f.Fuzz(func(t *testing.T, note, quote, tag string) {
		h := ink()
		h.Highlight.Note, h.Highlight.Tags, h.Highlight.Author = note, []string{tag}, storage.Account{Name: tag}
		h.Highlight.Ranges[0].Quote.Exact = quote
		text := mustWrite(t, "csv", h, ink())
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || len(rows) != 3 {
			t.Fatalf("%d rows, %v; want 3", len(rows), err)
		}
		for i, cell := range rows[1] {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r\n") {
				t.Errorf("cell %d begins like a formula: %q", i, cell)
			}
		}
		if got := strings.TrimPrefix(rows[1][4], "'"); got != strings.TrimPrefix(strings.ReplaceAll(note, "\r\n", "\n"), "'") {
			t.Errorf("the note is %q; want %q", got, note)
		}
	})
}
