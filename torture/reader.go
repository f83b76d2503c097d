//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/google/uuid"
)

// A reader follows some pages, breaks off at random and goes on after the last event it has. It writes down what it
// was sent, and holds what these events tell it to.
type reader struct {
	*round
	name    string
	account *account // nil: nobody is signed in
	pages   []uuid.UUID
	slow    bool // it takes its time to read
	proxied bool // a proxy cuts its connections

	log    []entry
	cursor string

	mu   sync.Mutex
	held map[uuid.UUID]holding
}

// A holding is a highlight or a reply as a reader holds it.
type holding struct {
	page   uuid.UUID
	digest uint64
}

// An entry is a connection that begins, or an event.
type entry struct {
	at     time.Time
	asked  time.Time           // when a connection was asked for
	opened map[uuid.UUID]int64 // the numbers after which a connection begins; nil in an event
	fresh  bool                // the connection begins with nothing
	name   string
	page   uuid.UUID
	seq    int64
	what   *content
}

// garbage are cursors that mean nothing here.
var garbage = []string{"x", "AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA-7", "....", "9999999999999999999999"}

// run follows until ctx ends. Once calm is closed the reader stays connected, straight to an instance.
func (r *reader) run(ctx context.Context) {
	for ctx.Err() == nil {
		life, stop := context.WithCancel(ctx)
		timer := time.AfterFunc(time.Duration(rand.ExpFloat64()*float64(3*time.Second)), func() {
			if !r.isCalm() {
				stop()
			}
		})
		r.connect(life)
		timer.Stop()
		stop()
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(rand.Int64N(int64(300 * time.Millisecond)))):
		}
	}
}

// connect follows over one connection.
func (r *reader) connect(ctx context.Context) {
	query := url.Values{}
	for _, page := range r.pages {
		query.Add("page", page.String())
	}
	cursor, mustResync := r.cursor, false
	if !r.isCalm() {
		switch rand.IntN(20) {
		case 0:
			cursor = ""
		case 1:
			cursor, mustResync = garbage[rand.IntN(len(garbage))], true
		}
	}
	header := http.Header{}
	if r.account != nil {
		header.Set("Authorization", "Bearer "+r.account.token)
	}
	switch {
	case cursor == "":
	case rand.IntN(2) == 0:
		query.Set("last_event_id", cursor)
	default:
		header.Set("Last-Event-ID", cursor)
		query.Set("last_event_id", "AAAA") // the header wins
	}
	floors := r.floors()
	base := r.anyBase(r.proxied && !r.isCalm())
	asked := time.Now()
	request, err := http.NewRequestWithContext(ctx, "GET", base+api+"/stream?"+query.Encode(), nil)
	if err != nil {
		panic(err)
	}
	request.Header = header
	response, err := r.transport().RoundTrip(request)
	if err != nil {
		return
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		r.report.count(fmt.Sprintf("stream answered %d", response.StatusCode), 1)
		if response.StatusCode == http.StatusInternalServerError {
			r.report.find(serverFault, "a stream was answered 500")
		}
		return
	}
	r.report.count("connection", 1)
	opened := numbers(cursor)
	r.log = append(r.log, entry{at: time.Now(), asked: asked, opened: opened, fresh: cursor == ""})
	r.cursor = cursor
	if cursor == "" {
		r.mu.Lock()
		clear(r.held)
		r.mu.Unlock()
	}
	r.follow(bufio.NewReader(response.Body), floors, mustResync)
}

// transport is a connection for one stream; a slow reader's holds little that is not read yet.
func (r *reader) transport() *http.Transport {
	dialer := &net.Dialer{Timeout: 2 * time.Second}
	return &http.Transport{
		DisableKeepAlives: true, DisableCompression: true, ResponseHeaderTimeout: 5 * time.Second,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err == nil && r.slow {
				conn.(*net.TCPConn).SetReadBuffer(4 << 10)
			}
			return conn, err
		},
	}
}

// follow reads a stream to its end.
func (r *reader) follow(lines *bufio.Reader, floors map[uuid.UUID]int64, mustResync bool) {
	for {
		e, err := nextEvent(lines)
		if err != nil {
			return
		}
		if r.slow && !r.isCalm() {
			select {
			case <-r.calm:
			case <-time.After(20 * time.Millisecond):
			}
		}
		if e.name == "presence" || e.name == "ping" {
			continue
		}
		if mustResync && e.name != "resync" {
			r.report.find(noResync, "%s got %s %s", r.name, e.name, e.data)
		}
		mustResync = false
		r.take(e)
		if e.name == "live" {
			last := &r.log[len(r.log)-1]
			if floor := floors[last.page]; last.seq < floor {
				r.report.find(staleLive, "%s: live at %d, acknowledged before was %d", r.name, last.seq, floor)
			}
		}
	}
}

// take does what an event says, and writes it down.
func (r *reader) take(e event) {
	c := r.contents.read(e)
	r.report.count("event", 1)
	if c.bad {
		r.report.find(unlikeRow, "%s got %s %q", r.name, e.name, e.data)
		return
	}
	page := c.page
	if e.name == "reply" {
		known, _ := r.pageOf.Load(c.thread)
		page, _ = known.(uuid.UUID)
	}
	seq := c.seq
	if e.id != "" {
		r.cursor = e.id
		if e.name == "removed" {
			seq = numbers(e.id)[page]
		} else if named := numbers(e.id)[page]; named != seq {
			r.report.find(unlikeRow, "%s: the cursor of number %d names %d", r.name, seq, named)
		}
	}
	r.log = append(r.log, entry{at: time.Now(), name: e.name, page: page, seq: seq, what: c})
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e.name {
	case "highlight", "reply":
		r.held[c.id] = holding{page, c.digest}
	case "removed":
		delete(r.held, c.id)
	case "resync":
		maps.DeleteFunc(r.held, func(_ uuid.UUID, h holding) bool { return h.page == page })
	}
}

// difference is what the reader holds otherwise than the rows say; empty: nothing.
func (r *reader) difference(rows []row) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	count := 0
	for _, row := range rows {
		if !r.follows(row.Page) || !row.visible(r.reads(r.account)) {
			continue
		}
		count++
		if h, ok := r.held[row.ID]; !ok {
			return fmt.Sprintf("%s lacks the %s %s, number %d", r.name, row.Kind, row.ID, row.Seq)
		} else if h.digest != row.digest() {
			return fmt.Sprintf("%s holds another %s %s than number %d", r.name, row.Kind, row.ID, row.Seq)
		}
	}
	if count < len(r.held) {
		return fmt.Sprintf("%s holds %d things too many", r.name, len(r.held)-count)
	}
	return ""
}

func (r *reader) follows(page uuid.UUID) bool {
	for _, p := range r.pages {
		if p == page {
			return true
		}
	}
	return false
}
