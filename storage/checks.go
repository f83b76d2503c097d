package storage

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"limn/xpath"
)

// A DuePage is a page whose highlights are to be looked at, claimed by the caller until Lease.
type DuePage struct {
	ID           uuid.UUID
	URL          string // normalised
	ETag         string // of the last reading, to ask only for what changed
	LastModified string // likewise
	Again        bool   // read it anew and judge all its highlights, not only those without a verdict
	Lease        time.Time
}

// An Unchecked is a highlight that a visit to its page has to judge.
type Unchecked struct {
	ID     uuid.UUID
	Ranges []xpath.Range
	State  xpath.State // the last verdict
}

// A Verdict is what a visit found of one highlight.
type Verdict struct {
	Highlight uuid.UUID
	Ranges    []xpath.Range // as stored, with the quotes and positions that were missing filled in
	Check     Check
}

// A Visit is what one reading of a page found.
type Visit struct {
	Page         DuePage
	ReadAt       time.Time
	Reason       string // why the page could not be read; empty: it could
	Title        string // the page's own, when it could be read
	ETag         string
	LastModified string
	NextAt       *time.Time // when to look again; nil: when there is something new to judge
	Again        bool       // whether all highlights are then to be judged anew
	Verdicts     []Verdict
}

// ClaimDuePages takes pages whose look is due, those longest due first; for the length of the lease nobody else
// gets them, unless something new is written on them.
func (s *Store) ClaimDuePages(ctx context.Context, limit int, lease time.Duration) ([]DuePage, error) {
	rows, _ := s.pool.Query(ctx, `
		UPDATE pages SET check_due_at = now() + $2
		WHERE id IN (SELECT id FROM pages WHERE check_due_at <= now() ORDER BY check_due_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED)
		RETURNING id, url, etag, last_modified, check_again, check_due_at`, limit, lease)
	pages, err := pgx.CollectRows(rows, pgx.RowToStructByPos[DuePage])
	return pages, translate(err, "claim due pages")
}

// Unchecked lists the highlights that a visit to the page has to judge: those that have no verdict yet, or only that
// the page could not be read.
func (s *Store) Unchecked(ctx context.Context, page DuePage) ([]Unchecked, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT id, ranges, check_state FROM highlights
		WHERE page_id = $1 AND deleted_at IS NULL AND (check_state IN ('pending', 'unverifiable') OR $2) ORDER BY seq`, page.ID, page.Again)
	unchecked, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Unchecked])
	return unchecked, translate(err, "list unchecked highlights")
}

// SaveVisit stores what a visit found: each verdict that differs from the last is a change of the page. It
// returns whether there was any. A highlight that was deleted or put elsewhere meanwhile keeps what it has.
func (s *Store) SaveVisit(ctx context.Context, visit Visit) (changed bool, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := lockPage(ctx, tx, visit.Page.ID); err != nil {
			return err
		}
		verdicts, err := newVerdicts(ctx, tx, visit)
		if err != nil {
			return err
		}
		if len(verdicts) > 0 {
			changed = true
			seq, err := number(ctx, tx, visit.Page.ID, int64(len(verdicts)))
			if err != nil {
				return err
			}
			batch := &pgx.Batch{}
			for i, v := range verdicts {
				batch.Queue(`
					UPDATE highlights SET seq = @seq, ranges = @ranges, check_state = @state, check_reason = @reason,
						checked_at = @at, check_ranges = @now
					WHERE page_id = @page AND id = @id`,
					pgx.NamedArgs{
						"seq": seq + int64(i), "ranges": orEmpty(v.Ranges), "state": v.Check.State, "reason": v.Check.Reason,
						"at": visit.ReadAt, "now": v.Check.Ranges, "page": visit.Page.ID, "id": v.Highlight,
					})
			}
			if err := tx.SendBatch(ctx, batch).Close(); err != nil {
				return err
			}
		}
		// Whatever was written since the claim has made the page due again: that stays.
		_, err = tx.Exec(ctx, `
			UPDATE pages SET
				read_at = @at, read_reason = @reason,
				title = CASE WHEN title = '' THEN @title ELSE title END,
				etag = CASE WHEN @reason = '' THEN @etag ELSE etag END,
				last_modified = CASE WHEN @reason = '' THEN @modified ELSE last_modified END,
				check_again = CASE WHEN check_due_at = @lease THEN @again ELSE check_again END,
				check_due_at = CASE WHEN check_due_at = @lease THEN @next ELSE check_due_at END
			WHERE id = @page`,
			pgx.NamedArgs{
				"at": visit.ReadAt, "reason": visit.Reason, "title": truncate(visit.Title, maxTitle), "etag": validator(visit.ETag),
				"modified": validator(visit.LastModified), "lease": visit.Page.Lease, "next": visit.NextAt, "again": visit.Again,
				"page": visit.Page.ID,
			})
		return err
	})
	return changed, translate(err, "save a visit")
}

// validator is a header of the page's server as it can be stored and sent back; one that cannot is as good as none.
func validator(header string) string {
	if !utf8.ValidString(header) || strings.ContainsRune(header, 0) {
		return ""
	}
	return header
}

// newVerdicts are those of a visit that are still about what stands there, and say something new.
func newVerdicts(ctx context.Context, tx pgx.Tx, visit Visit) ([]Verdict, error) {
	ids := make([]uuid.UUID, len(visit.Verdicts))
	for i, v := range visit.Verdicts {
		ids[i] = v.Highlight
	}
	rows, _ := tx.Query(ctx, `
		SELECT id, ranges, check_state, check_reason, check_ranges FROM highlights
		WHERE page_id = $1 AND id = ANY($2) AND deleted_at IS NULL`, visit.Page.ID, ids)
	type held struct {
		ranges []xpath.Range
		check  Check
	}
	current := make(map[uuid.UUID]held, len(ids))
	var id uuid.UUID
	var h held
	_, err := pgx.ForEachRow(rows, []any{&id, &h.ranges, &h.check.State, &h.check.Reason, &h.check.Ranges}, func() error {
		current[id] = h
		h = held{}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var verdicts []Verdict
	for _, v := range visit.Verdicts {
		h, known := current[v.Highlight]
		if sizeOf(v.Ranges) > maxMarks { // with the quotes filled in: nobody marks a book
			v.Ranges = h.ranges
		}
		same := h.check.State == v.Check.State && h.check.Reason == v.Check.Reason &&
			reflect.DeepEqual(h.check.Ranges, v.Check.Ranges) && reflect.DeepEqual(h.ranges, orEmpty(v.Ranges))
		if known && sameEnds(h.ranges, v.Ranges) && !same {
			verdicts = append(verdicts, v)
		}
	}
	return verdicts, nil
}

// sameEnds tells whether two lists of ranges mark the same places, whatever is known of what stands there.
func sameEnds(a, b []xpath.Range) bool {
	return slices.EqualFunc(a, b, func(r, s xpath.Range) bool { return r.Anchor == s.Anchor && r.Focus == s.Focus })
}
