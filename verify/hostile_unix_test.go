//go:build unix

package verify

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"limn/xpath"
)

// hostileRange is nowhere on these pages and nearly everywhere.
func hostileRange(i int) xpath.Range {
	letters := strings.Repeat("a", 1<<11)
	point := xpath.Point{XPath: "/html/body/x"}
	return xpath.Range{Anchor: point, Focus: point, Quote: &xpath.Quote{Exact: letters + fmt.Sprint(i), Prefix: letters[:32], Suffix: letters[:32]}}
}

// hostileChecker checks the hostile pages as own pages, by their names.
func hostileChecker() *Checker {
	return reporter(NewFetcher(Allow{}, func(u *url.URL) (http.Handler, bool) {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, hostilePages[r.URL.Query().Get("name")].page)
		}), true
	}))
}

// lookAt reports on ranges of a hostile page, as of the host-th host.
func lookAt(tb testing.TB, c *Checker, name string, host int, ranges ...xpath.Range) {
	report, err := c.Report(tb.Context(), fmt.Sprintf("http://%d.example.org/?name=%s", host, url.QueryEscape(name)), ranges)
	if err != nil || report.Ranges[0].State == xpath.Verified {
		tb.Errorf("%s: %+v, %v", name, report.Ranges[0], err)
	}
}

// costOf is the processor time that some work takes, also in the garbage collector, and by how many bytes the heap
// grows at most.
func costOf(work func()) (cpu time.Duration, memory uint64) {
	used := func() time.Duration {
		var usage unix.Rusage
		_ = unix.Getrusage(unix.RUSAGE_SELF, &usage) // fails for no process but another
		return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	done := make(chan struct{})
	var watch sync.WaitGroup
	least, most := uint64(math.MaxUint64), uint64(0)
	watch.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			now := heap()
			least, most = min(least, now), max(most, now)
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	before := used()
	work()
	cpu = used() - before
	close(done)
	watch.Wait()
	return cpu, most - least
}

// What one page may take.
const (
	maxMemory = 256 << 20
	maxCPU    = time.Second
)

func TestFiftyHostilePagesAtOnceTakeTheMemoryOfOne(t *testing.T) {
	c, names := hostileChecker(), []string{}
	for name := range hostilePages {
		names = append(names, name)
	}
	cpu, memory := costOf(func() {
		var lookers sync.WaitGroup
		for i := range 50 {
			lookers.Go(func() { lookAt(t, c, names[i%len(names)], i, hostileRange(i)) })
		}
		lookers.Wait()
	})
	t.Logf("%v of processor time, %d MB", cpu, memory>>20)
	waiting := uint64(50 * 2 * maxPage) // for their turn, read in full; a buffer that grows is there twice
	if memory > maxMemory+waiting {
		t.Errorf("they took %d MB; want at most %d", memory>>20, (maxMemory+waiting)>>20)
	}
}

// Each hostile page with as many ranges as a request may have, all of them hard to find.
func BenchmarkHostile(b *testing.B) {
	ranges := make([]xpath.Range, 100)
	for i := range ranges {
		ranges[i] = hostileRange(i)
	}
	for name := range hostilePages {
		b.Run(name, func(b *testing.B) {
			var most uint64
			var worst time.Duration
			for b.Loop() {
				c := hostileChecker()
				cpu, memory := costOf(func() { lookAt(b, c, name, 0, ranges...) })
				worst, most = max(worst, cpu), max(most, memory)
			}
			b.ReportMetric(worst.Seconds(), "cpu-s")
			b.ReportMetric(float64(most>>20), "MB")
			if worst > maxCPU || most > maxMemory {
				b.Errorf("it took %v and %d MB", worst, most>>20)
			}
		})
	}
}
