package live

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"
)

// maxQueued is how many bytes may wait for a reader who does not read as fast as they come. What is waiting is
// shared by all readers; beyond this it is thrown away, and read again from the database once the reader is ready.
const maxQueued = 1 << 20

// A viewer is one stream. It has no goroutine of its own while it keeps up: whoever has something for it writes what
// the kernel takes at once. Only for one that falls behind a goroutine is started (drain), which waits for it.
type viewer struct {
	hub     *Hub
	id      uint64 // as the hub knows it
	account uuid.UUID
	token   uuid.UUID   // that opened it; the nil UUID: none
	rights  int64       // of the account, as it opened
	reads   []uuid.UUID // the groups that it may read
	visits  []uuid.UUID // those of them that it may read because they are open
	head    []byte      // how the id lines begin that name these groups; nil: as they are made for all
	expiry  *time.Timer // when the token does before the stream ends; nil: it does not
	conn    *connection
	watches []*watch
	ends    time.Time // when it has lived long enough
	done    func()    // called once when it has ended

	mu     sync.Mutex
	phase  phase
	rest   []byte // of an event that was begun: the first to be written, whatever is thrown away
	queue  []message
	queued int  // bytes
	lost   bool // what was queued, because it was too much
}

// A phase is what happens to messages for a viewer.
type phase int8

const (
	catchingUp phase = iota // they wait until it has what was before
	following               // they are written at once
	behind                  // they wait for drain
	gone                    // nobody wants them
)

// A message is an event on its way to one viewer.
type message struct {
	watch  *watch // the page whose change it is; nil for events without an id
	seq    int64
	idLine int // how long the id line is that the data begins with
	data   []byte
}

// A watch is one page of a viewer.
type watch struct {
	viewer *viewer
	page   *page
	index  int   // its place among the page's; guarded by the page's lock
	joined bool  // whether it counts as a reader of the page; likewise
	seen   int64 // the last change that was handed over; guarded by the page's lock
	sent   int64 // the last change that was written; unsaid: none was. Guarded by the viewer's lock once it follows
}

// unsaid is the number of a page that a viewer's cursor says nothing about.
const unsaid = -1

func (v *viewer) mayRead(group uuid.UUID) bool { return slices.Contains(v.reads, group) }

// concerns tells whether it is the account's, or reads the group.
func (v *viewer) concerns(id uuid.UUID) bool { return v.account == id || v.mayRead(id) }

// send hands a page's new changes over, as far as they concern the viewer. The caller holds the page's lock.
func (w *watch) send(events []*event, out *writer) {
	out.messages = out.messages[:0]
	for _, e := range events {
		if e.change.Seq <= w.seen {
			continue
		}
		w.seen = e.change.Seq
		if data := e.bytes(e.change.Effect(w.viewer.mayRead)); data != nil {
			out.messages = append(out.messages, message{watch: w, seq: e.change.Seq, idLine: e.idLine, data: data})
		}
	}
	w.viewer.put(out)
}

// push hands an event without an id over.
func (v *viewer) push(data []byte, out *writer) {
	out.messages = append(out.messages[:0], message{data: data})
	v.put(out)
}

// put writes the writer's messages, or lets them wait. It never waits itself: publishing does not depend on who reads.
func (v *viewer) put(out *writer) {
	if len(out.messages) == 0 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	switch v.phase {
	case gone:
	case following:
		rest, err := out.write(v.conn, v.encode(out))
		switch {
		case err != nil:
			v.end(hungUp)
		case len(rest) > 0:
			v.rest = append([]byte(nil), rest...)
			v.phase = behind
			v.hub.tails.Go(v.drain)
		}
	default:
		for _, m := range out.messages {
			if v.lost || len(v.queue) > 0 && v.queued+len(m.data) > maxQueued {
				v.lost, v.queue, v.queued = true, nil, 0
				return
			}
			v.queue = append(v.queue, m)
			v.queued += len(m.data)
		}
	}
}

// drain waits for a viewer that has fallen behind, and lets it follow again, or go when it takes nothing.
func (v *viewer) drain() {
	out := newWriter()
	again, err := v.writeQueue(out, following)
	if again && err == nil {
		err = v.catchUp(context.Background(), v.restart(), out)
	}
	if err != nil {
		v.hub.log.Debug("a reader is let go", "error", err)
		v.stop(reasonOf(err))
	}
}

