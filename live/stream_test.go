package live

import (
	"bufio"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"limn/storage"
	"limn/storage/storagetest"
)

const address = "https://example.org/"

// startStream runs a hub whose streams of one page a server answers with, until the test ends.
func startStream(t *testing.T) (hub *Hub, store *storage.Store, url string) {
	t.Helper()
	store = storagetest.Open(t)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	hub, err := NewHub(store, NewPostgresBus(store.Connect, log), log)
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
	return hub, store, front.URL
}

// More is written than may wait for a reader who has stopped for a while. It gets everything as soon as it reads, once
// and by the same stream.
func TestReaderWhoFallsBehindCatchesUp(t *testing.T) {
	hub, store, url := startStream(t)
	account, err := store.CreateAccount(t.Context(), "Ada", "")
	if err != nil {
		t.Fatal(err)
	}
	ada := storage.Reader{Account: account, Groups: []uuid.UUID{storage.Public, account.ID}}
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	next := func() (name, data string) {
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
