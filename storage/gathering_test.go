package storage

import (
	"testing"

	"github.com/google/uuid"
)

// When one of several cannot be written with the others, each is written alone; somebody may hold their page for the
// first of them and not for the next.
func TestOfOnePageSomeMayBeWrittenAndOthersWait(t *testing.T) {
	page := uuid.New()
	arriving := func() *insertion {
		return &insertion{h: &Highlight{Page: PageRef{ID: page}}, turns: make(chan turn, 1)}
	}
	written, skipped, later := arriving(), arriving(), arriving()
	g := gathering{writing: map[uuid.UUID]bool{page: true}, waiting: []*insertion{later}}

	g.done(turn{together: []*insertion{skipped, written}}, []*insertion{skipped})

	if _, more := <-written.turns; more {
		t.Error("what is written has another turn")
	}
	again, more := <-skipped.turns
	if !more || !again.patient || len(again.together) != 1 || again.together[0] != skipped {
		t.Fatalf("what was skipped has the turn %+v, %v", again, more)
	}
	if len(later.turns) > 0 {
		t.Error("somebody else writes to the page that is waited for")
	}

	g.done(again, nil)

	if _, more := <-skipped.turns; more {
		t.Error("what was written at last has another turn")
	}
	if next := <-later.turns; len(next.together) != 1 || next.together[0] != later || next.patient {
		t.Errorf("who came later has the turn %+v", next)
	}
}