// catchUp replays the viewer's pages and lets it follow; once more if so much came meanwhile that it was thrown away.
func (v *viewer) catchUp(ctx context.Context, starts []start, out *writer) error {
	for {
		for i, w := range v.watches {
			if err := w.catchUp(ctx, starts[i], out); err != nil {
				return err
			}
			if _, err := v.writeQueue(out, catchingUp); err != nil {
				return err
			}
		}
		again, err := v.writeQueue(out, following)
		if !again || err != nil {
			return err
		}
		starts = v.restart()
	}
}

// restart takes the viewer from its pages, of which it remains a reader, and says where each replay has to begin.
func (v *viewer) restart() []start {
	starts := make([]start, len(v.watches))
	for _, w := range v.watches {
		w.page.detach(w)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.phase != gone {
		v.phase = catchingUp
	}
	v.lost, v.queue, v.queued = false, nil, 0
	for i, w := range v.watches {
		starts[i] = start{after: max(w.sent, 0), behind: true}
	}
	return starts
}

// writeQueue writes what waits, and waits for it to be written, until nothing does and the next phase begins. again:
// something was thrown away, and it has not begun.
func (v *viewer) writeQueue(out *writer, next phase) (again bool, err error) {
	for {
		v.mu.Lock()
		if rest := v.rest; rest != nil {
			v.rest = nil
			v.mu.Unlock()
			if err := v.conn.write(rest); err != nil {
				return false, err
			}
			continue
		}
		if v.phase == gone || v.lost || len(v.queue) == 0 {
			if v.phase != gone && !v.lost {
				v.phase = next
			}
			again = v.lost
			v.mu.Unlock()
			return again, nil
		}
		out.messages, v.queue, v.queued = v.queue, nil, 0
		data := v.encode(out)
		v.mu.Unlock()
		v.hub.metrics.delivered(out)
		if err := v.conn.write(data); err != nil {
			return false, err
		}
	}
}

func (v *viewer) isGone() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.phase == gone
}

// stop is end for those who hold no lock.
func (v *viewer) stop(reason string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.end(reason)
}

// reasonOf says why a stream ends whose reader was waited for.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return slow
	case errors.Is(err, net.ErrClosed), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET):
		return hungUp
	}
	return failed
}

// encode makes bytes of the writer's messages: of a single one its own, else a copy in the writer's scratch.
func (v *viewer) encode(out *writer) []byte {
	if m := out.messages[0]; len(out.messages) == 1 && (m.watch == nil || len(v.watches) == 1 && v.head == nil) {
		out.count(m)
		return m.data
	}
	out.scratch = out.scratch[:0]
	for _, m := range out.messages {
		out.count(m)
		switch {
		case m.watch == nil:
		case len(v.watches) > 1: // the id line that it has names one page alone
			out.scratch = v.appendID(out.scratch)
			m.data = m.data[m.idLine:]
		case v.head != nil:
			out.scratch = append(out.scratch, v.head...)
			m.data = m.data[headLength:]
		}
		out.scratch = append(out.scratch, m.data...)
	}
	return out.scratch
}

// count notes what the viewer's cursor has come to with a message.
func (out *writer) count(m message) {
	if m.watch != nil {
		m.watch.sent = m.seq
		out.delivered++
	}
}

// appendID adds the id line with the cursor after what was written so far. It leaves out a page of which nothing was.
func (v *viewer) appendID(b []byte) []byte {
	if v.head != nil {
		b = append(b, v.head...)
	} else {
		b = appendHead(b, v.hub.store.Epoch())
	}
	for _, w := range v.watches {
		if w.sent != unsaid {
			b = appendPage(b, w.page.id, w.sent)
		}
	}
	return append(b, '\n')
}

// end lets the viewer go. The caller holds its lock, and perhaps a page's, so the rest is done by a goroutine.
func (v *viewer) end(reason string) {
	if v.phase == gone {
		return
	}
	v.phase, v.rest, v.queue, v.queued = gone, nil, nil, 0
	v.hub.metrics.ended.WithLabelValues(reason).Inc()
	v.hub.tails.Go(v.leave)
}

// leave takes the viewer out of its pages. The hub waits for it, because the pages are in use until here.
func (v *viewer) leave() {
	if v.expiry != nil {
		v.expiry.Stop()
	}
	v.conn.close()
	v.hub.viewers.remove(v)
	for _, w := range v.watches {
		w.page.leave(w)
		w.page.release()
	}
	v.done()
}
