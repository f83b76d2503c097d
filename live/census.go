package live

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"limn/storage"
)

// A census writes down who reads pages here, asks who reads them anywhere, and has their readers told: of many pages
// with one query, and of one not too often.
type census struct {
	hub  *Hub
	wake chan struct{}

	mu  sync.Mutex
	due map[*page]bool // true: who reads here has changed
}

const (
	maxCounted  = 500         // pages at once
	recountWait = time.Second // after a query that failed
)

func newCensus(h *Hub) *census {
	return &census{hub: h, wake: make(chan struct{}, 1), due: map[*page]bool{}}
}

// ask has a page counted. changed: who reads it here has.
func (c *census) ask(p *page, changed bool) {
	c.mu.Lock()
	c.due[p] = c.due[p] || changed
	c.mu.Unlock()
	signal(c.wake)
}

// isDue tells whether a page is still to be counted.
func (c *census) isDue(p *page) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, due := c.due[p]
	return due
}

// run counts pages until ctx ends.
func (c *census) run(ctx context.Context) {
	var again <-chan time.Time
	for {
		select {
		case <-c.wake:
		case <-again:
		case <-ctx.Done():
			return
		}
		pages, next := c.take()
		if len(pages) > 0 && !c.count(ctx, pages) {
			for p, changed := range pages {
				c.ask(p, changed)
			}
			select {
			case <-time.After(recountWait):
			case <-ctx.Done():
			}
		}
		again = nil
		if next > 0 {
			again = time.After(next)
		}
	}
}

// take returns the pages that may be counted now, and when there will be more; 0: once somebody asks.
func (c *census) take() (pages map[*page]bool, next time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pages = map[*page]bool{}
	for p, changed := range c.due {
		if len(pages) == maxCounted {
			return pages, time.Nanosecond
		}
		if quiet := time.Until(p.quiet); quiet > 0 {
			if next == 0 || quiet < next {
				next = quiet
			}
			continue
		}
		pages[p] = changed
		delete(c.due, p)
	}
	return pages, next
}

// count writes down, asks and tells.
func (c *census) count(ctx context.Context, pages map[*page]bool) (ok bool) {
	ctx, cancel := context.WithTimeout(ctx, storageWait)
	defer cancel()
	ids := make([]uuid.UUID, 0, len(pages))
	here := map[uuid.UUID]storage.Streams{}
	for p, changed := range pages {
		ids = append(ids, p.id)
		if changed {
			here[p.id] = p.streams()
		}
	}
	if len(here) > 0 {
		if err := c.hub.store.PutViewers(ctx, c.hub.instance, here); err != nil {
			c.hub.logUnlessEnding(ctx, "the pages' readers cannot be written down", err)
			return false
		}
		for page := range here {
			c.hub.publish(Hint{Page: page, Presence: true})
		}
	}
	all, err := c.hub.store.ListViewers(ctx, ids, maxNamed)
	if err != nil {
		c.hub.logUnlessEnding(ctx, "the pages' readers cannot be read", err)
		return false
	}
	for p := range pages {
		v := all[p.id]
		p.tellPresence(presenceEvent{Page: p.id, Viewers: v.Named, Anonymous: v.Anonymous})
		signal(p.wake) // it may have waited for this to be forgotten
	}
	return true
}
