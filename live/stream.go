package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/google/uuid"

	"limn/storage"
)

// ErrClosing says that the hub takes no more streams.
var ErrClosing = errors.New("the server is stopping")

// errGone says that a viewer was let go before it had what was there.
var errGone = errors.New("the reader is gone")

const (
	minRetry = 500 // milliseconds; spread, so that a restart is not met by everybody at once
	maxRetry = 3000
)

// A Subscription is what a reader asks to be streamed.
type Subscription struct {
	Reader storage.Reader
	Pages  []uuid.UUID // each once, from 1 to MaxPages
	Cursor string      // the last event id that the reader has seen; empty: none
	Since  int64       // without a cursor: the number after which to begin; 0: from the beginning
	Done   func()      // called once when the stream has ended, if Stream returned no error
}

// Stream sends a reader everything of its pages that it has not seen and may see, and then what happens. It takes the
// connection over from the HTTP server, and returns once the reader has what was there: what follows is sent by
// those who have something to send, until the reader hangs up or does not read, or the stream has lived long
// enough, or the hub closes. The error is ErrClosing, or of the database or the connection.
func (h *Hub) Stream(ctx context.Context, w http.ResponseWriter, s Subscription) error {
	viewer := h.newViewer(s)
	pages, err := h.acquireAll(s.Pages)
	if err != nil {
		return err
	}
	viewer.watches = make([]*watch, len(pages))
	for i, p := range pages {
		viewer.watches[i] = &watch{viewer: viewer, page: p, sent: unsaid}
	}
	if viewer.conn, err = takeOver(w); err != nil {
		releaseAll(pages)
		return err
	}
	if !h.viewers.add(viewer) {
		viewer.conn.close()
		releaseAll(pages)
		return ErrClosing
	}
	h.metrics.opened.Inc()
	viewer.expire(s.Reader.Expires)
	if h.viewers.late(viewer, s.Reader.At) {
		viewer.stop(revoked)
		return nil
	}
	// From here on the viewer owns its pages and its connection, and ending it gives them back.
	if err := h.begin(ctx, viewer, s); err != nil {
		h.log.Debug("a stream did not get to what is live", "error", err)
		viewer.stop(reasonOf(err))
	}
	return nil
}

// newViewer makes a viewer of who subscribes, without its pages and connection.
func (h *Hub) newViewer(s Subscription) *viewer {
	v := &viewer{
		hub: h, account: s.Reader.Account.ID, token: s.Reader.Token, rights: s.Reader.Rights,
		reads: s.Reader.Groups, visits: s.Reader.Visits(), done: s.Done,
	}
	if groups := groupsOf(v.reads); groups != "" {
		v.head = append(append(appendHead(nil, h.store.Epoch()), '-'), groups...)
	}
	return v
}

// expire ends a viewer with its token, if that is before its own time.
func (v *viewer) expire(token time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !token.IsZero() && token.Before(v.ends) && v.phase != gone {
		v.expiry = time.AfterFunc(time.Until(token), func() { v.stop(revoked) })
	}
}

// begin brings a viewer up to date, lets it follow, and has its hang-up told.
func (h *Hub) begin(ctx context.Context, v *viewer, s Subscription) error {
	if err := v.catchUp(ctx, h.starts(s), newWriter()); err != nil {
		return err
	}
	return h.hangups.watch(v.conn, v.id)
}

// takeOver makes the request's connection a stream's. Proxies are told to pass on what they get, when they get it, as it
// is. Without a length the answer lasts as long as the connection.
func takeOver(w http.ResponseWriter) (*connection, error) {
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache, no-transform")
	header.Set("X-Accel-Buffering", "no")
	header.Set("Connection", "close")
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	var head bytes.Buffer
	head.WriteString("HTTP/1.1 200 OK\r\n")
	if err := header.Write(&head); err != nil {
		return nil, fmt.Errorf("write the stream's header: %w", err)
	}
	head.WriteString("\r\n")
	head.Write(retryLine(minRetry + rand.IntN(maxRetry-minRetry)))

	taken, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, fmt.Errorf("take the connection over: %w", err)
	}
	conn, err := newConnection(taken)
	if err == nil {
		err = conn.write(head.Bytes())
	}
	if err != nil {
		taken.Close()
		return nil, err
	}
	return conn, nil
}

