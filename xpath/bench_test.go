package xpath

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/antchfx/htmlquery"
	axpath "github.com/antchfx/xpath"
	"golang.org/x/net/html"
)

// tables is a page of about 500 KB of what the tables in testdata hold: all kinds of markup, many languages.
func tables(tb testing.TB) string {
	tb.Helper()
	text, err := os.ReadFile("testdata/check.json")
	if err != nil {
		tb.Fatal(err)
	}
	var cases []struct{ HTML string }
	if err := json.Unmarshal(text, &cases); err != nil {
		tb.Fatal(err)
	}
	var page strings.Builder
	page.WriteString("<!doctype html><title>Tables</title><body>")
	for n := 0; page.Len() < 500_000; n++ {
		_, body, _ := strings.Cut(cases[n%len(cases)].HTML, "<body>")
		fmt.Fprintf(&page, "<section><h2>Part %d</h2>%s</section>", n, body)
	}
	return page.String()
}

// each is how long one of n things takes, done again and again for a moment.
func each(n int, do func(i int)) time.Duration {
	const moment = 200 * time.Millisecond
	start, done := time.Now(), 0
	for ; time.Since(start) < moment; done++ {
		do(done % n)
	}
	return time.Since(start) / time.Duration(done)
}

// bareWalk goes down a tree by the names and numbers of a path that was parsed: no walker can do less.
func bareWalk(at *html.Node, steps []Step) *html.Node {
	for _, step := range steps {
		left, c := step.Index, at.FirstChild
		for ; c != nil; c = c.NextSibling {
			if step.Text && c.Type == html.TextNode || !step.Text && c.Type == html.ElementNode && c.Data == step.Name {
				if left--; left == 0 {
					break
				}
			}
		}
		if c == nil {
			return nil
		}
		at = c
	}
	return at
}

// peer asks a program in bench/anchors, and tells the numbers that it answers; none where it cannot run.
func peer(b *testing.B, question any, command ...string) (answer []float64) {
	b.Helper()
	input, err := json.Marshal(question)
	if err != nil {
		b.Fatal(err)
	}
	program := exec.Command(command[0], command[1:]...)
	program.Stdin, program.Dir = bytes.NewReader(input), "../bench/anchors"
	output, err := program.Output()
	if err != nil {
		return nil
	}
	for field := range strings.FieldsSeq(string(output)) {
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			b.Fatal(err)
		}
		answer = append(answer, n)
	}
	return answer
}

// One end of a range: its path read and followed, beside what others take for it.
func BenchmarkEnd(b *testing.B) {
	page := tables(b)
	root := parse(b, page, false)
	d := NewDocument(root)
	ranges := marks(d, 200)
	paths := make([]Path, len(ranges))
	compiled := make([]*axpath.Expr, len(ranges))
	for i, r := range ranges {
		paths[i], _ = Parse(r.Anchor.XPath)
		compiled[i] = axpath.MustCompile(r.Anchor.XPath)
		if found := htmlquery.QuerySelector(root, compiled[i]); found == nil || found != bareWalk(root, paths[i].Steps) {
			b.Fatalf("%s leads to different nodes", r.Anchor.XPath)
		}
	}
	n := len(ranges)
	walk := each(n, func(i int) { bareWalk(root, paths[i].Steps) })
	cached := each(n, func(i int) { _, _ = htmlquery.Query(root, ranges[i].Anchor.XPath) })
	ready := each(n, func(i int) { htmlquery.QuerySelector(root, compiled[i]) })
	asked := struct {
		Page  string   `json:"page"`
		Paths []string `json:"paths"`
	}{Page: page}
	for _, r := range ranges {
		asked.Paths = append(asked.Paths, r.Anchor.XPath)
	}
	lxml := peer(b, asked, "python3", "ends.py")
	if lxml == nil {
		lxml = peer(b, asked, "/usr/bin/python3", "ends.py") // where Debian's package is, whatever else is on the path
	}
	for i := 0; b.Loop(); i++ {
		d.place(ranges[i%n].Anchor)
	}
	ours := float64(b.Elapsed()) / float64(b.N)
	b.ReportMetric(float64(walk), "bare-walk-ns")
	b.ReportMetric(ours/float64(walk), "x-bare-walk")
	compare := func(name string, theirs float64) {
		b.ReportMetric(theirs, name+"-ns")
		b.ReportMetric(theirs/ours, "x-faster-than-"+name)
	}
	compare("htmlquery-cached", float64(cached))
	compare("htmlquery-compiled", float64(ready))
	if lxml == nil {
		b.Log("lxml is not compared: no python3 has it (Debian: python3-lxml)")
		return
	}
	compare("lxml", lxml[0])
	compare("lxml-compiled", lxml[1])
}

