package live

import (
	"sync"

	"github.com/google/uuid"

	"limn/storage"
)

// maxQueued is how many bytes may wait for a reader who does not read as fast as they come. What is waiting is
// shared by all readers; beyond this it is thrown away, and read again from the database once the reader is ready.
const maxQueued = 1 << 20

// A viewer is one stream: what waits for it, and whom it belongs to.
type viewer struct {
	account uuid.UUID
	reads   func(group uuid.UUID) bool
	ready   chan struct{} // holds one token while the queue is not empty, or the viewer is behind

	mu     sync.Mutex
	queue  []message
	queued int // bytes
	behind bool
}

// A message is an event on its way to one viewer.
type message struct {
	watch  *watch // the page whose change it is; nil for events without an id
	seq    int64
	idLine int
	data   []byte
}

// A watch is one page of a viewer.
type watch struct {
	viewer *viewer
	page   *page
	seen   int64 // the last change that was handed over; guarded by the page's lock
	sent   int64 // the last change that was written; the stream's own
	begun  bool  // whether sent says anything yet
}

func newViewer(reader storage.Reader) *viewer {
	return &viewer{account: reader.Account.ID, reads: reader.Reads, ready: make(chan struct{}, 1)}
}

// send hands a page's new changes over, as far as they concern the viewer. The caller holds the page's lock.
func (w *watch) send(events []*event) {
	for _, e := range events {
		if e.change.Seq <= w.seen {
			continue
		}
		w.seen = e.change.Seq
		if data := e.bytes(e.change.Effect(w.viewer.reads)); data != nil {
			w.viewer.put(message{watch: w, seq: e.change.Seq, idLine: e.idLine, data: data})
		}
	}
}

// push hands an event without an id over.
func (v *viewer) push(data []byte) { v.put(message{data: data}) }

// put never waits: publishing does not depend on who reads.
func (v *viewer) put(m message) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.behind {
		return
	}
	if len(v.queue) > 0 && v.queued+len(m.data) > maxQueued {
		v.behind, v.queue, v.queued = true, nil, 0
	} else {
		v.queue = append(v.queue, m)
		v.queued += len(m.data)
	}
	signal(v.ready)
}

// take is all that waits; not ok: it was more than may wait.
func (v *viewer) take() (messages []message, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	messages, v.queue, v.queued = v.queue, nil, 0
	return messages, !v.behind
}

// reset empties the queue of a viewer who is behind, while no page has it.
func (v *viewer) reset() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.queue, v.queued, v.behind = nil, 0, false
}
