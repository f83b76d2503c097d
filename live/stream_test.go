package live

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"limn/storage"
	"limn/storage/storagetest"
)

// A connection is a stream's way to its reader, on which nothing is written that is not read.
type connection struct {
	net.Conn
	header http.Header
}

func (c connection) Header() http.Header { return c.header }
func (c connection) WriteHeader(int)     {}
func (c connection) Flush()              {}

// More is written than may wait for a reader who has stopped for a moment. The stream goes on as soon as it reads.
func TestReaderWhoFallsBehindCatchesUp(t *testing.T) {
	const address = "https://example.org/"
	store := storagetest.Open(t)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	hub := NewHub(store, NewPostgresBus(store.Connect, log), log)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { hub.Run(ctx) })
	account, err := store.CreateAccount(t.Context(), "Ada", "")
	if err != nil {
		t.Fatal(err)
	}
	ada := storage.Reader{Account: account, Groups: []uuid.UUID{storage.Public, account.ID}}
	here, there := net.Pipe()
	page := storage.PageID(address)
	running.Go(func() {
		defer there.Close()
		hub.Stream(ctx, connection{there, http.Header{}}, Subscription{Reader: storage.Anonymous, Pages: []uuid.UUID{page}})
	})
	t.Cleanup(func() { stop(); here.Close(); running.Wait() })
	lines := bufio.NewReader(here)
	next := func() (event string) {
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("the stream has ended: %v", err)
			}
			if name, ok := strings.CutPrefix(line, "event: "); ok {
				return strings.TrimSpace(name)
			}
		}
	}
	for next() != "live" {
	}

	const count = 3 * maxQueued / (64 << 10)
	for range count {
		n := storage.NewHighlight{URL: address, Group: "public", Note: strings.Repeat("x", 64<<10)}
		if _, _, err := store.CreateHighlight(t.Context(), ada, n); err != nil {
			t.Fatal(err)
		}
		hub.Changed(page)
	}

	for seen := 0; seen < count; {
		if next() == "highlight" {
			seen++
		}
	}
}
