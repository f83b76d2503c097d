package live

import "sync"

// maxWaiting is how many hints may wait for a bus that is away, about 5 MB; what is beyond is found by comparing numbers.
const maxWaiting = 100_000

// An outbox holds the hints that are to be sent, each once. Those about rights go first: nobody who has lost them is to
// be woken by what was written since.
type outbox struct {
	wake chan struct{} // holds one token while there may be hints

	mu     sync.Mutex
	rights map[Hint]struct{}
	hints  map[Hint]struct{} // the others
}

func newOutbox() *outbox {
	return &outbox{wake: make(chan struct{}, 1), rights: map[Hint]struct{}{}, hints: map[Hint]struct{}{}}
}

func (o *outbox) put(hints ...Hint) {
	o.mu.Lock()
	for _, h := range hints {
		waiting := o.hints
		if h.Rights {
			waiting = o.rights
		}
		if len(waiting) < maxWaiting {
			waiting[h] = struct{}{}
		}
	}
	o.mu.Unlock()
	signal(o.wake)
}

func (o *outbox) take(limit int) []Hint {
	o.mu.Lock()
	defer o.mu.Unlock()
	hints := make([]Hint, 0, min(limit, len(o.rights)+len(o.hints)))
	for _, waiting := range []map[Hint]struct{}{o.rights, o.hints} {
		for h := range waiting {
			if len(hints) == limit {
				break
			}
			hints = append(hints, h)
			delete(waiting, h)
		}
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
