package verify

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"

	"limn/storage"
	"limn/xpath"
)

// How a checker works.
const (
	visitors  = 32               // pages visited at once
	savers    = 4                // visits that use the database at once: its connections are for people first
	lease     = 30 * time.Second // how long a visit is its own; after it, another may try
	poll      = 2 * time.Second  // what other instances created is looked for as often
	maxOutage = 30 * time.Second // between two attempts to reach a database that is away
	judgeTime = 5 * time.Second  // for one page's highlights; what is left is judged by the next visit
)

// A Checker visits pages whose highlights are to be looked at. It is safe for concurrent use.
type Checker struct {
	store   *storage.Store
	reader  *reader
	changed func(page uuid.UUID)
	log     *slog.Logger
	wake    chan struct{}
	savers  *semaphore.Weighted
	visits  *prometheus.CounterVec // by result
}

// New makes a Checker. It calls changed after a visit was saved that changed highlights of a page.
func New(store *storage.Store, fetcher *Fetcher, changed func(page uuid.UUID), log *slog.Logger) *Checker {
	return &Checker{
		store: store, reader: newReader(fetcher), changed: changed, log: log, wake: make(chan struct{}, 1), savers: semaphore.NewWeighted(savers), visits: newVisits(),
	}
}

// Wake says that a page has become due: it is looked for now instead of at the next poll.
func (c *Checker) Wake() {
	select {
	case c.wake <- struct{}{}:
	default: // somebody said so already
	}
}

// Client makes a client with the fetcher's rules, for requests that are no fetching of pages.
func (c *Checker) Client() *http.Client { return c.reader.fetcher.Client() }

// CheckTarget is Fetcher.CheckTarget, for what is asked with Client.
func (c *Checker) CheckTarget(raw string) error { return c.reader.fetcher.CheckTarget(raw) }

// Run visits due pages until ctx ends, each once at a time: what is written on a page meanwhile is for the visit after.
// It returns once all its visits have ended; those that were cut off are made again when their lease is over.
func (c *Checker) Run(ctx context.Context) {
	defer c.reader.fetcher.close()
	var visits sync.WaitGroup
	defer visits.Wait()
	var visited pageSet
	outage := time.Duration(0)
	for {
		under := visited.list()
		pages, err := c.store.ClaimDuePages(ctx, visitors-len(under), lease, under...)
		for _, page := range pages {
			visited.add(page.ID)
			visits.Go(func() {
				defer c.Wake() // there may be more than there were visitors, or more on this page
				defer visited.remove(page.ID)
				c.visit(ctx, page)
			})
		}
		c.reader.forget()
		wake, pause := c.wake, poll
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			outage = min(max(2*outage, time.Second), maxOutage)
			c.log.Warn("due pages cannot be claimed", "error", err, "next_attempt", outage)
			wake, pause = nil, outage // nobody's wake brings the database back
		default:
			outage = 0
		}
		select {
		case <-ctx.Done():
			return
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
		c.visits.WithLabelValues(busy).Inc()
		return
	case err != nil:
		c.visits.WithLabelValues(failed).Inc()
		log.Error("a page cannot be visited", "error", err)
		return
	}
	changed, err := c.save(ctx, visit)
	if err != nil && ctx.Err() == nil {
		c.visits.WithLabelValues(failed).Inc()
		log.Error("a visit cannot be saved", "error", err)
		return
	}
	c.visits.WithLabelValues(resultOf(visit, changed)).Inc()
	if changed {
		c.changed(page.ID)
	}
}

func (c *Checker) save(ctx context.Context, visit storage.Visit) (changed bool, err error) {
	if err := c.savers.Acquire(ctx, 1); err != nil {
		return false, err
	}
	defer c.savers.Release(1)
	return c.store.SaveVisit(ctx, visit)
}

func (c *Checker) unjudged(ctx context.Context, page uuid.UUID) (list []storage.Marked, more bool, err error) {
	if err := c.savers.Acquire(ctx, 1); err != nil {
		return nil, false, err
	}
	defer c.savers.Release(1)
	return c.store.Unjudged(ctx, page)
}

