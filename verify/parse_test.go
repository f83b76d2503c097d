package verify

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"limn/xpath"
)

// mustParse parses what must be parsable.
func mustParse(tb testing.TB, page string) *reading {
	tb.Helper()
	r, failed := parse([]byte(page), "text/html; charset=utf-8")
	if failed != nil {
		tb.Fatal(failed)
	}
	return r
}

func TestTagsAreScannedAsTheTokenizerReadsThem(t *testing.T) {
	for text, want := range map[string]struct {
		name       string
		attributes int
		rest       string
	}{
		"p>x":                          {"p", 0, ">x"},
		"P\na=1 B = '>' c=\"/>\"d/e>x": {"p", 5, ">x"},
		"a href=/x/y?z=1>x":            {"a", 1, ">x"},
		"a/b/c>x":                      {"a", 2, ">x"},
		"a =b==c>x":                    {"a", 1, ">x"},
		"i<n;j++>x":                    {"i<n;j+…", 0, ">x"},
		"a b='":                        {"a", 1, ""},
		"a b=":                         {"a", 1, ""},
		"a b=>x":                       {"a", 1, ">x"},
		"/p>":                          {"", 0, "/p>"},
		"!-- a b -->":                  {"", 0, "!-- a b -->"},
		"":                             {"", 0, ""},
	} {
		name, attributes, length := scanTag([]byte(text))
		if name != want.name || attributes != want.attributes || text[length:] != want.rest {
			t.Errorf("scanTag(%q) = %q, %d, then %q; want %q, %d, then %q", text, name, attributes, text[length:], want.name, want.attributes, want.rest)
		}
	}
}

// FuzzScanTag compares it with the tokenizer, for attributes of different names.
func FuzzScanTag(f *testing.F) {
	f.Add("p a=1 B = '>' c=\"/>\"d/e>x")
	f.Fuzz(func(t *testing.T, text string) {
		name, attributes, length := scanTag([]byte(text))
		z := html.NewTokenizer(strings.NewReader("<" + text))
		kind := z.Next()
		if name == "" || kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			return
		}
		if raw := string(z.Raw()); raw != "<"+text[:length]+">" {
			t.Errorf("scanTag(%q) ends after %q; the tokenizer after %q", text, text[:length], raw)
		}
		if token := z.Token(); attributes < len(token.Attr) {
			t.Errorf("scanTag(%q) sees %d attributes; the tokenizer %d", text, attributes, len(token.Attr))
		}
	})
}

func TestTheFirstOfDuplicateAttributesWins(t *testing.T) {
	r := mustParse(t, `<p id=a id=b>first</p><p id=b>second</p>`)
	for id, want := range map[string]string{"a": "first", "b": "second"} {
		path := fmt.Sprintf("id(%q)/text()", id)
		quote, _, ok := r.documents[0].Holds(xpath.Range{Anchor: xpath.Point{XPath: path}, Focus: xpath.Point{XPath: path, Offset: len(want)}})
		if !ok || quote.Exact != want {
			t.Errorf("%s holds %q, %v; want %q", path, quote.Exact, ok, want)
		}
	}
}

func TestAPageWithNoscriptHasTwoReadings(t *testing.T) {
	r := mustParse(t, `<body><NoScript><p>without</p></NoScript><p>always</p>`)
	check := func(path, quote string, want xpath.State) {
		t.Helper()
		point := xpath.Point{XPath: path}
		v, _ := xpath.CheckAll(r.documents, xpath.Range{Anchor: point, Focus: xpath.Point{XPath: path, Offset: len(quote)}, Quote: &xpath.Quote{Exact: quote}}, xpath.NewBudget())
		if v.State != want {
			t.Errorf("%q at %s is %s; want %s", quote, path, v.State, want)
		}
	}
	check("/html/body/p/text()", "always", xpath.Verified)
	check("/html/body/noscript/p/text()", "without", xpath.Verified)
	check("/html/body/noscript/text()", "<p>without</p>", xpath.Verified)
	check("/html/body/p/text()", "nowhere", xpath.Orphaned)
	if r := mustParse(t, "<p>a"); len(r.documents) != 1 {
		t.Errorf("a page without noscript has %d readings", len(r.documents))
	}
}

func TestTheTitleIsThatOfTheHead(t *testing.T) {
	for page, want := range map[string]string{
		"<title> On\n ink &amp; paper </title><body><svg><title>no</title></svg>": "On ink & paper",
		"<title><b>bold</b></title>":         "<b>bold</b>",
		"<body><svg><title>no</title></svg>": "",
		"<title>a\x00b</title>":              "a\ufffdb",
	} {
		if got := mustParse(t, page).title; got != want {
			t.Errorf("the title of %q is %q; want %q", page, got, want)
		}
	}
}

func TestTheLanguageIsThatOfTheRoot(t *testing.T) {
	for page, want := range map[string]string{
		"<html lang=en-GB><body lang=de>":                                     "en-GB",
		"<html lang=' fr '>":                                                  "fr",
		"<html xml:lang=it>":                                                  "it",
		"<head><meta http-equiv=Content-Language content='nl, de'>":           "nl",
		"<html lang=sv><head><meta http-equiv=content-language content='nl'>": "sv",
		"<p lang=de>":                                   "",
		"<html lang='not a tag'>":                       "",
		"<html lang='en\x00'>":                          "",
		"<html lang=" + strings.Repeat("en-", 20) + ">": "",
	} {
		if got := mustParse(t, page).language; got != want {
			t.Errorf("the language of %q is %q; want %q", page, got, want)
		}
	}
}

// FuzzPage holds the parser to its limits, whatever it is given many times over.
func FuzzPage(f *testing.F) {
	for _, piece := range []string{"<b a1>", "<html a=1>", "<table><tr><td>", "</p>", "<svg><desc>", "<a><p>", "x", "<select>", "<template>", "<!--", "<![CDATA[", "<nobr>"} {
		f.Add(piece, "<p>x</p>", uint16(400))
	}
	f.Fuzz(func(t *testing.T, once, often string, times uint16) {
		page := once + strings.Repeat(often, int(times))
		page = page[:min(len(page), 1<<17)]
		before := time.Now()
		parse([]byte(page), "text/html; charset=utf-8")
		if took := time.Since(before); took > maxPatience {
			t.Fatalf("%d bytes took %v", len(page), took)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	page := []byte("<!DOCTYPE html><title>a</title><body>" + numbered("<section class=a><h2 id=s%d>A heading</h2><p>Some <em>text</em> of a page, <a href=/>linked</a>.</p></section>", 2_000))
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		if _, failed := parse(page, "text/html"); failed != nil {
			b.Fatal(failed)
		}
	}
}
