package storage

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

const (
	writtenTogether = 5000                   // rows of a file that are written in one transaction
	visitEvery      = 200 * time.Millisecond // between the visits to the pages of a file, so that many are no flood
	muchMore        = 10_000                 // highlights and replies, after which Postgres does not know its tables any more
)

// A span is a part of ready, the items in the order in which they are written: after the first place, up to the last.
const inSpan = `i.place > @first AND i.place <= @last`

// write writes what was not refused, page by page: highlights before replies, each in the file's order.
func (st *staging) write(ctx context.Context, tally *Tally) error {
	if err := st.order(ctx); err != nil {
		return translate(err, "put a file in order")
	}
	second, err := st.second(ctx)
	if err != nil {
		return translate(err, "take in a file")
	}
	if second != nil {
		defer second.close(ctx)
	}
	var looking sync.WaitGroup
	defer looking.Wait()
	looked := st.staged["intake"] < muchMore
	for last := int64(0); ; {
		spans, err := st.nextSpans(ctx, last, second)
		if err != nil {
			return translate(err, "take in a file")
		}
		if len(spans) == 0 {
			return st.attach(ctx, tally)
		}
		last = spans[len(spans)-1].last
		if !looked && last > st.staged["intake"]*2/3 { // most of it is there
			looked = true
			looking.Go(func() { st.lookAt(ctx) })
		}
		var writing errgroup.Group
		for _, s := range spans {
			writing.Go(func() error { return s.write(ctx) })
		}
		failed := writing.Wait()
		for _, s := range spans {
			if s.written {
				if err := s.tell(ctx, tally); err != nil {
					return err
				}
			}
			st.visit += int64(len(s.pages))
		}
		if failed != nil {
			return failed
		}
	}
}

// A span is what is written in one transaction, by the connection that its staging has.
type span struct {
	*staging
	first, last int64
	pages       []uuid.UUID // that have changed
	written     bool
}

func (s *span) args() pgx.NamedArgs { return pgx.NamedArgs{"first": s.first, "last": s.last} }

// nextSpans are the next ones after a place: one for each connection, if there are as many.
func (st *staging) nextSpans(ctx context.Context, first int64, second *staging) (spans []*span, err error) {
	last, err := st.endOfSpan(ctx, first)
	if err != nil || last == first {
		return nil, err
	}
	spans = []*span{{staging: st, first: first, last: last}}
	if second == nil {
		return spans, nil
	}
	first = last
	if last, err = st.endOfSpan(ctx, first); err != nil || last == first {
		return spans, err
	}
	var pages int64
	err = st.conn.QueryRow(ctx, `SELECT count(DISTINCT page_id) FROM intake_ready WHERE place > $1 AND place <= $2`, spans[0].first, first).Scan(&pages)
	if err != nil {
		return nil, err
	}
	second.visit = st.visit + pages
	return append(spans, &span{staging: second, first: first, last: last}), second.take(ctx, st, first, last)
}

func (s *span) write(ctx context.Context) (err error) {
	s.pages, err = s.writeSpan(ctx, s.args(), false)
	for range 3 { // an id was taken meanwhile
		if !errors.Is(err, ErrConflict) {
			break
		}
		s.pages, err = s.writeSpan(ctx, s.args(), true)
	}
	s.written = err == nil
	return err
}

// tell tells what became of a span that was written.
func (s *span) tell(ctx context.Context, tally *Tally) error {
	for _, page := range s.pages {
		s.in.Changed(page)
	}
	return s.staging.tell(ctx, tally, `intake_ready i WHERE `+inSpan, s.args())
}

// lookAt has Postgres look at the tables that have become others. It does so by itself soon, so that an error is none; and nobody
// plans by what is in ranges.
func (st *staging) lookAt(ctx context.Context) {
	st.store.pool.Exec(ctx, `
		ANALYZE pages, replies, highlights (page_id, id, seq, author_id, group_id, color, tags, replies, check_state, created_at, updated_at, deleted_at)`)
}

// order puts the items side by side as they are written. Pages are in no order in a file: to fetch each span's items from all over
// it costs more than to write them.
func (st *staging) order(ctx context.Context) error {
	return st.exec(ctx, `
		CREATE TEMP TABLE intake_ready AS
		SELECT row_number() OVER (ORDER BY page_id, kind, n) AS place, i.* FROM intake i WHERE status = 0`,
		`CREATE UNIQUE INDEX ON intake_ready (place)`,
		`CREATE INDEX ON intake_history (highlight_id)`,
		`CREATE INDEX ON intake_files (highlight_id)`,
		`CREATE INDEX ON intake_pieces (attachment_id, place)`,
		`ANALYZE intake_ready (place, `+judgedBy+`)`)
}