// look makes the visit of a page: it judges what has no verdict yet and, if the page has changed, all the others.
func (c *Checker) look(ctx context.Context, page storage.DuePage) (storage.Visit, error) {
	ctx, span := tracer.Start(ctx, "visit a page")
	defer span.End()
	visit := storage.Visit{Page: page, Pace: page.Pace}
	if !page.Marked { // any more
		visit.Pace.DueAt = nil
		return visit, nil
	}
	unjudged, more, err := c.unjudged(ctx, page.ID)
	if err != nil || len(unjudged) == 0 && !page.Again {
		return visit, err
	}
	var known version
	if page.Again && len(unjudged) == 0 {
		known = version{page.ETag, page.LastModified}
	}
	var failed error
	incomplete := false
	found, err := c.read(ctx, page.URL, page.Again, known, func(found edition) (content bool) {
		end, budget, late := time.Now().Add(judgeTime), xpath.NewBudget(), false
		visit.Verdicts, late, content = judgeAll(found.reading, unjudged, end, budget)
		visit.Unfinished = more || late
		if hasChanged(page, found) {
			var judged []storage.Marked
			var verdicts []storage.Verdict
			judged, incomplete, failed = c.store.Judged(ctx, page.ID)
			verdicts, late, _ = judgeAll(found.reading, judged, end, budget)
			incomplete = incomplete || late
			visit.Verdicts = append(visit.Verdicts, verdicts...)
		}
		return content
	})
	if err = cmp.Or(err, failed); err != nil {
		return storage.Visit{}, err
	}
	visit.JudgedAt = found.readAt
	if found.failure != nil {
		c.logFailure(ctx, page.ID, found.failure)
		visit.Unfinished = false
		visit.Verdicts = unverifiable(unjudged, found.failure) // the others keep what the last reading found
	}
	if isNews(page, found) {
		learn(&visit, found, incomplete)
	}
	return visit, nil
}

// learn takes into a visit what a new edition says of the page itself, and when to read it again. Incomplete: not all
// that it changes could be judged.
func learn(visit *storage.Visit, found edition, incomplete bool) {
	page := visit.Page
	visit.ReadAt = found.readAt
	switch {
	case found.failure != nil:
		visit.Reason = found.failure.reason
	case found.unchanged:
		visit.ETag, visit.LastModified, visit.ContentHash = page.ETag, page.LastModified, page.ContentHash
	default:
		visit.Title, visit.Language = found.reading.title, found.reading.language
		if !incomplete { // else the next reading takes the page for a changed one
			visit.ETag, visit.LastModified, visit.ContentHash = found.version.etag, found.version.lastModified, found.reading.hash
		}
	}
	g := glance{at: found.readAt, failure: found.failure, early: !page.Again}
	g.changed = len(page.ContentHash) > 0 && hasChanged(page, found)
	if page.ReadAt != nil {
		g.since = found.readAt.Sub(*page.ReadAt)
	}
	visit.Pace = follow(page.Pace, g, rand.Float64())
}

// isNews tells whether an edition was read after what is known of the page. Postgres keeps microseconds.
func isNews(page storage.DuePage, found edition) bool {
	return page.ReadAt == nil || found.readAt.Sub(*page.ReadAt) >= time.Microsecond
}

// hasChanged tells whether an edition may hold something else than what the page's verdicts were found in.
func hasChanged(page storage.DuePage, found edition) bool {
	return page.ReadAt != nil && isNews(page, found) && found.reading != nil && !bytes.Equal(found.reading.hash, page.ContentHash)
}

// unverifiable is the verdict on highlights whose page cannot be read, except for those that have it already: there may be many,
// and with each new one they are looked at again.
func unverifiable(marked []storage.Marked, because *failure) (verdicts []storage.Verdict) {
	for _, m := range marked {
		if m.Reason == because.reason {
			continue
		}
		check := storage.Check{State: xpath.Unverifiable, Reason: because.reason}
		verdicts = append(verdicts, storage.Verdict{Highlight: m.ID, Ranges: m.Ranges, Check: check})
	}
	return verdicts
}

// judgeAll judges highlights until the time is over or the budget is spent: then it is late. Content: all of them stand where they were made.
func judgeAll(r *reading, marked []storage.Marked, end time.Time, budget *xpath.Budget) (verdicts []storage.Verdict, late, content bool) {
	content = true
	for _, m := range marked {
		if time.Now().After(end) {
			return verdicts, true, content
		}
		ranges, check, ok := judge(r, m.Ranges, budget)
		if !ok {
			late = true
			continue // whose paths hold its quote costs nothing
		}
		content = content && check.State == xpath.Verified
		verdicts = append(verdicts, storage.Verdict{Highlight: m.ID, Ranges: ranges, Check: check})
	}
	return verdicts, late, content
}

// read gets an edition of a page and lets use have it if there is a reading in it. One that was kept only does if use is content with
// it: whoever marks something has just seen the page, which may have changed since it was read. A panic, in use
// too, is a failure of this page and not the end of the process.
func (c *Checker) read(ctx context.Context, pageURL string, anew bool, known version, use func(edition) (content bool)) (found edition, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			c.log.Error("checking a page panicked", "page", storage.PageID(pageURL), "panic", cause, "stack", string(debug.Stack()))
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
		content := false
		err := c.reader.read(ctx, pageURL, since, known, func(e edition) {
			found = e
			content = found.reading == nil || use(found)
		})
		if err != nil || content || !found.readAt.Before(asked) {
			return found, err
		}
		since = asked
	}
}
