package verify

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"limn/storage"
	"limn/xpath"
)

const day = 24 * time.Hour

func TestAPageIsReadAsOftenAsItChanges(t *testing.T) {
	gone, away := &failure{reason: "status_404"}, &failure{reason: reasonTimeout}
	patient := &failure{reason: "status_429", retryAfter: 2 * time.Hour}
	forever := &failure{reason: "status_503", retryAfter: 1000 * time.Hour}
	for name, c := range map[string]struct {
		interval time.Duration
		failures int
		glance   glance

		wantInterval time.Duration
		wantFailures int
		wantPause    time.Duration
	}{
		"read for the first time":             {0, 0, glance{}, 6 * time.Hour, 0, 6 * time.Hour},
		"unchanged":                           {day, 0, glance{since: day}, 2 * day, 0, 2 * day},
		"unchanged for longer than planned":   {day, 0, glance{since: 30 * day}, 2 * day, 0, 2 * day},
		"unchanged for a moment":              {day, 0, glance{since: time.Minute, early: true}, day, 0, day},
		"unchanged for most of the time":      {day, 0, glance{since: 18 * time.Hour, early: true}, 36 * time.Hour, 0, 36 * time.Hour},
		"unchanged for ever":                  {10 * day, 0, glance{since: 11 * day}, 14 * day, 0, 14 * day},
		"changed":                             {day, 0, glance{since: day, changed: true}, 12 * time.Hour, 0, 12 * time.Hour},
		"changed at once":                     {day, 0, glance{since: time.Minute, changed: true, early: true}, 12 * time.Hour, 0, 12 * time.Hour},
		"always changed":                      {time.Hour, 0, glance{since: time.Hour, changed: true}, time.Hour, 0, time.Hour},
		"away for the first time":             {day, 0, glance{since: day, failure: away}, day, 1, 30 * time.Second},
		"away for the fifth time":             {day, 4, glance{since: time.Hour, failure: away}, day, 5, 6 * time.Hour},
		"away for long":                       {day, 5, glance{since: day, failure: away}, 2 * day, 6, 2 * day},
		"away for ever":                       {14 * day, 9, glance{since: day, failure: away}, 14 * day, 10, 14 * day},
		"never there":                         {0, 0, glance{failure: gone}, 6 * time.Hour, 1, 6 * time.Hour},
		"gone, and looked for often":          {day, 1, glance{since: time.Minute, failure: gone}, day, 2, day},
		"gone":                                {day, 0, glance{since: day, failure: gone}, 2 * day, 1, 2 * day},
		"asks for more time":                  {day, 0, glance{since: day, failure: patient}, day, 1, 2 * time.Hour},
		"asks for too much time":              {day, 0, glance{since: day, failure: forever}, day, 1, maxRetry},
		"back":                                {10 * day, 3, glance{since: day}, 6 * time.Hour, 0, 6 * time.Hour},
		"back, and changed":                   {10 * day, 3, glance{since: day, changed: true}, 6 * time.Hour, 0, 6 * time.Hour},
		"back, and was read often before":     {2 * time.Hour, 3, glance{since: day}, 2 * time.Hour, 0, 2 * time.Hour},
		"away when somebody marks it":         {day, 0, glance{since: time.Hour, failure: away, early: true}, day, 1, 30 * time.Second},
		"away when somebody marks more of it": {day, 3, glance{since: time.Second, failure: away, early: true}, day, 3, -1},
	} {
		c.glance.at = time.Now()
		planned := c.glance.at.Add(-1)
		before := storage.Pace{Interval: c.interval, Failures: c.failures, DueAt: &planned}
		for _, jitter := range []float64{0, 1} {
			got := follow(before, c.glance, jitter)
			want := c.wantPause
			if want > 0 {
				want += time.Duration(jitter * float64(want) / 4)
			}
			if got.Interval != c.wantInterval || got.Failures != c.wantFailures || got.DueAt.Sub(c.glance.at) != want {
				t.Errorf("%s: every %v, %d failures, next in %v; want %v, %d, %v", name,
					got.Interval, got.Failures, got.DueAt.Sub(c.glance.at), c.wantInterval, c.wantFailures, want)
			}
		}
	}
}

func TestWhatNeverChangesCostsLittle(t *testing.T) {
	// readings are how often a page is read in a year, by what is seen of it when it was read before, and is now.
	readings := func(see func(before, now time.Duration) glance) (n int) {
		p, begun, before := storage.Pace{}, time.Now(), time.Duration(0)
		for now := time.Duration(0); now < 365*day; n++ {
			g := see(before, now)
			g.at, g.since = begun.Add(now), now-before
			p = follow(p, g, 0.5)
			before, now = now, p.DueAt.Sub(begun)
		}
		return n
	}
	for name, c := range map[string]struct {
		see         func(before, now time.Duration) glance
		least, most int
	}{
		"never changes":  {func(_, _ time.Duration) glance { return glance{} }, 25, 32},
		"changes daily":  {func(before, now time.Duration) glance { return glance{changed: before/day != now/day} }, 365, 2 * 365},
		"always changes": {func(_, _ time.Duration) glance { return glance{changed: true} }, 20 * 365, 24 * 365},
		"is always away": {func(_, _ time.Duration) glance { return glance{failure: &failure{reason: reasonTimeout}} }, 30, 40},
		"is not there":   {func(_, _ time.Duration) glance { return glance{failure: &failure{reason: "status_404"}} }, 25, 32},
	} {
		if n := readings(c.see); n < c.least || n > c.most {
			t.Errorf("a page that %s is read %d times a year; want %d to %d", name, n, c.least, c.most)
		} else {
			t.Logf("a page that %s is read %d times a year", name, n)
		}
	}
}

