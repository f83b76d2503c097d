//go:build linux

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// Notes begin with a mark and a number, by which a viewer knows them again.
const mark = "note-number-"

func note(n, size int) string {
	return fmt.Sprintf("%s%08d %s", mark, n, strings.Repeat("limn ", size/5))[:size]
}

// A crowd is all viewers of a run. One thread reads for all of them.
type crowd struct {
	system  *system
	pages   int
	epoll   int
	byFD    map[int32]*viewer
	reading sync.WaitGroup
	closed  atomic.Bool
	events  atomic.Int64 // arrived, notes and what was said of them later
	news    atomic.Int64 // notes that arrived at a viewer for the first time
	gone    atomic.Int64 // viewers whose stream ended
	repeats atomic.Int64

	mu    sync.Mutex
	posts []post
}

// A post is one note that was published.
type post struct {
	page    int
	start   time.Time
	last    time.Time // when the last viewer had it, so far
	seen    int
	settled bool // acknowledged: it is owed to every viewer of its page
}

// A viewer is one connection. It keeps no more than an event that is not whole yet.
type viewer struct {
	file   *os.File
	page   int
	body   chunks
	part   []byte
	last   int64 // the number in the last id
	seen   []uint64
	onLive func()
}

// connect has viewers follow the pages of a new run, and returns when each was told that it is live.
func connect(s *system, viewers, pages int) (*crowd, error) {
	s.run++
	c := &crowd{system: s, pages: pages, byFD: map[int32]*viewer{}}
	var err error
	if c.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	all := make([]*viewer, viewers)
	var dialing errgroup.Group
	dialing.SetLimit(32)
	var live sync.WaitGroup
	live.Add(viewers)
	for n := range all {
		dialing.Go(func() (err error) {
			all[n], err = dial(s, n%pages)
			if err == nil {
				all[n].onLive = sync.OnceFunc(live.Done)
			}
			return err
		})
	}
	if err := dialing.Wait(); err != nil {
		return nil, err
	}
	for _, v := range all {
		if err := c.add(v); err != nil {
			return nil, err
		}
	}
	c.reading.Go(c.read)
	live.Wait()
	return c, nil
}

// dial opens a stream and reads its header. The connection is taken from Go's own poller, which would wake for it.
func dial(s *system, page int) (*viewer, error) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	as := ""
	if s.reader != "" {
		as = "Authorization: Bearer " + s.reader + "\r\n"
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n%s\r\n", s.path(page), as); err != nil {
		return nil, err
	}
	lines := bufio.NewReader(conn)
	response, err := http.ReadResponse(lines, nil)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("a stream was answered %d", response.StatusCode)
	}
	v := &viewer{page: page, body: chunks{chunked: len(response.TransferEncoding) > 0}}
	v.part, _ = lines.Peek(lines.Buffered())
	v.part = bytes.Clone(v.part)
	v.file, err = conn.(*net.TCPConn).File()
	return v, err
}

func (c *crowd) add(v *viewer) error {
	early := v.part
	v.part = nil
	c.feed(v, early, time.Now())
	fd := int(v.file.Fd())
	if err := syscall.SetNonblock(fd, true); err != nil {
		return err
	}
	c.byFD[int32(fd)] = v
	return syscall.EpollCtl(c.epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
}

// read reads what arrives, until close.
func (c *crowd) read() {
	ready := make([]syscall.EpollEvent, 512)
	buffer := make([]byte, 256<<10)
	for !c.closed.Load() {
		n, err := syscall.EpollWait(c.epoll, ready, 100)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			panic(err) // the descriptor is ours
		}
		for _, r := range ready[:max(n, 0)] {
			v := c.byFD[r.Fd]
			length, err := syscall.Read(int(r.Fd), buffer)
			switch {
			case err == syscall.EAGAIN || err == syscall.EINTR:
			case length <= 0:
				syscall.EpollCtl(c.epoll, syscall.EPOLL_CTL_DEL, int(r.Fd), nil)
				c.gone.Add(1)
			default:
				c.feed(v, buffer[:length], time.Now())
			}
		}
	}
}

// feed takes what arrived for a viewer.
func (c *crowd) feed(v *viewer, received []byte, now time.Time) {
	for len(received) > 0 {
		var data []byte
		if data, received = v.body.next(received); len(data) == 0 {
			continue
		}
		if len(v.part) > 0 {
			data = append(v.part, data...)
		}
		for {
			event, rest, whole := bytes.Cut(data, []byte("\n\n"))
			if !whole {
				break
			}
			c.take(v, event, now)
			data = rest
		}
		v.part = nil
		if len(data) > 0 {
			v.part = bytes.Clone(data)
		}
	}
}

