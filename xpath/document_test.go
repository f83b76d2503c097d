package xpath

import (
	"strings"
	"testing"

	"github.com/antchfx/htmlquery"
	"golang.org/x/net/html"
)

func parse(tb testing.TB, page string, scripting bool) *html.Node {
	tb.Helper()
	root, err := html.ParseWithOptions(strings.NewReader(page), html.ParseOptionEnableScripting(scripting))
	if err != nil {
		tb.Fatal(err)
	}
	return root
}

func document(tb testing.TB, page string) *Document {
	tb.Helper()
	return NewDocument(parse(tb, page, false))
}

// at is a range of a page whose body is one paragraph with one text node.
func at(start, end int) Range {
	return Range{
		Anchor: Point{"/html[1]/body[1]/p[1]/text()[1]", start},
		Focus:  Point{"/html[1]/body[1]/p[1]/text()[1]", end},
	}
}

func TestHoldsCountsUTF16(t *testing.T) {
	d := document(t, "<p>a😀e\u0301日b</p>")
	for _, c := range []struct {
		start, end int
		want       string
	}{
		{0, 1, "a"},
		{1, 3, "😀"},
		{1, 2, "\uFFFD"}, // a half, as JSON can have it
		{2, 3, "\uFFFD"},
		{2, 4, "\uFFFDe"},
		{0, 2, "a\uFFFD"},
		{2, 2, ""},
		{3, 5, "e\u0301"},
		{5, 7, "日b"},
		{7, 7, ""},
	} {
		quote, position, ok := d.Holds(at(c.start, c.end))
		if !ok || quote.Exact != c.want || position != (Position{c.start, c.end}) {
			t.Errorf("Holds(%d, %d) = %q at %v, %v; want %q", c.start, c.end, quote.Exact, position, ok, c.want)
		}
	}
	if _, _, ok := d.Holds(at(0, 8)); ok {
		t.Error("an offset beyond the text was taken")
	}
}

func TestContextNeverHasHalfACharacterAtItsOuterEnd(t *testing.T) {
	d := document(t, "<p>"+strings.Repeat("😀", 20)+"abc"+strings.Repeat("😀", 20)+"</p>")
	quote, _, ok := d.Holds(at(41, 42))
	want := Quote{Exact: "b", Prefix: strings.Repeat("😀", 15) + "a", Suffix: "c" + strings.Repeat("😀", 15)}
	if !ok || quote != want {
		t.Errorf("got %+v, want %+v", quote, want)
	}
}

// The oracle numbers same-named siblings as XPath does. It has no id(), takes *[local-name()=…] by another rule
// for a missing index, and knows no shadow roots, which is why the paths here are made from the tree.
func TestWalkerAgreesWithHtmlquery(t *testing.T) {
	for name, page := range pages {
		root := parse(t, page, false)
		compare(t, name, root)
	}
}

var pages = map[string]string{
	"plain":         `<!doctype html><title>t</title><p>one<p>two<b>three</b>four`,
	"comments":      `<p>a<!-- x -->b<!-- y -->c</p>`,
	"table":         `<table>foster<tr><td>1<td>2<tr><td>3</table>`,
	"misnested":     `<p><b><i>x</b>y</i>z</p><a>1<p>2<a>3</a>4`,
	"foreign":       `<p>a<svg><title>t</title><g><text>x<tspan>y</tspan>z</text></g><foreignObject><p>h</p></foreignObject></svg><math><mi>x</mi></math>b`,
	"cdata":         `<svg><text>a<![CDATA[ <b> ]]>c</text></svg>`,
	"instruction":   `<p>a<?php x ?>b`,
	"pre":           "<pre>\n\nx</pre><textarea>\ny</textarea>",
	"ids":           `<div id=a><p>1</p></div><div id=a><p>2</p><p>3</p></div>`,
	"noscript":      `<noscript><p>a</p></noscript>b`,
	"odd names":     `<p><o:p>x</o:p><x-y>z</x-y><a.b>c</a.b>`,
	"head and tail": `<!-- before --><html><head><meta></head>x<body>y</body>z</html><!-- after -->`,
	"frameset":      `<frameset><frame></frameset>`,
}

func FuzzWalkerAgreesWithHtmlquery(f *testing.F) {
	for _, page := range pages {
		f.Add(page)
	}
	f.Fuzz(func(t *testing.T, page string) {
		root, err := html.ParseWithOptions(strings.NewReader(page), html.ParseOptionEnableScripting(false))
		if err != nil {
			return // deeper than the parser goes
		}
		compare(t, page, root)
	})
}

// compare asks both for every node that a path can name, and for a neighbour that may not exist.
func compare(t *testing.T, name string, root *html.Node) {
	t.Helper()
	if htmlquery.FindOne(root, "//template | //limn-host") != nil {
		return // htmlquery walks into what is not part of the page
	}
	d := NewDocument(root)
	for i := range d.nodes[:len(d.nodes)-1] {
		path, ok := d.path(int32(i))
		if !ok || strings.Contains(path, "local-name") && strings.Contains(path, ":") {
			continue
		}
		for _, path := range []string{path, path + "/text()[2]", path + "/p[2]"} {
			parsed, err := Parse(path)
			if err != nil {
				continue // "/" with a step after it
			}
			n, err := htmlquery.Query(root, path)
			if err != nil {
				t.Fatalf("%s: htmlquery cannot read %s: %v", name, path, err)
			}
			at, ok := d.find(parsed)
			if ok != (n != nil) {
				t.Fatalf("%s: %s: found %v, htmlquery %v", name, path, ok, n != nil)
			}
			if !ok {
				continue
			}
			got := d.slice(int(d.nodes[at].start), int(d.nodes[d.nodes[at].end].start))
			want := strings.ToValidUTF8(htmlquery.InnerText(n), string(replacement))
			if got != want {
				t.Fatalf("%s: %s holds %q, htmlquery %q", name, path, got, want)
			}
		}
	}
}