func TestAChangeIsNoticedByItself(t *testing.T) {
	b, s := newBench(t), newSite(t, article)
	h := b.mark(t, s.URL, inParagraph(2, 0, 19, "It waits for a read"))
	b.visitDue(t)
	for _, step := range []struct {
		what, page string
		state      xpath.State
		interval   time.Duration
	}{
		{"a paragraph before it", strings.Replace(article, "<p>", "<p>News.</p><p>", 1), xpath.Moved, 3 * time.Hour},
		{"nothing new", strings.Replace(article, "<p>", "<p>News.</p><p>", 1), xpath.Moved, 6 * time.Hour},
		{"its paragraph gone", `<!DOCTYPE html><title>On  ink</title><body><p>Ink is quiet.</p>`, xpath.Orphaned, 3 * time.Hour},
		{"as it was", article, xpath.Verified, 90 * time.Minute},
	} {
		s.page.Store(&step.page)
		b.pass(t)
		page := b.visitDue(t)
		got, err := b.store.GetHighlight(context.Background(), b.ada, h.ID)
		if err != nil || got.Check.State != step.state || page.Pace.Interval != step.interval {
			t.Errorf("%s: %v, %s, read every %v; want %s, %v", step.what, err, got.Check.State, page.Pace.Interval, step.state, step.interval)
		}
	}
}

// Its words stand on the page once more, where its path leads now and among the same words: only its landmarks tell.
func TestAPassageIsGoneThoughItsTwinStays(t *testing.T) {
	const twin = "<p>Ink dries in the sun.</p><p>Lorem ipsum dolor sit amet, consetetur sadipscing.</p><p>Ink dries in the sun.</p>"
	page := func(first, second string) *string {
		return new("<!DOCTYPE html><body><p>Monday came.</p>" + first + "<p>Tuesday came.</p>" + second + "<p>Wednesday came.</p>")
	}
	b, s := newBench(t), newSite(t, *page(twin, twin))
	first := b.mark(t, s.URL, inParagraph(3, 6, 17, "ipsum dolor"))
	second := b.mark(t, s.URL, inParagraph(7, 6, 17, "ipsum dolor"))
	b.visitDue(t)
	for _, step := range []struct {
		what          string
		page          *string
		first, second xpath.State
	}{
		{"the first is gone", page("", twin), xpath.Orphaned, xpath.Moved},
		{"the second is gone", page(twin, ""), xpath.Verified, xpath.Orphaned},
		{"both are there", page(twin, twin), xpath.Verified, xpath.Verified},
	} {
		s.page.Store(step.page)
		b.pass(t)
		b.visitDue(t)
		for h, want := range map[uuid.UUID]xpath.State{first.ID: step.first, second.ID: step.second} {
			got, err := b.store.GetHighlight(context.Background(), b.ada, h)
			if err != nil || got.Check.State != want || got.Ranges[0].Landmarks == nil {
				t.Errorf("%s: %v, %s, %+v; want %s", step.what, err, got.Check.State, got.Ranges[0].Landmarks, want)
			}
		}
	}
}

// One that is read anyway, because somebody marks it, is seen to have changed for all who have marked it before.
func TestAChangeIsNoticedWhenSomethingIsMarked(t *testing.T) {
	b, s := newBench(t), newSite(t, article)
	first := b.mark(t, s.URL, inParagraph(1, 0, 3, "Ink"))
	b.visitDue(t)
	s.page.Store(new("<!DOCTYPE html><body><p>Pencil.</p>"))

	b.mark(t, s.URL, inParagraph(1, 0, 6, "Pencil"))
	b.visitDue(t)

	got, err := b.store.GetHighlight(context.Background(), b.ada, first.ID)
	if err != nil || got.Check.State != xpath.Orphaned {
		t.Errorf("%v, %s; want orphaned", err, got.Check.State)
	}
}

