package live

import (
	"context"

	"github.com/google/uuid"
)

// A Hint says that something on a page is new, not what: whoever cares reads it from the database.
type Hint struct {
	Page     uuid.UUID
	Presence bool // who reads the page, rather than what stands on it
}

// A Bus carries hints between instances. It may lose, repeat and reorder them: that only delays.
type Bus interface {
	// Publish sends a hint to the other instances, soon and together with others. It never blocks.
	Publish(Hint)
	// Run carries hints until ctx ends, and then sends what is still waiting. It calls receive for each hint of
	// another instance, and missed whenever hints may have been lost.
	Run(ctx context.Context, receive func(Hint), missed func())
}
