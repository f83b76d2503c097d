package verify

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"limn/storage"
	"limn/storage/storagetest"
	"limn/xpath"
)

// A bench is a running checker, what it works on, and what it said has changed.
type bench struct {
	*Checker
	url     string // of the database
	store   *storage.Store
	ada     storage.Reader
	changed chan uuid.UUID
}

func newBench(tb testing.TB) *bench {
	tb.Helper()
	ctx := context.Background()
	url := storagetest.URL(tb)
	store, err := storage.Open(ctx, url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(store.Close)
	account, err := store.CreateAccount(ctx, storage.NewAccount{Name: "Ada"})
	if err != nil {
		tb.Fatal(err)
	}
	token, _, err := store.CreateSession(ctx, account.ID)
	if err != nil {
		tb.Fatal(err)
	}
	ada, err := store.Authenticate(ctx, token)
	if err != nil {
		tb.Fatal(err)
	}
	b := &bench{url: url, store: store, ada: ada, changed: make(chan uuid.UUID, 100)}
	b.Checker = New(store, NewFetcher(mustAllow(tb, "127.0.0.0/8:*"), nil), func(page uuid.UUID) { b.changed <- page }, slog.New(slog.DiscardHandler))
	return b
}

// run starts the checker, which ends before the test does.
func (b *bench) run(tb testing.TB) {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { b.Run(ctx) })
	tb.Cleanup(func() {
		stop()
		running.Wait()
	})
}

// cut keeps everybody from the database, until restore is called.
func (b *bench) cut(tb testing.TB) (restore func()) {
	tb.Helper()
	config, err := pgx.ParseConfig(b.url)
	if err != nil {
		tb.Fatal(err)
	}
	name := config.Database
	config.Database = "postgres"
	exec := func(query string) {
		tb.Helper()
		conn, err := pgx.ConnectConfig(context.Background(), config)
		if err != nil {
			tb.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(context.Background(), query); err != nil {
			tb.Fatal(err)
		}
	}
	exec("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false")
	exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'")
	return func() { exec("ALTER DATABASE " + name + " ALLOW_CONNECTIONS true") }
}

// mark creates a highlight and wakes the checker, as the server does.
func (b *bench) mark(tb testing.TB, url string, ranges ...xpath.Range) storage.Highlight {
	tb.Helper()
	normal, err := storage.NormalizeURL(url)
	if err != nil {
		tb.Fatal(err)
	}
	h, _, err := b.store.CreateHighlight(context.Background(), b.ada, storage.NewHighlight{URL: normal, Group: "public", Ranges: ranges})
	if err != nil {
		tb.Fatal(err)
	}
	b.Wake()
	return h
}

// verdict waits for the checker to say that the highlight's page has changed, and reads what it found.
func (b *bench) verdict(tb testing.TB, h storage.Highlight) storage.Highlight {
	tb.Helper()
	return b.await(tb, h, func(s xpath.State) bool { return s != xpath.Pending })
}

// await is a highlight once the state of its check is as wanted.
func (b *bench) await(tb testing.TB, h storage.Highlight, wanted func(xpath.State) bool) storage.Highlight {
	tb.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case page := <-b.changed:
			if page != h.Page.ID {
				continue
			}
		case <-deadline:
			tb.Fatal("not the wanted verdict within 20 s")
		}
		got, err := b.store.GetHighlight(context.Background(), b.ada, h.ID)
		if err != nil {
			tb.Fatal(err)
		}
		if wanted(got.Check.State) {
			return got
		}
	}
}

