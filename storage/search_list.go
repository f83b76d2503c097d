package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A search lists the first of what it finds, in the order of time. To put all that matches in order takes a row of the table for each;
// so a search looks through a window of time first, as large as what is listed is likely to take, and through everything only if that
// is not in there. What is listed is the same, however large the windows are.

var (
	manySearched = 50_000.0 // highlights: fewer are looked through without windows
	recently     = 2000.0   // rows in which all of a list is likely to be are read one after the other
)

const (
	cheap = 8   // times as many as are listed are put in order rather than looked for in another window
	spare = 1.5 // how many times as large as it should have to be a window is
)

// isOfSearch tells whether a filter may choose much, and by what is in the table search: what has a tag or is in a group is better looked
// at one by one.
func (f Filter) isOfSearch(reader Reader) bool {
	return f.Tag == "" && f.Part == "" && f.Sort != ByPlace && slices.Contains(reader.Groups, Public)
}

// search is list for what can be chosen without the highlights themselves.
func (f Filter) search(ctx context.Context, tx pgx.Tx, reader Reader, way *matching, further bool, after cursor, limit int) (list []Highlight, cut bool, err error) {
	listed, direction, compare := f.order()
	column := strings.Replace(listed, "h.", "s.", 1)
	from, joined := "search s", f.Author != uuid.Nil || f.State != ""
	args := pgx.NamedArgs{"groups": reader.Groups, "limit": limit, "recently": int(recently)}
	where := []string{"s.group_id = ANY(@groups)"}
	if f.Page != uuid.Nil {
		where, args["page"] = append(where, "s.page_id = @page"), f.Page
	}
	if f.Color != "" {
		where, args["color"] = append(where, "s.color = @color"), f.Color
	}
	if !f.Since.IsZero() {
		where, args["since"] = append(where, "s.created_at >= @since"), f.Since
	}
	if !f.Until.IsZero() {
		where, args["until"] = append(where, "s.created_at < @until"), f.Until
	}
	if joined {
		from += " JOIN highlights h ON h.page_id = s.page_id AND h.id = s.id"
	} else {
		listed = column
	}
	if f.Author != uuid.Nil {
		where, args["author"] = append(where, "h.author_id = @author AND h.deleted_at IS NULL"), f.Author
	}
	if f.State != "" {
		where, args["state"] = append(where, "h.check_state = @state AND h.deleted_at IS NULL"), f.State
	}
	if further {
		where = append(where, "("+listed+", s.id) "+compare+" (@after_time, @after_id)")
		args["after_time"], args["after_id"] = after.Time, after.ID
	}
	chosen, matched := strings.Join(where, " AND "), strings.Join(way.conditions(args), " AND ")
	order := " ORDER BY " + column + direction + ", s.id" + direction
	if joined { // which has indexes in this order for each author
		listed = " ORDER BY " + listed + direction + ", h.id" + direction
	} else {
		listed = order
	}
	const columns = "SELECT s.page_id, s.id, s.created_at, s.updated_at FROM "
	var (
		met   = columns + from + " WHERE " + chosen + " AND " + matched // on the way through all, or however it is planned
		first = columns + "(SELECT * FROM search s WHERE " + chosen + order + " LIMIT @recently) s WHERE " + matched
		all   = "WITH all_of AS MATERIALIZED (" + met + ") SELECT * FROM all_of s"
		part  = "WITH all_of AS MATERIALIZED (" + met + " AND " + column + map[string]string{"<": " >= ", ">": " <= "}[compare] + "@window) SELECT * FROM all_of s"
	)
	found := 0
	look := func(query, by string) (enough bool, err error) {
		rows, _ := tx.Query(ctx, `
			WITH found AS MATERIALIZED (`+query+by+` LIMIT @limit)
			SELECT (SELECT count(*) FROM found), `+highlightColumns+`
			FROM found s JOIN highlights h ON h.page_id = s.page_id AND h.id = s.id
			JOIN pages p ON p.id = h.page_id JOIN accounts a ON a.id = h.author_id
			WHERE h.deleted_at IS NULL AND h.group_id = ANY(@groups)`+order, plannedEachTime, args)
		found = 0
		list, cut, err = collectSome(rows, func(row pgx.CollectableRow) (Highlight, error) { return scanHighlightAfter(row, &found) })
		enough = found == limit
		cut = cut || enough && len(list) > 0 // one that was moved meanwhile is no end of the list
		return enough || cut, err
	}

	w, expected, err := f.windows(ctx, tx, column, direction != "", after.Time, met, args)
	if err != nil {
		return nil, false, err
	}
	size, near := w.likely(limit, expected, w.rows), recently
	if joined || way.parts != nil { // a window of them is dear
		near *= 10
	}
	if size <= near && (joined || !way.unknown) {
		_, err = look(met, listed)
		return list, cut, err
	}
	if way.unknown && !joined && f.Page == uuid.Nil && (size <= near || way.parts == nil) {
		if enough, err := look(first, order); err != nil || enough {
			return list, cut, err
		}
		expected, size = float64(found)*w.rows/recently, w.likely(limit, float64(found), recently)
	}
	most := float64(cheap * limit)
	if joined { // more rows are fetched than are found
		most = 0
	}
	for expected > most {
		edge, inside := w.edge(size)
		if !inside {
			break
		}
		args["window"] = edge
		if enough, err := look(part, order); err != nil || enough {
			return list, cut, err
		}
		expected, size = float64(found)*w.rows/size, max(4*size, w.likely(limit, float64(found), size))
	}
	_, err = look(all, order)
	return list, cut, err
}

