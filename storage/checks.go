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

// A DuePage is a page that is to be visited, claimed by the caller until Lease.
type DuePage struct {
	ID           uuid.UUID
	URL          string     // normalised
	Marked       bool       // whether anything stands on it
	ReadAt       *time.Time // when it was last read; nil: never
	ETag         string     // of the last reading, to ask only for what changed
	LastModified string     // likewise
	ContentHash  []byte     // likewise, to tell whether it changed; empty: not known
	Pace         Pace
	Again        bool // read it anew, because that is due or was asked for
	Lease        time.Time
}

// A Pace is how a page is watched.
type Pace struct {
	Interval time.Duration // between two readings; 0: there was none
	Failures int           // readings in a row that have failed
	DueAt    *time.Time    // when the next reading is due; nil: never
}

// A Marked is a highlight that a visit to its page may have to judge.
type Marked struct {
	ID     uuid.UUID
	Ranges []xpath.Range
	Reason string // why it could not be judged when its page was last read; empty: it could, or nobody has tried
}

// A Verdict is what a visit found of one highlight.
type Verdict struct {
	Highlight uuid.UUID
	Ranges    []xpath.Range // as stored, with the quotes, positions and landmarks that were missing filled in
	Check     Check
}

// A Visit is what one visit to a page found.
type Visit struct {
	Page         DuePage
	ReadAt       time.Time // when the page was read; zero: it was not
	JudgedAt     time.Time // when what the verdicts rest on was read, for this visit or before it
	Reason       string    // why it could not be read; empty: it could
	Title        string    // the page's own, when it could be read
	Language     string    // that the page says it is in (BCP 47), likewise
	ETag         string
	LastModified string
	ContentHash  []byte
	Pace         Pace
	Unfinished   bool // there is more to judge: the page stays due
	Verdicts     []Verdict
}

// ClaimDuePages takes pages that are due; for the length of the lease nobody else gets them, unless something new
// is written on them. What became due last comes first: somebody waits for it, but for nothing that has been due
// since an outage. Pages that the caller has already are left out, whatever was written on them.
func (s *Store) ClaimDuePages(ctx context.Context, limit int, lease time.Duration, except ...uuid.UUID) ([]DuePage, error) {
	rows, _ := s.pool.Query(ctx, `
		UPDATE pages p SET check_due_at = now() + $2
		WHERE id IN (SELECT id FROM pages WHERE check_due_at <= now() AND id <> ALL($3) ORDER BY check_due_at DESC LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED)
		RETURNING id, url, EXISTS (SELECT FROM highlights WHERE page_id = p.id AND deleted_at IS NULL),
			read_at, etag, last_modified, content_hash, read_interval, read_failures, read_due_at,
			coalesce(read_due_at <= now(), false), check_due_at`, limit, lease, orEmpty(except))
	pages, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p DuePage, err error) {
		err = row.Scan(&p.ID, &p.URL, &p.Marked, &p.ReadAt, &p.ETag, &p.LastModified, &p.ContentHash,
			&p.Pace.Interval, &p.Pace.Failures, &p.Pace.DueAt, &p.Again, &p.Lease)
		return p, err
	})
	return pages, translate(err, "claim due pages")
}

// Unjudged lists the highlights of a page that have no verdict yet, or only that the page could not be read. The
// new ones come first; there are more if they are too much to be held at once.
func (s *Store) Unjudged(ctx context.Context, page uuid.UUID) (list []Marked, more bool, err error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT id, ranges, check_reason FROM highlights
		WHERE page_id = $1 AND deleted_at IS NULL AND check_state IN ('pending', 'unverifiable') ORDER BY check_state, seq`, page)
	list, more, err = collectSome(rows, pgx.RowToStructByPos[Marked])
	return list, more, translate(err, "list unjudged highlights")
}

// Judged lists the others likewise, but in no order: should there be too many for one visit, each has its chance.
func (s *Store) Judged(ctx context.Context, page uuid.UUID) (list []Marked, more bool, err error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT id, ranges, check_reason FROM highlights
		WHERE page_id = $1 AND deleted_at IS NULL AND check_state NOT IN ('pending', 'unverifiable') ORDER BY random()`, page)
	list, more, err = collectSome(rows, pgx.RowToStructByPos[Marked])
	return list, more, translate(err, "list judged highlights")
}

// SaveVisit stores what a visit found: each verdict that differs from the last is a change of the page. It
// returns whether there was any. A highlight that was deleted or put elsewhere meanwhile keeps what it has.
func (s *Store) SaveVisit(ctx context.Context, visit Visit) (changed bool, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := lockPage(ctx, tx, visit.Page.ID); err != nil {
			return err
		}
		verdicts, told, err := newVerdicts(ctx, tx, visit)
		if err != nil {
			return err
		}
		if len(verdicts) > 0 {
			changed = true
			seq, err := number(ctx, tx, visit.Page.ID, int64(len(verdicts)))
			if err != nil {
				return err
			}
			if err := saveVerdicts(ctx, tx, visit, verdicts, seq); err != nil {
				return err
			}
			if err := recordVerdicts(ctx, tx, visit.Page.ID, told); err != nil {
				return err
			}
		}
		if !visit.ReadAt.IsZero() {
			if err := saveReading(ctx, tx, visit); err != nil {
				return err
			}
		}
		// Whatever was written or asked for since the claim has made the page due again: that stays.
		_, err = tx.Exec(ctx, `
			UPDATE pages SET
				read_interval = @interval, read_failures = @failures,
				read_due_at = CASE WHEN read_due_at IS NOT DISTINCT FROM @claimed THEN @due ELSE read_due_at END,
				check_due_at = CASE WHEN check_due_at <> @lease THEN check_due_at WHEN @unfinished THEN now() ELSE @due END
			WHERE id = @page`,
			pgx.NamedArgs{
				"interval": visit.Pace.Interval, "failures": visit.Pace.Failures, "due": visit.Pace.DueAt,
				"claimed": visit.Page.Pace.DueAt, "lease": visit.Page.Lease, "unfinished": visit.Unfinished, "page": visit.Page.ID,
			})
		return err
	})
	return changed, translate(err, "save a visit")
}