// take takes an event. A number that does not rise, or without numbers a note that was here before, is a repetition.
func (c *crowd) take(v *viewer, event []byte, now time.Time) {
	seq, numbered := int64(0), bytes.HasPrefix(event, []byte("id: "))
	if numbered {
		line, _, _ := bytes.Cut(event, []byte("\n"))
		seq, _ = strconv.ParseInt(string(line[bytes.LastIndexAny(line, "- ")+1:]), 10, 64)
	}
	at := bytes.Index(event, []byte(mark))
	if at < 0 {
		if bytes.Contains(event[:min(len(event), 120)], []byte("live")) {
			v.onLive()
		}
		v.last = max(v.last, seq)
		return
	}
	c.events.Add(1)
	n, _ := strconv.Atoi(string(event[at+len(mark) : at+len(mark)+8]))
	for len(v.seen) <= n/64 {
		v.seen = append(v.seen, 0)
	}
	known := v.seen[n/64]&(1<<(n%64)) != 0
	v.seen[n/64] |= 1 << (n % 64)
	if known && !numbered || numbered && seq <= v.last {
		c.repeats.Add(1)
	}
	v.last = seq
	if known {
		return
	}
	c.news.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if n < len(c.posts) {
		c.posts[n].seen++
		c.posts[n].last = now
	}
}

// A load is what is published in a run.
type load struct {
	posts int
	rate  float64 // posts a second; 0: each when the one before was answered
	size  int     // bytes of a note
}

// publishers is how many publish at once when there are several pages.
const publishers = 4

// A result is what a run came to.
type result struct {
	posts          int
	events, news   int64         // deliveries, and those of them that were of a note not seen before
	cpu            float64       // µs of the server
	each, note     float64       // µs of the server for one of either, without the writing
	p99            time.Duration // from a post's start to its last viewer
	lost, repeated int64
}

// run publishes and waits until everything has arrived.
func (c *crowd) run(l load) (result, error) {
	first := len(c.posts)
	events, news, repeats, cpu := c.events.Load(), c.news.Load(), c.repeats.Load(), c.system.cpu()
	c.mu.Lock()
	c.posts = append(c.posts, make([]post, l.posts)...)
	c.mu.Unlock()
	var publishing errgroup.Group
	publishing.SetLimit(min(c.pages, publishers))
	begin := time.Now()
	for n := range l.posts {
		if l.rate > 0 {
			time.Sleep(time.Until(begin.Add(time.Duration(float64(n) / l.rate * float64(time.Second)))))
		}
		publishing.Go(func() error { return c.publish(first+n, l.size) })
	}
	if err := publishing.Wait(); err != nil {
		return result{}, err
	}
	c.awaitArrival()
	r := result{
		posts: l.posts, events: c.events.Load() - events, news: c.news.Load() - news, cpu: c.system.cpu() - cpu,
		repeated: c.repeats.Load() - repeats,
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var late []time.Duration
	audience := c.audience()
	for _, p := range c.posts[first:] {
		if p.settled && p.seen > 0 {
			late = append(late, p.last.Sub(p.start))
		}
		if p.settled {
			r.lost += int64(audience[p.page] - p.seen)
		}
	}
	slices.Sort(late)
	if len(late) > 0 {
		r.p99 = late[(len(late)-1)*99/100]
	}
	return r, nil
}

// warmUp publishes once on each page: limn reads a page when something stands on it for the first time.
func (c *crowd) warmUp() error {
	_, err := c.run(load{posts: c.pages, rate: pagesRate, size: noteSize})
	return err
}

func (c *crowd) publish(n, size int) error {
	page := n % c.pages
	c.mu.Lock()
	c.posts[n].page, c.posts[n].start = page, time.Now()
	c.mu.Unlock()
	err := c.system.publish(page, note(n, size))
	c.mu.Lock()
	c.posts[n].settled = err == nil
	c.mu.Unlock()
	return err
}

// awaitArrival waits until nothing has arrived for half a second; what is missing then for a while is lost.
func (c *crowd) awaitArrival() {
	for quiet := 0; quiet < 5; quiet++ {
		before := c.events.Load()
		time.Sleep(100 * time.Millisecond)
		if c.events.Load() > before {
			quiet = 0
		}
	}
}

// audience counts the viewers of each page.
func (c *crowd) audience() []int {
	audience := make([]int, c.pages)
	for _, v := range c.byFD {
		audience[v.page]++
	}
	return audience
}

// subtract takes away what the posts cost without anybody who looks.
func (r *result) subtract(write float64) {
	delivering := r.cpu - write*float64(r.posts)
	r.each, r.note = delivering/float64(r.events), delivering/float64(r.news)
}

func (c *crowd) close() {
	c.closed.Store(true)
	c.reading.Wait()
	for _, v := range c.byFD {
		v.file.Close()
	}
	syscall.Close(c.epoll)
}
