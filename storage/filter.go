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
	Text   string // words in the quotes, the note, the tags, the page's title or the thread: see search.go
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
	ways := []*matching{nil}
	if filter.Text != "" {
		if ways, err = s.matchings(ctx, filter); err != nil {
			return nil, "", 0, err
		}
	}
	var cut bool
	list = []Highlight{}
	// One snapshot, so that the number and the list are of the same moment.
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if filter.Page != uuid.Nil {
			err := tx.QueryRow(ctx, `SELECT seq FROM pages WHERE id = $1`, filter.Page).Scan(&seq)
			if err != nil && !errors.Is(err, pgx.ErrNoRows) {
				return err
			}
		}
		if filter.Text != "" { // for some milliseconds of work neither is worth its start; and much is in memory
			if _, err := tx.Exec(ctx, `SELECT set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true),
				set_config('random_page_cost', '1.1', true)`); err != nil {
				return err
			}
		}
		for _, way := range ways {
			list, cut, err = filter.list(ctx, tx, reader, way, paging.After != "", after, paging.Limit+1)
			if err != nil || len(list) > 0 {
				return err
			}
			if paging.After != "" { // the end of a list is no reason to begin another one
				before, _, err := filter.list(ctx, tx, reader, way, false, cursor{}, 1)
				if err != nil || len(before) > 0 {
					return err
				}
			}
		}
		return nil
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

// list reads what the filter chooses, after a place if there is one. way is how a search finds it; nil: nothing is searched
// for.
func (f Filter) list(ctx context.Context, tx pgx.Tx, reader Reader, way *matching, further bool, after cursor, limit int) (list []Highlight, cut bool, err error) {
	where, args := f.where(reader)
	column, direction, compare := f.order()
	from, mode := "highlights h", pgx.QueryExecModeCacheStatement
	if way != nil {
		if f.isOfSearch(reader) {
			return f.search(ctx, tx, reader, way, further, after, limit)
		}
		from += " JOIN search s ON s.page_id = h.page_id AND s.id = h.id"
		where = append(where, way.conditions(args)...)
		mode = plannedEachTime
	}
	if further {
		where = append(where, "("+column+", h.id) "+compare+" (@after_time, @after_id)")
		args["after_time"], args["after_id"] = after.Time, after.ID
		if f.Sort == ByPlace {
			args["after_time"] = after.Time.UnixMicro()
		}
	}
	args["limit"] = limit
	order := " ORDER BY " + column + direction + ", h.id" + direction
	rows, _ := tx.Query(ctx, `
		SELECT `+highlightColumns+`
		FROM (SELECT h.* FROM `+from+` WHERE `+strings.Join(where, " AND ")+order+` LIMIT @limit) h
		JOIN pages p ON p.id = h.page_id JOIN accounts a ON a.id = h.author_id`+order, mode, args)
	return collectSome(rows, scanHighlight)
}

// plannedEachTime is for a search: how many there are of what is searched for decides how.
const plannedEachTime = pgx.QueryExecModeCacheDescribe

// where is the filter in SQL, but for the text.
func (f Filter) where(reader Reader) (conditions []string, args pgx.NamedArgs) {
	conditions = []string{"h.deleted_at IS NULL"}
	args = pgx.NamedArgs{}
	add := func(condition, name string, value any) {
		conditions = append(conditions, condition)
		args[name] = value
	}
	if !reader.everything {
		add("h.group_id = ANY(@groups)", "groups", reader.Groups)
	}
	if len(reader.without) > 0 {
		add("h.author_id <> ALL(@without) AND h.group_id <> ALL(@without)", "without", reader.without)
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
