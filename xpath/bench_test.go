package xpath

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

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
	typing := func(page string) string { // an error in every 20 characters or so of each mark
		for _, r := range ranges {
			wrong := []byte(r.Quote.Exact)
			for i := 10; i < len(wrong); i += 20 {
				wrong[i] = 'x'
			}
			page = strings.Replace(page, r.Quote.Exact, string(wrong), 1)
		}
		return page
	}
	for _, c := range []struct{ name, page string }{
		{"verified", page},
		{"moved", strings.Replace(page, "<body>", "<body><section>New</section>", 1)},
		{"similar", strings.Replace(typing(page), "<body>", "<body><section>New</section>", 1)},
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
