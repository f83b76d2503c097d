package intake_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"limn/export"
	"limn/intake"
	"limn/storage"
	"limn/storage/storagetest"
	"limn/xpath"
)

// read reads a file's items; what is wrong has its place and its words.
func read(t testing.TB, format, file string) (items []storage.Item, wrong []string) {
	t.Helper()
	f, ok := intake.Find(format)
	if !ok {
		t.Fatalf("there is no format %q", format)
	}
	for item, err := range f.Read(strings.NewReader(file)) {
		if err != nil {
			t.Fatal(err)
		}
		if item.Err != nil {
			wrong = append(wrong, fmt.Sprintf("%d %s: %v", item.Line, item.Pointer, item.Err))
			continue
		}
		items = append(items, item)
	}
	return items, wrong
}

func TestHypothesisIsReadWithAuthorsDatesThreadsAndGroups(t *testing.T) {
	file := `{"export_userid":"acct:ada@hypothes.is","annotations":[
	{"id":"reply1","created":"2021-01-02T00:00:00.5+00:00","updated":"2021-01-02T00:00:00+00:00","user":"acct:bob@hypothes.is","user_info":{"display_name":"Bob"},
	 "uri":"https://example.org/","text":"why?","references":["dOa7uPQyEeuX"],"target":[{"source":"https://example.org/"}]},
	{"id":"dOa7uPQyEeuX","created":"2021-01-01T00:00:00+00:00","updated":"2021-01-01T00:00:00+00:00","user":"acct:ada@hypothes.is","uri":"https://example.org/","text":"a note","tags":["x y"],
	 "group":"__world__","permissions":{"read":["group:__world__"]},"document":{"title":["A title"]},"target":[{"source":"https://example.org/","selector":[
	 {"type":"RangeSelector","startContainer":"/div[1]","startOffset":1,"endContainer":"/div[1]","endOffset":3},{"type":"TextPositionSelector","start":5,"end":9},
	 {"type":"TextQuoteSelector","exact":"text","prefix":"` + strings.Repeat("é", 40) + `","suffix":"."}]}]},
	{"id":"page","created":"2021-01-01T00:00:00+00:00","updated":"2021-01-01T00:00:00+00:00","user":"acct:ada@hypothes.is","uri":"https://example.org/","text":"of the page","group":"yxW3",
	 "permissions":{"read":["acct:ada@hypothes.is"]},"target":[{"source":"https://example.org/"}]},
	{"id":7}]}`

	items, wrong := read(t, "hypothesis", file)

	if len(items) != 3 || len(wrong) != 1 || !strings.HasPrefix(wrong[0], "10 /annotations/3: ") {
		t.Fatalf("%d items, wrong %q", len(items), wrong)
	}
	reply, h, page := items[0], items[1].Highlight, items[2].Highlight
	if reply.Reply.Author.Name != "Bob" || reply.Answers != items[1].Foreign || reply.Reply.CreatedAt.Nanosecond() != 5e8 {
		t.Errorf("the reply is %+v %+v", reply, reply.Reply)
	}
	if h.Author.Name != "" || h.Group != "public" || h.Page.Title != "A title" || len(h.Ranges) != 1 || h.Ranges[0].Quote.Exact != "text" ||
		xpath.Units(h.Ranges[0].Quote.Prefix) != 32 || *h.Ranges[0].Position != (xpath.Position{Start: 5, End: 9}) || !slices.Equal(h.Tags, []string{"x y"}) {
		t.Errorf("the highlight is %+v", h)
	}
	if page.Group != "me" || len(page.Ranges) != 0 {
		t.Errorf("the note on the page is %+v", page)
	}
}

func TestReadwiseIsReadWithItsTags(t *testing.T) {
	file := "\ufeffHighlight,Title,Author,URL,Note,Location,Date\r\n" +
		`"It was, ""the"" best",A title,,https://example.org/,".to-read .ink the note` + "\n" + `goes on",12,2026-11-21 14:03:00` + "\r\n" +
		"no page,,,,,,\r\n\"'=1+1\",,,https://example.org/,,,yesterday\r\n\"open,\r\n"

	items, wrong := read(t, "readwise", file)

	if len(items) != 1 || len(wrong) != 3 || !strings.HasPrefix(wrong[0], "4 : the URL is missing") || !strings.HasPrefix(wrong[1], "5 ") || !strings.HasPrefix(wrong[2], "6 ") {
		t.Fatalf("%d items, wrong %q", len(items), wrong)
	}
	h := items[0].Highlight
	if h.Ranges[0].Quote.Exact != `It was, "the" best` || !slices.Equal(h.Tags, []string{"to-read", "ink"}) || h.Note != "the note\ngoes on" || h.CreatedAt.Format("2006-01-02 15:04") != "2026-11-21 14:03" {
		t.Errorf("it is %+v %q", h, h.Note)
	}
}

