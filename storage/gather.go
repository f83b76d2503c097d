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

// A gathering has highlights that arrive while others are being written go together, whatever their pages: their
// rows are locked once, and one commit is waited for. A highlight that finds a statement free is written at once,
// alone, so that nobody waits for company.
type gathering struct {
	mu      sync.Mutex
	free    int                // statements that may begin
	writing map[uuid.UUID]bool // the pages of those that run
	waiting []*insertion       // in the order of their arrival
}

// An insertion is a highlight on its way into its page.
type insertion struct {
	h     *Highlight // its number, times and check are set when it is written
	group uuid.UUID
	found *time.Time // when the page was read on which it stands; nil: that is to be seen
	hash  []byte
	err   error
	turns chan turn // closed once it has been written, or could not be
}

// A turn is what the first of some insertions has to write for all of them.
type turn struct {
	together []*insertion
	patient  bool // they are of one page, and wait for whoever holds it
}

const (
	statements  = 2                // that write highlights at once
	maxTogether = 64               // highlights in one of them
	gatherLimit = 30 * time.Second // for one that others wait for
)

// insert writes a highlight as its page's next change.
func (s *Store) insert(ctx context.Context, in *insertion) error {
	in.turns = make(chan turn, 1)
	s.gathering.arrive(in)
	for t := range in.turns {
		skipped := s.insertTogether(ctx, t)
		s.gathering.done(t, skipped)
	}
	return in.err
}

func (g *gathering) arrive(in *insertion) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, in)
	g.begin()
}

// begin gives turns to those who wait, except for pages that are being written to: they go together afterwards. The
// caller holds the lock.
func (g *gathering) begin() {
	for g.free > 0 {
		var together []*insertion
		rest := g.waiting[:0]
		for _, in := range g.waiting {
			if len(together) < maxTogether && !g.writing[in.h.Page.ID] {
				together = append(together, in)
			} else {
				rest = append(rest, in)
			}
		}
		if together == nil {
			return
		}
		clear(g.waiting[len(rest):])
		g.waiting = rest
		for _, in := range together {
			g.writing[in.h.Page.ID] = true
		}
		g.free--
		together[0].turns <- turn{together: together}
	}
}

// done ends a turn. Those that were skipped, because somebody else holds their page, wait for it apart from the others.
func (g *gathering) done(t turn, skipped []*insertion) {
	g.mu.Lock()
	defer g.mu.Unlock()
	held := map[uuid.UUID][]*insertion{}
	for _, in := range skipped {
		held[in.h.Page.ID] = append(held[in.h.Page.ID], in)
	}
	for _, in := range t.together {
		if held[in.h.Page.ID] == nil {
			delete(g.writing, in.h.Page.ID)
			close(in.turns)
		}
	}
	for _, together := range held {
		together[0].turns <- turn{together: together, patient: true}
	}
	if !t.patient {
		g.free++
	}
	g.begin()
}

// insertTogether writes highlights and returns those whose page somebody else holds. When one of them cannot be
// written with the others, each is written alone.
func (s *Store) insertTogether(ctx context.Context, t turn) (skipped []*insertion) {
	if len(t.together) > 1 { // the others do not go away with the first
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), gatherLimit)
		defer cancel()
	}
	write := func(together []*insertion) error {
		for _, in := range together {
			in.h.Seq = 0
		}
		err := s.insertAll(ctx, together, t.patient)
		for _, in := range together {
			if in.err = err; err == nil && in.h.Seq == 0 {
				skipped = append(skipped, in)
			}
		}
		return err
	}
	if write(t.together) != nil && len(t.together) > 1 {
		for i := range t.together {
			write(t.together[i : i+1])
		}
	}
	return skipped
}

// unreadFor is how long a page that could not be read is left alone: one more highlight is unverifiable as well, until
// the visit after that.
const unreadFor = 5 * time.Second

