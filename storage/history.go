package storage

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"limn/xpath"
)

// An Entry is one thing that happened to a highlight. What a note said before is not kept.
type Entry struct {
	At     time.Time     `json:"at"`
	Kind   string        `json:"kind"`   // created, edited, checked, reanchored, hidden or shown
	By     *Account      `json:"by"`     // null: the server, which looked at the page
	Fields []string      `json:"fields"` // what was edited
	State  *xpath.State  `json:"state"`  // what was found when it was checked
	Reason string        `json:"reason"` // why not verified
	Ranges []xpath.Range `json:"ranges"` // where it stood from then on; null: nowhere, or that is not what changed
	Before []xpath.Range `json:"before"` // the place that it left when it was reanchored
}

// An Event is an entry of a history as it is kept, without what the highlight's own row says: that it was made, and first verified.
type Event struct {
	Highlight uuid.UUID     `json:"-"`
	At        time.Time     `json:"at"`
	Kind      string        `json:"kind"` // edited, checked, reanchored, hidden or shown
	By        *Account      `json:"by,omitempty"`
	Fields    []string      `json:"fields,omitempty"`
	State     xpath.State   `json:"state,omitempty"`
	Reason    string        `json:"reason,omitempty"`
	Ranges    []xpath.Range `json:"ranges,omitempty"` // where the check found it moved to, or what it left when it was reanchored
}

// check refuses what no history has.
func (e Event) check() error {
	var invalid InvalidError
	if !slices.Contains([]string{"edited", "checked", "reanchored", "hidden", "shown"}, e.Kind) {
		invalid.refuse("/kind", "is none that there is")
	}
	if e.At.Year() < 1970 || e.At.Year() > 9999 {
		invalid.refuse("/at", "must be a time since 1970")
	}
	checkText(&invalid, "/reason", e.Reason, maxReason)
	checkText(&invalid, "/state", string(e.State), maxTag)
	checkRanges(&invalid, e.Ranges)
	for _, field := range e.Fields {
		checkText(&invalid, "/fields", field, maxTag)
	}
	return invalid.orNil()
}

// maxChecks is how many changes of its verdict a highlight's history keeps, the newest: nobody limits how often a page
// changes.
const maxChecks = 100

// ListHistory lists what happened to a highlight that the reader may see, newest first. That it was made, and that it
// was found where it was made, is in its own row. Where it stood is what the next reanchoring has left, or what it has now.
func (s *Store) ListHistory(ctx context.Context, reader Reader, highlight uuid.UUID, paging Paging) ([]Entry, string, error) {
	if _, err := s.GetHighlight(ctx, reader, highlight); err != nil {
		return nil, "", err
	}
	after, err := parseCursor(paging.After)
	if err != nil {
		return nil, "", err
	}
	rows, _ := s.pool.Query(ctx, `
		WITH highlight AS (
			SELECT * FROM highlights WHERE id = @id AND deleted_at IS NULL AND (`+readable+`(@groups))
		), entry AS (
			SELECT e.at, e.id, e.account_id, e.kind, e.fields, e.state, e.reason, e.ranges
			FROM history e JOIN highlight h ON e.page_id = h.page_id AND e.highlight_id = h.id
			UNION ALL
			SELECT verified_at, id, NULL, 'checked', '{}', 'verified', '', NULL FROM highlight WHERE verified_at IS NOT NULL
			UNION ALL
			SELECT created_at, id, author_id, 'created', '{}', NULL, '', NULL FROM highlight
		)
		SELECT e.at, e.id, a.id, a.name, e.kind, e.fields, e.state, e.reason,
		       CASE WHEN e.kind IN ('created', 'reanchored') OR e.state = 'verified' THEN coalesce((
		                SELECT later.ranges FROM history later
		                WHERE later.page_id = h.page_id AND later.highlight_id = h.id AND later.kind = 'reanchored' AND later.at > e.at
		                ORDER BY later.at LIMIT 1), h.ranges)
		            WHEN e.kind = 'checked' THEN e.ranges END,
		       CASE WHEN e.kind = 'reanchored' THEN e.ranges END
		FROM entry e CROSS JOIN highlight h LEFT JOIN accounts a ON a.id = e.account_id
		WHERE @first OR (e.at, e.id) < (@time, @entry)
		ORDER BY e.at DESC, e.id DESC LIMIT @limit`,
		pgx.NamedArgs{
			"id": highlight, "groups": reader.Groups, "first": paging.After == "", "time": after.Time, "entry": after.ID,
			"limit": paging.Limit + 1,
		})
	type row struct {
		Entry
		id uuid.UUID
	}
	list, cut, err := collectSome(rows, func(r pgx.CollectableRow) (e row, err error) {
		var by *uuid.UUID
		var name *string
		err = r.Scan(&e.At, &e.id, &by, &name, &e.Kind, &e.Fields, &e.State, &e.Reason, &e.Ranges, &e.Before)
		if by != nil {
			e.By = &Account{ID: *by, Name: *name}
		}
		return e, err
	})
	if err != nil {
		return nil, "", translate(err, "list history")
	}
	list, next := cutPage(list, paging.Limit, cut, func(e row) cursor { return cursor{e.At, e.id} })
	entries := make([]Entry, len(list))
	for i, e := range list {
		entries[i] = e.Entry
	}
	return entries, next, nil
}

