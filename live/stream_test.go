package live

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"limn/storage"
	"limn/storage/storagetest"
	"limn/xpath"
)

const address = "https://example.org/"

// startStream runs a hub whose streams of one page a server answers with, until the test ends.
func startStream(t *testing.T) (hub *Hub, store *storage.Store, url string) {
	t.Helper()
	store = storagetest.Open(t)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	hub, url = startHub(t, store, NewPostgresBus(store.Connect, log))
	return hub, store, url
}

// startHub is startStream on a store and a bus that other hubs may use, too.
func startHub(t *testing.T, store *storage.Store, bus Bus) (hub *Hub, url string) {
	t.Helper()
	hub, err := NewHub(store, bus, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := Subscription{Reader: storage.Anonymous, Pages: []uuid.UUID{storage.PageID(address)}, Done: func() {}}
		if err := hub.Stream(r.Context(), w, s); err != nil {
			t.Error(err)
		}
	}))
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { hub.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait(); front.Close() })
	return hub, front.URL
}

// signUp makes an account that may read what is public.
func signUp(t *testing.T, store *storage.Store) storage.Reader {
	t.Helper()
	account, err := store.CreateAccount(t.Context(), storage.NewAccount{Name: "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	return storage.Reader{Account: account, Groups: []uuid.UUID{storage.Public, account.ID}}
}

// follow opens a stream. next waits for its next event.
func follow(t *testing.T, url string) (next func() (name, data string)) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	lines := bufio.NewReader(response.Body)
	return func() (name, data string) {
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("the stream has ended: %v", err)
			}
			if rest, ok := strings.CutPrefix(line, "event: "); ok {
				name = strings.TrimSpace(rest)
			}
			if rest, ok := strings.CutPrefix(line, "data: "); ok {
				return name, rest
			}
		}
	}
}

// More is written than may wait for a reader who has stopped for a while. It gets everything as soon as it reads, once
// and by the same stream.
func TestReaderWhoFallsBehindCatchesUp(t *testing.T) {
	hub, store, url := startStream(t)
	ada := signUp(t, store)
	next := follow(t, url)
	for name := ""; name != "live"; name, _ = next() {
	}

	// More than the kernel takes for a reader who does not read, and then more than may wait.
	lost := func() bool {
		hub.mu.Lock()
		p := hub.pages[storage.PageID(address)]
		hub.mu.Unlock()
		p.mu.Lock()
		defer p.mu.Unlock()
		v := p.watches[0].viewer
		v.mu.Lock()
		defer v.mu.Unlock()
		return v.lost
	}
	written := map[string]bool{}
	for !lost() {
		n := storage.NewHighlight{URL: address, Group: "public", Note: strings.Repeat("x", 64<<10)}
		h, _, err := store.CreateHighlight(t.Context(), ada, n)
		if err != nil {
			t.Fatal(err)
		}
		written[h.ID.String()] = true
		hub.Changed(h.Page.ID)
	}

	for len(written) > 0 {
		if name, data := next(); name == "highlight" {
			id := data[len(`{"id":"`):][:36]
			if !written[id] {
				t.Fatalf("%s is sent again", id)
			}
			delete(written, id)
		}
	}
}

// What a writer hands over is what others read, byte for byte; what lies between is read.
func TestAChangeAtHandIsToldAsItIsRead(t *testing.T) {
	hub, store, url := startStream(t)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	_, otherURL := startHub(t, store, NewPostgresBus(store.Connect, log))
	ada := signUp(t, store)
	here, elsewhere := follow(t, url), follow(t, otherURL)
	highlight := func(next func() (string, string)) string {
		for {
			if name, data := next(); name == "highlight" {
				return data
			}
		}
	}
	for _, next := range []func() (string, string){here, elsewhere} {
		for name := ""; name != "live"; name, _ = next() {
		}
	}
	path := "/html[1]/body[1]/p[2]/text()[1]"
	whole := xpath.Range{
		Anchor: xpath.Point{XPath: path, Offset: 9}, Focus: xpath.Point{XPath: path, Offset: 2},
		Quote: &xpath.Quote{Exact: "“ink” & 🖋", Prefix: "<", Suffix: "\u2028"}, Position: &xpath.Position{Start: 2, End: 9},
	}
	bare := xpath.Range{Anchor: whole.Anchor, Focus: whole.Focus}
	for i, n := range []storage.NewHighlight{
		{Note: "plain"},
		{Note: "*all*\r\n of it", Tags: []string{"a", "b c"}, Color: "#a1b2c3", Ranges: []xpath.Range{whole, bare}},
		{Ranges: []xpath.Range{bare}, Found: &storage.Finding{ReadAt: time.Now(), Ranges: []xpath.Range{whole}}},
	} {
		n.URL, n.Title, n.Group = address, "A <title>", "public"
		h, _, err := store.CreateHighlight(t.Context(), ada, n)
		if err != nil {
			t.Fatal(err)
		}
		if i != 1 { // of which only the next one tells
			hub.Wrote(h.Page.ID, storage.Made(h))
		}
	}
	for range 3 {
		if got, want := highlight(here), highlight(elsewhere); got != want {
			t.Errorf("here it is\n%s, elsewhere\n%s", got, want)
		}
	}

	last, err := store.PageSeqs(t.Context(), []uuid.UUID{storage.PageID(address)})
	if err != nil {
		t.Fatal(err)
	}
	next := storage.Highlight{ID: uuid.New(), Seq: last[storage.PageID(address)] + 1, Group: "public", Note: "not stored"}
	hub.Wrote(storage.PageID(address), storage.Made(next))

	if got := highlight(here); !strings.Contains(got, "not stored") {
		t.Errorf("a change at hand was read: %s", got)
	}
}

// Readers are told to come back after times that differ, so that a restart is not met by all of them at once.
func TestReadersComeBackSpread(t *testing.T) {
	_, _, url := startStream(t)
	pauses := map[int]bool{}
	for range 20 {
		response, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(response.Body)
		var pause int
		if _, err := fmt.Fscanf(lines, "retry: %d\n", &pause); err != nil || pause < minRetry || pause > maxRetry {
			t.Errorf("a stream says to come back after %d ms, %v", pause, err)
		}
		for line := ""; line != "event: live\n"; { // so that none is still on its way when the test ends
			if line, err = lines.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		response.Body.Close()
		pauses[pause] = true
	}
	if len(pauses) < 10 {
		t.Errorf("20 readers come back at %d times", len(pauses))
	}
}

// A page that nobody reads any more waits for its readers to be counted, but a hub that stops does not.
func TestHubStopsWhileTheDatabaseIsAway(t *testing.T) {
	store := storagetest.Open(t)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	hub, err := NewHub(store, NewPostgresBus(store.Connect, log), log)
	if err != nil {
		t.Fatal(err)
	}
	p, err := hub.acquire(uuid.New())
	if err != nil {
		t.Fatal(err)
	}
	hub.census.ask(p, true)
	p.release()
	store.Close()
	stopped, stop := context.WithCancel(t.Context())
	stop()

	hub.Run(stopped)

	if n := len(hub.watched()); n != 0 {
		t.Errorf("%d pages are left", n)
	}
}
