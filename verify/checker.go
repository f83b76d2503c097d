package verify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"limn/storage"
	"limn/xpath"
)

// How a checker works.
const (
	visitors  = 32               // pages visited at once
	lease     = 30 * time.Second // how long a visit is its own; after it, another may try
	poll      = 2 * time.Second  // what other instances created is looked for as often
	maxOutage = 30 * time.Second // between two attempts to reach a database that is away
	judgeTime = 5 * time.Second  // for one page's highlights; what is left is judged by the next visit
)

// retries are when a page is read again that could not be read for a reason that may pass.
var retries = []time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour}

// maxRetry bounds how long a server may tell us to stay away.
const maxRetry = 24 * time.Hour

// A Checker visits pages whose highlights are to be looked at. It is safe for concurrent use.
type Checker struct {
	store   *storage.Store
	reader  *reader
	changed func(page uuid.UUID)
	log     *slog.Logger
	wake    chan struct{}

	mu       sync.Mutex
	attempts *simplelru.LRU[uuid.UUID, int] // visits in a row that failed for a reason that may pass
}

// New makes a Checker. It calls changed after a visit was saved that changed highlights of a page.
func New(store *storage.Store, fetcher *Fetcher, changed func(page uuid.UUID), log *slog.Logger) *Checker {
	attempts, _ := simplelru.NewLRU[uuid.UUID, int](4096, nil) // fails for no size above 0
	return &Checker{
		store: store, reader: newReader(fetcher), changed: changed, log: log,
		wake: make(chan struct{}, 1), attempts: attempts,
	}
}

// Wake says that a page has become due: it is looked for now instead of at the next poll.
func (c *Checker) Wake() {
	select {
	case c.wake <- struct{}{}:
	default: // somebody said so already
	}
}

// Run visits due pages until ctx ends. It returns once all its visits have ended; those that were cut off are made
// again when their lease is over.
func (c *Checker) Run(ctx context.Context) error {
	defer c.reader.fetcher.close()
	var visits sync.WaitGroup
	defer visits.Wait()
	free := make(chan struct{}, visitors)
	for range visitors {
		free <- struct{}{}
	}
	outage := time.Duration(0)
	for {
		pages, err := c.store.ClaimDuePages(ctx, len(free), lease)
		for _, page := range pages {
			<-free
			visits.Go(func() {
				defer c.Wake() // there may be more than there were visitors
				defer func() { free <- struct{}{} }()
				c.visit(ctx, page)
			})
		}
		c.reader.forget()
		wake, pause := c.wake, poll
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			outage = min(max(2*outage, time.Second), maxOutage)
			c.log.Warn("due pages cannot be claimed", "error", err, "next_attempt", outage)
			wake, pause = nil, outage // nobody's wake brings the database back
		default:
			outage = 0
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-time.After(pause/2 + rand.N(pause/2)):
		}
	}
}

// visit reads a page, judges its highlights and saves what it found.
func (c *Checker) visit(ctx context.Context, page storage.DuePage) {
	log := c.log.With("page", page.ID)
	defer func() {
		if cause := recover(); cause != nil {
			log.Error("a visit panicked", "panic", cause, "stack", string(debug.Stack()))
		}
	}()
	visit, err := c.look(ctx, page)
	switch {
	case ctx.Err() != nil:
		return
	case errors.Is(err, errBusy): // the page is due again when its lease ends
		return
	case err != nil:
		log.Error("a page cannot be visited", "error", err)
		return
	}
	changed, err := c.store.SaveVisit(ctx, visit)
	if err != nil && ctx.Err() == nil {
		log.Error("a visit cannot be saved", "error", err)
		return
	}
	if changed {
		c.changed(page.ID)
	}
}

