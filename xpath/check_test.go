package xpath

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestCheckWithoutAQuoteFillsItIn(t *testing.T) {
	d := document(t, "<title>t</title><p>some words here</p>")

	v := d.Check(at(5, 10))

	if v.State != Verified || *v.Range.Quote != (Quote{"words", "some ", " here"}) || *v.Range.Position != (Position{5, 10}) || v.Now != nil {
		t.Errorf("got %+v", v)
	}
}

func TestCheckWithoutAQuoteOrAPlaceIsOrphaned(t *testing.T) {
	d := document(t, "<p>some words here</p>")
	if v := d.Check(at(5, 100)); v.State != Orphaned {
		t.Errorf("got %+v", v)
	}
}

func TestCheckNeverVerifiesAnotherText(t *testing.T) {
	before := document(t, "<p>some words here, and nothing else</p>")
	r := before.Check(at(5, 15)).Range
	d := document(t, "<p>some other here, and nothing else</p>")
	if v := d.Check(r); v.State == Verified {
		t.Errorf("got %+v", v)
	}
}

func TestCheckFindsAMovedQuoteAndKeepsItsDirection(t *testing.T) {
	before := document(t, "<p>some words here that stand alone</p>")
	r := before.Check(at(15, 5)).Range
	d := document(t, "<div>new</div><p>x</p><p>some words here that stand alone</p>")

	v := d.Check(r)

	if v.State != Moved {
		t.Fatalf("got %+v", v)
	}
	want := Range{Anchor: Point{"/html[1]/body[1]/p[2]/text()[1]", 15}, Focus: Point{"/html[1]/body[1]/p[2]/text()[1]", 5}}
	if v.Now.Anchor != want.Anchor || v.Now.Focus != want.Focus || v.Now.Quote.Exact != "words here" || *v.Now.Position != (Position{9, 19}) {
		t.Errorf("now %+v %+v", v.Now, v.Now.Quote)
	}
}

func TestCheckAllTakesTheBestReading(t *testing.T) {
	page := `<p>some words</p><noscript><p>hidden words</p></noscript><p>more of it</p>`
	on, off := NewDocument(parse(t, page, true)), NewDocument(parse(t, page, false))
	r := Range{Anchor: Point{"/html/body/noscript/p/text()", 0}, Focus: Point{"/html/body/noscript/p/text()", 6}, Quote: &Quote{Exact: "hidden"}}
	if v, _ := CheckAll([]*Document{on, off}, r, NewBudget()); v.State != Verified {
		t.Errorf("got %+v", v)
	}
}

// Whatever the two pages are: what a page holds is verified on it, no other text ever is, and where a moved quote
// stands can be read there.
func FuzzCheck(f *testing.F) {
	f.Add("<p>some words to choose</p>", "<p>x</p><p>some wods to choose</p>", 5, 10)
	f.Add("<pre>\n😀 a b</pre>", "<b>😀</b>", 1, 3)
	f.Add("<p>one<p>same<p>two<p>same<p>three", "<p>one<p>two<p>same<p>three", 3, 7)
	f.Fuzz(func(t *testing.T, page, edited string, start, end int) {
		roots := [2]*html.Node{}
		for i, text := range []string{page, edited} {
			root, err := html.Parse(strings.NewReader(text))
			if err != nil {
				return // deeper than the parser goes
			}
			roots[i] = root
		}
		before, after := NewDocument(roots[0]), NewDocument(roots[1])
		if start < before.origin || start > end || end > before.length() {
			return
		}
		r := before.describe(start, end, false)
		if quote, position, ok := before.Holds(r); !ok || position.Start > start-before.origin || position.End < end-before.origin {
			t.Fatalf("%+v holds %+v at %v, %v; want %d to %d", r, quote, position, ok, start, end)
		}
		r.Landmarks = before.Landmarks(r, NewBudget())
		if quote, _, _ := before.Holds(r); quote.Exact == r.Quote.Exact && before.Check(r).State != Verified {
			t.Fatalf("%+v does not stand where it was taken, with %+v", r, r.Landmarks)
		}
		v := after.Check(r)
		switch v.State {
		case Verified:
			if quote, _, ok := after.Holds(r); !ok || quote.Exact != r.Quote.Exact {
				t.Fatalf("verified: %q, %v for %q", quote.Exact, ok, r.Quote.Exact)
			}
		case Moved:
			if quote, position, ok := after.Holds(*v.Now); !ok || position.Start > v.Now.Position.Start || !strings.Contains(quote.Exact, v.Now.Quote.Exact) {
				t.Fatalf("moved to %+v, which holds %q, %v", v.Now, quote.Exact, ok)
			}
		}
	})
}

// A page of one repeated character and a quote that almost fits everywhere must not take longer than reading it a
// few times would: the bounds are on work, and work is what is counted here.
func TestSearchEndsWhenItsEffortIsSpent(t *testing.T) {
	d := document(t, "<p>"+strings.Repeat("a", 1<<20)+"</p>")
	s := d.newSearch(Range{
		Anchor: Point{"/html/body/b", 0}, Focus: Point{"/html/body/b", 0},
		Quote: &Quote{Exact: strings.Repeat("a", 1<<16) + "b", Prefix: "aaaaaaaaaaaaaaaa", Suffix: "aaaaaaaaaaaaaaaa"},
	})
	s.fuzzily(s.nearby())
	const last = 1 << 20 // the comparison that is under way when the bound is reached
	if s.effort > maxEffort+last {
		t.Errorf("read %d units", s.effort)
	}
}

// A hundred ranges, each as hard to find as can be, take no longer than the budget of their page; and what the paths
// tell is known afterwards as well.
func TestRangesOfAPageShareItsBudget(t *testing.T) {
	d := document(t, "<p>"+strings.Repeat("a", 5<<20)+"</p>")
	worst := Range{
		Anchor: Point{"/html/body/b", 0}, Focus: Point{"/html/body/b", 0},
		Quote: &Quote{Exact: strings.Repeat("a", 1<<16-1) + "b", Prefix: "aaaaaaaaaaaaaaaa", Suffix: "aaaaaaaaaaaaaaaa"},
	}
	budget, known := NewBudget(), 0
	for range 100 {
		if _, ok := CheckAll([]*Document{d}, worst, budget); ok {
			known++
		}
	}
	if known == 0 || known > 50 {
		t.Errorf("%d of 100 were searched for", known)
	}
	stands := Range{Anchor: Point{"/html/body/p/text()", 0}, Focus: Point{"/html/body/p/text()", 3}, Quote: &Quote{Exact: "aaa"}}
	if v, ok := CheckAll([]*Document{d}, stands, budget); !ok || v.State != Verified {
		t.Errorf("got %+v, %v", v, ok)
	}
}

func TestLongTextIsFoundWhereItStands(t *testing.T) {
	long := strings.Repeat("a", 100) + "b"
	for _, text := range []string{
		"", "b", long, "a" + long, long + long, long[1:], strings.Repeat("a", 10_000) + "b",
		strings.Repeat(long[:40]+"c", 50) + long, strings.Repeat("x", 1_000) + long[:50] + "x" + long,
	} {
		for _, sought := range []string{long, long[:33], "ab"} {
			if got, want := index(text, sought), strings.Index(text, sought); got != want {
				t.Errorf("%.20q… is found at %d of %.20q…; want %d", sought, got, text, want)
			}
		}
	}
}