// A start is where a page's replay begins.
type start struct {
	after  int64
	resync string // why the reader has to forget what it holds; empty: it has not
	behind bool   // it has had all before, and fell behind
}

// name is what metrics call it.
func (s start) name() string {
	switch {
	case s.behind:
		return "behind"
	case s.after > 0:
		return "cursor"
	}
	return "beginning"
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
		case c.groups != groupsOf(s.Reader.Groups):
			starts[i].resync = "other_groups"
		case !named:
			starts[i].resync = "unknown_page"
		default:
			starts[i].after = seq
		}
	}
	return starts
}

// catchUp replays a page until the reader has everything, and lets it join those who follow.
func (w *watch) catchUp(ctx context.Context, from start, out *writer) error {
	if from.resync != "" {
		if err := w.resync(from.resync); err != nil {
			return err
		}
	}
	after, fresh := from.after, from.after == 0
	swept := int64(unsaid) // what was swept when it began, and is nothing that it could hold
	if after > 0 {
		w.sent = after
	}
	w.viewer.hub.metrics.catchUps.WithLabelValues(from.name()).Inc()
	for {
		r, err := w.page.replay(ctx, after)
		switch {
		case err != nil:
			return fmt.Errorf("replay a page: %w", err)
		case after > 0 && after < r.reached.Swept && r.reached.Swept != swept: // removals are forgotten that the reader is not told of
			if err := w.resync("old_cursor"); err != nil {
				return err
			}
			after, fresh = 0, true
			continue
		case r.reached.Seq < after: // the number is from a future that this database does not know
			if err := w.resync("future_cursor"); err != nil {
				return err
			}
			after, fresh = 0, true
			continue
		}
		if err := w.replay(r.events, fresh, out); err != nil {
			return err
		}
		after, fresh = r.reached.Seq, false // what goes from now on may have been sent
		swept = r.reached.Swept
		if !r.reached.More && w.page.join(w, after) {
			return w.live(after)
		}
		if w.viewer.isGone() {
			return errGone
		}
	}
}

// replay writes changes of a page, gathered in pieces. To a reader who starts fresh, what is gone was never there.
func (w *watch) replay(events []*event, fresh bool, out *writer) error {
	out.messages = out.messages[:0]
	size := 0
	for i, e := range events {
		effect := e.change.Effect(w.viewer.mayRead)
		if effect == storage.Put || effect == storage.Remove && !fresh {
			m := message{watch: w, seq: e.change.Seq, idLine: e.idLine, data: e.bytes(effect)}
			out.messages = append(out.messages, m)
			size += len(m.data)
		}
		if size > 0 && (size >= piece || i == len(events)-1) {
			if err := w.viewer.conn.write(w.viewer.encode(out)); err != nil {
				return err
			}
			w.viewer.hub.metrics.delivered(out)
			out.messages, size = out.messages[:0], 0
		}
	}
	return nil
}

// live tells the reader that it holds everything of a page up to a number.
func (w *watch) live(seq int64) error {
	w.viewer.mu.Lock()
	w.sent = seq
	id := w.viewer.appendID(nil)
	w.viewer.mu.Unlock()
	return w.event(id, "live", liveSince{w.page.id, seq})
}

// resync tells the reader to forget a page, of which it holds nothing then. Its cursor forgets the page as well: the one that was
// refused may be good again when the reader comes back, who may not have got any further.
func (w *watch) resync(reason string) error {
	w.viewer.mu.Lock()
	w.sent = unsaid
	id := w.viewer.appendID(nil)
	w.viewer.mu.Unlock()
	return w.event(id, "resync", resync{w.page.id, reason})
}

func (w *watch) event(idLine []byte, name string, data any) error {
	b, err := appendEvent(idLine, name, data)
	if err != nil {
		return err
	}
	return w.viewer.conn.write(b)
}
