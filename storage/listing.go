package storage

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"limn/xpath"
)

// A Filter chooses highlights; its zero value chooses all that the reader may see.
type Filter struct {
	Page   uuid.UUID // the nil UUID: of any page
	Group  string    // as in Highlight; empty: of any group
	Author uuid.UUID
	Tag    string
	Color  string
	State  xpath.State
	Text   string // in the note, a tag or a quote, whatever the case
	Since  time.Time
	Until  time.Time // not itself
	Sort   string    // one of Sorts; empty: the first of them
}

// Sorts are the orders of a list: by time of creation or last change, newest first or, without the minus, last.
var Sorts = []string{"-created", "created", "-updated", "updated"}

// Paging is where a page of a list begins, and how long it may be.
type Paging struct {
	Limit int
	After string // the cursor that the page before ended with; empty: from the start
}

// ErrCursor is the answer to a cursor that this server did not make.
var ErrCursor = errors.New("the cursor is not one of this server's")

// ListHighlights lists what the filter chooses, with the cursor of the next page (empty: there is none). For
// a filter with a page it also says the page's number as of this list, so that a stream can go on from there.
func (s *Store) ListHighlights(ctx context.Context, reader Reader, filter Filter, paging Paging) (list []Highlight, next string, seq int64, err error) {
	after, err := parseCursor(paging.After)
	if err != nil {
		return nil, "", 0, err
	}
	where, args, ok := filter.where(reader)
	if !ok {
		return []Highlight{}, "", 0, nil
	}
	column, direction, compare := filter.order()
	if paging.After != "" {
		where = append(where, "("+column+", h.id) "+compare+" (@after_time, @after_id)")
		args["after_time"], args["after_id"] = after.Time, after.ID
	}
	args["limit"] = paging.Limit + 1
	query := highlightQuery + " WHERE " + strings.Join(where, " AND ") +
		" ORDER BY " + column + direction + ", h.id" + direction + " LIMIT @limit"

	var cut bool
	// One snapshot, so that the number and the list are of the same moment.
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if filter.Page != uuid.Nil {
			err := tx.QueryRow(ctx, `SELECT seq FROM pages WHERE id = $1`, filter.Page).Scan(&seq)
			if err != nil && !errors.Is(err, pgx.ErrNoRows) {
				return err
			}
		}
		rows, _ := tx.Query(ctx, query, args)
		list, cut, err = collectSome(rows, scanHighlight)
		return err
	})
	if err != nil {
		return nil, "", 0, translate(err, "list highlights")
	}
	list, next = cutPage(list, paging.Limit, cut, func(h Highlight) cursor {
		if strings.HasSuffix(filter.Sort, "updated") {
			return cursor{h.UpdatedAt, h.ID}
		}
		return cursor{h.CreatedAt, h.ID}
	})
	return list, next, seq, nil
}

// A Thread is a highlight with the replies under it, oldest first.
type Thread struct {
	Highlight Highlight
	Replies   []Reply
}

// exportChunk is how many highlights are held at once while all are walked through.
const exportChunk = 500