// visitDue makes the visit of the one page that is due, and returns the page as the visit has left it.
func (b *bench) visitDue(tb testing.TB) storage.DuePage {
	tb.Helper()
	ctx := context.Background()
	pages, err := b.store.ClaimDuePages(ctx, 2, lease)
	if err != nil || len(pages) != 1 {
		tb.Fatalf("claimed %v, %v; want one page", pages, err)
	}
	b.visit(ctx, pages[0])
	page := pages[0]
	err = b.conn(tb).QueryRow(ctx, `SELECT read_at, content_hash, read_interval, read_failures, read_due_at FROM pages WHERE id = $1`, page.ID).
		Scan(&page.ReadAt, &page.ContentHash, &page.Pace.Interval, &page.Pace.Failures, &page.Pace.DueAt)
	if err != nil {
		tb.Fatal(err)
	}
	return page
}

// pass makes it as if the time until the next reading of every page had passed.
func (b *bench) pass(tb testing.TB) {
	tb.Helper()
	_, err := b.conn(tb).Exec(context.Background(), `
		UPDATE pages SET read_at = read_at - (read_due_at - now()), check_due_at = now(), read_due_at = now() WHERE read_due_at > now()`)
	if err != nil {
		tb.Fatal(err)
	}
}

// conn is a connection beside those of the store.
func (b *bench) conn(tb testing.TB) *pgx.Conn {
	tb.Helper()
	conn, err := b.store.Connect(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func mustAllow(tb testing.TB, list string) Allow {
	tb.Helper()
	allow, err := ParseAllow(list)
	if err != nil {
		tb.Fatal(err)
	}
	return allow
}

// site serves one page and counts how often it is asked for.
type site struct {
	*httptest.Server
	asked atomic.Int64
	page  atomic.Pointer[string]
}

func newSite(tb testing.TB, page string) *site {
	s := &site{}
	s.page.Store(&page)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.asked.Add(1)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, *s.page.Load())
	}))
	tb.Cleanup(s.Close)
	return s
}

const article = `<!DOCTYPE html><title>On  ink</title><body><p>Ink is quiet.</p><p>It waits for a reader.</p>`

// inParagraph is a range in the text of the n-th paragraph.
func inParagraph(n, start, end int, quote string) xpath.Range {
	path := fmt.Sprintf("/html[1]/body[1]/p[%d]/text()[1]", n)
	r := xpath.Range{Anchor: xpath.Point{XPath: path, Offset: start}, Focus: xpath.Point{XPath: path, Offset: end}}
	if quote != "" {
		r.Quote = &xpath.Quote{Exact: quote}
	}
	return r
}

func TestANewHighlightIsVerifiedAtOnce(t *testing.T) {
	b, s := newBench(t), newSite(t, article)
	b.run(t)

	h := b.verdict(t, b.mark(t, s.URL, inParagraph(1, 0, 3, "")))

	if h.Check.State != xpath.Verified || h.Check.Reason != "" || h.Check.CheckedAt == nil {
		t.Errorf("check is %+v; want verified", h.Check)
	}
	if q := h.Ranges[0].Quote; q == nil || q.Exact != "Ink" || q.Suffix != " is quiet.It waits for a reader." {
		t.Errorf("quote is %+v; want it filled in from the page", q)
	}
	if h.Page.Title != "On ink" {
		t.Errorf("title is %q; want the page's own", h.Page.Title)
	}
}

func TestTheWorstRangeDecides(t *testing.T) {
	b, s := newBench(t), newSite(t, article)
	b.run(t)
	for name, c := range map[string]struct {
		ranges []xpath.Range
		want   xpath.State
		now    int // how many ranges say where they stand now
	}{
		"all stand":            {[]xpath.Range{inParagraph(1, 0, 3, "Ink"), inParagraph(2, 0, 2, "It")}, xpath.Verified, 0},
		"one moved":            {[]xpath.Range{inParagraph(1, 0, 3, "Ink"), inParagraph(1, 0, 5, "waits")}, xpath.Moved, 2},
		"one is gone":          {[]xpath.Range{inParagraph(1, 0, 3, "Ink"), inParagraph(1, 0, 5, "waits"), inParagraph(1, 0, 9, "nevermore")}, xpath.Orphaned, 0},
		"one leads nowhere":    {[]xpath.Range{inParagraph(1, 0, 3, "Ink"), inParagraph(9, 0, 3, "")}, xpath.Orphaned, 0},
		"a note on the page":   {nil, xpath.Verified, 0},
		"a range without text": {[]xpath.Range{inParagraph(1, 2, 2, "")}, xpath.Verified, 0},
	} {
		h := b.verdict(t, b.mark(t, s.URL, c.ranges...))
		if h.Check.State != c.want || len(h.Check.Ranges) != c.now {
			t.Errorf("%s: %+v; want %s with %d ranges", name, h.Check, c.want, c.now)
		}
		if len(h.Ranges) != len(c.ranges) {
			t.Errorf("%s: %d ranges are stored; want %d", name, len(h.Ranges), len(c.ranges))
		}
	}
}

