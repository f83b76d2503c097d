package storage

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// A gathering has highlights that arrive while others are being written go together, whatever their pages: their
// rows are locked once, and one commit is waited for. A highlight that finds a statement free is written at once,
// alone, so that nobody waits for company.
type gathering struct {
	mu      sync.Mutex
	free    int                // statements that may begin
	writing map[uuid.UUID]bool // the pages of those that run
	waiting []*insertion       // in the order of their arrival
}

// An insertion is a highlight on its way into its page.
type insertion struct {
	h         *Highlight // its number, times and check are set when it is written
	group     uuid.UUID
	title     string     // the page's, if it is not the page's to have
	found     *time.Time // when the page was read on which it stands; nil: that is to be seen
	hash      []byte
	operation *Operation
	err       error
	turns     chan turn // closed once it has been written, or could not be
}

// A turn is what the first of some insertions has to write for all of them.
type turn struct {
	together []*insertion
	patient  bool // they are of one page, and wait for whoever holds it
}

const (
	statements  = 2                // that write highlights at once
	maxTogether = 64               // highlights in one of them
	gatherLimit = 30 * time.Second // for one that others wait for
)

// insert writes a highlight as its page's next change.
func (s *Store) insert(ctx context.Context, in *insertion) error {
	in.turns = make(chan turn, 1)
	s.gathering.arrive(in)
	for t := range in.turns {
		skipped := s.insertTogether(ctx, t)
		s.gathering.done(t, skipped)
	}
	return in.err
}

func (g *gathering) arrive(in *insertion) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, in)
	g.begin()
}

// begin gives turns to those who wait, except for pages that are being written to: they go together afterwards. The
// caller holds the lock.
func (g *gathering) begin() {
	for g.free > 0 {
		var together []*insertion
		rest := g.waiting[:0]
		for _, in := range g.waiting {
			if len(together) < maxTogether && !g.writing[in.h.Page.ID] {
				together = append(together, in)
			} else {
				rest = append(rest, in)
			}
		}
		if together == nil {
			return
		}
		clear(g.waiting[len(rest):])
		g.waiting = rest
		for _, in := range together {
			g.writing[in.h.Page.ID] = true
		}
		g.free--
		together[0].turns <- turn{together: together}
	}
}

// done ends a turn. Those that were skipped, because somebody else holds their page, wait for it apart from the others.
func (g *gathering) done(t turn, skipped []*insertion) {
	g.mu.Lock()
	defer g.mu.Unlock()
	held := map[uuid.UUID][]*insertion{}
	for _, in := range skipped {
		held[in.h.Page.ID] = append(held[in.h.Page.ID], in)
	}
	for _, in := range t.together {
		if held[in.h.Page.ID] == nil {
			delete(g.writing, in.h.Page.ID)
		}
		if !slices.Contains(skipped, in) { // others of its page may have been, when each was written alone
			close(in.turns)
		}
	}
	for _, together := range held {
		together[0].turns <- turn{together: together, patient: true}
	}
	if !t.patient {
		g.free++
	}
	g.begin()
}

// insertTogether writes highlights and returns those whose page somebody else holds. When one of them cannot be
// written with the others, each is written alone.
func (s *Store) insertTogether(ctx context.Context, t turn) (skipped []*insertion) {
	if len(t.together) > 1 { // the others do not go away with the first
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), gatherLimit)
		defer cancel()
	}
	write := func(together []*insertion) error {
		for _, in := range together {
			in.h.Seq = 0
		}
		err := s.insertAll(ctx, together, t.patient)
		for _, in := range together {
			in.err = err
			switch {
			case err != nil || in.h.Seq > 0:
			case t.patient: // nobody holds the page: it is not there any more
				s.pages.Remove(in.h.Page.ID)
				in.err = fmt.Errorf("%w: the page is gone", ErrUnavailable)
			default:
				skipped = append(skipped, in)
			}
		}
		return err
	}
	if write(t.together) != nil && len(t.together) > 1 {
		for i := range t.together {
			write(t.together[i : i+1])
		}
	}
	return skipped
}
