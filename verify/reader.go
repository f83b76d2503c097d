package verify

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sync/semaphore"
)

// What a reader keeps and how it behaves towards others.
const (
	keptFor   = 30 * time.Second // a page read so lately is not fetched again for one more highlight
	keptPages = 64
	keptBytes = 8 << 20         // of their UTF-8; a tree takes ten to twenty times as much
	perHost   = 2               // requests to one host at once
	atOnce    = 64              // pages fetched or waiting to be parsed, of maxPage bytes each
	turnWait  = 5 * time.Second // for a turn
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
	parser  *parser
	pages   *turns // by URL: who comes second finds what the first has read
	hosts   *turns
	room    *semaphore.Weighted

	mu    sync.Mutex
	kept  *simplelru.LRU[string, edition]
	bytes int // of the kept pages
}

func newReader(fetcher *Fetcher) *reader {
	r := &reader{fetcher: fetcher, parser: newParser(), pages: newTurns(1), hosts: newTurns(perHost), room: semaphore.NewWeighted(atOnce)}
	r.kept, _ = simplelru.NewLRU(keptPages, func(_ string, c edition) { r.bytes -= c.size() }) // fails for no size above 0
	return r
}

func (c edition) size() int {
	if c.reading == nil {
		return 0
	}
	return c.reading.size
}

// read gives an edition of a page that was read after since, or just now. known is a version that the caller
// needs no edition of. The error is errBusy or the context's: what is wrong with the page is in the edition.
func (r *reader) read(ctx context.Context, pageURL string, since time.Time, known version) (edition, error) {
	asked := time.Now()
	done, err := r.pages.take(ctx, pageURL)
	if err != nil {
		return edition{}, err
	}
	defer done()
	kept, ok := r.get(pageURL)
	switch {
	case ok && kept.reading != nil && !kept.readAt.Before(since):
		return kept, nil
	case ok && !kept.unchanged && !kept.readAt.Before(asked): // while this one waited
		return kept, nil
	case ok && kept.reading != nil:
		known = kept.version
	}
	c, err := r.fetch(ctx, pageURL, known)
	if err != nil {
		return edition{}, err
	}
	if c.unchanged {
		c.version = known
	}
	if c.unchanged && kept.reading != nil {
		c.reading, c.unchanged = kept.reading, false
	}
	r.keep(pageURL, c)
	return c, nil
}

func (r *reader) fetch(ctx context.Context, pageURL string, known version) (c edition, err error) {
	leaveHost, leave, err := r.turn(ctx, host(pageURL))
	if err != nil {
		return edition{}, err
	}
	defer leave()
	response, err := func() (response, error) {
		defer leaveHost()
		return r.fetcher.get(ctx, pageURL, known)
	}()
	c = edition{unchanged: response.unchanged, version: version{response.etag, response.lastModified}, readAt: time.Now()}
	if err == nil && !response.unchanged {
		c.reading, err = r.parser.parse(ctx, response.body, response.contentType)
	}
	if ctx.Err() != nil {
		return edition{}, ctx.Err()
	}
	if err != nil && !errors.As(err, &c.failure) {
		return edition{}, fmt.Errorf("read page: %w", err)
	}
	return c, nil
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