func TestASecondHighlightIsVerifiedFromWhatIsThere(t *testing.T) {
	b, s := newBench(t), newSite(t, article)
	b.run(t)
	before := time.Now()
	b.verdict(t, b.mark(t, s.URL, inParagraph(1, 0, 3, "Ink")))

	h := b.verdict(t, b.mark(t, s.URL, inParagraph(2, 0, 2, "It")))

	if h.Check.State != xpath.Verified || s.asked.Load() != 1 {
		t.Errorf("%s after %d requests; want verified after 1", h.Check.State, s.asked.Load())
	}
	if at := h.Check.CheckedAt; at == nil || at.Before(before) {
		t.Errorf("checked at %v; want when the page was read, after %v", at, before)
	}
}

func TestWhatIsNewOnAPageIsNotJudgedByAnOldReading(t *testing.T) {
	b, s := newBench(t), newSite(t, article)
	b.run(t)
	b.verdict(t, b.mark(t, s.URL, inParagraph(1, 0, 3, "Ink")))
	s.page.Store(new(article + "<p>Fresh.</p>"))

	h := b.verdict(t, b.mark(t, s.URL, inParagraph(3, 0, 5, "Fresh")))

	if h.Check.State != xpath.Verified || s.asked.Load() != 2 {
		t.Errorf("%s after %d requests; want verified after 2", h.Check.State, s.asked.Load())
	}
}

func TestAPageThatCouldNotBeReadIsJudgedByALaterVisit(t *testing.T) {
	b := newBench(t)
	var down atomic.Bool
	down.Store(true)
	s := serveAt(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		serve200(w, r)
	})
	b.run(t)
	first := b.verdict(t, b.mark(t, s.URL, inParagraph(1, 0, 3, "Ink")))
	if first.Check.State != xpath.Unverifiable || first.Check.Reason != "status_503" {
		t.Fatalf("check is %+v; want unverifiable for its status", first.Check)
	}
	down.Store(false)

	second := b.mark(t, s.URL, inParagraph(2, 0, 2, "It"))

	if second.Check.State != xpath.Unverifiable || second.Check.Reason != "status_503" {
		t.Errorf("at once it is %+v; want what is known of the page", second.Check)
	}
	verified := func(s xpath.State) bool { return s == xpath.Verified }
	b.await(t, first, verified)
	if second, err := b.store.GetHighlight(context.Background(), b.ada, second.ID); err != nil || second.Check.State != xpath.Verified {
		t.Errorf("%v, the second is %s; want verified", err, second.Check.State)
	}
}

