package live

import "sync"

// maxWaiting is how many hints may wait for a bus that is away, about 5 MB; what is beyond is found by comparing numbers.
const maxWaiting = 100_000

// An outbox holds the hints that are to be sent, each once.
type outbox struct {
	wake chan struct{} // holds one token while there may be hints

	mu    sync.Mutex
	hints map[Hint]struct{}
}

func newOutbox() *outbox {
	return &outbox{wake: make(chan struct{}, 1), hints: map[Hint]struct{}{}}
}

func (o *outbox) put(hints ...Hint) {
	o.mu.Lock()
	for _, h := range hints {
		if len(o.hints) < maxWaiting {
			o.hints[h] = struct{}{}
		}
	}
	o.mu.Unlock()
	signal(o.wake)
}

func (o *outbox) take(limit int) []Hint {
	o.mu.Lock()
	defer o.mu.Unlock()
	hints := make([]Hint, 0, min(limit, len(o.hints)))
	for h := range o.hints {
		if len(hints) == limit {
			break
		}
		hints = append(hints, h)
		delete(o.hints, h)
	}
	return hints
}

// signal leaves a token in a channel that holds one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
