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
	Part   Part      // of each page; empty: all of it
	Sort   string    // one of Sorts or, for a page, ByPlace; empty: the first of Sorts
}

// A Part is some of what is on a page.
type Part string

// The parts of a page.
const (
	Marks Part = "marks" // what stands on its text
	Lost  Part = "lost"  // what has lost its place there
	Notes Part = "notes" // what is about all of it
)

// ByPlace is the order in which a page's highlights stand in its text.
const ByPlace = "place"

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
		if filter.Sort == ByPlace {
			args["after_time"] = after.Time.UnixMicro()
		}
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
		switch {
		case filter.Sort == ByPlace:
			return cursor{time.UnixMicro(placeOf(h)), h.ID}
		case strings.HasSuffix(filter.Sort, "updated"):
			return cursor{h.UpdatedAt, h.ID}
		}
		return cursor{h.CreatedAt, h.ID}
	})
	return list, next, seq, nil
}

// where is the filter in SQL.
func (f Filter) where(reader Reader) (conditions []string, args pgx.NamedArgs) {
	conditions = []string{"h.deleted_at IS NULL", "h.group_id = ANY(@groups)"}
	args = pgx.NamedArgs{"groups": reader.Groups}
	add := func(condition, name string, value any) {
		conditions = append(conditions, condition)
		args[name] = value
	}
	if !slices.Contains(reader.Groups, Public) {
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
	switch f.Part {
	case Marks:
		conditions = append(conditions, "h.ranges <> '[]' AND h.check_state <> 'orphaned'")
	case Lost:
		conditions = append(conditions, "h.ranges <> '[]' AND h.check_state = 'orphaned'")
	case Notes:
		conditions = append(conditions, "h.ranges = '[]'")
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
	case ByPlace:
		return placeColumn, "", ">"
	case "created":
		return "h.created_at", "", ">"
	case "-updated":
		return "h.updated_at", " DESC", "<"
	case "updated":
		return "h.updated_at", "", ">"
	}
	return "h.created_at", " DESC", "<"
}

// noPlace is the place of what does not say where it stands: after all that does.
const noPlace = 1 << 31

// placeColumn is where a highlight begins in its page's text: where it was found last, or made.
const placeColumn = `coalesce((h.check_ranges->0->'position'->>'start')::bigint, (h.ranges->0->'position'->>'start')::bigint, 2147483648)`

// placeOf is placeColumn of a highlight that was read.
func placeOf(h Highlight) int64 {
	for _, ranges := range [][]xpath.Range{h.Check.Ranges, h.Ranges} {
		if len(ranges) > 0 && ranges[0].Position != nil {
			return int64(ranges[0].Position.Start)
		}
	}
	return noPlace
}
