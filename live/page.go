package live

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"limn/storage"
)

// chunk is how many changes are read and encoded at once: what a reader holds of the memory who does not read the replay
// that it asked for.
const chunk = 64

// A page is one page that is read through this instance, tailed by one goroutine (run).
type page struct {
	hub     *Hub
	id      uuid.UUID
	users   int // streams and waits; guarded by the hub's lock
	wake    chan struct{}
	replays replays
	quiet   time.Time // the census's own: until when nothing is told of who reads, so that it is told of several together

	mu       sync.Mutex
	work     work
	doing    work             // what run has taken of it
	seq      int64            // how far run has come; unread: nobody has said yet from where on
	offered  []storage.Change // at hand, and perhaps next
	advanced chan struct{}    // closed when seq grows
	watches  []*watch
	presence presence
	out      *writer
}

const unread = -1

// work is what run is asked to do.
type work int

const (
	readChanges work = 1 << iota // there may be new ones
	takeOffered                  // some are at hand
)

func newPage(h *Hub, id uuid.UUID) *page {
	return &page{
		hub: h, id: id, wake: make(chan struct{}, 1), seq: unread, advanced: make(chan struct{}),
		replays:  replays{running: map[int64]bool{}, next: map[int64]*replay{}},
		presence: newPresence(), out: newWriter(),
	}
}

// release takes back one acquire.
func (p *page) release() {
	p.hub.mu.Lock()
	p.users--
	idle := p.users == 0
	p.hub.mu.Unlock()
	if idle {
		signal(p.wake)
	}
}

// ask gives run work to do.
func (p *page) ask(w work) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.askLocked(w)
}

// maxOffered is how many changes may be at hand; those beyond it are read like any.
const maxOffered = 64

// offer gives run a change to tell, which it does not have to read if it is the next one.
func (p *page) offer(c storage.Change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.offered) == maxOffered {
		p.askLocked(readChanges)
		return
	}
	p.offered = append(p.offered, c)
	p.askLocked(takeOffered)
}

// askLocked is ask for those who hold the page's lock.
func (p *page) askLocked(w work) {
	p.work |= w
	signal(p.wake)
}

const retryPause = time.Second // after a query that failed

// run does the page's work until nobody uses it any more.
func (p *page) run() {
	ctx := context.Background() // every query has its own limit
	for !p.isDone() {
		<-p.wake
		p.mu.Lock()
		todo := p.work
		p.work, p.doing = 0, todo
		p.mu.Unlock()

		if todo&takeOffered != 0 && !p.takeOffered() {
			todo |= readChanges
		}
		failed := todo&readChanges != 0 && p.readChanges(ctx) != nil
		p.mu.Lock()
		p.doing = 0
		p.mu.Unlock()
		if failed {
			p.ask(readChanges)
			select {
			case <-time.After(retryPause):
			case <-p.hub.closing:
			}
		}
	}
}

// isDone tells whether nobody uses the page and that has been written down; the page is forgotten then.
func (p *page) isDone() bool {
	p.hub.mu.Lock()
	defer p.hub.mu.Unlock()
	if p.users > 0 {
		return false
	}
	select {
	case <-p.hub.closing: // the hub writes it down for all pages at once
	default:
		if p.hub.census.isDue(p) { // after the users were counted: the last of them asks for it before it goes
			return false
		}
	}
	delete(p.hub.pages, p.id)
	return true
}

// progress is how far the page is read, from a number on if nobody has begun, and what is closed when it advances.
func (p *page) progress(from int64) (seq int64, advanced <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seq == unread {
		p.seq = from
		p.askLocked(readChanges)
	}
	return p.seq, p.advanced
}

// askIfBehind asks for changes up to a number, and counts it if nobody has asked for them yet.
func (p *page) askIfBehind(seq int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seq == unread || p.seq >= seq {
		return
	}
	if (p.work|p.doing)&(readChanges|takeOffered) == 0 {
		p.hub.metrics.found.Inc()
	}
	p.askLocked(readChanges)
}

// takeOffered hands the changes at hand to every reader as far as each is the next one. Not ok: one is missing between
// them, and has to be read.
func (p *page) takeOffered() (ok bool) {
	p.mu.Lock()
	seq, offered := p.seq, p.offered
	p.offered = nil
	p.mu.Unlock()
	if seq == unread {
		return true // nobody waits for a change of this page
	}
	slices.SortFunc(offered, func(a, b storage.Change) int { return cmp.Compare(a.Seq, b.Seq) })
	var events []*event
	for _, c := range offered {
		if c.Seq <= seq {
			continue
		}
		if c.Seq > seq+1 {
			break
		}
		e, err := newEvent(p.hub.store.Epoch(), p.id, c)
		if err != nil {
			break
		}
		seq, events = c.Seq, append(events, e)
	}
	if events != nil {
		p.deliver(events, seq)
	}
	return len(offered) == 0 || offered[len(offered)-1].Seq <= seq
}

