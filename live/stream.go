package live

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/google/uuid"

	"limn/storage"
)

// ErrClosing is how a stream ends when the server stops; its reader comes back and goes on where it was.
var ErrClosing = errors.New("the server is stopping")

// errBehind says that changes came faster than the reader took them, and have to be read again.
var errBehind = errors.New("the reader is behind")

const (
	pingEvery    = 15 * time.Second // keeps proxies, which often give up after 60 s, from ending quiet streams
	writeTimeout = 10 * time.Second // for a reader to take what it is sent
	minLife      = 5 * time.Minute  // streams end after a time between these, so that readers spread
	maxLife      = 10 * time.Minute // over the instances there are now
	minRetry     = 500              // milliseconds; spread, so that a restart is not met by everybody at once
	maxRetry     = 3000
)

// A Subscription is what a reader asks to be streamed.
type Subscription struct {
	Reader storage.Reader
	Pages  []uuid.UUID // each once, from 1 to MaxPages
	Cursor string      // the last event id that the reader has seen; empty: none
	Since  int64       // without a cursor: the number after which to begin; 0: from the beginning
}

// Stream sends a reader everything of its pages that it has not seen and may see, and then what happens, until ctx
// or the reader ends it, or the stream has lived long enough (nil), or with ErrClosing or an error of the database or
// the connection, as when the reader stops reading. It writes the header once it is certain that there is something to say.
func (h *Hub) Stream(ctx context.Context, w http.ResponseWriter, s Subscription) error {
	viewer := newViewer(s.Reader)
	watches := make([]*watch, 0, len(s.Pages))
	for _, id := range s.Pages {
		p, err := h.acquire(id)
		if err != nil {
			return err
		}
		defer p.release()
		watches = append(watches, &watch{viewer: viewer, page: p})
	}
	out := newOutput(w, h.store.Epoch(), watches)
	if err := out.open(); err != nil {
		return err
	}
	life := time.NewTimer(minLife + rand.N(maxLife-minLife))
	defer life.Stop()
	starts := h.starts(s)
	for {
		err := h.carry(ctx, out, viewer, starts, life.C)
		if !errors.Is(err, errBehind) {
			return err
		}
		viewer.reset()
		for i, w := range watches {
			if w.begun {
				starts[i] = start{after: w.sent}
			}
		}
	}
}

// carry replays the pages of a stream and then writes what happens, until the stream ends or the reader falls behind.
func (h *Hub) carry(ctx context.Context, out *output, viewer *viewer, starts []start, life <-chan time.Time) error {
	for i, w := range out.watches {
		defer w.page.leave(w)
		if err := h.catchUp(ctx, out, w, starts[i]); err != nil {
			return err
		}
		if err := out.drain(viewer); err != nil {
			return err
		}
	}
	return h.follow(ctx, out, viewer, life)
}

// follow writes what happens, as it happens.
func (h *Hub) follow(ctx context.Context, out *output, viewer *viewer, life <-chan time.Time) error {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		var err error
		select {
		case <-viewer.ready:
			err = out.drain(viewer)
		case <-ping.C:
			err = out.write(pingEvent)
		case <-life:
			return nil
		case <-h.closing:
			return ErrClosing
		case <-ctx.Done():
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// A start is where a page's replay begins.
type start struct {
	after  int64
	resync string // why the reader has to forget what it holds; empty: it has not
}

// starts says where each page's replay begins: after what the cursor names, or at the beginning with the reason.
func (h *Hub) starts(s Subscription) []start {
	starts := make([]start, len(s.Pages))
	if s.Cursor == "" {
		for i := range starts {
			starts[i].after = s.Since
		}
		return starts
	}
	c, ok := parseCursor(s.Cursor)
	for i, page := range s.Pages {
		seq, named := c.seqs[page]
		switch {
		case !ok:
			starts[i].resync = "unknown_cursor"
		case c.epoch != h.store.Epoch():
			starts[i].resync = "other_epoch"
		case !named:
			starts[i].resync = "unknown_page"
		default:
			starts[i].after = seq
		}
	}
	return starts
}

// catchUp replays a page until the reader has everything, and lets it join those who follow.
func (h *Hub) catchUp(ctx context.Context, out *output, w *watch, from start) error {
	if from.resync != "" {
		if err := out.resync(w, from.resync); err != nil {
			return err
		}
	}
	after, fresh := from.after, from.after == 0
	w.sent, w.begun = after, after > 0
	for {
		r, err := w.page.replay(ctx, after)
		switch {
		case err != nil:
			return fmt.Errorf("replay a page: %w", err)
		case r.last < after: // the number is from a future that this database does not know
			if err := out.resync(w, "future_cursor"); err != nil {
				return err
			}
			after, fresh = 0, true
			continue
		}
		if err := out.replay(w, r.events, fresh); err != nil {
			return err
		}
		after, fresh = r.last, false // what goes from now on may have been sent
		if !r.more && w.page.join(w, after) {
			return out.live(w, after)
		}
		select {
		case <-h.closing:
			return ErrClosing
		default:
		}
	}
}

// retryAfter is how long a reader is to wait before it comes back, in milliseconds.
func retryAfter() int { return minRetry + rand.IntN(maxRetry-minRetry) }