func TestWhatStandsOnAPageThatWasJustReadIsVerifiedAtOnce(t *testing.T) {
	b, s := newBench(t), newSite(t, article)
	b.run(t)
	b.verdict(t, b.mark(t, s.URL, inParagraph(1, 0, 3, "Ink")))
	there, elsewhere := inParagraph(2, 0, 2, ""), inParagraph(2, 0, 2, "Ink")

	url := s.URL + "/"
	found, none := b.Find(url, []xpath.Range{there}), b.Find(url, []xpath.Range{elsewhere})

	if found == nil || none != nil {
		t.Fatalf("found %+v and %+v; want the first alone", found, none)
	}
	h, _, err := b.store.CreateHighlight(context.Background(), b.ada, storage.NewHighlight{URL: url, Group: "public", Ranges: []xpath.Range{there}, Found: found})
	if err != nil || h.Check.State != xpath.Verified || h.Ranges[0].Quote == nil || h.Ranges[0].Quote.Exact != "It" {
		t.Errorf("%v, made as %+v; want it verified with its quote", err, h)
	}
	if due, err := b.store.ClaimDuePages(context.Background(), 1, lease); err != nil || len(due) != 0 {
		t.Errorf("%v, due are %+v; want none", err, due)
	}
}

func TestCheckingAgainAsksTheServer(t *testing.T) {
	b := newBench(t)
	var page, etag atomic.Value
	put := func(content, tag string) { page.Store(content); etag.Store(tag) }
	put(article, `"first"`)
	requests := make(chan string, 10)
	s := serveAt(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		requests <- r.Header.Get("If-None-Match")
		w.Header().Set("Etag", etag.Load().(string))
		if r.Header.Get("If-None-Match") == etag.Load() {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, page.Load())
	})
	h := b.mark(t, s.URL, inParagraph(1, 0, 3, "Ink"))
	look := func() storage.Highlight {
		t.Helper()
		b.visitDue(t)
		got, err := b.store.GetHighlight(context.Background(), b.ada, h.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	again := func() storage.Highlight {
		t.Helper()
		if err := b.store.CheckPageAgain(context.Background(), h.Page.ID); err != nil {
			t.Fatal(err)
		}
		return look()
	}
	want := func(what string, got storage.Highlight, state xpath.State, sent string) {
		t.Helper()
		if asked := <-requests; got.Check.State != state || asked != sent {
			t.Errorf("%s: %s, asked for what is not %q; want %s and %q", what, got.Check.State, asked, state, sent)
		}
	}

	want("the first visit", look(), xpath.Verified, "")
	want("unchanged, with what was kept", again(), xpath.Verified, `"first"`)
	b.Checker = New(b.store, b.reader.fetcher, b.Checker.changed, b.log)
	want("unchanged, with nothing kept", again(), xpath.Verified, `"first"`)
	put("<p>Other.", `"other"`)
	want("changed", again(), xpath.Orphaned, `"first"`)
	put(article, `"first"`)
	want("changed back", again(), xpath.Verified, `"other"`)
	if len(b.changed) != 3 {
		t.Errorf("changes were told %d times; want 3", len(b.changed))
	}
}

func TestAPageThatCannotBeReadAnyMoreKeepsItsVerdicts(t *testing.T) {
	b, status := newBench(t), atomic.Int64{}
	status.Store(http.StatusOK)
	s := serveAt(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(int(status.Load()))
		fmt.Fprint(w, article)
	})
	ctx := context.Background()
	h := b.mark(t, s.URL, inParagraph(1, 0, 3, "Ink"))
	b.visitDue(t)
	for _, answer := range []int{http.StatusServiceUnavailable, http.StatusGone, http.StatusNotFound} {
		status.Store(int64(answer))
		if err := b.store.CheckPageAgain(ctx, h.Page.ID); err != nil {
			t.Fatal(err)
		}
		before := time.Now()
		saved := b.visitDue(t)

		page, err := b.store.GetPage(ctx, b.ada, h.Page.ID)
		if err != nil || page.ReadReason != fmt.Sprint("status_", answer) || page.Counts.Verified != 1 || page.Seq != 2 {
			t.Errorf("answered %d, the page is %+v, %v; want the reason, and its highlight as it was", answer, page, err)
		}
		if due := saved.Pace.DueAt; due == nil || due.Before(before.Add(retries[0])) {
			t.Errorf("answered %d, the page is read again at %v; want it later than %v", answer, due, before)
		}
	}
	status.Store(http.StatusOK)
	if err := b.store.CheckPageAgain(ctx, h.Page.ID); err != nil {
		t.Fatal(err)
	}
	b.visitDue(t)
	if page, err := b.store.GetPage(ctx, b.ada, h.Page.ID); err != nil || page.ReadReason != "" || page.Seq != 2 {
		t.Errorf("back again, the page is %+v, %v; want it read, and nothing changed", page, err)
	}
}