// endOfSpan is the last place of the span after the first; the first itself, if there is none.
func (st *staging) endOfSpan(ctx context.Context, first int64) (last int64, err error) {
	last = first + writtenTogether
	if st.in.Restore { // whole pages, so that they may keep their numbers
		err := st.conn.QueryRow(ctx, `
			SELECT place - 1 FROM intake_ready
			WHERE place > $1 AND page_id <> (SELECT page_id FROM intake_ready WHERE place = $1) ORDER BY place LIMIT 1`, last).Scan(&last)
		if err == nil || !errors.Is(err, pgx.ErrNoRows) {
			return last, err
		}
	}
	err = st.conn.QueryRow(ctx, `
		SELECT coalesce(max(place), $1) FROM intake_ready WHERE place >= $1 AND ($3 OR place <= $2)`, first, last, st.in.Restore).Scan(&last)
	return last, err
}

// writeSpan writes a part of the items in one transaction, and returns the pages that have changed.
func (st *staging) writeSpan(ctx context.Context, span pgx.NamedArgs, again bool) (pages []uuid.UUID, err error) {
	err = pgx.BeginFunc(ctx, st.conn, func(tx pgx.Tx) error {
		// Some thousands of rows are looked up one by one: to read a whole table for each span costs more with each.
		if _, err := tx.Exec(ctx, `SELECT set_config('enable_seqscan', 'off', true), set_config('random_page_cost', '1', true)`); err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, `
			SELECT p.id FROM pages p
			WHERE p.id IN (SELECT i.page_id FROM intake_ready i WHERE i.status = 0 AND `+inSpan+`) ORDER BY p.id FOR NO KEY UPDATE`, span)
		if pages, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]); err != nil {
			return err
		}
		steps := []func(context.Context, pgx.Tx, pgx.NamedArgs) error{st.judgeRights, st.insert}
		if again {
			steps = slices.Insert(steps, 0, judgeIDsAgain)
		}
		if st.replies > 0 {
			steps = append(steps, countNewReplies)
		}
		if st.in.Restore && st.staged["intake_history"] > 0 {
			steps = append(steps, restoreHistory)
		}
		if st.in.Restore && st.staged["intake_files"] > 0 {
			steps = append(steps, restoreFiles)
		}
		for _, step := range steps {
			if err := step(ctx, tx, span); err != nil {
				return err
			}
		}
		return nil
	})
	return pages, translate(err, "take in a file")
}

// judgeIDsAgain refuses what was written by others since the file was judged.
func judgeIDsAgain(ctx context.Context, tx pgx.Tx, span pgx.NamedArgs) error {
	for _, step := range []string{presentHighlights(`intake_ready`, `-409`, `-200`), presentReplies(`intake_ready`, `-409`, `-200`)} {
		if _, err := tx.Exec(ctx, step+` AND `+inSpan, span); err != nil {
			return err
		}
	}
	return nil
}

