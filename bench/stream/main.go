//go:build linux

// Command stream measures what a viewer of limn's stream costs: memory while nothing happens, processor time a
// delivery, and how late the last viewer is.
//
// Each round starts three servers in turn, each as a fresh process: the floor, which writes bytes that are encoded
// once to every connection and does nothing else; a plain Gin handler; and limn, with a Postgres that flushes. This
// process holds the viewers and publishes. The speed of a machine drifts, so a figure means something beside the
// floor's of the same round, and nothing beside another run's.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// main stays on the first thread: servers end when the thread that started them does.
func init() { runtime.LockOSThread() }

func main() {
	limn := flag.String("limn", "bin/limn", "the limn to measure")
	viewers := flag.Int("viewers", 2000, "how many look at the one page")
	rounds := flag.Int("rounds", 3, "how many rounds")
	serving := flag.String("serve", "", "be a server to compare with: floor or gin")
	onlyStall := flag.Bool("stall", false, "only look at viewers who stop reading")
	flag.Parse()
	if err := raiseFileLimit(); err != nil {
		fail(err)
	}
	var err error
	switch {
	case *serving != "":
		err = serve(*serving)
	case *onlyStall:
		err = stall(*limn)
	default:
		err = compare(*limn, *viewers, *rounds)
	}
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "bench-stream:", err)
	os.Exit(1)
}

func raiseFileLimit() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}

// The scenarios. Paced, one page has 40,000 deliveries a second however many look at it.
const (
	noteSize     = 1 << 10
	paced        = 40_000 // deliveries a second
	pacedPosts   = 50
	flatOut      = 400_000 // deliveries in all
	manyPages    = 500
	viewersAPage = 5
	pagesRate    = 500 // posts a second, over all pages
	pagesPosts   = 3000
	writePosts   = 1000
)

var systems = []string{"floor", "gin", "limn"}

// A line is what one system did in one round.
type line struct {
	system             string
	memory             float64 // KB an idle viewer
	write              float64 // µs of processor time a post without viewers
	paced, flat, pages result
}

func compare(limn string, viewers, rounds int) error {
	lines := map[string][]line{}
	fmt.Printf("%d viewers of one page, notes of %d bytes; then %d pages with %d viewers each\n", viewers, noteSize, manyPages, viewersAPage)
	fmt.Println(header)
	for n := range rounds {
		for _, system := range systems {
			l, err := measure(system, limn, viewers)
			if err != nil {
				return fmt.Errorf("%s: %w", system, err)
			}
			lines[system] = append(lines[system], l)
			fmt.Printf("round %d  %s\n", n+1, l.against(lines["floor"][n]))
		}
	}
	for _, system := range systems {
		fmt.Printf("median   %s\n", median(lines[system], lines["floor"]))
	}
	if err := members(limn, viewers); err != nil {
		return fmt.Errorf("members: %w", err)
	}
	return stall(limn)
}

// measure has one system go through all scenarios.
func measure(system, limn string, viewers int) (l line, err error) {
	l.system = system
	s, err := start(system, limn)
	if err != nil {
		return l, err
	}
	defer s.stop()
	// First what writing costs when nobody looks. After it the memory is what the server needs, not what its start left.
	alone, err := connect(s, 0, manyPages)
	if err != nil {
		return l, err
	}
	if err := alone.warmUp(); err != nil {
		return l, err
	}
	r, err := alone.run(load{posts: writePosts, rate: pagesRate, size: noteSize})
	if err != nil {
		return l, err
	}
	alone.close()
	l.write = r.cpu / writePosts
	s.awaitQuiet()
	before := s.memory()
	c, err := connect(s, viewers, 1)
	if err != nil {
		return l, err
	}
	s.awaitQuiet()
	l.memory = float64(s.memory()-before) / float64(viewers)
	if l.paced, err = c.run(load{posts: pacedPosts, rate: float64(paced) / float64(viewers), size: noteSize}); err != nil {
		return l, err
	}
	if l.flat, err = c.run(load{posts: max(40, flatOut/viewers), size: noteSize}); err != nil {
		return l, err
	}
	c.close()
	if c, err = connect(s, manyPages*viewersAPage, manyPages); err != nil {
		return l, err
	}
	if err := c.warmUp(); err != nil {
		return l, err
	}
	s.awaitQuiet()
	if l.pages, err = c.run(load{posts: pagesPosts, rate: pagesRate, size: noteSize}); err != nil {
		return l, err
	}
	c.close()
	for _, r := range []*result{&l.paced, &l.flat, &l.pages} {
		r.subtract(l.write)
	}
	return l, nil
}

// An event is one delivery; limn sends a note and, if it had to read the page for it, its verdict, which a viewer has in
// one write or in two. So the ratio is there for an event and for a note with all that is said of it.
const header = `                   memory  one page, paced                one page, flat out             many pages                      write
         system  KB/viewer   µs  ×event  ×note  p99 ms     µs  ×event  ×note  p99 ms     µs  ×event  ×note  p99 ms   µs/post  lost  repeated`

// against is the line with its ratios to the floor of the same round.
func (l line) against(floor line) string {
	lost := l.paced.lost + l.flat.lost + l.pages.lost
	repeated := l.paced.repeated + l.flat.repeated + l.pages.repeated
	s := fmt.Sprintf("%6s  %9.1f", l.system, l.memory)
	for _, r := range [][2]result{{l.paced, floor.paced}, {l.flat, floor.flat}, {l.pages, floor.pages}} {
		s += fmt.Sprintf("  %5.1f  %5.2f  %5.2f  %6.0f ", r[0].each, r[0].each/r[1].each, r[0].note/r[1].note, milliseconds(r[0].p99))
	}
	return s + fmt.Sprintf("  %6.0f  %4d  %8d", l.write, lost, repeated)
}

// median is the line of medians: of figures, and of the ratios of each round.
func median(lines, floors []line) string {
	of := func(figure func(n int) float64) float64 {
		var all []float64
		for n := range lines {
			all = append(all, figure(n))
		}
		return middle(all)
	}
	s := fmt.Sprintf("%6s  %9.1f", lines[0].system, of(func(n int) float64 { return lines[n].memory }))
	for _, scenario := range []func(line) result{
		func(l line) result { return l.paced }, func(l line) result { return l.flat }, func(l line) result { return l.pages },
	} {
		s += fmt.Sprintf("  %5.1f  %5.2f  %5.2f  %6.0f ",
			of(func(n int) float64 { return scenario(lines[n]).each }),
			of(func(n int) float64 { return scenario(lines[n]).each / scenario(floors[n]).each }),
			of(func(n int) float64 { return scenario(lines[n]).note / scenario(floors[n]).note }),
			of(func(n int) float64 { return milliseconds(scenario(lines[n]).p99) }))
	}
	return s + fmt.Sprintf("  %6.0f", of(func(n int) float64 { return lines[n].write }))
}

// middle is the median.
func middle(figures []float64) float64 {
	sorted := slices.Sorted(slices.Values(figures))
	return sorted[len(sorted)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
