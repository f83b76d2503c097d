package export

import (
	"encoding/csv"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"limn/storage"
)

func TestNDJSONHasTheItemsOfJSONEachOnALine(t *testing.T) {
	var sheet struct{ Items []json.RawMessage }
	if err := json.Unmarshal([]byte(mustWrite(t, "json", ink(), ink())), &sheet); err != nil {
		t.Fatal(err)
	}
	want := ""
	for _, item := range sheet.Items {
		want += string(item) + "\n"
	}
	if got := mustWrite(t, "ndjson", ink(), ink()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestReadwiseHasItsOwnColumns(t *testing.T) {
	page, nothing := ink(), ink()
	page.Highlight.Ranges, page.Highlight.Page.Title, page.Replies = nil, "", nil
	nothing.Highlight.Ranges, nothing.Highlight.Note = nil, ""

	rows, err := csv.NewReader(strings.NewReader(mustWrite(t, "readwise", ink(), page, nothing))).ReadAll()

	want := [][]string{
		{"Highlight", "Title", "Author", "URL", "Note", "Location", "Date"},
		{"😀is", "On ink", "", "https://example.org/a", ".to-read .ink\n\nIs *this* so?\n\n— Ada\n\nBob: It is.\nReally.", "1042", "2026-11-21 14:03:00"},
		{"Is *this* so?", "https://example.org/a", "", "https://example.org/a", ".to-read .ink\n\n— Ada", "", "2026-11-21 14:03:00"},
	}
	if err != nil || !reflect.DeepEqual(rows, want) {
		t.Errorf("%v\ngot  %q\nwant %q", err, rows, want)
	}
}

func TestHypothesisKeepsAuthorsDatesAndThreads(t *testing.T) {
	h := ink()
	again := h.Replies[0]
	again.ID, again.InReplyTo, again.Author = id, &replyID, storage.Account{ID: bob.ID, Name: "Bob Ö."}
	h.Replies = append(h.Replies, again)
	var got struct {
		Annotations []struct {
			ID       string
			Created  string
			User     string
			UserInfo struct {
				DisplayName string `json:"display_name"`
			} `json:"user_info"`
			URI, Text  string
			Tags       []string
			Group      string
			References []string
			Target     []struct {
				Source   string
				Selector []map[string]any
			}
			Document    struct{ Title []string }
			Permissions struct{ Read []string }
		}
	}
	if err := json.Unmarshal([]byte(mustWrite(t, "hypothesis", h)), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Annotations) != 3 {
		t.Fatalf("%d annotations, want 3", len(got.Annotations))
	}
	a, r, rr := got.Annotations[0], got.Annotations[1], got.Annotations[2]
	if a.User != "acct:Ada@limn" || a.URI != "https://example.org/a" || a.Text != "Is *this* so?" || !slices.Equal(a.Tags, []string{"to read", "ink"}) ||
		a.Created != "2026-11-21T14:03:00.123456Z" || a.Group != "__world__" || !slices.Equal(a.Permissions.Read, []string{"group:__world__"}) ||
		!slices.Equal(a.Document.Title, []string{"On ink"}) || a.References != nil {
		t.Errorf("the highlight is %+v", a)
	}
	want := []map[string]any{
		{"type": "TextPositionSelector", "start": 1042.0, "end": 1046.0},
		{"type": "TextQuoteSelector", "exact": "😀is", "prefix": "👍nk", "suffix": " quiet."},
	}
	if len(a.Target) != 1 || !reflect.DeepEqual(a.Target[0].Selector, want) {
		t.Errorf("its target is %+v", a.Target)
	}
	if !slices.Equal(r.References, []string{id.String()}) || r.Text != "It is.\nReally." || len(r.Tags) != 0 || r.Target[0].Selector != nil {
		t.Errorf("the reply is %+v", r)
	}
	if !slices.Equal(rr.References, []string{id.String(), replyID.String()}) || rr.User != "acct:"+bob.ID.String()+"@limn" || rr.UserInfo.DisplayName != "Bob Ö." {
		t.Errorf("the answer to it is %+v", rr)
	}
}

// No note keeps an export waiting.
func TestNotesThatAreHardToReadAreShownAsText(t *testing.T) {
	for _, part := range []string{"> ", "1. ", "- ", "[a](", "[", "[a]: b\n"} {
		note := strings.Repeat(part, 64<<10/len(part))
		got, err := NoteHTML(note)
		if err != nil || !strings.HasPrefix(string(got), "<p>"+html.EscapeString(part[:1])) || len(got) > 6*len(note) {
			t.Errorf("%q: %d bytes, %v, beginning with %.40q", part, len(got), err, got)
		}
	}
	if got, err := NoteHTML("> - *so*"); err != nil || !strings.Contains(string(got), "<em>so</em>") {
		t.Errorf("what people write is %q, %v", got, err)
	}
}

// Whatever people write, the document that it is printed in has no more than the elements that it was made of.
func FuzzHTML(f *testing.F) {
	f.Add("<img src=x onerror=alert(1)>", `"><script>alert(1)</script>`, "javascript:alert(1)", "#fff;} *{background:url(//x)}")
	f.Add("[x](javascript:alert(1)) ![x](https://example.org/x.png) <svg><style><img title='</style><img src onerror=1>'>", "\x00</style>", "data:text/html,x", "red")
	f.Add("<https://example.org> https://example.org/?a=1&b=2 `</code>`\n\n    <pre>", "a", "https://example.org/\"onclick=1", "yellow")
	f.Fuzz(func(t *testing.T, note, quote, url, color string) {
		h := ink()
		h.Highlight.Note, h.Highlight.Page.URL, h.Highlight.Color = note, url, color
		h.Highlight.Page.Title, h.Highlight.Author.Name, h.Highlight.Tags = quote, quote, []string{quote}
		h.Highlight.Ranges[0].Quote.Exact, h.Replies[0].Note = quote, note
		wantOnlyKnown(t, mustWrite(t, "html", h))
	})
}

// A file that is not told of a server has no links to one.
func TestExportsWithoutAServerHaveNoLinksToOne(t *testing.T) {
	for _, format := range []string{"csv", "markdown", "html"} {
		var b strings.Builder
		i := slices.IndexFunc(Formats, func(f Format) bool { return f.Name == format })
		if err := Formats[i].Write(&b, "", threads(ink())); err != nil {
			t.Fatal(err)
		}
		if document := b.String(); strings.Contains(document, "/h/") || strings.Contains(document, "open\n") || strings.Contains(document, ">open<") {
			t.Errorf("%s leads somewhere: %s", format, document)
		}
	}
}

// A name that is written from right to left leaves the date beside it as it is.
func TestHTMLKeepsNamesApart(t *testing.T) {
	h := ink()
	h.Highlight.Author.Name, h.Highlight.Tags = "سلمى", []string{"بحر"}

	for _, apart := range []string{"<bdi>سلمى</bdi> · <time", "<bdi>بحر</bdi> · <a"} {
		if document := mustWrite(t, "html", h); !strings.Contains(document, apart) {
			t.Errorf("%s is not in %s", apart, document)
		}
	}
}

// wantOnlyKnown fails for anything in a document that could act, or load something.
func wantOnlyKnown(t *testing.T, document string) {
	t.Helper()
	known := map[string][]string{ // and their attributes
		"html": {"lang"}, "head": nil, "meta": {"charset", "name", "content", "http-equiv"}, "title": nil, "style": nil, "body": nil, "h1": nil, "h2": {"dir"},
		"article": {"style"}, "blockquote": {"dir"}, "div": {"class", "dir"}, "footer": nil, "section": {"class"}, "bdi": nil, "time": {"datetime"}, "a": {"href", "rel"},
		"p": {"class"}, "br": nil, "hr": nil, "em": nil, "strong": nil, "del": nil, "code": nil, "pre": nil, "ul": nil, "ol": nil, "li": nil,
	}
	for tokens := html.NewTokenizer(strings.NewReader(document)); tokens.Next() != html.ErrorToken; {
		token := tokens.Token()
		if token.Type != html.StartTagToken && token.Type != html.SelfClosingTagToken {
			continue
		}
		attributes, ok := known[token.Data]
		if !ok {
			t.Errorf("there is a %s: %s", token.Data, document)
		}
		for _, a := range token.Attr {
			if !slices.Contains(attributes, a.Key) {
				t.Errorf("%s has %s=%q", token.Data, a.Key, a.Val)
			}
			if low := strings.ToLower(strings.TrimSpace(a.Val)); a.Key == "href" && strings.Contains(low, ":") && !strings.HasPrefix(low, "http") && !strings.HasPrefix(low, "mailto:") {
				t.Errorf("a link leads to %q", a.Val)
			}
			if a.Key == "style" && (strings.Contains(a.Val, "url") || strings.Contains(a.Val, ";")) {
				t.Errorf("a style is %q", a.Val)
			}
		}
	}
	if strings.Count(document, "<style>") != 1 || strings.Count(document, "</html>") != 1 {
		t.Errorf("it is not one document: %s", document)
	}
}
