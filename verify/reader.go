package verify

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/semaphore"
)

// tracer makes spans that name no page.
var tracer = otel.Tracer("limn/verify")

// What a reader keeps and how it behaves towards others.
const (
	keptFor   = 30 * time.Second // a page read so lately is not fetched again for one more highlight
	keptPages = 1024
	keptBytes = 64 << 20         // of memory
	perHost   = 2                // requests to one host at once
	atOnce    = 64               // pages fetched or waiting to be parsed, of maxPage bytes each
	turnWait  = 5 * time.Second  // for a turn at a host, and for room
	deskWait  = 15 * time.Second // for the desk: a visit has to end within its lease
	heavy     = 16 << 20         // bytes that the heap has grown by, which are given back at once
)

// errBusy is the answer when others keep a host, or all of the reader, busy: try again later.
var errBusy = errors.New("others are reading pages")

// An edition is what came of reading a page once. It is never changed.
type edition struct {
	reading   *reading // nil: it could not be read, or it is unchanged
	failure   *failure // why it could not be read; nil: it could
	unchanged bool     // it is still the version that was named
	version   version
	readAt    time.Time
}

// A reader fetches and parses pages, one page once at a time, and keeps the last of them for a moment. It is safe for
// concurrent use.
type reader struct {
	fetcher *Fetcher
	pages   *turns // by URL: who comes second finds what the first has read
	hosts   *turns
	room    *semaphore.Weighted
	desk    *semaphore.Weighted // where one page is parsed, and then judged

	mu    sync.Mutex
	kept  *simplelru.LRU[string, edition]
	bytes int // of the kept pages
}

func newReader(fetcher *Fetcher) *reader {
	r := &reader{fetcher: fetcher, pages: newTurns(1), hosts: newTurns(perHost), room: semaphore.NewWeighted(atOnce), desk: semaphore.NewWeighted(1)}
	r.kept, _ = simplelru.NewLRU(keptPages, func(_ string, c edition) { r.bytes -= c.size() }) // fails for no size above 0
	return r
}

func (c edition) size() int {
	if c.reading == nil {
		return 0
	}
	return c.reading.size()
}

// read lets use have an edition of a page that was read after since, or just now. known is a version that the caller
// needs no edition of. While use has it, no other page is parsed or used. The error is errBusy or the context's: what
// is wrong with the page is in the edition.
func (r *reader) read(ctx context.Context, pageURL string, since time.Time, known version, use func(edition)) error {
	asked := time.Now()
	done, err := r.pages.take(ctx, pageURL)
	if err != nil {
		return err
	}
	defer done()
	kept, ok := r.get(pageURL)
	switch {
	case ok && kept.reading != nil && !kept.readAt.Before(since),
		ok && !kept.unchanged && !kept.readAt.Before(asked): // while this one waited
		return r.atDesk(ctx, func() { use(kept) })
	case ok && kept.reading != nil:
		known = kept.version
	}
	response, failed, leave, err := r.fetch(ctx, pageURL, known)
	if err != nil {
		return err
	}
	defer leave()
	c := edition{failure: failed, unchanged: response.unchanged, version: version{response.etag, response.lastModified}, readAt: time.Now()}
	if c.unchanged {
		c.version = known
	}
	return r.atDesk(ctx, func() {
		switch {
		case c.failure != nil:
		case !c.unchanged:
			if c.reading, c.failure = parse(response.body, response.contentType); c.reading != nil {
				c.reading.language = cmp.Or(c.reading.language, response.language)
			}
		case kept.reading != nil:
			c.reading, c.unchanged = kept.reading, false
		}
		r.keep(pageURL, c)
		use(c)
	})
}

// fetch asks a server for a page, within a turn at its host. The page has room until leave is called. The error is
// errBusy or the context's.
func (r *reader) fetch(ctx context.Context, pageURL string, known version) (_ response, failed *failure, leave func(), err error) {
	leaveHost, leave, err := r.turn(ctx, host(pageURL))
	if err != nil {
		return response{}, nil, nil, err
	}
	defer leaveHost()
	ctx, span := tracer.Start(ctx, "fetch a page", trace.WithSpanKind(trace.SpanKindClient))
	defer span.End()
	page, failed := r.fetcher.get(ctx, pageURL, known)
	span.SetAttributes(attribute.Int("limn.bytes", len(page.body)), attribute.Bool("limn.unchanged", page.unchanged))
	if failed != nil {
		span.SetAttributes(attribute.String("limn.reason", failed.reason))
	}
	if err := ctx.Err(); err != nil {
		leave()
		return response{}, nil, nil, err
	}
	return page, failed, leave, nil
}

// atDesk does what takes much time or memory, for one page at a time. What took much memory gives it back at once: the
// next page would come on top of it, long before the garbage is collected.
func (r *reader) atDesk(ctx context.Context, work func()) error {
	waiting, cancel := context.WithTimeout(ctx, deskWait)
	defer cancel()
	if r.desk.Acquire(waiting, 1) != nil {
		return cmp.Or(ctx.Err(), errBusy)
	}
	defer r.desk.Release(1)
	before := heap()
	defer func() {
		if heap() > before+heavy {
			debug.FreeOSMemory()
		}
	}()
	work()
	return nil
}

// turn waits for room, and for a turn at a host.
func (r *reader) turn(ctx context.Context, host string) (leaveHost, leave func(), err error) {
	waiting, cancel := context.WithTimeout(ctx, turnWait)
	defer cancel()
	if leaveHost, err = r.hosts.take(waiting, host); err == nil {
		if err = r.room.Acquire(waiting, 1); err == nil {
			return leaveHost, func() { r.room.Release(1) }, nil
		}
		leaveHost()
	}
	if ctx.Err() == nil {
		err = errBusy
	}
	return nil, nil, err
}

func host(pageURL string) string {
	u, err := url.Parse(pageURL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func (r *reader) get(pageURL string) (edition, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kept.Get(pageURL)
}

func (r *reader) keep(pageURL string, c edition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept.Remove(pageURL)
	r.kept.Add(pageURL, c)
	for r.bytes += c.size(); r.bytes > keptBytes; {
		r.kept.RemoveOldest()
	}
}

// forget gives back the memory of pages that were read too long ago.
func (r *reader) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if _, oldest, ok := r.kept.GetOldest(); !ok || time.Since(oldest.readAt) < keptFor {
			return
		}
		r.kept.RemoveOldest()
	}
}