// Threads walks through all that the filter chooses, a chunk at a time.
func (s *Store) Threads(ctx context.Context, reader Reader, filter Filter) iter.Seq2[Thread, error] {
	return func(yield func(Thread, error) bool) {
		paging := Paging{Limit: exportChunk}
		for {
			list, next, _, err := s.ListHighlights(ctx, reader, filter, paging)
			if err != nil {
				yield(Thread{}, err)
				return
			}
			threads, err := s.threadsOf(ctx, reader, list)
			if err != nil {
				yield(Thread{}, err)
				return
			}
			for _, h := range list {
				if !yield(Thread{h, threads[h.ID]}, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			paging.After = next
		}
	}
}

func (s *Store) threadsOf(ctx context.Context, reader Reader, list []Highlight) (map[uuid.UUID][]Reply, error) {
	var pages, ids []uuid.UUID
	for _, h := range list {
		if h.Replies > 0 {
			pages, ids = append(pages, h.Page.ID), append(ids, h.ID)
		}
	}
	threads := make(map[uuid.UUID][]Reply, len(ids))
	if len(ids) == 0 {
		return threads, nil
	}
	rows, _ := s.pool.Query(ctx, replyQuery+`
		WHERE r.page_id = ANY($1) AND r.highlight_id = ANY($2) AND r.group_id = ANY($3) AND r.deleted_at IS NULL
		ORDER BY r.created_at, r.id`, pages, ids, reader.Groups)
	replies, err := pgx.CollectRows(rows, scanReply)
	if err != nil {
		return nil, translate(err, "list threads")
	}
	for _, r := range replies {
		threads[r.Highlight] = append(threads[r.Highlight], r)
	}
	return threads, nil
}

// where is the filter in SQL; not ok: it chooses nothing.
func (f Filter) where(reader Reader) (conditions []string, args pgx.NamedArgs, ok bool) {
	conditions = []string{"h.deleted_at IS NULL", "h.group_id = ANY(@groups)"}
	args = pgx.NamedArgs{"groups": reader.Groups}
	add := func(condition, name string, value any) {
		conditions = append(conditions, condition)
		args[name] = value
	}
	if f.Group != "" {
		group, err := reader.group(f.Group)
		if err != nil {
			return nil, nil, false
		}
		args["groups"] = []uuid.UUID{group}
	}
	if f.Page != uuid.Nil {
		add("h.page_id = @page", "page", f.Page)
	}
	if f.Author != uuid.Nil {
		add("h.author_id = @author", "author", f.Author)
	}
	if f.Tag != "" {
		add("@tag = ANY(h.tags)", "tag", f.Tag)
	}
	if f.Color != "" {
		add("h.color = @color", "color", f.Color)
	}
	if f.State != "" {
		add("h.check_state = @state", "state", f.State)
	}
	if f.Text != "" {
		add(`(h.note ILIKE @text OR array_to_string(h.tags, ' ') ILIKE @text OR EXISTS (
			SELECT FROM jsonb_array_elements(h.ranges) r WHERE r->'quote'->>'exact' ILIKE @text))`,
			"text", "%"+escapeLike.Replace(f.Text)+"%")
	}
	if !f.Since.IsZero() {
		add("h.created_at >= @since", "since", f.Since)
	}
	if !f.Until.IsZero() {
		add("h.created_at < @until", "until", f.Until)
	}
	return conditions, args, true
}

var escapeLike = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func (f Filter) order() (column, direction, compare string) {
	switch f.Sort {
	case "created":
		return "h.created_at", "", ">"
	case "-updated":
		return "h.updated_at", " DESC", "<"
	case "updated":
		return "h.updated_at", "", ">"
	}
	return "h.created_at", " DESC", "<"
}

// A cursor is the place in a list after a row: its time, to the microsecond, and its id.
type cursor struct {
	Time time.Time
	ID   uuid.UUID
}

func (c cursor) String() string {
	b := binary.BigEndian.AppendUint64(nil, uint64(c.Time.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(b, c.ID[:]...))
}

// parseCursor reads a cursor; the empty one is before everything.
func parseCursor(s string) (cursor, error) {
	if s == "" {
		return cursor{}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != 24 {
		return cursor{}, ErrCursor
	}
	c := cursor{Time: time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC(), ID: uuid.UUID(b[8:])}
	if c.Time.Year() < 1 || c.Time.Year() > 9999 {
		return cursor{}, ErrCursor
	}
	return c, nil
}

// maxHeld is how many bytes of rows are held at once, but for the last of them: what a list or a replay takes of the
// memory does not depend on what people write.
const maxHeld = 4 << 20

// collectSome reads rows until there are no more, or more than are to be held: cut.
func collectSome[T any](rows pgx.Rows, scan pgx.RowToFunc[T]) (list []T, cut bool, err error) {
	defer rows.Close()
	list = []T{}
	for held := 0; rows.Next(); {
		if held > maxHeld {
			return list, true, nil
		}
		for _, value := range rows.RawValues() {
			held += len(value)
		}
		row, err := scan(rows)
		if err != nil {
			return nil, false, err
		}
		list = append(list, row)
	}
	return list, false, rows.Err()
}

// cutPage takes away the row that was read only to see whether there are more. A page that was cut before has more.
func cutPage[T any](rows []T, limit int, cut bool, at func(T) cursor) (page []T, next string) {
	if len(rows) > limit {
		rows, cut = rows[:limit], true
	}
	if !cut {
		return rows, ""
	}
	return rows, at(rows[len(rows)-1]).String()
}
