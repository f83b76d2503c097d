package verify

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"limn/storage"
	"limn/storage/storagetest"
	"limn/xpath"
)

// A bench is a running checker, what it works on, and what it said has changed.
type bench struct {
	*Checker
	store   *storage.Store
	ada     storage.Reader
	changed chan uuid.UUID
}

func newBench(tb testing.TB) *bench {
	tb.Helper()
	ctx := context.Background()
	store := storagetest.Open(tb)
	account, err := store.CreateAccount(ctx, "Ada", "")
	if err != nil {
		tb.Fatal(err)
	}
	token, _, err := store.CreateToken(ctx, account.ID)
	if err != nil {
		tb.Fatal(err)
	}
	ada, err := store.Authenticate(ctx, token)
	if err != nil {
		tb.Fatal(err)
	}
	b := &bench{store: store, ada: ada, changed: make(chan uuid.UUID, 100)}
	b.Checker = New(store, NewFetcher(mustAllow(tb, "127.0.0.0/8:*"), nil), func(page uuid.UUID) { b.changed <- page }, slog.New(slog.DiscardHandler))
	return b
}

// run starts the checker, which ends before the test does.
func (b *bench) run(tb testing.TB) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	tb.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			tb.Errorf("Run ended with %v", err)
		}
	})
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
	deadline := time.After(20 * time.Second)
	for {
		select {
		case page := <-b.changed:
			if page != h.Page.ID {
				continue
			}
		case <-deadline:
			tb.Fatal("no verdict within 20 s")
		}
		got, err := b.store.GetHighlight(context.Background(), b.ada, h.ID)
		if err != nil {
			tb.Fatal(err)
		}
		if got.Check.State != xpath.Pending {
			return got
		}
	}
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

	before := time.Now()
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
	if took := time.Since(before); took > time.Second {
		t.Errorf("the verdict took %v; want well under a second", took)
	}
}
