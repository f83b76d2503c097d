package verify

import (
	"maps"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// A pageSet is some pages. It is safe for concurrent use.
type pageSet struct {
	mu    sync.Mutex
	pages map[uuid.UUID]bool
}

func (s *pageSet) add(page uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pages == nil {
		s.pages = map[uuid.UUID]bool{}
	}
	s.pages[page] = true
}

func (s *pageSet) remove(page uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pages, page)
}

func (s *pageSet) list() []uuid.UUID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.pages))
}
