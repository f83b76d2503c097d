package live

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"limn/storage/storagetest"
)

// startBus runs a bus until the test ends. hints receives what arrives, missed a token for each time that hints may
// have been lost.
func startBus(t *testing.T, connect func(context.Context) (*pgx.Conn, error)) (bus *PostgresBus, hints chan Hint, missed chan struct{}) {
	t.Helper()
	bus = NewPostgresBus(connect, slog.New(slog.NewTextHandler(t.Output(), nil)))
	hints, missed = make(chan Hint, 10_000), make(chan struct{}, 100)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		bus.Run(ctx, func(h Hint) { hints <- h }, func() { missed <- struct{}{} })
	})
	t.Cleanup(func() { stop(); running.Wait() })
	return bus, hints, missed
}

// Hints arrive at the other instances, however many at once, and not at the one that sent them.
func TestHintsReachTheOthers(t *testing.T) {
	store := storagetest.Open(t)
	here, own, ready := startBus(t, store.Connect)
	_, there, otherReady := startBus(t, store.Connect)
	<-ready
	<-otherReady

	want := map[Hint]bool{}
	for i := range 2 * maxHints {
		h := Hint{Page: uuid.New(), Presence: i%2 == 0}
		want[h] = true
		here.Publish(h)
	}

	for len(want) > 0 {
		delete(want, <-there)
	}
	if len(own) > 0 {
		t.Errorf("the sender hears itself: %v", <-own)
	}
}

// A connection that is cut is made anew, and says that something may have been missed.
func TestBusComesBack(t *testing.T) {
	store := storagetest.Open(t)
	here, _, hereReady := startBus(t, store.Connect)
	_, there, thereReady := startBus(t, store.Connect)
	<-hereReady
	<-thereReady

	conn, err := store.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var cut int
	err = conn.QueryRow(t.Context(), `
		SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE datname = current_database() AND query LIKE 'LISTEN%' AND pid <> pg_backend_pid()`).Scan(&cut)
	if err != nil || cut != 2 {
		t.Fatalf("%d listening connections were cut: %v", cut, err)
	}
	<-hereReady
	<-thereReady

	h := Hint{Page: uuid.New()}
	here.Publish(h)
	if got := <-there; got != h {
		t.Errorf("got %v", got)
	}
}

// What else is said on the channel does no harm.
func TestForeignPayloadsArePassedOver(t *testing.T) {
	bus := NewPostgresBus(nil, slog.New(slog.DiscardHandler))
	h := Hint{Page: uuid.New()}
	good := NewPostgresBus(nil, slog.New(slog.DiscardHandler)).payload([]Hint{h})
	for payload, want := range map[string]int{"": 0, "x": 0, good[:30]: 0, good + "x": 1, good + good[22:]: 2, good[:22] + "?" + good[23:]: 0} {
		got := 0
		bus.read(payload, func(Hint) { got++ })
		if got != want {
			t.Errorf("%q holds %d hints, want %d", fmt.Sprintf("%.80s", payload), got, want)
		}
	}
}
