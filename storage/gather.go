package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"limn/xpath"
)

// A gathering has highlights that arrive for a page while another is being written to it written together: the
// page's row is locked once, and one commit is waited for. A highlight that finds nobody before it is written at
// once, alone, so that nobody waits for company.
type gathering struct {
	mu      sync.Mutex
	writing map[uuid.UUID][]*insertion // by page: those that wait for the one that is being written
}

// An insertion is a highlight on its way into its page.
type insertion struct {
	h         *Highlight // its number and times are set when it is written
	group     uuid.UUID
	hash      []byte
	operation *Operation
	err       error
	turn      chan []*insertion // what to write, itself included; nil: it has been written by another
}

const (
	maxTogether = 64               // highlights in one transaction
	gatherLimit = 30 * time.Second // for a transaction that others wait for
)

// insert writes a highlight as its page's next change.
func (s *Store) insert(ctx context.Context, in *insertion) error {
	page := in.h.Page.ID
	if !s.gathering.waits(page, in) {
		defer s.gathering.next(page)
		return s.insertAll(ctx, []*insertion{in})
	}
	together := <-in.turn
	if together != nil {
		defer s.gathering.next(page)
		s.insertTogether(ctx, together)
	}
	return in.err
}

// waits tells whether somebody writes to the page already; the insertion is given its turn afterwards.
func (g *gathering) waits(page uuid.UUID, in *insertion) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	waiting, busy := g.writing[page]
	if busy {
		in.turn = make(chan []*insertion, 1)
		waiting = append(waiting, in)
	}
	g.writing[page] = waiting
	return busy
}

// next gives those who have waited for a page their turn: the first of them writes for all.
func (g *gathering) next(page uuid.UUID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	waiting := g.writing[page]
	if len(waiting) == 0 {
		delete(g.writing, page)
		return
	}
	n := min(len(waiting), maxTogether)
	g.writing[page] = waiting[n:]
	waiting[0].turn <- waiting[:n:n]
}

// insertTogether writes highlights of one page, and tells all but the first. When one of them cannot be written
// with the others, each is written alone.
func (s *Store) insertTogether(ctx context.Context, together []*insertion) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), gatherLimit)
	defer cancel()
	defer func() {
		for _, in := range together[1:] {
			in.turn <- nil
		}
	}()
	if err := s.insertAll(ctx, together); err != nil && len(together) > 1 {
		for i, in := range together {
			in.err = s.insertAll(ctx, together[i:i+1])
		}
	} else {
		for _, in := range together {
			in.err = err
		}
	}
}

// insertAll writes highlights of one page with its next numbers, all or none. It is one statement, so a number that
// is not used is never taken.
func (s *Store) insertAll(ctx context.Context, together []*insertion) error {
	var columns struct {
		ids, authors, groups        []uuid.UUID
		ranges                      [][]xpath.Range
		colors, notes, states, tags []string
		hashes                      [][]byte
		operations                  struct {
			accounts, ids, things []uuid.UUID
			hashes                [][]byte
		}
	}
	c := &columns
	for _, in := range together {
		tags, err := json.Marshal(in.h.Tags) // arrays of arrays would all have to be as long
		if err != nil {
			return fmt.Errorf("encode tags: %w", err)
		}
		c.ids, c.authors, c.groups = append(c.ids, in.h.ID), append(c.authors, in.h.Author.ID), append(c.groups, in.group)
		c.ranges, c.hashes = append(c.ranges, in.h.Ranges), append(c.hashes, in.hash)
		c.colors, c.notes = append(c.colors, in.h.Color), append(c.notes, in.h.Note)
		c.states, c.tags = append(c.states, string(in.h.Check.State)), append(c.tags, string(tags))
		if o := in.operation; o != nil {
			done := &c.operations
			done.accounts, done.ids = append(done.accounts, in.h.Author.ID), append(done.ids, o.ID)
			done.things, done.hashes = append(done.things, in.h.ID), append(done.hashes, o.Hash)
		}
	}
	rows, _ := s.pool.Query(ctx, `
		WITH page AS (
			UPDATE pages SET seq = seq + @count, check_due_at = least(check_due_at, now()) WHERE id = @page RETURNING seq - @count AS seq
		), done AS (
			INSERT INTO operations (account_id, id, hash, thing_id)
			SELECT * FROM unnest(@accounts::uuid[], @operations::uuid[], @operation_hashes::bytea[], @things::uuid[])
		)
		INSERT INTO highlights (page_id, id, seq, author_id, group_id, ranges, color, note, tags,
		                        check_state, request_hash, created_at, updated_at)
		SELECT @page, h.id, page.seq + h.n, h.author, h.grp, h.ranges, h.color, h.note,
		       ARRAY(SELECT jsonb_array_elements_text(h.tags::jsonb)), h.state, h.hash, now(), now()
		FROM page, unnest(@ids::uuid[], @authors::uuid[], @groups::uuid[], @ranges::jsonb[], @colors::text[], @notes::text[],
		                  @tags::text[], @states::text[], @hashes::bytea[])
		           WITH ORDINALITY AS h (id, author, grp, ranges, color, note, tags, state, hash, n)
		RETURNING id, seq, created_at`,
		pgx.NamedArgs{
			"page": together[0].h.Page.ID, "count": len(together), "ids": c.ids, "authors": c.authors, "groups": c.groups,
			"ranges": c.ranges, "colors": c.colors, "notes": c.notes, "tags": c.tags, "states": c.states, "hashes": c.hashes,
			"accounts": c.operations.accounts, "operations": c.operations.ids, "operation_hashes": c.operations.hashes, "things": c.operations.things,
		})
	var id uuid.UUID
	var seq int64
	var at time.Time
	_, err := pgx.ForEachRow(rows, []any{&id, &seq, &at}, func() error {
		i := slices.Index(c.ids, id)
		h := together[i].h
		h.Seq, h.CreatedAt, h.UpdatedAt = seq, at, at
		return nil
	})
	return err
}