func TestAnUnchangedPageIsNotJudged(t *testing.T) {
	b := newBench(t)
	var served atomic.Int64
	s := serveAt(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		n := served.Add(1)
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Etag", fmt.Sprint(n)) // another each time, as some servers have it
		fmt.Fprintf(w, `<!DOCTYPE html><!-- made at %d --><script nonce="%d">n = %d</script><body data-n="%d"><p>Ink is quiet.</p>`, n, n, n, n)
	})
	h := b.mark(t, s.URL, inParagraph(1, 0, 3, "Ink"))
	b.visitDue(t)
	b.lie(t, h)

	b.pass(t)
	page := b.visitDue(t)

	got, err := b.store.GetHighlight(context.Background(), b.ada, h.ID)
	if err != nil || got.Check.State != xpath.Moved || served.Load() != 2 || page.Pace.Interval != 2*firstInterval {
		t.Errorf("%v, %s after %d requests, then read every %v; want it as it was", err, got.Check.State, served.Load(), page.Pace.Interval)
	}
}

// lie gives a highlight a verdict that is wrong, so that it shows whether it is judged.
func (b *bench) lie(tb testing.TB, h storage.Highlight) {
	tb.Helper()
	_, err := b.conn(tb).Exec(context.Background(), `UPDATE highlights SET check_state = 'moved' WHERE id = $1`, h.ID)
	if err != nil {
		tb.Fatal(err)
	}
}

func TestAPageWithoutHighlightsIsNotRead(t *testing.T) {
	b, s := newBench(t), newSite(t, article)
	ctx := context.Background()
	h := b.mark(t, s.URL, inParagraph(1, 0, 3, "Ink"))
	b.visitDue(t)
	if _, err := b.store.DeleteHighlight(ctx, b.ada, h.ID, nil); err != nil {
		t.Fatal(err)
	}
	b.pass(t)

	page := b.visitDue(t)

	if page.Pace.DueAt != nil || s.asked.Load() != 1 {
		t.Errorf("asked %d times, and due again at %v; want it left alone", s.asked.Load(), page.Pace.DueAt)
	}
	if pages, err := b.store.ClaimDuePages(ctx, 1, lease); err != nil || len(pages) != 0 {
		t.Errorf("due are %v, %v; want none", pages, err)
	}
	b.mark(t, s.URL, inParagraph(1, 0, 3, "Ink"))
	if page := b.visitDue(t); page.Pace.DueAt == nil {
		t.Error("marked again, it is not watched")
	}
}

// What fell due during an outage does not keep those waiting who mark something now.
func TestWhatBecameDueLastIsVisitedFirst(t *testing.T) {
	b, s := newBench(t), newSite(t, article)
	b.mark(t, s.URL+"/old", inParagraph(1, 0, 3, "Ink"))
	_, err := b.conn(t).Exec(context.Background(), `UPDATE pages SET check_due_at = now() - interval '1 week'`)
	if err != nil {
		t.Fatal(err)
	}
	h := b.mark(t, s.URL+"/new", inParagraph(1, 0, 3, "Ink"))

	pages, err := b.store.ClaimDuePages(context.Background(), 1, lease)

	if err != nil || len(pages) != 1 || pages[0].ID != h.Page.ID {
		t.Errorf("claimed %v, %v; want the page marked last", pages, err)
	}
}

// A page that takes too long to judge keeps what it has, and nobody takes the next edition for the one that was judged.
func TestWhatIsNotJudgedInTimeIsLeftToTheNextReading(t *testing.T) {
	r, failed := parse([]byte(article), "text/html")
	if failed != nil {
		t.Fatal(failed)
	}
	marked := []storage.Marked{{Ranges: []xpath.Range{inParagraph(1, 0, 3, "Ink")}}}
	if verdicts, late, _ := judgeAll(r, marked, time.Now().Add(-time.Second), xpath.NewBudget()); len(verdicts) != 0 || !late {
		t.Errorf("%d verdicts after the end, late: %v", len(verdicts), late)
	}
	found := edition{reading: r, version: version{etag: `"2"`}, readAt: time.Now()}
	for _, incomplete := range []bool{true, false} {
		visit := storage.Visit{Page: storage.DuePage{ETag: `"1"`, ContentHash: []byte("before")}}
		learn(&visit, found, incomplete)
		if forgotten := visit.ETag == "" && visit.ContentHash == nil; forgotten != incomplete {
			t.Errorf("incomplete: %v; it keeps %q and %x", incomplete, visit.ETag, visit.ContentHash)
		}
	}
}

// What a budget was not enough for is found by another visit: no highlight is always behind the same others.
func TestEachHighlightComesFirstAtSomeVisit(t *testing.T) {
	b, s := newBench(t), newSite(t, article)
	ctx := context.Background()
	var page uuid.UUID
	for range 4 {
		page = b.mark(t, s.URL, inParagraph(1, 0, 3, "Ink")).Page.ID
	}
	b.visitDue(t)
	first := map[uuid.UUID]bool{}
	for range 200 {
		judged, more, err := b.store.Judged(ctx, page)
		if err != nil || more || len(judged) != 4 {
			t.Fatalf("%d highlights are judged, more: %v, %v; want all four", len(judged), more, err)
		}
		first[judged[0].ID] = true
	}
	if len(first) != 4 {
		t.Errorf("%d of four came first in 200 visits", len(first))
	}
}
