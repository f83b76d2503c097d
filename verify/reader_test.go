package verify

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A crowd is a handler of own pages that counts who is being served, and serves nobody before it is opened.
type crowd struct {
	open   chan struct{}
	inside atomic.Int64
	served atomic.Int64
}

func newCrowd() *crowd { return &crowd{open: make(chan struct{})} }

func (c *crowd) own(*url.URL) (http.Handler, bool) { return c, true }

func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.inside.Add(1)
	defer c.inside.Add(-1)
	select {
	case <-c.open:
	case <-r.Context().Done():
		return
	}
	c.served.Add(1)
	serve200(w, r)
}

func TestAHostIsAskedForTwoPagesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd()
		r := newReader(NewFetcher(Allow{}, c.own))
		var readers sync.WaitGroup
		for host := range 3 {
			for page := range 5 {
				readers.Go(func() {
					if err := r.read(t.Context(), fmt.Sprintf("http://%d.example.org/%d", host, page), time.Now(), version{}, func(edition) {}); err != nil {
						t.Error(err)
					}
				})
			}
		}
		synctest.Wait()
		if inside := c.inside.Load(); inside != 3*perHost {
			t.Errorf("%d pages are being read; want %d", inside, 3*perHost)
		}
		close(c.open)
		readers.Wait()
		if served := c.served.Load(); served != 15 {
			t.Errorf("%d pages were read; want 15", served)
		}
	})
}

func TestABusyHostIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd()
		r := newReader(NewFetcher(Allow{}, c.own))
		var busy atomic.Int64
		var readers sync.WaitGroup
		before := time.Now()
		for page := range 5 {
			readers.Go(func() {
				err := r.read(t.Context(), fmt.Sprintf("http://example.org/%d", page), time.Now(), version{}, func(edition) {})
				if errors.Is(err, errBusy) && time.Since(before) == turnWait {
					busy.Add(1)
				}
			})
		}
		readers.Wait()
		if busy.Load() != 3 {
			t.Errorf("%d readers were told that the host is busy after %v; want 3", busy.Load(), turnWait)
		}
	})
}

func TestReadersOfOnePageShareItsReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd()
		r := newReader(NewFetcher(Allow{}, c.own))
		read := func() {
			err := r.read(t.Context(), "http://example.org/", time.Now().Add(-keptFor), version{}, func(e edition) {
				if e.reading == nil {
					t.Errorf("%+v; want a reading", e)
				}
			})
			if err != nil {
				t.Error(err)
			}
		}
		var readers sync.WaitGroup
		for range 10 {
			readers.Go(func() { read() })
		}
		synctest.Wait()
		close(c.open)
		readers.Wait()
		if served := c.served.Load(); served != 1 {
			t.Errorf("the page was fetched %d times; want once", served)
		}

		<-time.After(keptFor)
		read()
		if served := c.served.Load(); served != 1 {
			t.Errorf("the page was fetched again while its reading was %v old", keptFor)
		}
		<-time.After(time.Second)
		read()
		if served := c.served.Load(); served != 2 {
			t.Errorf("the page was fetched %d times; want twice once its reading was old", served)
		}
	})
}

func TestAFailureIsSharedByThoseWhoWaitedForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd()
		r := newReader(NewFetcher(Allow{}, c.own))
		before := time.Now()
		var readers sync.WaitGroup
		for range 10 {
			readers.Go(func() {
				err := r.read(t.Context(), "http://example.org/", before, version{}, func(e edition) {
					if e.failure == nil {
						t.Errorf("%+v; want a failure", e)
					}
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		readers.Wait()
		if took := time.Since(before); took != fetchTime {
			t.Errorf("ten readers took %v; want one fetch of %v", took, fetchTime)
		}
	})
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	large := strings.Repeat("<p>"+strings.Repeat("a", 1<<10), 3<<10)
	r := newReader(NewFetcher(Allow{}, func(*url.URL) (http.Handler, bool) {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, large)
		}), true
	}))
	for page := range 4 {
		size := 0
		err := r.read(t.Context(), fmt.Sprintf("http://example.org/%d", page), time.Now(), version{}, func(e edition) { size = e.size() })
		if err != nil {
			t.Fatal(err)
		}
		if size < 3*len(large) || r.bytes > keptBytes || r.bytes != r.kept.Len()*size {
			t.Errorf("%d pages of %d bytes each are kept in %d; want at most %d", r.kept.Len(), size, r.bytes, keptBytes)
		}
	}
	if r.kept.Len() != 2 {
		t.Errorf("%d pages are kept; want 2", r.kept.Len())
	}
}
