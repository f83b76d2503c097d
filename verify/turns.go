package verify

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// turns lets only so many at once work on the same thing; the others wait for their turn.
type turns struct {
	each  int64 // how many at once
	mu    sync.Mutex
	queue map[string]*queue // of what somebody works on or waits for
}

type queue struct {
	slots *semaphore.Weighted
	users int
}

func newTurns(each int64) *turns { return &turns{each: each, queue: map[string]*queue{}} }

// take waits for a turn, which ends when done is called. The error is the context's.
func (t *turns) take(ctx context.Context, what string) (done func(), err error) {
	t.mu.Lock()
	q := t.queue[what]
	if q == nil {
		q = &queue{slots: semaphore.NewWeighted(t.each)}
		t.queue[what] = q
	}
	q.users++
	t.mu.Unlock()

	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if q.users--; q.users == 0 {
			delete(t.queue, what)
		}
	}
	if err := q.slots.Acquire(ctx, 1); err != nil {
		leave()
		return nil, err
	}
	return func() { q.slots.Release(1); leave() }, nil
}
