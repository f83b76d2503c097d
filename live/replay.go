package live

import (
	"context"
	"sync"

	"limn/storage"
)

// A replay is what those who come back to the same place at the same time are sent.
type replay struct {
	events  []*event
	reached storage.Reached
	err     error
	done    chan struct{} // closed when the rest of it is set
}

// replays lets a crowd that comes back together be one query. Whoever comes while it runs waits for the next one: the
// answer to a query that began before they came may lack what was acknowledged before they came.
type replays struct {
	mu      sync.Mutex
	running map[int64]bool    // by the number that they begin after
	next    map[int64]*replay // those that wait for one that is running
}

// replay reads what changed after a number, for a reader who holds everything up to there.
func (p *page) replay(ctx context.Context, after int64) (*replay, error) {
	r := p.replays.join(after, func(first *replay) {
		p.hub.tails.Go(func() { p.runReplays(after, first) })
	})
	select {
	case <-r.done:
		return r, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// join returns a replay that has not begun, and has it begun if none is running.
func (all *replays) join(after int64, begin func(*replay)) *replay {
	all.mu.Lock()
	defer all.mu.Unlock()
	if r := all.next[after]; r != nil {
		return r
	}
	r := &replay{done: make(chan struct{})}
	if all.running[after] {
		all.next[after] = r
	} else {
		all.running[after] = true
		begin(r)
	}
	return r
}

// runReplays runs a replay, and those that were asked for meanwhile.
func (p *page) runReplays(after int64, r *replay) {
	for r != nil {
		r.events, r.reached, r.err = p.read(context.Background(), after)
		close(r.done)
		r = p.replays.take(after)
	}
}

// take is the next replay after a number, which begins now; nil: there is none.
func (all *replays) take(after int64) *replay {
	all.mu.Lock()
	defer all.mu.Unlock()
	r := all.next[after]
	delete(all.next, after)
	if r == nil {
		delete(all.running, after)
	}
	return r
}
