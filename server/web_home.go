package server

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"limn/live"
	"limn/storage"
)

const (
	homeMoves  = 30 // highlights of one's groups; those of no more pages than one stream carries
	homePublic = 8
)

// A homeView is the start: for a stranger what limn is, for everybody else what moves.
type homeView struct {
	Moves   []card
	Public  []card
	Popular storage.Popular
	Groups  []storage.Group
	Stream  string // tells of changes on the pages of what moves
}

// A counted is the board of the start as it was counted last.
type counted struct {
	list storage.Popular
	at   time.Time     // zero: never
	next chan struct{} // closed when it is counted again
}

const (
	countedAge  = time.Minute            // what was deleted since is not shown for longer
	countedWait = 300 * time.Millisecond // that the start waits for a board; who reads it live is told of it when it is there
)

// popularNow is the board of the start: as it was counted a moment ago, or soon enough; else an empty one. A page that is
// live waits for it (Prefer: wait), once the board's stream has told of it.
func (s *Server) popularNow(c *gin.Context) (storage.Popular, error) {
	wait, err := preferredWait(c)
	switch last := s.counted.Load(); {
	case err != nil:
		return storage.Popular{}, err
	case wait > 0:
		return s.countPopular(c)
	case time.Since(last.at) < countedAge:
		return last.list, nil
	default:
		select {
		case s.uncounted <- struct{}{}:
		default: // it is asked for already
		}
		select {
		case <-last.next:
			return s.counted.Load().list, nil
		case <-time.After(countedWait):
		case <-c.Done():
		}
		return storage.Popular{}, nil
	}
}

func (s *Server) countPopular(ctx context.Context) (storage.Popular, error) {
	list, err := s.boards.get(ctx, storage.Anonymous, popularAtHome)
	if err == nil {
		close(s.counted.Swap(&counted{list, time.Now(), make(chan struct{})}).next)
	}
	return list, err
}

// keepPopular counts what is marked most whenever somebody has come to the start, until ctx ends.
func (s *Server) keepPopular(ctx context.Context) {
	for {
		select {
		case <-s.uncounted:
		case <-ctx.Done():
			return
		}
		if _, err := s.countPopular(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("what is marked most is not known", "error", err)
		}
	}
}

// popularAtHome is the board of what everybody may read.
var popularAtHome = popularRequest{window: "7d", groups: []string{"public"}, limit: 5}

// strangersHome is the start for who is not signed in, without what others have marked.
var strangersHome = view{Title: "Read the web together", Path: "/", Class: "welcome", Scripts: []string{"/live.js"}, Body: homeView{}}

func (s *Server) viewHome(c *gin.Context) error {
	reader := readerOf(c)
	v, body := strangersHome, homeView{}
	var err error
	if body.Public, err = s.publicCards(c); err != nil {
		return err
	}
	if body.Popular, err = s.popularNow(c); err != nil {
		return err
	}
	if reader.Account.ID == uuid.Nil {
		v.Body = body
		return s.show(c, http.StatusOK, "home", v)
	}
	if body.Moves, body.Stream, err = s.moves(c, reader); err != nil {
		return err
	}
	if body.Groups, _, err = s.store.ListGroups(c, reader, storage.Paging{Limit: maxLimit}); err != nil {
		return err
	}
	v.Title, v.Class, v.Body = "What moves", "", body
	return s.show(c, http.StatusOK, "home", v)
}

// moves are the highlights of somebody's groups that were made or answered last, and the stream that tells of more.
func (s *Server) moves(c *gin.Context, reader storage.Reader) ([]card, string, error) {
	reader.Groups = slices.DeleteFunc(slices.Clone(reader.Groups), func(id uuid.UUID) bool { return id == storage.Public })
	list, err := s.store.ListMoves(c, reader, homeMoves)
	if err != nil {
		return nil, "", err
	}
	stream, err := s.streamOf(c, readerOf(c), nil, pagesOf(list))
	if err != nil {
		return nil, "", err
	}
	cards, err := s.cardsOf(c, reader, list, 1)
	return cards, stream, err
}

func (s *Server) publicCards(c *gin.Context) ([]card, error) {
	list, _, _, err := s.store.ListHighlights(c, storage.Anonymous, storage.Filter{}, storage.Paging{Limit: homePublic})
	if err != nil {
		return nil, err
	}
	return s.cardsOf(c, storage.Anonymous, list, 0)
}

// pagesOf are the pages that highlights stand on, each once.
func pagesOf(list []storage.Highlight) []uuid.UUID {
	pages := map[uuid.UUID]bool{}
	for _, h := range list {
		pages[h.Page.ID] = true
	}
	return slices.Collect(maps.Keys(pages))
}

// streamOf is the address of the stream that tells what changes on some pages after this moment. Whoever asks for it before
// they read misses nothing.
func (s *Server) streamOf(c *gin.Context, reader storage.Reader, groups []string, pages []uuid.UUID) (string, error) {
	if len(pages) == 0 || len(pages) > live.MaxPages {
		return "", nil
	}
	seqs, err := s.store.PageSeqs(c, pages)
	if err != nil {
		return "", err
	}
	return streamPath(s.hub.Cursor(reader, seqs), groups, pages), nil
}