// readChanges reads what is new and hands it to every reader.
func (p *page) readChanges(ctx context.Context) error {
	p.mu.Lock()
	seq := p.seq
	p.mu.Unlock()
	if seq == unread {
		return nil
	}
	for {
		events, reached, err := p.read(ctx, seq)
		if err != nil {
			p.hub.log.Warn("a page's changes cannot be read", "page", p.id, "error", err)
			return err
		}
		if seq < reached.Swept { // this instance has stood still for as long as tombstones are kept
			p.startAnew()
		}
		if reached.Seq > seq {
			seq = reached.Seq
			p.deliver(events, seq)
		}
		if !reached.More {
			return nil
		}
	}
}

// startAnew ends the streams of those who follow: they come back, and their cursors are answered with resync.
func (p *page) startAnew() {
	p.mu.Lock()
	watches := slices.Clone(p.watches)
	p.mu.Unlock()
	for _, w := range watches {
		w.viewer.stop(failed)
	}
}

func (p *page) deliver(events []*event, seq int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.each(func(w *watch, out *writer) { w.send(events, out) })
	if len(p.watches) > 0 {
		p.hub.metrics.lagOf(events)
	}
	p.seq = seq
	close(p.advanced)
	p.advanced = make(chan struct{})
}

// crowd is how many readers one goroutine writes to; more are shared among the processors.
const crowd = 256

// each calls send for every reader, with a writer for its goroutine. The caller holds the page's lock.
func (p *page) each(send func(w *watch, out *writer)) {
	shares := min(1+len(p.watches)/crowd, runtime.GOMAXPROCS(0))
	var others sync.WaitGroup
	for i := 1; i < shares; i++ {
		others.Go(func() {
			out := newWriter()
			for _, w := range p.watches[len(p.watches)*i/shares : len(p.watches)*(i+1)/shares] {
				send(w, out)
			}
			p.hub.metrics.delivered(out)
		})
	}
	for _, w := range p.watches[:len(p.watches)/shares] {
		send(w, p.out)
	}
	p.hub.metrics.delivered(p.out)
	others.Wait()
}

// read reads and encodes the changes after a number.
func (p *page) read(ctx context.Context, after int64) (events []*event, reached storage.Reached, err error) {
	ctx, cancel := context.WithTimeout(ctx, storageWait)
	defer cancel()
	changes, reached, err := p.hub.store.Changes(ctx, p.id, after, chunk)
	if err != nil {
		return nil, reached, err
	}
	events = make([]*event, len(changes))
	for i, c := range changes {
		if events[i], err = newEvent(p.hub.store.Epoch(), p.id, c); err != nil {
			return nil, reached, err
		}
	}
	return events, reached, nil
}

// join lets a reader who has everything up to a number have what follows; false: there already is more to replay.
func (p *page) join(w *watch, seq int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seq > seq || w.viewer.isGone() {
		return false
	}
	if p.seq == unread {
		p.seq = seq
		p.askLocked(readChanges) // a hint may have passed before anybody was here
	}
	w.seen, w.index = seq, len(p.watches)
	p.watches = append(p.watches, w)
	if w.joined { // it comes back, and may have missed who is here
		p.presence.newest[w] = struct{}{}
		p.hub.census.ask(p, false)
		return true
	}
	w.joined = true
	p.presence.join(w)
	p.hub.census.ask(p, true)
	return true
}

// detach takes a reader from those who are sent what follows; it remains a reader of the page.
func (p *page) detach(w *watch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(w)
}

// leave takes back a join, if there was one.
func (p *page) leave(w *watch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(w)
	if w.joined {
		w.joined = false
		p.presence.leave(w)
		p.hub.census.ask(p, true)
	}
}

func (p *page) remove(w *watch) {
	if w.index >= len(p.watches) || p.watches[w.index] != w {
		return
	}
	last := len(p.watches) - 1
	p.watches[w.index] = p.watches[last]
	p.watches[w.index].index = w.index
	p.watches[last] = nil
	p.watches = p.watches[:last]
}
