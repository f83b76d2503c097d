package live

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
)

// A Hint says that something on a page is new, not what: whoever cares reads it from the database.
type Hint struct {
	Page     uuid.UUID
	Presence bool // who reads the page, rather than what stands on it
	Rights   bool // what an account may read, or who may read a group, whose id is then in the page's place
}

// On a bus, the kind of a hint is a letter.
const (
	hintChanges  = 'c'
	hintPresence = 'p'
	hintRights   = 'r'
)

func (h Hint) kind() byte {
	switch {
	case h.Presence:
		return hintPresence
	case h.Rights:
		return hintRights
	}
	return hintChanges
}

// hintOf is the hint of a kind; not ok: there is no such kind.
func hintOf(kind byte, id uuid.UUID) (h Hint, ok bool) {
	h = Hint{Page: id, Presence: kind == hintPresence, Rights: kind == hintRights}
	return h, kind == h.kind()
}

// A Bus carries hints between instances. It may lose, repeat and reorder them: that only delays.
type Bus interface {
	// Publish sends a hint to the other instances, soon and together with others. It never blocks.
	Publish(Hint)
	// Run carries hints until ctx ends, and then sends what is still waiting. It calls receive for each hint of
	// another instance, and missed whenever hints may have been lost.
	Run(ctx context.Context, receive func(Hint), missed func())
}

const busBackoff = time.Second // between attempts to connect; meanwhile the pages' numbers are compared

// keep has a connection used, and another one when that breaks, until ctx ends.
func keep(ctx context.Context, log *slog.Logger, purpose string, use func() error) {
	for ctx.Err() == nil {
		err := use()
		if ctx.Err() != nil {
			return
		}
		log.Warn("the bus lost its connection and tries again", "purpose", purpose, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(busBackoff):
		}
	}
}
