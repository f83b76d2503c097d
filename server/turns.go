package server

import (
	"context"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/sync/semaphore"
)

// How many requests of one address are worked on at once; others of it wait. A flood then takes a few places in every
// queue of the machine, instead of all.
var maxTurns = max(2, runtime.GOMAXPROCS(0)/2)

// allTurns is how much of them a request takes that leaves others of its address the other half of the processors at
// least: on a machine of two, all.
var allTurns = int64(maxTurns / max(1, runtime.GOMAXPROCS(0)/2))

const (
	maxWaiting  = 200                    // requests of one address that wait for a turn
	crowd       = 8                      // that wait, more than a browser asks for at once: they are worked on by fewer at a time
	turnTime    = 100 * time.Millisecond // after which one does not work but waits, for a lock or a page: that must not keep others waiting
	turnTimeout = 10 * time.Second       // for a turn to come
)

// A turn is a request's place among those of its address. It begins when the request is whole, so that a slow sender
// keeps nobody waiting.
type turn struct {
	of    *address
	large bool // its body is
	end   func()
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
	waiting := t.of.waiting.Add(1)
	defer t.of.waiting.Add(-1)
	if waiting > maxWaiting {
		c.Header("Retry-After", "1")
		return errTooMany
	}
	share := int64(1)
	if t.large || waiting > crowd {
		share = allTurns
	}
	end, err := wait(c, t.of.turns, share)
	if err != nil {
		return err
	}
	t.end = end
	time.AfterFunc(turnTime, t.end)
	return nil
}

// wait takes a share of what an address may have at once, until it is given back.
func wait(c *gin.Context, of *semaphore.Weighted, share int64) (giveBack func(), err error) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), turnTimeout)
	defer cancel()
	err = of.Acquire(ctx, share)
	switch {
	case c.Request.Context().Err() != nil:
		if err == nil {
			of.Release(share)
		}
		return nil, c.Request.Context().Err()
	case err != nil:
		c.Header("Retry-After", "1")
		return nil, errTooMany
	}
	return sync.OnceFunc(func() { of.Release(share) }), nil
}

// beginBody waits until a body that has turned out to be large may be read after and beside others of its address. Until then
// the rest of it stays with the sender.
func beginBody(c *gin.Context) (end func(), err error) {
	value, _ := c.Get(turnKey)
	t, takes := value.(*turn)
	if !takes {
		return func() {}, nil
	}
	t.large = true
	size := c.Request.ContentLength
	if size < 0 || size > maxBody {
		size = maxBody
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), turnTimeout)
	defer cancel()
	if t.of.parsed.WaitN(ctx, int(size)) != nil { // which tells at once whether that is too long
		holdUp(c)
		c.Header("Retry-After", strconv.Itoa(maxBody/bodyRate))
		return nil, errTooMany
	}
	return wait(c, t.of.bodies, size)
}

func newTurns() *semaphore.Weighted { return semaphore.NewWeighted(int64(maxTurns)) }
