package server

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/sync/semaphore"
)

// How many requests of one address are worked on at once; others of it wait. A flood then takes a few places in every
// queue of the machine, instead of all.
var maxTurns = max(2, runtime.GOMAXPROCS(0)/2)

const (
	maxWaiting  = 200                    // requests of one address that wait for a turn
	turnTime    = 100 * time.Millisecond // after which one does not work but waits, for a lock or a page: that must not keep others waiting
	turnTimeout = 10 * time.Second       // for a turn to come
)

// A turn is a request's place among those of its address. It begins when the request is whole, so that a slow sender
// keeps nobody waiting.
type turn struct {
	of  *address
	end func()
}

const turnKey = "turn"

// takeTurns lets a request begin when it is its address's turn.
func (s *Server) takeTurns(c *gin.Context) {
	if !s.limits.on {
		return
	}
	t := &turn{of: s.limits.of(c), end: func() {}}
	c.Set(turnKey, t)
	if c.Request.ContentLength == 0 {
		if err := beginTurn(c); err != nil {
			s.fail(c, err)
			return
		}
	}
	defer func() { t.end() }()
	c.Next()
}

// beginTurn waits for the request's turn; a request that has none is not made to wait.
func beginTurn(c *gin.Context) error {
	value, _ := c.Get(turnKey)
	t, takes := value.(*turn)
	if !takes {
		return nil
	}
	if t.of.waiting.Add(1) > maxWaiting {
		t.of.waiting.Add(-1)
		c.Header("Retry-After", "1")
		return errTooMany
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), turnTimeout)
	defer cancel()
	err := t.of.turns.Acquire(ctx, 1)
	t.of.waiting.Add(-1)
	switch {
	case c.Request.Context().Err() != nil:
		if err == nil {
			t.of.turns.Release(1)
		}
		return c.Request.Context().Err()
	case err != nil:
		c.Header("Retry-After", "1")
		return errTooMany
	}
	t.end = sync.OnceFunc(func() { t.of.turns.Release(1) })
	time.AfterFunc(turnTime, t.end)
	return nil
}

func newTurns() *semaphore.Weighted { return semaphore.NewWeighted(int64(maxTurns)) }