// windows tell how the rows of a list are spread over the time by which it is listed, as of when Postgres last looked.
type windows struct {
	bounds []time.Time // with as many rows between any two neighbours, in the list's order; none: nobody knows
	each   float64     // rows between two
	rows   float64     // in all of them
}

// windows reads them for what the filter chooses, and how many rows a query is expected to give.
func (f Filter) windows(ctx context.Context, tx pgx.Tx, column string, back bool, after time.Time, query string, args pgx.NamedArgs) (w windows, expected float64, err error) {
	column = strings.TrimPrefix(column, "s.")
	err = tx.QueryRow(ctx, `
		SELECT s.histogram_bounds::text::timestamptz[], c.reltuples
		FROM pg_stats s JOIN pg_class c ON c.oid = 'search'::regclass
		WHERE s.schemaname = current_schema() AND s.tablename = 'search' AND s.attname = $1 AND c.reltuples > $2`,
		column, manySearched).Scan(&w.bounds, &w.rows)
	if err != nil || len(w.bounds) < 2 {
		if errors.Is(err, pgx.ErrNoRows) {
			err = nil
		}
		return windows{}, 0, err
	}
	w.each = w.rows / float64(len(w.bounds)-1)
	from, to := f.Since, f.Until
	if column != "created_at" {
		from, to = time.Time{}, time.Time{}
	}
	if back {
		slices.Reverse(w.bounds)
		from, to = to, from
	}
	if !after.IsZero() {
		from = after
	}
	w.bounds = slices.DeleteFunc(w.bounds[1:], func(t time.Time) bool {
		return !from.IsZero() && t.Before(from) != back || !to.IsZero() && t.Before(to) == back
	})
	w.rows = w.each * float64(len(w.bounds)+1)
	expected, err = expectedRows(ctx, tx, query, args)
	return w, expected, err
}

// likely is how many rows have to be looked through for a list, if there are found of it in some rows.
func (w windows) likely(limit int, found, rows float64) float64 {
	if found == 0 {
		return w.rows
	}
	return float64(limit) * spare * rows / found
}

// edge is the time up to which there are as many rows; not inside: there are not many more.
func (w windows) edge(rows float64) (edge time.Time, inside bool) {
	if len(w.bounds) == 0 || rows >= w.rows/2 {
		return time.Time{}, false
	}
	return w.bounds[min(int(rows/w.each), len(w.bounds)-1)], true
}

// expectedRows is how many rows Postgres expects of a query.
func expectedRows(ctx context.Context, tx pgx.Tx, query string, args pgx.NamedArgs) (float64, error) {
	var plan []byte
	if err := tx.QueryRow(ctx, `EXPLAIN (FORMAT JSON) `+query, plannedEachTime, args).Scan(&plan); err != nil {
		return 0, err
	}
	var plans []struct {
		Plan struct {
			Rows float64 `json:"Plan Rows"`
		}
	}
	if err := json.Unmarshal(plan, &plans); err != nil || len(plans) != 1 {
		return 0, fmt.Errorf("read a plan: %w", err)
	}
	return plans[0].Plan.Rows, nil
}