// insertAll writes highlights with the next numbers of their pages, all or none, except those of a page that somebody
// else holds, unless it is to be patient. It is one statement, so a number that is not used is never taken.
func (s *Store) insertAll(ctx context.Context, together []*insertion, patient bool) error {
	var columns struct {
		pages, of, ids, authors, groups []uuid.UUID
		counts, places                  []int64      // how many each page gets; which of its page's each one is
		allFound, found                 []*time.Time // the earliest of a page's, if each has one; each one's
		ranges                          [][]xpath.Range
		colors, notes, tags             []string
		hashes                          [][]byte
	}
	c := &columns
	for _, in := range together {
		tags, err := json.Marshal(in.h.Tags) // arrays of arrays would all have to be as long
		if err != nil {
			return fmt.Errorf("encode tags: %w", err)
		}
		page := slices.Index(c.pages, in.h.Page.ID)
		if page < 0 {
			page = len(c.pages)
			c.pages, c.counts, c.allFound = append(c.pages, in.h.Page.ID), append(c.counts, 0), append(c.allFound, in.found)
		}
		c.counts[page]++
		if in.found == nil || c.allFound[page] != nil && in.found.Before(*c.allFound[page]) {
			c.allFound[page] = in.found
		}
		c.of, c.places, c.ids = append(c.of, in.h.Page.ID), append(c.places, c.counts[page]), append(c.ids, in.h.ID)
		c.authors, c.groups = append(c.authors, in.h.Author.ID), append(c.groups, in.group)
		c.found = append(c.found, in.found)
		c.ranges, c.hashes = append(c.ranges, in.h.Ranges), append(c.hashes, in.hash)
		c.colors, c.notes, c.tags = append(c.colors, in.h.Color), append(c.notes, in.h.Note), append(c.tags, string(tags))
	}
	skip := "SKIP LOCKED"
	if patient {
		skip = ""
	}
	rows, _ := s.pool.Query(ctx, `
		WITH free AS (
			SELECT p.id, c.count, c.found
			FROM unnest((SELECT @pages::uuid[]), @counts::bigint[], @all_found::timestamptz[]) c (page, count, found) JOIN pages p ON p.id = c.page
			FOR NO KEY UPDATE OF p `+skip+`
		), page AS (
			UPDATE pages p SET
				seq = seq + count,
				check_due_at = CASE WHEN found >= read_at THEN check_due_at
				                    WHEN read_reason <> '' THEN least(check_due_at, greatest(now(), read_at + @unread::interval))
				                    ELSE least(check_due_at, now()) END
			FROM free WHERE p.id = free.id
			RETURNING p.id, title, seq - count AS seq, read_at, read_reason, read_reason <> '' AND read_at > now() - @unread::interval AS unread
		), written AS (
			INSERT INTO highlights (page_id, id, seq, author_id, group_id, ranges, color, note, tags,
			                        check_state, check_reason, checked_at, verified_at, request_hash, created_at, updated_at)
			SELECT page.id, h.id, page.seq + h.place, h.author, h.grp, h.ranges, h.color, h.note,
			       ARRAY(SELECT jsonb_array_elements_text(h.tags::jsonb)),
			       CASE WHEN h.found >= page.read_at THEN 'verified' WHEN page.unread THEN 'unverifiable' ELSE 'pending' END,
			       CASE WHEN h.found >= page.read_at OR NOT page.unread THEN '' ELSE page.read_reason END,
			       CASE WHEN h.found >= page.read_at THEN h.found WHEN page.unread THEN page.read_at END,
			       CASE WHEN h.found >= page.read_at THEN clock_timestamp() END,
			       h.hash, now(), now()
			FROM page JOIN unnest((SELECT @of::uuid[]), @places::bigint[], @ids::uuid[], @authors::uuid[], @groups::uuid[], @ranges::jsonb[],
			                      @colors::text[], @notes::text[], @tags::text[], @found::timestamptz[], @hashes::bytea[])
			               AS h (page, place, id, author, grp, ranges, color, note, tags, found, hash) ON h.page = page.id
			RETURNING id, page_id, seq, created_at, check_state, check_reason, checked_at
		), told AS (
			INSERT INTO history (page_id, highlight_id, at, id, kind, state, reason)
			SELECT page_id, id, clock_timestamp(), gen_random_uuid(), 'checked', check_state, check_reason
			FROM written WHERE check_state = 'unverifiable'
		)
		SELECT w.id, p.title, w.seq, created_at, check_state, check_reason, checked_at FROM written w JOIN page p ON p.id = page_id`,
		pgx.NamedArgs{
			"pages": c.pages, "counts": c.counts, "of": c.of, "places": c.places, "ids": c.ids, "authors": c.authors, "groups": c.groups,
			"ranges": c.ranges, "colors": c.colors, "notes": c.notes, "tags": c.tags, "hashes": c.hashes, "all_found": c.allFound, "found": c.found, "unread": unreadFor,
		})
	var id uuid.UUID
	var title string
	var seq int64
	var at time.Time
	var check Check
	_, err := pgx.ForEachRow(rows, []any{&id, &title, &seq, &at, &check.State, &check.Reason, &check.CheckedAt}, func() error {
		h := together[slices.Index(c.ids, id)].h
		h.Page.Title, h.Seq, h.CreatedAt, h.UpdatedAt, h.Check = title, seq, at, at, check
		check.CheckedAt = nil
		return nil
	})
	return err
}