// events reads the histories of highlights as they are kept, each oldest first.
func (s *Store) events(ctx context.Context, pages, highlights []uuid.UUID) (map[uuid.UUID][]Event, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT e.highlight_id, e.at, e.kind, a.id, a.name, e.fields, coalesce(e.state, ''), e.reason, e.ranges
		FROM unnest($1::uuid[], $2::uuid[]) asked (page, id) JOIN history e ON e.page_id = asked.page AND e.highlight_id = asked.id
		LEFT JOIN accounts a ON a.id = e.account_id AND a.deleted_at IS NULL
		ORDER BY e.highlight_id, e.at, e.id`, pages, highlights)
	events := map[uuid.UUID][]Event{}
	defer rows.Close()
	for rows.Next() {
		var e Event
		var by *uuid.UUID
		var name *string
		if err := rows.Scan(&e.Highlight, &e.At, &e.Kind, &by, &name, &e.Fields, &e.State, &e.Reason, &e.Ranges); err != nil {
			return nil, err
		}
		if by != nil {
			e.By = &Account{ID: *by, Name: *name}
		}
		events[e.Highlight] = append(events[e.Highlight], e)
	}
	return events, translate(rows.Err(), "list histories")
}

// recordEdit tells of the fields that an edit is about to change.
func recordEdit(ctx context.Context, tx pgx.Tx, held heldHighlight, author uuid.UUID, edit HighlightEdit, group *uuid.UUID) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO history (page_id, highlight_id, at, id, account_id, kind, fields)
		SELECT page_id, id, clock_timestamp(), @entry, @author, 'edited', fields
		FROM highlights, LATERAL (SELECT array_remove(ARRAY[
			CASE WHEN group_id <> @group THEN 'group' END,
			CASE WHEN color <> @color THEN 'color' END,
			CASE WHEN note <> @note THEN 'note' END,
			CASE WHEN tags <> @tags THEN 'tags' END
		], NULL)) AS edit (fields)
		WHERE page_id = @page AND id = @id AND fields <> '{}'`,
		pgx.NamedArgs{
			"entry": newID(), "author": author, "group": group, "color": edit.Color, "note": edit.Note, "tags": edit.Tags,
			"page": held.page, "id": held.id,
		})
	return err
}

// recordReanchoring keeps the place that a highlight is about to leave.
func recordReanchoring(ctx context.Context, tx pgx.Tx, held heldHighlight, author uuid.UUID) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO history (page_id, highlight_id, at, id, account_id, kind, ranges)
		SELECT page_id, id, clock_timestamp(), @entry, @author, 'reanchored', ranges FROM highlights
		WHERE page_id = @page AND id = @id`,
		pgx.NamedArgs{"entry": newID(), "author": author, "page": held.page, "id": held.id})
	return err
}

// recordModeration tells that a highlight was taken out of sight, or back into it.
func recordModeration(ctx context.Context, tx pgx.Tx, held heldHighlight, by uuid.UUID, kind string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO history (page_id, highlight_id, at, id, account_id, kind) VALUES ($1, $2, clock_timestamp(), $3, $4, $5)`,
		held.page, held.id, newID(), by, kind)
	return err
}

// recordVerdicts tells of verdicts that have changed, and forgets the oldest ones.
func recordVerdicts(ctx context.Context, tx pgx.Tx, page uuid.UUID, verdicts []Verdict) error {
	if len(verdicts) == 0 {
		return nil
	}
	var (
		ids, entries    []uuid.UUID
		ranges          [][]xpath.Range
		states, reasons []string
	)
	for _, v := range verdicts {
		ids, entries, ranges = append(ids, v.Highlight), append(entries, newID()), append(ranges, places(v.Check.Ranges))
		states, reasons = append(states, string(v.Check.State)), append(reasons, v.Check.Reason)
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO history (page_id, highlight_id, at, id, kind, state, reason, ranges)
		SELECT @page, v.highlight, clock_timestamp(), v.entry, 'checked', v.state, v.reason, v.ranges
		FROM unnest((SELECT @ids::uuid[]), @entries::uuid[], @states::text[], @reasons::text[], @ranges::jsonb[]) v (highlight, entry, state, reason, ranges)`,
		pgx.NamedArgs{"page": page, "ids": ids, "entries": entries, "states": states, "reasons": reasons, "ranges": ranges})
	batch.Queue(`
		DELETE FROM history USING (
			SELECT highlight_id, at, id, row_number() OVER (PARTITION BY highlight_id ORDER BY at DESC, id DESC) AS place
			FROM history WHERE page_id = @page AND highlight_id = ANY(@ids) AND kind = 'checked'
		) e
		WHERE history.page_id = @page AND history.highlight_id = e.highlight_id AND history.at = e.at AND history.id = e.id
		  AND e.place > @most`,
		pgx.NamedArgs{"page": page, "ids": ids, "most": maxChecks})
	return tx.SendBatch(ctx, batch).Close()
}

// places are where ranges stand, without what stands there.
func places(ranges []xpath.Range) (bare []xpath.Range) {
	for _, r := range ranges {
		r.Quote, r.Landmarks = nil, nil
		bare = append(bare, r)
	}
	return bare
}

// eraseHistory forgets all that happened to a highlight.
func eraseHistory(ctx context.Context, tx pgx.Tx, held heldHighlight) error {
	_, err := tx.Exec(ctx, `DELETE FROM history WHERE page_id = $1 AND highlight_id = $2`, held.page, held.id)
	return err
}