// judgeRights refuses what could have been written when the file was judged, and may not be any more.
func (st *staging) judgeRights(ctx context.Context, tx pgx.Tx, span pgx.NamedArgs) error {
	if st.in.Restore {
		return nil
	}
	var there bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM accounts WHERE id = $1 AND deleted_at IS NULL)`, st.in.Author.Account.ID).Scan(&there)
	if err != nil || !there {
		return errors.Join(err, ErrForbidden)
	}
	span["account"] = st.in.Author.Account.ID
	_, err = tx.Exec(ctx, `
		UPDATE intake_ready i SET status = -403, detail = 'is in a group that you may not write to any more'
		WHERE i.status = 0 AND i.group_id IS NOT NULL AND `+inSpan+` AND NOT EXISTS (
			SELECT FROM members m WHERE m.group_id = i.group_id AND m.account_id = @account AND m.role <> 'reader')`, span)
	return err
}

// insert writes highlights and replies with the next numbers of their pages. A page that was never written on has those of
// the file, if they can be a page's.
func (st *staging) insert(ctx context.Context, tx pgx.Tx, span pgx.NamedArgs) error {
	span["restore"], span["visit"], span["every"] = st.in.Restore, st.visit, visitEvery
	_, err := tx.Exec(ctx, `
		WITH coming AS MATERIALIZED (
			SELECT i.*, row_number() OVER (PARTITION BY i.page_id ORDER BY i.place) AS number FROM intake_ready i WHERE i.status = 0 AND `+inSpan+`
		), counted AS (
			SELECT page_id, count(*) AS count, max(seq) AS last, row_number() OVER (ORDER BY page_id) AS nth,
			       bool_or(check_state = 'pending') AS pending,
			       @restore::boolean AND min(seq) > 0 AND count(DISTINCT seq) = count(*) AS numbered
			FROM coming GROUP BY page_id
		), held AS MATERIALIZED (
			SELECT c.*, p.seq AS before, p.seq = 0 AND c.numbered AS kept FROM counted c JOIN pages p ON p.id = c.page_id
		), page AS (
			UPDATE pages p SET
				seq = CASE WHEN kept THEN last ELSE p.seq + count END,
				check_due_at = CASE WHEN pending IS NULL THEN check_due_at
				                    ELSE least(check_due_at, now() + (@visit::bigint + nth) * @every::interval + CASE WHEN pending THEN '0' ELSE '1 day' END::interval) END
			FROM held WHERE p.id = held.page_id
		), answered AS (
			SELECT highlight_id, count(*) AS replies FROM coming WHERE kind = 1 GROUP BY highlight_id
		), marked AS (
			INSERT INTO highlights (page_id, id, seq, version, author_id, group_id, title, ranges, color, note, tags, replies,
			                        check_state, check_reason, checked_at, check_ranges, verified_at, created_at, updated_at)
			SELECT h.page_id, h.id, CASE WHEN held.kept THEN h.seq ELSE held.before + h.number END, h.version, h.author_id, h.place_id, h.title, h.ranges,
			       h.color, h.note, h.tags, coalesce(a.replies, 0),
			       h.check_state, h.check_reason, h.checked_at, h.check_ranges, h.verified_at, h.created_at, h.updated_at
			FROM coming h JOIN held ON held.page_id = h.page_id LEFT JOIN answered a ON a.highlight_id = h.id WHERE h.kind = 0
		)
		INSERT INTO replies (page_id, id, highlight_id, in_reply_to, seq, version, author_id, group_id, note, created_at, updated_at)
		SELECT r.page_id, r.id, r.highlight_id, r.in_reply_to, CASE WHEN held.kept THEN r.seq ELSE held.before + r.number END, r.version, r.author_id,
		       r.place_id, r.note, r.created_at, r.updated_at
		FROM coming r JOIN held ON held.page_id = r.page_id WHERE r.kind = 1`, span)
	return err
}

// countNewReplies counts the replies under highlights that were here before, each as a change of its page.
func countNewReplies(ctx context.Context, tx pgx.Tx, span pgx.NamedArgs) error {
	_, err := tx.Exec(ctx, `
		WITH answered AS (
			SELECT i.page_id, i.highlight_id, row_number() OVER (PARTITION BY i.page_id ORDER BY i.highlight_id) AS place
			FROM intake_ready i
			WHERE i.kind = 1 AND i.status = 0 AND `+inSpan+` AND NOT EXISTS (
				SELECT FROM intake_ready h WHERE h.kind = 0 AND h.status = 0 AND h.id = i.highlight_id AND h.place > @first AND h.place <= @last)
			GROUP BY i.page_id, i.highlight_id
		), page AS (
			UPDATE pages p SET seq = seq + count FROM (SELECT page_id, count(*) AS count FROM answered GROUP BY page_id) c
			WHERE p.id = c.page_id RETURNING p.id, seq - count AS before
		)
		UPDATE highlights h SET seq = page.before + answered.place, replies = (
			SELECT count(*) FROM replies r WHERE r.page_id = h.page_id AND r.highlight_id = h.id AND r.deleted_at IS NULL)
		FROM answered JOIN page ON page.id = answered.page_id WHERE h.page_id = answered.page_id AND h.id = answered.highlight_id`, span)
	return err
}

func restoreHistory(ctx context.Context, tx pgx.Tx, span pgx.NamedArgs) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO history (page_id, highlight_id, at, id, account_id, kind, fields, state, reason, ranges)
		SELECT i.page_id, i.id, e.at, e.id, e.account_id, e.kind, e.fields, e.state, e.reason, e.ranges
		FROM intake_ready i JOIN intake_history e ON e.highlight_id = i.id
		WHERE i.kind = 0 AND i.status = 0 AND `+inSpan+` AND (e.account_id IS NULL OR EXISTS (SELECT FROM accounts a WHERE a.id = e.account_id))
		ON CONFLICT DO NOTHING`, span)
	return err
}

