package live

import "sync"

// A pulse counts the hints that something has changed, on whatever page.
type pulse struct {
	mu    sync.Mutex
	beats uint64
	next  chan struct{} // closed by the next beat; nil: nobody waits
}

func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.beats++
	if p.next != nil {
		close(p.next)
		p.next = nil
	}
}

// Pulse counts the changes that this instance has made or heard of, on whatever page, and says when there is another one. A
// hint that was lost is not counted.
func (h *Hub) Pulse() (beats uint64, next <-chan struct{}) {
	p := &h.pulse
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == nil {
		p.next = make(chan struct{})
	}
	return p.beats, p.next
}