// What our own table says comes back from it.
func TestOwnFormatsComeBackAsOnesOwn(t *testing.T) {
	from := storagetest.Open(t)
	furnish(t, from)
	ada := named(t, from, "Ada")
	own := storage.Filter{Author: ada.Account.ID}
	for _, format := range []string{"csv", "hypothesis", "jsonld", "json"} {
		f, _ := export.Find(format)
		var file strings.Builder
		must(t, f.Write(&file, "https://limn.example", from.Threads(t.Context(), ada, own, f.Whole)))
		to := storagetest.Open(t)
		there := signUp(t, to, "Ada")

		tally, outcomes := takeIn(t, to, format, file.String(), storage.Intake{Author: there, Group: "me"})
		again, _ := takeIn(t, to, format, file.String(), storage.Intake{Author: there, Group: "me"})

		if tally.Created < 4 || tally.Refused > 0 || again.Created+again.Refused > 0 {
			t.Fatalf("%s: %+v, again %+v: %+v", format, tally, again, outcomes)
		}
		before := highlights(t, from, ada, own)
		after := highlights(t, to, there, storage.Filter{})
		for id, h := range before {
			got, found := after[id]
			if !found || got.Note != h.Note || !slices.Equal(got.Tags, h.Tags) || got.Page.URL != h.Page.URL || got.CreatedAt.Unix() != h.CreatedAt.Unix() ||
				format != "hypothesis" && got.Color != h.Color || quotesOf(got) != quotesOf(h) {
				t.Errorf("%s: %+v\nwas %+v", format, got, h)
			}
		}
		if len(before) != len(after) {
			t.Errorf("%s: %d came of %d", format, len(after), len(before))
		}
	}
}

func highlights(t *testing.T, store *storage.Store, reader storage.Reader, filter storage.Filter) map[uuid.UUID]storage.Highlight {
	t.Helper()
	all := map[uuid.UUID]storage.Highlight{}
	for thread, err := range store.Threads(t.Context(), reader, filter, false) {
		must(t, err)
		all[thread.Highlight.ID] = thread.Highlight
	}
	return all
}

func quotesOf(h storage.Highlight) (quotes string) {
	for _, r := range h.Ranges {
		if r.Quote != nil {
			quotes += r.Quote.Exact
		}
	}
	return quotes
}

func TestWhatIsNoFileIsNamed(t *testing.T) {
	for _, c := range []struct{ format, file, says string }{
		{"json", "", "the file is empty"},
		{"json", "{}", "has no items"},
		{"json", `{"version":1,"items":[{"page":{"url":"https://example.org/"}},`, "ends in the middle"},
		{"json", `{"items":[]} {}`, "something after the end"},
		{"json", `{"items":[}`, "is no JSON"},
		{"json", "url,note\r\n1,2\r\n", "is the format right"},
		{"jsonld", "<!doctype html><p>Not found", "is the format right"},
		{"json", "PK\x03\x04", "zip archive"},
		{"csv", "\xff\xfeu\x00", "UTF-16"},
		{"csv", "a,b\r\n1,2\r\n", "has no column url"},
		{"readwise", "\x1f\x8b\x08", "cannot be unpacked"},
		{"csv", "url,note\r\nhttps://example.org/,\"" + strings.Repeat("x", 9<<20), "is too large"},
		{"hypothesis", `{"annotations":[{"id":"` + strings.Repeat("x", 9<<20) + `"}]}`, "is too large"},
		{"jsonld", `{"type":"Annotation","target":"https://example.org/","x":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, "is no JSON"},
	} {
		_, wrong := read(t, c.format, c.file)
		if !strings.Contains(strings.Join(wrong, "\n"), c.says) {
			t.Errorf("%s %.40q: %q, want %q", c.format, c.file, wrong, c.says)
		}
	}
}

// Whatever a file is, it is read to its end, in bounded memory, and each item has its line.
func FuzzRead(f *testing.F) {
	f.Add("json", `{"version":1,"items":[{"id":"01970000-0000-7000-8000-000000000001","page":{"url":"https://example.org/"},"thread":[{"note":"x"}],"files":[{"id":"01970000-0000-7000-8000-000000000001","content":["AA=="]}]}]}`)
	f.Add("ndjson", "{\"page\":{\"url\":\"https://example.org/\"}}\n\n{\"x\":\n")
	f.Add("jsonld", `{"first":{"items":[{"type":"Annotation","target":{"source":"https://example.org/","selector":[{"type":"TextQuoteSelector","exact":"😀","prefix":"👍"},{"type":"TextPositionSelector","start":1,"end":2}]}}]}}`)
	f.Add("hypothesis", `{"rows":[{"id":"a","uri":"https://example.org/","references":["b"],"text":"x"}]}`)
	f.Add("readwise", "Highlight,URL,Note\n\"a\",https://example.org/,.x .y z\n")
	f.Add("csv", "url,tags,quote\nhttps://example.org/,\"a, \"\"b,c\"\"\",'=1\n")
	f.Fuzz(func(t *testing.T, format, file string) {
		found, ok := intake.Find(format)
		if !ok {
			return
		}
		n := 0
		for item, err := range found.Read(io.MultiReader(strings.NewReader(file[:len(file)/2]), strings.NewReader(file[len(file)/2:]))) {
			if err != nil {
				t.Fatal(err)
			}
			if item.Piece == nil && item.Line < 1 || item.Line > int64(strings.Count(file, "\n")+1) && !strings.HasPrefix(file, "\x1f\x8b") {
				t.Errorf("the item %+v has the line %d", item, item.Line)
			}
			if n++; n > len(file)+2 {
				t.Fatal("there are more items than bytes")
			}
		}
	})
}