// A quote of 100 units with five errors in a text of 500 KB, beside the search that others use in browsers: with the context
// that is kept with it, and alone, as they look for it.
func BenchmarkQuote(b *testing.B) {
	b.Run("in its context", func(b *testing.B) { benchmarkQuote(b, func(*Range) {}) })
	b.Run("alone", func(b *testing.B) {
		benchmarkQuote(b, func(r *Range) { r.Quote, r.Position = &Quote{Exact: r.Quote.Exact}, nil })
	})
}

func benchmarkQuote(b *testing.B, change func(r *Range)) {
	page := article(500_000)
	ranges := marks(document(b, page), 20)
	d := document(b, mistyped(page, ranges))
	asked := struct {
		Text   string   `json:"text"`
		Quotes []string `json:"quotes"`
	}{Text: d.text}
	for _, r := range ranges {
		asked.Quotes = append(asked.Quotes, r.Quote.Exact)
	}
	for i := range ranges {
		change(&ranges[i])
	}
	approx := peer(b, asked, "node", "quotes.mjs")
	for i := 0; b.Loop(); i++ {
		r := ranges[i%len(ranges)]
		if v := d.Check(r); v.State != Moved {
			b.Fatalf("%q is %s", r.Quote.Exact, v.State)
		}
	}
	if approx == nil {
		b.Log("approx-string-match is not compared: no node has it (npm ci in extension/)")
		return
	}
	b.ReportMetric(approx[0], "approx-string-match-ns")
	b.ReportMetric(approx[0]/float64(b.Elapsed()/time.Duration(b.N)), "x-faster-than-approx-string-match")
}

// mistyped is a page with an error in every 20 characters or so of each range, and something new before all of them.
func mistyped(page string, ranges []Range) string {
	for _, r := range ranges {
		wrong := []byte(r.Quote.Exact)
		for i := 10; i < len(wrong); i += 20 {
			wrong[i] = 'x'
		}
		page = strings.Replace(page, r.Quote.Exact, string(wrong), 1)
	}
	return strings.Replace(page, "<body>", "<body><section>New</section>", 1)
}

// A page with 200 highlights that stand, with all that the server keeps of them: its parse, its index and their checks as a
// multiple of its parse.
func BenchmarkPage(b *testing.B) {
	for _, c := range []struct{ name, page string }{{"tables", tables(b)}, {"article", article(500_000)}} {
		b.Run(c.name, func(b *testing.B) {
			root := parse(b, c.page, false)
			d := NewDocument(root)
			ranges := marks(d, 200)
			for i := range ranges {
				ranges[i].Landmarks = d.Landmarks(ranges[i], NewBudget())
			}
			parsing := each(1, func(int) { parse(b, c.page, false) })
			for b.Loop() {
				d := NewDocument(root)
				for _, r := range ranges {
					if v := d.Check(r); v.State != Verified {
						b.Fatalf("%+v", v)
					}
				}
			}
			ours := b.Elapsed() / time.Duration(b.N)
			b.ReportMetric(float64(parsing), "parse-ns")
			b.ReportMetric(float64(len(c.page))/float64(parsing)*1e3, "parse-MB/s")
			b.ReportMetric(float64(parsing+ours)/float64(parsing), "x-parse-alone")
		})
	}
}

