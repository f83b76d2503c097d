package storage

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"limn/xpath"
)

// A Filter chooses among the highlights in a reader's groups; its zero value chooses all of them.
type Filter struct {
	Page   uuid.UUID // the nil UUID: of any page
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

// ListHighlights lists what the filter chooses, with the cursor of the next page (empty: there is none). For
// a filter with a page it also says the page's number as of this list, so that a stream can go on from there.
func (s *Store) ListHighlights(ctx context.Context, reader Reader, filter Filter, paging Paging) (list []Highlight, next string, seq int64, err error) {
	after, err := parseCursor(paging.After)
	if err != nil {
		return nil, "", 0, err
	}
	where, args := filter.where(reader)
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

// where is the filter in SQL.
func (f Filter) where(reader Reader) (conditions []string, args pgx.NamedArgs) {
	conditions = []string{"h.deleted_at IS NULL"}
	args = pgx.NamedArgs{}
	add := func(condition, name string, value any) {
		conditions = append(conditions, condition)
		args[name] = value
	}
	if reader.everything { // but what waits to be erased
		conditions = append(conditions, "a.deleted_at IS NULL", `NOT EXISTS (SELECT FROM groups g WHERE g.id = h.group_id AND g.deleted_at IS NOT NULL)`)
	} else {
		add("h.group_id = ANY(@groups)", "groups", reader.Groups)
	}
	if !reader.everything && !slices.Contains(reader.Groups, Public) {
		conditions = append(conditions, "h.group_id <> '00000000-0000-0000-0000-000000000000'") // as the index of groups says
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
	return conditions, args
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