func restoreFiles(ctx context.Context, tx pgx.Tx, span pgx.NamedArgs) error {
	for _, step := range []string{
		`CREATE TEMP TABLE intake_stored ON COMMIT DROP AS
		SELECT f.*, i.page_id, coalesce(r.author_id, i.author_id) AS account_id
		FROM intake_ready i JOIN intake_files f ON f.highlight_id = i.id LEFT JOIN replies r ON r.page_id = i.page_id AND r.id = f.reply_id
		WHERE i.kind = 0 AND i.status = 0 AND ` + inSpan + ` AND (f.reply_id IS NULL OR r.highlight_id = i.id)
		  AND f.size = (SELECT sum(length(content)) FROM intake_pieces WHERE attachment_id = f.id)
		  AND NOT EXISTS (SELECT FROM attachments a WHERE a.id = f.id)`,
		`INSERT INTO attachments (page_id, id, highlight_id, reply_id, account_id, name, type, size, hash, stored_at)
		SELECT page_id, id, highlight_id, reply_id, account_id, name, type, size,
		       (SELECT sha256(string_agg(content, '' ORDER BY place)) FROM intake_pieces p WHERE p.attachment_id = f.id), stored_at
		FROM intake_stored f`,
		`INSERT INTO attachment_pieces (page_id, attachment_id, place, content)
		SELECT f.page_id, f.id, p.place, p.content FROM intake_stored f JOIN intake_pieces p ON p.attachment_id = f.id`,
		`UPDATE highlights h SET attachments = list.all FROM (
			SELECT page_id, highlight_id, jsonb_agg(jsonb_build_object('id', id, 'name', name, 'type', type, 'size', size) ORDER BY stored_at, id) AS all
			FROM intake_stored WHERE reply_id IS NULL GROUP BY page_id, highlight_id) list
		WHERE h.page_id = list.page_id AND h.id = list.highlight_id`,
		`UPDATE replies r SET attachments = list.all FROM (
			SELECT page_id, reply_id, jsonb_agg(jsonb_build_object('id', id, 'name', name, 'type', type, 'size', size) ORDER BY stored_at, id) AS all
			FROM intake_stored WHERE reply_id IS NOT NULL GROUP BY page_id, reply_id) list
		WHERE r.page_id = list.page_id AND r.id = list.reply_id`,
	} {
		if _, err := tx.Exec(ctx, step, span); err != nil {
			return err
		}
	}
	return nil
}

// attach stores the files of what was taken in for an account, as if it attached them: there is as much room as ever.
func (st *staging) attach(ctx context.Context, tally *Tally) error {
	if st.in.Restore || st.staged["intake_files"] == 0 {
		return nil
	}
	if err := st.exec(ctx, `UPDATE intake i SET status = r.status FROM intake_ready r WHERE r.status < 0 AND i.n = r.n`); err != nil {
		return translate(err, "attach a file")
	}
	type staged struct {
		line    int64
		pointer string
		NewAttachment
	}
	var after int64
	for {
		var f staged
		var reply *uuid.UUID
		err := st.conn.QueryRow(ctx, `
			SELECT f.n, f.line, f.pointer, f.id, f.highlight_id, f.reply_id, f.name, f.size
			FROM intake_files f JOIN intake i ON i.id = f.highlight_id AND i.kind = 0 AND i.status IN (0, 200)
			WHERE f.n > $1 ORDER BY f.n LIMIT 1`, after).Scan(&after, &f.line, &f.pointer, &f.ID, &f.On.Highlight, &reply, &f.Name, &f.Size)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return translate(err, "attach a file")
		}
		if reply != nil {
			f.On = Attached{Reply: *reply}
		}
		_, page, created, err := st.store.CreateAttachment(ctx, st.in.Author, f.NewAttachment, &stagedFile{ctx: ctx, conn: st.conn, id: f.ID})
		if created {
			st.in.Changed(page)
		}
		if err == nil {
			continue
		}
		o := Outcome{Line: f.line, Pointer: f.pointer, ID: f.ID.String(), Status: http.StatusConflict}
		var invalid *InvalidError
		switch {
		case errors.Is(err, ErrTooMany):
			o.Detail = "there is no room for the file"
		case errors.Is(err, ErrConflict):
			o.Detail = "the file's id is in use"
		case errors.Is(err, ErrNotFound), errors.Is(err, ErrForbidden):
			o.Detail = "what the file is on cannot be changed"
		case errors.Is(err, ErrTooLarge), errors.As(err, &invalid):
			o.Status, o.Detail = http.StatusUnprocessableEntity, "the file is not as long as it says"
		default:
			return err
		}
		tally.count(o)
		if err := st.in.Told(o); err != nil {
			return err
		}
	}
}

// A stagedFile reads the pieces of a file.
type stagedFile struct {
	ctx   context.Context
	conn  *pgx.Conn
	id    uuid.UUID
	place int64
	piece []byte
}

// Read implements io.Reader.
func (f *stagedFile) Read(b []byte) (int, error) {
	if len(f.piece) == 0 {
		err := f.conn.QueryRow(f.ctx, `SELECT content FROM intake_pieces WHERE attachment_id = $1 AND place = $2`, f.id, f.place).Scan(&f.piece)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && len(f.piece) == 0 {
			return 0, io.EOF
		}
		if err != nil {
			return 0, translate(err, "read a staged file")
		}
	}
	n := copy(b, f.piece)
	f.piece = f.piece[n:]
	f.place += int64(n)
	return n, nil
}