// article is a page of prose without two paragraphs alike, of about the size asked for.
func article(size int) string {
	random := rand.New(rand.NewPCG(1, 2))
	var page strings.Builder
	page.WriteString("<!doctype html><title>Bench</title><body>")
	for page.Len() < size {
		page.WriteString("<section><h2>Part</h2>")
		for range 5 {
			page.WriteString("<p>")
			for range 80 {
				page.WriteString(word5(random))
				page.WriteByte(' ')
			}
			page.WriteString("</p>")
		}
		page.WriteString("</section>")
	}
	return page.String()
}

func word5(random *rand.Rand) string {
	letters := []byte("eeeetaoinshrdlu")
	word := make([]byte, 2+random.IntN(8))
	for i := range word {
		word[i] = letters[random.IntN(len(letters))]
	}
	return string(word)
}

// marks are complete ranges of 100 units, spread over a page that article made.
func marks(d *Document, n int) []Range {
	var ranges []Range
	for i := range n {
		at := d.origin + (d.length()-d.origin-200)*i/n
		ranges = append(ranges, d.describe(at, at+100, false))
	}
	return ranges
}

func BenchmarkParseHTML(b *testing.B) {
	page := article(500_000)
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		parse(b, page, false)
	}
}

func BenchmarkNewDocument(b *testing.B) {
	page := article(500_000)
	root := parse(b, page, false)
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		NewDocument(root)
	}
}

func BenchmarkPoint(b *testing.B) {
	d := document(b, article(500_000))
	ranges := marks(d, 200)
	for i := 0; b.Loop(); i++ {
		d.place(ranges[i%len(ranges)].Anchor)
	}
}

func BenchmarkCheck(b *testing.B) {
	page := article(500_000)
	ranges := marks(document(b, page), 200)
	for _, c := range []struct{ name, page string }{
		{"verified", page},
		{"moved", strings.Replace(page, "<body>", "<body><section>New</section>", 1)},
		{"similar", mistyped(page, ranges)},
		{"gone", article(500_000 + 1)[:100] + "<p>" + strings.Repeat("quite another text altogether ", 16_000)},
	} {
		d := document(b, c.page)
		b.Run(c.name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				d.Check(ranges[i%len(ranges)])
			}
		})
	}
}

// What an attacker would send: 5 MB of text and 64 KiB of quote that almost fit each other everywhere.
func BenchmarkHostile(b *testing.B) {
	const size = 5 << 20
	for _, c := range []struct{ name, text, quote string }{
		{"one character", strings.Repeat("a", size), strings.Repeat("a", 64<<10-1) + "b"},
		{"one character, short", strings.Repeat("a", size), strings.Repeat("a", 40) + "b" + strings.Repeat("a", 20)},
		{"one character, found", strings.Repeat("a", size), strings.Repeat("a", 64<<10)},
		{"spaces", strings.Repeat(" ", size), strings.Repeat(" ", 1000) + "b"},
		{"period", strings.Repeat("abcabd", size/6), strings.Repeat("abcabd", 5000) + "abcabe"},
		{"wide", strings.Repeat("日本", size/6), strings.Repeat("日本", 10000) + "語"},
		{"emoji", strings.Repeat("😀", size/4), strings.Repeat("😀", 10000) + "x"},
		{"tiny", strings.Repeat("ab ", size/3), "c"},
	} {
		d := document(b, "<p>"+c.text+"</p>")
		r := Range{
			Anchor:   Point{"/html/body/p/b", 0},
			Focus:    Point{"/html/body/p/b", 0},
			Quote:    &Quote{Exact: c.quote, Prefix: c.quote[:min(30, len(c.quote))], Suffix: c.quote[:min(30, len(c.quote))]},
			Position: &Position{d.length() / 2, d.length() / 2},
		}
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				d.Check(r)
			}
		})
	}
	siblings := document(b, strings.Repeat("<p>", 1_000_000))
	for _, path := range []string{"/html/body/p[1000000]", `//*[@id="x"]/p[3]`} {
		b.Run(fmt.Sprintf("siblings %.12s", path), func(b *testing.B) {
			for b.Loop() {
				siblings.place(Point{path, 0})
			}
		})
	}
}