// look makes the visit of a page.
func (c *Checker) look(ctx context.Context, page storage.DuePage) (storage.Visit, error) {
	unchecked, err := c.store.Unchecked(ctx, page)
	if err != nil {
		return storage.Visit{}, err
	}
	visit := storage.Visit{Page: page}
	var known version
	if page.Again && allJudged(unchecked) {
		known = version{page.ETag, page.LastModified}
	}
	found, err := c.read(ctx, page.URL, page.Again, known, func(r *reading) bool {
		visit.Verdicts, visit.NextAt = visit.Verdicts[:0], nil
		end, content := time.Now().Add(judgeTime), true
		for _, u := range unchecked {
			if time.Now().After(end) {
				visit.NextAt = new(time.Now())
				break
			}
			ranges, check := judge(r, u.Ranges)
			content = content && check.State == xpath.Verified
			visit.Verdicts = append(visit.Verdicts, storage.Verdict{Highlight: u.ID, Ranges: ranges, Check: check})
		}
		return content
	})
	if err != nil {
		return storage.Visit{}, err
	}
	visit.ReadAt, visit.ETag, visit.LastModified = found.readAt, found.version.etag, found.version.lastModified
	switch {
	case found.failure != nil:
		c.log.Info("a page cannot be read", "page", page.ID, "reason", found.failure.reason, "cause", found.failure.cause)
		visit.Reason = found.failure.reason
		visit.NextAt = c.retryAt(page.ID, found)
		visit.Again = page.Again && visit.NextAt != nil
		visit.Verdicts = visit.Verdicts[:0]
		for _, u := range unchecked {
			if isVerdict(u.State) && found.failure.mayPass() {
				continue // what the last reading found is worth more
			}
			check := storage.Check{State: xpath.Unverifiable, Reason: found.failure.reason}
			visit.Verdicts = append(visit.Verdicts, storage.Verdict{Highlight: u.ID, Ranges: u.Ranges, Check: check})
		}
	case found.unchanged:
		c.succeeded(page.ID)
	default:
		visit.Title = found.reading.title
		c.succeeded(page.ID)
	}
	return visit, nil
}

// allJudged tells whether every highlight has a verdict.
func allJudged(unchecked []storage.Unchecked) bool {
	return !slices.ContainsFunc(unchecked, func(u storage.Unchecked) bool { return !isVerdict(u.State) })
}

// isVerdict tells what a reading of the page found, and what holds as long as the page stays the same.
func isVerdict(state xpath.State) bool { return state != xpath.Pending && state != xpath.Unverifiable }

// read gets an edition of a page and lets use have its reading. One that was kept only does if use is content with
// it: whoever marks something has just seen the page, which may have changed since it was read. A panic, in use
// too, is a failure of this page and not the end of the process.
func (c *Checker) read(ctx context.Context, pageURL string, anew bool, known version, use func(*reading) (content bool)) (found edition, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			c.log.Error("checking a page panicked", "url", pageURL, "panic", cause, "stack", string(debug.Stack()))
			failed := &failure{reason: reasonInternal, cause: fmt.Errorf("panic: %v", cause)}
			found, err = edition{failure: failed, readAt: time.Now()}, nil
		}
	}()
	asked := time.Now()
	since := asked
	if !anew {
		since = asked.Add(-keptFor)
	}
	for {
		found, err = c.reader.read(ctx, pageURL, since, known)
		if err != nil || found.reading == nil {
			return found, err
		}
		if use(found.reading) || !found.readAt.Before(asked) {
			return found, nil
		}
		since = asked
	}
}

// retryAt is when to read a page again that could not be read; nil: never.
func (c *Checker) retryAt(page uuid.UUID, found edition) *time.Time {
	if !found.failure.mayPass() {
		c.succeeded(page)
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	attempt, _ := c.attempts.Get(page)
	if attempt == len(retries) {
		c.attempts.Remove(page)
		return nil
	}
	c.attempts.Add(page, attempt+1)
	pause := max(retries[attempt]/2+rand.N(retries[attempt]), min(found.failure.retryAfter, maxRetry))
	return new(found.readAt.Add(pause))
}

func (c *Checker) succeeded(page uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attempts.Remove(page)
}
