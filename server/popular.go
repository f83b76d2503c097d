package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/semaphore"

	"limn/storage"
)

const (
	popularLimit = 50                    // passages and pages of a board
	popularAge   = 10 * time.Second      // of a board, even when nothing is known to have changed: a hint may be lost, and time goes on
	popularCheap = 50 * time.Millisecond // to make a board: it may be made at any time
	popularRest  = 20                    // another one is made again only after this many times what it took beyond that
	popularKept  = 1000                  // boards
	popularAtOne = 2                     // boards that are made at once
	popularLook  = time.Second           // between looks at a board that may not be made again yet
	pingEvery    = 15 * time.Second
	streamLife   = 5 * time.Minute // and up to twice as long
)

// boards are what is highlighted most, for all who ask the same. One is made again when something has changed anywhere
// since, but not so often that a dear one takes more than a twentieth of a core.
type boards struct {
	store *storage.Store
	pulse func() (beats uint64, next <-chan struct{})
	turns *semaphore.Weighted
	mu    sync.Mutex
	kept  *lru.Cache[string, *board]
}

// A board is what is highlighted most, as somebody asked for it.
type board struct {
	mu    sync.Mutex // held while it is made: who comes then waits for it
	beats uint64     // as they were counted before it was made
	at    time.Time  // when it was made; zero: it is not
	took  time.Duration
	list  storage.Popular
}

func newBoards(store *storage.Store, pulse func() (uint64, <-chan struct{})) *boards {
	kept, _ := lru.New[string, *board](popularKept) // fails only for a size below 1
	return &boards{store: store, pulse: pulse, turns: semaphore.NewWeighted(popularAtOne), kept: kept}
}

// A popularRequest is what is asked of the boards.
type popularRequest struct {
	window storage.Window
	page   uuid.UUID
	groups []string
	limit  int
}

// get is what a reader is to be told. It is for those only who may read the same groups.
func (b *boards) get(ctx context.Context, reader storage.Reader, r popularRequest) (storage.Popular, error) {
	groups := slices.Clone(reader.Groups)
	slices.SortFunc(groups, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	key := fmt.Sprint(r.window, r.page, groups)
	b.mu.Lock()
	made, known := b.kept.Get(key)
	if !known {
		made = &board{}
		b.kept.Add(key, made)
	}
	b.mu.Unlock()

	made.mu.Lock()
	defer made.mu.Unlock()
	beats, _ := b.pulse()
	age := time.Since(made.at)
	if made.at.IsZero() || age > (made.took-popularCheap)*popularRest && (beats != made.beats || age > popularAge) {
		if err := b.turns.Acquire(ctx, 1); err != nil {
			return storage.Popular{}, err
		}
		defer b.turns.Release(1)
		begin := time.Now()
		list, err := b.store.ListPopular(ctx, reader, r.page, r.window.Since(begin), popularLimit)
		if err != nil {
			return storage.Popular{}, err
		}
		made.beats, made.at, made.took, made.list = beats, time.Now(), time.Since(begin), list
	}
	list := made.list
	list.Passages, list.Pages = list.Passages[:min(r.limit, len(list.Passages))], list.Pages[:min(r.limit, len(list.Pages))]
	return list, nil
}

// popularRequestOf reads what is asked; what everybody may read unless groups are named.
func popularRequestOf(c *gin.Context) (popularRequest, error) {
	q := readQuery(c, "window", "limit", "url", "page", "group")
	r := popularRequest{
		window: storage.Window(q.oneOf("window", storage.Windows...)), page: q.pageOf(), groups: q.values["group"],
		limit: int(q.number("limit", 1, popularLimit, 5)),
	}
	if r.window == "" {
		r.window = "24h"
	}
	if len(r.groups) == 0 {
		r.groups = []string{"public"}
	}
	return r, q.err
}

func (s *Server) getPopular(c *gin.Context) error {
	request, err := popularRequestOf(c)
	if err != nil {
		return err
	}
	reader, err := s.readerIn(c, request.groups)
	if err != nil {
		return err
	}
	list, err := s.boards.get(c, reader, request)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, list)
	return nil
}

// streamPopular sends the list, and then again whenever it is another one. Whoever may not read it any more is not sent it:
// the stream ends, and who comes back is told.
func (s *Server) streamPopular(c *gin.Context) error {
	request, err := popularRequestOf(c)
	if err != nil {
		return err
	}
	reader, err := s.readerIn(c, request.groups)
	if err != nil {
		return err
	}
	release, err := s.limits.stream(c, reader.Account.ID, 1)
	if err != nil {
		return err
	}
	defer release()
	if _, err := s.boards.get(c, reader, request); err != nil { // while it can still be answered otherwise
		return err
	}
	header := c.Writer.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache, no-transform")
	header.Set("X-Accel-Buffering", "no")
	out := patientWriter{c.Writer}
	ping, look := time.NewTicker(pingEvery), time.NewTicker(popularLook)
	defer ping.Stop()
	defer look.Stop()
	life := time.After(streamLife + rand.N(streamLife))
	var sent []byte
	send := func(format string, args ...any) bool {
		_, err := fmt.Fprintf(out, format, args...)
		c.Writer.Flush()
		return err == nil
	}
	if !send("retry: %d\n", 500+rand.IntN(2500)) {
		return nil
	}
	for {
		_, next := s.hub.Pulse()
		list, err := s.boards.get(c, reader, request)
		if err != nil {
			return nil // the status is sent: who comes back is told
		}
		data, err := json.Marshal(list)
		if err != nil {
			return err
		}
		if !bytes.Equal(data, sent) {
			if !s.stillReads(c, reader, request) || !send("event: popular\ndata: %s\n\n", data) {
				return nil
			}
			sent = data
		}
		select {
		case <-next:
		case <-look.C:
		case <-ping.C:
			if !send("event: ping\ndata: {}\n\n") {
				return nil
			}
		case <-life:
			return nil
		case <-s.ending:
			return nil
		case <-c.Request.Context().Done():
			return nil
		}
	}
}

// stillReads tells whether who asked may read as much as when they did.
func (s *Server) stillReads(c *gin.Context, reader storage.Reader, request popularRequest) bool {
	if slices.Equal(request.groups, []string{"public"}) {
		return true
	}
	now, err := s.identify(c)
	if err == nil {
		now, err = s.store.Only(c, now, request.groups...)
	}
	return err == nil && slices.Equal(now.Groups, reader.Groups)
}
