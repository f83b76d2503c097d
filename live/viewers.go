package live

import (
	"context"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	manyViewers = 1000                   // that do not end at once when the hub does
	drainSlices = 20                     // in which they end instead,
	drainPause  = 100 * time.Millisecond // with a pause between two
)

const (
	pingEvery = 15 * time.Second // keeps proxies, which often give up after 60 s, from ending quiet streams
	minLife   = 5 * time.Minute  // streams end after a time between these, so that readers spread
	maxLife   = 10 * time.Minute // over the instances there are now
)

// viewers are all that follow through this instance. They take turns in being pinged, one turn a second.
type viewers struct {
	mu     sync.Mutex
	last   uint64
	turns  [pingEvery / time.Second]map[uint64]*viewer
	turn   int
	closed bool

	dismissed map[uuid.UUID]time.Time // accounts and groups, lately: whose rights were read before does not have them any more
}

// lately is longer than any stream takes from the reading of its rights until it is known here.
const lately = time.Minute

// dismiss are those whose account it is, or who read the group.
func (all *viewers) dismiss(id uuid.UUID) (list []*viewer) {
	all.mu.Lock()
	defer all.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(all.dismissed, func(_ uuid.UUID, at time.Time) bool { return now.Sub(at) > lately })
	if all.dismissed == nil {
		all.dismissed = map[uuid.UUID]time.Time{}
	}
	all.dismissed[id] = now
	for _, turn := range all.turns {
		for _, v := range turn {
			if v.concerns(id) {
				list = append(list, v)
			}
		}
	}
	return list
}

// late tells whether a viewer was dismissed between the moment when its rights were read and now.
func (all *viewers) late(v *viewer, read time.Time) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	for id, at := range all.dismissed {
		if v.concerns(id) && at.After(read) {
			return true
		}
	}
	return false
}

// add makes a viewer known, unless there are to be no more.
func (all *viewers) add(v *viewer) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.closed {
		return false
	}
	all.last++
	v.id = all.last
	v.ends = time.Now().Add(minLife + rand.N(maxLife-minLife))
	turn := &all.turns[v.id%uint64(len(all.turns))]
	if *turn == nil {
		*turn = map[uint64]*viewer{}
	}
	(*turn)[v.id] = v
	return true
}

func (all *viewers) get(id uint64) *viewer {
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.turns[id%uint64(len(all.turns))][id]
}

func (all *viewers) remove(v *viewer) {
	all.mu.Lock()
	defer all.mu.Unlock()
	delete(all.turns[v.id%uint64(len(all.turns))], v.id)
}

// next are those whose turn it is.
func (all *viewers) next() []*viewer {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.turn = (all.turn + 1) % len(all.turns)
	return values(all.turns[all.turn], nil)
}

// withToken are those that a token has opened, by it.
func (all *viewers) withToken() map[uuid.UUID][]*viewer {
	all.mu.Lock()
	defer all.mu.Unlock()
	byToken := map[uuid.UUID][]*viewer{}
	for _, turn := range all.turns {
		for _, v := range turn {
			if v.token != uuid.Nil {
				byToken[v.token] = append(byToken[v.token], v)
			}
		}
	}
	return byToken
}

// asGuests are those who read open groups that they are no members of, by the group.
func (all *viewers) asGuests() map[uuid.UUID][]*viewer {
	all.mu.Lock()
	defer all.mu.Unlock()
	byGroup := map[uuid.UUID][]*viewer{}
	for _, turn := range all.turns {
		for _, v := range turn {
			for _, group := range v.visits {
				byGroup[group] = append(byGroup[group], v)
			}
		}
	}
	return byGroup
}

// count is how many there are.
func (all *viewers) count() (n int) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, turn := range all.turns {
		n += len(turn)
	}
	return n
}

// close returns all there are; there will be no others.
func (all *viewers) close() (list []*viewer) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.closed = true
	for _, turn := range all.turns {
		list = values(turn, list)
	}
	return list
}

func values(m map[uint64]*viewer, list []*viewer) []*viewer {
	for _, v := range m {
		list = append(list, v)
	}
	return list
}

// pingInTurns pings all viewers, each once in pingEvery, until ctx ends.
func (h *Hub) pingInTurns(ctx context.Context) {
	turns := time.NewTicker(time.Second)
	defer turns.Stop()
	for out := newWriter(); ; {
		select {
		case <-turns.C:
			h.ping(out)
		case <-ctx.Done():
			return
		}
	}
}

// ping writes to those whose turn it is, and lets those go that have lived long enough.
func (h *Hub) ping(out *writer) {
	now := time.Now()
	for _, v := range h.viewers.next() {
		if now.After(v.ends) {
			v.stop(lifetime)
		} else {
			v.push(pingEvent, out)
		}
	}
}

// drain ends streams because the hub stops: few at once, many bit by bit, so that the other instances are not asked for
// all their replays in one moment. Those that wait for their turn are still told what happens.
func drain(viewers []*viewer) {
	slice := len(viewers)
	if slice >= manyViewers {
		slice = (slice + drainSlices - 1) / drainSlices
	}
	for i, v := range viewers {
		if i > 0 && i%slice == 0 {
			time.Sleep(drainPause)
		}
		v.stop(stopping)
	}
}
