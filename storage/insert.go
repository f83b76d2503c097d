package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"limn/xpath"
)

// unreadFor is how long a page that could not be read is left alone: one more highlight is unverifiable as well, until
// the visit after that.
const unreadFor = 5 * time.Second

// insertAll writes highlights with the next numbers of their pages, all or none, except those of a page that somebody
// else holds, unless it is to be patient. It is one statement, so a number that is not used is never taken.
func (s *Store) insertAll(ctx context.Context, together []*insertion, patient bool) error {
	c, err := columnsOf(together)
	if err != nil {
		return err
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
			INSERT INTO highlights (page_id, id, seq, author_id, group_id, title, ranges, color, note, tags,
			                        check_state, check_reason, checked_at, verified_at, request_hash, created_at, updated_at)
			SELECT page.id, h.id, page.seq + h.place, h.author, h.grp, h.title, h.ranges, h.color, h.note,
			       ARRAY(SELECT jsonb_array_elements_text(h.tags::jsonb)),
			       CASE WHEN h.found >= page.read_at THEN 'verified' WHEN page.unread THEN 'unverifiable' ELSE 'pending' END,
			       CASE WHEN h.found >= page.read_at OR NOT page.unread THEN '' ELSE page.read_reason END,
			       CASE WHEN h.found >= page.read_at THEN h.found WHEN page.unread THEN page.read_at END,
			       CASE WHEN h.found >= page.read_at THEN clock_timestamp() END,
			       h.hash, now(), now()
			FROM page JOIN unnest((SELECT @of::uuid[]), @places::bigint[], @ids::uuid[], @authors::uuid[], @groups::uuid[], @titles::text[], @ranges::jsonb[],
			                      @colors::text[], @notes::text[], @tags::text[], @found::timestamptz[], @hashes::bytea[])
			               AS h (page, place, id, author, grp, title, ranges, color, note, tags, found, hash) ON h.page = page.id
			RETURNING id, page_id, title, seq, created_at, check_state, check_reason, checked_at
		), told AS (
			INSERT INTO history (page_id, highlight_id, at, id, kind, state, reason)
			SELECT page_id, id, clock_timestamp(), gen_random_uuid(), 'checked', check_state, check_reason
			FROM written WHERE check_state = 'unverifiable'
		), done AS (
			INSERT INTO operations (account_id, id, hash, thing_id)
			SELECT o.account, o.id, o.hash, o.thing
			FROM page JOIN unnest(@operation_pages::uuid[], @operators::uuid[], @operations::uuid[], @operation_hashes::bytea[], @things::uuid[])
			               AS o (page, account, id, hash, thing) ON o.page = page.id
		)
		SELECT w.id, coalesce(nullif(w.title, ''), p.title), w.seq, created_at, check_state, check_reason, checked_at FROM written w JOIN page p ON p.id = page_id`,
		pgx.NamedArgs{
			"pages": c.pages, "counts": c.counts, "all_found": c.allFound, "unread": unreadFor,
			"of": c.of, "places": c.places, "ids": c.ids, "authors": c.authors, "groups": c.groups, "titles": c.titles, "ranges": c.ranges,
			"colors": c.colors, "notes": c.notes, "tags": c.tags, "found": c.found, "hashes": c.hashes,
			"operation_pages": c.operations.pages, "operators": c.operations.accounts, "operations": c.operations.ids,
			"operation_hashes": c.operations.hashes, "things": c.operations.things,
		})
	var id uuid.UUID
	var title string
	var seq int64
	var at time.Time
	var check Check
	_, err = pgx.ForEachRow(rows, []any{&id, &title, &seq, &at, &check.State, &check.Reason, &check.CheckedAt}, func() error {
		h := together[slices.Index(c.ids, id)].h
		h.Page.Title, h.Seq, h.CreatedAt, h.UpdatedAt, h.Check = title, seq, at, at, check
		check.CheckedAt = nil
		return nil
	})
	return err
}

// columns are insertions as the statement takes them: by page, by highlight, and by operation.
type columns struct {
	pages    []uuid.UUID
	counts   []int64      // how many each page gets
	allFound []*time.Time // the earliest of the readings in which a page's were found; null: not all were

	of, ids, authors, groups []uuid.UUID
	places                   []int64 // which of its page's each one is, from 1
	ranges                   [][]xpath.Range
	titles                   []string
	colors, notes, tags      []string
	found                    []*time.Time
	hashes                   [][]byte

	operations struct {
		pages, accounts, ids, things []uuid.UUID
		hashes                       [][]byte
	}
}

func columnsOf(together []*insertion) (c columns, err error) {
	for _, in := range together {
		h := in.h
		tags, err := json.Marshal(h.Tags) // arrays of arrays would all have to be as long
		if err != nil {
			return c, fmt.Errorf("encode tags: %w", err)
		}
		page := slices.Index(c.pages, h.Page.ID)
		if page < 0 {
			page = len(c.pages)
			c.pages, c.counts, c.allFound = append(c.pages, h.Page.ID), append(c.counts, 0), append(c.allFound, in.found)
		}
		c.counts[page]++
		if all := c.allFound[page]; in.found == nil || all != nil && in.found.Before(*all) {
			c.allFound[page] = in.found
		}
		c.of, c.places, c.ids = append(c.of, h.Page.ID), append(c.places, c.counts[page]), append(c.ids, h.ID)
		c.authors, c.groups, c.ranges = append(c.authors, h.Author.ID), append(c.groups, in.group), append(c.ranges, h.Ranges)
		c.titles = append(c.titles, in.title)
		c.colors, c.notes, c.tags = append(c.colors, h.Color), append(c.notes, h.Note), append(c.tags, string(tags))
		c.found, c.hashes = append(c.found, in.found), append(c.hashes, in.hash)
		if o := in.operation; o != nil {
			done := &c.operations
			done.pages, done.accounts, done.ids = append(done.pages, h.Page.ID), append(done.accounts, h.Author.ID), append(done.ids, o.ID)
			done.things, done.hashes = append(done.things, h.ID), append(done.hashes, o.Hash)
		}
	}
	return c, nil
}