// saveVerdicts writes the changes of a page from the number first on. It is one statement, because the page is held and a flood
// of highlights has a verdict at once.
func saveVerdicts(ctx context.Context, tx pgx.Tx, visit Visit, verdicts []Verdict, first int64) error {
	var (
		ids             []uuid.UUID
		ranges, now     [][]xpath.Range
		states, reasons []string
	)
	for _, v := range verdicts {
		ids, ranges, now = append(ids, v.Highlight), append(ranges, orEmpty(v.Ranges)), append(now, v.Check.Ranges)
		states, reasons = append(states, string(v.Check.State)), append(reasons, v.Check.Reason)
	}
	_, err := tx.Exec(ctx, `
		UPDATE highlights h SET
			seq = @first + v.place - 1, ranges = v.ranges, check_state = v.state, check_reason = v.reason, checked_at = @at, check_ranges = v.now,
			verified_at = CASE WHEN verified_at IS NULL AND v.state = 'verified' THEN clock_timestamp() ELSE verified_at END
		FROM unnest((SELECT @ids::uuid[]), @ranges::jsonb[], @states::text[], @reasons::text[], @now::jsonb[]) WITH ORDINALITY
		     AS v (id, ranges, state, reason, now, place)
		WHERE page_id = @page AND h.id = v.id`,
		pgx.NamedArgs{
			"first": first, "at": visit.JudgedAt, "page": visit.Page.ID,
			"ids": ids, "ranges": ranges, "states": states, "reasons": reasons, "now": now,
		})
	return err
}

// saveReading keeps what a reading found of the page itself. What one that failed did not see stays.
func saveReading(ctx context.Context, tx pgx.Tx, visit Visit) error {
	_, err := tx.Exec(ctx, `
		UPDATE pages SET
			read_at = @at, read_reason = @reason,
			title = CASE WHEN title = '' THEN @title ELSE title END,
			language = CASE WHEN @language = '' THEN language ELSE @language END,
			etag = CASE WHEN @reason = '' THEN @etag ELSE etag END,
			last_modified = CASE WHEN @reason = '' THEN @modified ELSE last_modified END,
			content_hash = CASE WHEN @reason = '' THEN @hash ELSE content_hash END
		WHERE id = @page`,
		pgx.NamedArgs{
			"at": visit.ReadAt, "reason": visit.Reason, "title": truncate(visit.Title, maxTitle), "language": visit.Language, "etag": validator(visit.ETag),
			"modified": validator(visit.LastModified), "hash": orEmpty(visit.ContentHash), "page": visit.Page.ID,
		})
	return err
}

// validator is a header of the page's server as it can be stored and sent back; one that cannot is as good as none.
func validator(header string) string {
	if !utf8.ValidString(header) || strings.ContainsRune(header, 0) {
		return ""
	}
	return header
}

// newVerdicts are those of a visit that are still about what stands there, and say something new. Those told are the
// ones among them that the history needs an entry for.
func newVerdicts(ctx context.Context, tx pgx.Tx, visit Visit) (verdicts, told []Verdict, err error) {
	ids := make([]uuid.UUID, len(visit.Verdicts))
	for i, v := range visit.Verdicts {
		ids[i] = v.Highlight
	}
	rows, _ := tx.Query(ctx, `
		SELECT id, ranges, check_state, check_reason, check_ranges, verified_at IS NOT NULL FROM highlights
		WHERE page_id = $1 AND id = ANY($2) AND deleted_at IS NULL`, visit.Page.ID, ids)
	type held struct {
		ranges   []xpath.Range
		check    Check
		verified bool // once
	}
	current := make(map[uuid.UUID]held, len(ids))
	var id uuid.UUID
	var h held
	_, err = pgx.ForEachRow(rows, []any{&id, &h.ranges, &h.check.State, &h.check.Reason, &h.check.Ranges, &h.verified}, func() error {
		current[id] = h
		h = held{}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	for _, v := range visit.Verdicts {
		h, known := current[v.Highlight]
		if !known || !fillsIn(v.Ranges, h.ranges) {
			continue
		}
		if sizeOf(v.Ranges) > maxMarks { // with the quotes filled in: nobody marks a book
			v.Ranges = h.ranges
		}
		same := h.check.State == v.Check.State && h.check.Reason == v.Check.Reason && reflect.DeepEqual(h.check.Ranges, v.Check.Ranges)
		if !same && (h.verified || v.Check.State != xpath.Verified) {
			told = append(told, v)
		}
		if !same || !reflect.DeepEqual(h.ranges, orEmpty(v.Ranges)) {
			verdicts = append(verdicts, v)
		}
	}
	return verdicts, told, nil
}

// fillsIn tells whether ranges are those that are stored, with nothing but missing quotes, positions and landmarks added. If
// not, somebody has put the highlight elsewhere since it was judged.
func fillsIn(ranges, stored []xpath.Range) bool {
	return slices.EqualFunc(ranges, stored, func(r, s xpath.Range) bool {
		return r.Anchor == s.Anchor && r.Focus == s.Focus &&
			(s.Quote == nil || r.Quote != nil && *r.Quote == *s.Quote) &&
			(s.Position == nil || r.Position != nil && *r.Position == *s.Position) &&
			(s.Landmarks == nil || reflect.DeepEqual(r.Landmarks, s.Landmarks))
	})
}
