package xpath

import (
	"testing"
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
	if v := CheckAll([]*Document{on, off}, r); v.State != Verified {
		t.Errorf("got %+v", v)
	}
}
