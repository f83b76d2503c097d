//go:build linux

package main

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// historySQL has every version of every row written down in the transaction that makes it.
const historySQL = `
	CREATE TABLE torture_history (
		place        bigserial,
		page_id      uuid, seq bigint, kind text, id uuid, highlight_id uuid, author_id uuid, group_id uuid, left_groups uuid[],
		deleted      boolean, version bigint, note text, color text, replies bigint, state text,
		xid          xid DEFAULT pg_current_xact_id()::xid
	);
	CREATE INDEX ON torture_history (page_id, seq);
	CREATE FUNCTION torture_highlight() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		INSERT INTO torture_history (page_id, seq, kind, id, highlight_id, author_id, group_id, left_groups, deleted, version, note, color, replies, state)
		VALUES (NEW.page_id, NEW.seq, 'highlight', NEW.id, NEW.id, NEW.author_id, NEW.group_id, NEW.left_groups,
		        NEW.deleted_at IS NOT NULL, NEW.version, NEW.note, NEW.color, NEW.replies, NEW.check_state);
		RETURN NULL;
	END $$;
	CREATE FUNCTION torture_reply() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		INSERT INTO torture_history (page_id, seq, kind, id, highlight_id, author_id, group_id, left_groups, deleted, version, note, color, replies, state)
		VALUES (NEW.page_id, NEW.seq, 'reply', NEW.id, NEW.highlight_id, NEW.author_id, NEW.group_id, NEW.left_groups,
		        NEW.deleted_at IS NOT NULL, NEW.version, NEW.note, '', 0, '');
		RETURN NULL;
	END $$;
	CREATE TRIGGER torture AFTER INSERT OR UPDATE ON highlights FOR EACH ROW EXECUTE FUNCTION torture_highlight();
	CREATE TRIGGER torture AFTER INSERT OR UPDATE ON replies FOR EACH ROW EXECUTE FUNCTION torture_reply();`

// A row is one version of a highlight or a reply.
type row struct {
	Page      uuid.UUID
	Seq       int64
	Kind      string // "highlight" or "reply"
	ID        uuid.UUID
	Highlight uuid.UUID // itself, or what it replies to
	Author    uuid.UUID
	Group     uuid.UUID
	Left      []uuid.UUID
	Deleted   bool
	Version   int64
	Note      string
	Color     string
	Replies   int64
	State     string
	At        time.Time // of the commit
}

var seed = maphash.MakeSeed()

// digest stands for what a reader is shown of the row.
func (r row) digest() uint64 {
	if r.Kind == "reply" {
		return maphash.String(seed, fmt.Sprintf("%s %s %d %d %q", r.ID, r.Highlight, r.Seq, r.Version, r.Note))
	}
	group := r.Group.String()
	switch r.Group {
	case uuid.Nil:
		group = "public"
	case r.Author:
		group = "me"
	}
	return maphash.String(seed, fmt.Sprintf("%s %s %s %d %d %q %s %d %s", r.ID, r.Author, group, r.Seq, r.Version, r.Note, r.Color, r.Replies, r.State))
}

// left tells whether a reader of these groups is to be told that the row is gone.
func (r row) left(reads func(uuid.UUID) bool) bool {
	if reads(r.Group) {
		return r.Deleted
	}
	return slices.ContainsFunc(r.Left, reads)
}

// visible tells whether a reader of these groups sees the row.
func (r row) visible(reads func(uuid.UUID) bool) bool { return reads(r.Group) && !r.Deleted }

// currentRows are the rows of pages as they are now.
func currentRows(ctx context.Context, pool *pgxpool.Pool, pages []uuid.UUID) ([]row, error) {
	rows, _ := pool.Query(ctx, `
		SELECT page_id, seq, 'highlight', id, id, author_id, group_id, left_groups, deleted_at IS NOT NULL, version, note, color, replies, check_state, now()
		FROM highlights WHERE page_id = ANY($1)
		UNION ALL
		SELECT page_id, seq, 'reply', id, highlight_id, author_id, group_id, left_groups, deleted_at IS NOT NULL, version, note, '', 0, '', now()
		FROM replies WHERE page_id = ANY($1)`, pages)
	return pgx.CollectRows(rows, pgx.RowToStructByPos[row])
}

// A history is every version that the rows of some pages ever had.
type history struct {
	pages map[uuid.UUID][]row // in the order of their numbers
	last  map[uuid.UUID]int64 // the number that each page has got to
	byID  map[uuid.UUID][]row // in the order in which they were made
}

func readHistory(ctx context.Context, pool *pgxpool.Pool, pages []uuid.UUID) (h history, err error) {
	h = history{pages: map[uuid.UUID][]row{}, last: map[uuid.UUID]int64{}, byID: map[uuid.UUID][]row{}}
	// One snapshot, so that the numbers and the rows are of the same moment.
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		numbers, _ := tx.Query(ctx, `SELECT id, seq FROM pages WHERE id = ANY($1)`, pages)
		var page uuid.UUID
		var seq int64
		if _, err := pgx.ForEachRow(numbers, []any{&page, &seq}, func() error { h.last[page] = seq; return nil }); err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, `
			SELECT page_id, seq, kind, id, highlight_id, author_id, group_id, left_groups, deleted, version, note, color, replies, state,
			       pg_xact_commit_timestamp(xid)
			FROM torture_history WHERE page_id = ANY($1) ORDER BY place`, pages)
		all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
		for _, r := range all {
			h.pages[r.Page] = append(h.pages[r.Page], r)
			h.byID[r.ID] = append(h.byID[r.ID], r)
		}
		return err
	})
	for _, rows := range h.pages {
		slices.SortStableFunc(rows, func(a, b row) int { return int(a.Seq - b.Seq) })
	}
	return h, err
}

// between are a page's versions with numbers between two, without those.
func (h history) between(page uuid.UUID, after, before int64) []row {
	rows := h.pages[page]
	from, _ := slices.BinarySearchFunc(rows, after+1, func(r row, seq int64) int { return int(r.Seq - seq) })
	to, _ := slices.BinarySearchFunc(rows, before, func(r row, seq int64) int { return int(r.Seq - seq) })
	return rows[from:max(from, to)]
}

// at is the version that had a number.
func (h history) at(page uuid.UUID, seq int64) (row, bool) {
	rows := h.between(page, seq-1, seq+1)
	if len(rows) == 0 {
		return row{}, false
	}
	return rows[0], true
}

// superseded tells whether there was a later version of the same row by some time.
func (h history) superseded(r row, by time.Time) bool {
	return slices.ContainsFunc(h.byID[r.ID], func(later row) bool { return later.Seq > r.Seq && !later.At.After(by) })
}