// What is written on a page while it is read waits for that: a flood of it is two visits, and not one each.
func TestAPageIsVisitedOnceAtATime(t *testing.T) {
	b, other := newBench(t), newSite(t, article)
	arrived, answer := make(chan struct{}, 10), make(chan struct{})
	slow := serveAt(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-answer
		serve200(w, r)
	})
	b.run(t)
	first := b.mark(t, slow.URL, inParagraph(1, 0, 3, "Ink"))
	<-arrived
	second := b.mark(t, slow.URL, inParagraph(2, 0, 2, "It"))
	b.verdict(t, b.mark(t, other.URL)) // so that it was looked for what is due since

	due, err := b.store.ClaimDuePages(context.Background(), 1, lease)
	close(answer)

	if err != nil || len(due) != 1 || due[0].ID != second.Page.ID {
		t.Errorf("%+v, %v; want the page to be due still, because nobody visits it a second time", due, err)
	}
	if h := b.verdict(t, first); h.Check.State != xpath.Verified {
		t.Errorf("the first is %s; want verified", h.Check.State)
	}
}

func TestWhatWasMarkedDuringAVisitIsJudgedByTheNext(t *testing.T) {
	b := newBench(t)
	arrived, answer := make(chan struct{}, 10), make(chan struct{})
	slow := serveAt(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-answer
		serve200(w, r)
	})
	b.run(t)
	first := b.mark(t, slow.URL, inParagraph(1, 0, 3, "Ink"))
	<-arrived
	second := b.mark(t, slow.URL, inParagraph(2, 0, 2, "It"))

	close(answer)

	for _, h := range []storage.Highlight{first, second} {
		if h := b.verdict(t, h); h.Check.State != xpath.Verified {
			t.Errorf("%s; want verified", h.Check.State)
		}
	}
}

func TestRunStopsWithoutSavingWhatWasCutOff(t *testing.T) {
	b := newBench(t)
	arrived := make(chan struct{}, 1)
	s := serveAt(t, "127.0.0.1", func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	h := b.mark(t, s.URL, inParagraph(1, 0, 3, "Ink"))
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { b.Run(ctx) })
	<-arrived

	stop()

	running.Wait()
	got, err := b.store.GetHighlight(context.Background(), b.ada, h.ID)
	if err != nil || got.Check.State != xpath.Pending {
		t.Errorf("%v, %s; want pending", err, got.Check.State)
	}
}

func TestRunOutlivesTheDatabase(t *testing.T) {
	b, s := newBench(t), newSite(t, article)
	noticed := make(chan struct{}, 100)
	b.log = slog.New(slog.NewTextHandler(writerFunc(func([]byte) { noticed <- struct{}{} }), &slog.HandlerOptions{Level: slog.LevelWarn}))
	h := b.mark(t, s.URL, inParagraph(1, 0, 3, "Ink"))
	restore := b.cut(t)
	b.run(t)
	<-noticed

	restore()

	if got := b.verdict(t, h); got.Check.State != xpath.Verified {
		t.Errorf("check is %+v; want verified", got.Check)
	}
}

func TestAPanicIsAFailureOfItsPageOnly(t *testing.T) {
	b, s := newBench(t), newSite(t, article)
	found, err := b.read(context.Background(), s.URL, false, version{}, func(edition) bool { panic("a fault") })
	if err != nil || found.failure == nil || found.failure.reason != reasonInternal {
		t.Errorf("%+v, %v; want it to fail as internal", found, err)
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) {
	f(b)
	return len(b), nil
}
