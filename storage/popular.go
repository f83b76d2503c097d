package storage

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"limn/xpath"
)

// A Popular is what is highlighted most.
type Popular struct {
	Passages []PopularPassage `json:"passages"`
	Pages    []PopularPage    `json:"pages"`
	Heat     *Heat            `json:"heat,omitempty"` // of the one page that was asked for
}

// A PopularPassage is a passage that several highlights have in common, or one has: see passages.
type PopularPassage struct {
	Page      PageRef         `json:"page"`
	Highlight uuid.UUID       `json:"highlight"` // one that stands there
	Quote     string          `json:"quote"`     // the beginning of it, if it is known
	Position  *xpath.Position `json:"position"`  // in the page's text; null: it is not known
	popularity
}

// A PopularPage is a page with the highlights on it that were made meanwhile.
type PopularPage struct {
	Page PageRef `json:"page"`
	popularity
}

const (
	popularPages = 200    // that passages are looked for on: those with the most people
	popularBatch = 20     // of them at once
	popularMarks = 10_000 // highlights of a page that are counted for passages and heat: the newest
	popularQuote = 500    // characters
)

// ListPopular lists what is highlighted most since a time among what is in a reader's groups; on one page, with its heat, or
// on all (the nil UUID). It counts what is there as of one moment.
func (s *Store) ListPopular(ctx context.Context, reader Reader, page uuid.UUID, since time.Time, limit int) (p Popular, err error) {
	p = Popular{Passages: []PopularPassage{}, Pages: []PopularPage{}}
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		pages, err := popularPagesOf(ctx, tx, reader, page, since)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(pages, popularBatch) {
			if len(p.Passages) >= limit && some[0].compare(p.Passages[limit-1].popularity) < 0 {
				break // no passage is more popular than its page
			}
			marks, err := marksOf(ctx, tx, reader, some, since)
			if err != nil {
				return err
			}
			for _, on := range some {
				for _, found := range passages(marks[on.Page.ID], limit) {
					p.Passages = append(p.Passages, on.passage(found))
				}
				if page != uuid.Nil {
					p.Heat = new(heatOf(marks[page]))
				}
			}
			slices.SortStableFunc(p.Passages, func(a, b PopularPassage) int { return b.compare(a.popularity) })
			p.Passages = p.Passages[:min(len(p.Passages), limit)]
		}
		p.Pages = pages[:min(len(pages), limit)]
		if page != uuid.Nil && p.Heat == nil {
			p.Heat = new(heatOf(nil))
		}
		return nil
	})
	return p, translate(err, "list what is popular")
}

func (on PopularPage) passage(found passage) PopularPassage {
	p := PopularPassage{Page: on.Page, Highlight: found.highlight, Quote: found.quote, popularity: found.popularity}
	if found.line == "" {
		p.Position = &xpath.Position{Start: found.start, End: found.end}
	}
	return p
}

// popularPagesOf are the most popular pages, in their order.
func popularPagesOf(ctx context.Context, tx pgx.Tx, reader Reader, page uuid.UUID, since time.Time) ([]PopularPage, error) {
	where, args := Filter{Page: page, Since: since}.where(reader)
	args["limit"] = popularPages
	query := `
		SELECT p.id, p.url, p.title, c.people, c.highlights, c.latest
		FROM (SELECT h.page_id, count(DISTINCT h.author_id) AS people, count(*) AS highlights, max(h.created_at) AS latest
		      FROM highlights h WHERE ` + strings.Join(where, " AND ") + `
		      GROUP BY h.page_id ORDER BY people DESC, highlights DESC, latest DESC, page_id LIMIT @limit) c
		JOIN pages p ON p.id = c.page_id
		ORDER BY people DESC, highlights DESC, latest DESC, page_id`
	rows, _ := tx.Query(ctx, query, plannedEachTime, args)
	pages, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p PopularPage, err error) {
		err = row.Scan(&p.Page.ID, &p.Page.URL, &p.Page.Title, &p.People, &p.Highlights, &p.Latest)
		return p, err
	})
	return orEmpty(pages), err
}

// marksOf reads where the highlights of some pages stand. Those that have lost their place stand nowhere. The pages are asked for
// together, so that a short window is found by its time, and not by reading through all that busy pages ever had.
func marksOf(ctx context.Context, tx pgx.Tx, reader Reader, pages []PopularPage, since time.Time) (map[uuid.UUID][]mark, error) {
	ids := make([]uuid.UUID, len(pages))
	for i, p := range pages {
		ids[i] = p.Page.ID
	}
	where, args := Filter{Since: since}.where(reader)
	args["pages"], args["marks"], args["quote"] = ids, popularMarks, popularQuote
	rows, _ := tx.Query(ctx, `
		SELECT h.page_id, h.id, h.author_id, h.created_at,
		       r->'anchor'->>'xpath', (r->'anchor'->>'offset')::bigint, r->'focus'->>'xpath', (r->'focus'->>'offset')::bigint,
		       (r->'position'->>'start')::bigint, (r->'position'->>'end')::bigint, coalesce(left(r->'quote'->>'exact', @quote), '')
		FROM (
			SELECT h.page_id, h.id, row_number() OVER (PARTITION BY h.page_id ORDER BY h.created_at DESC, h.id DESC) AS nth
			FROM highlights h WHERE h.page_id = ANY(@pages) AND `+strings.Join(where, " AND ")+`
		) newest JOIN highlights h ON h.page_id = newest.page_id AND h.id = newest.id,
		LATERAL jsonb_array_elements(CASE WHEN h.check_state = 'moved' THEN coalesce(h.check_ranges, h.ranges) ELSE h.ranges END) r
		WHERE newest.nth <= @marks AND h.check_state <> 'orphaned'`, plannedEachTime, args)
	marks := map[uuid.UUID][]mark{}
	var page uuid.UUID
	var m mark
	var anchor, focus string
	var from, to int
	var start, end *int
	_, err := pgx.ForEachRow(rows, []any{&page, &m.highlight, &m.author, &m.at, &anchor, &from, &focus, &to, &start, &end, &m.quote}, func() error {
		switch {
		case start != nil && end != nil:
			m.line, m.start, m.end = "", *start, *end
		case anchor == focus:
			m.line, m.start, m.end = anchor, min(from, to), max(from, to)
		default: // only what is the same is known to overlap
			ends := []string{anchor + " " + strconv.Itoa(from), focus + " " + strconv.Itoa(to)}
			slices.Sort(ends)
			m.line, m.start, m.end = fmt.Sprint(ends), 0, 1
		}
		marks[page] = append(marks[page], m)
		return nil
	})
	return marks, err
}

// A Window is for how long back something counts.
type Window string

// Windows are those that can be asked for; each has a list of its own to be kept.
var Windows = []string{"1h", "24h", "7d", "30d", "365d", "all"}

// Since is when a window begins that ends at a time.
func (w Window) Since(now time.Time) time.Time {
	hours := map[Window]int{"1h": 1, "24h": 24, "7d": 7 * 24, "30d": 30 * 24, "365d": 365 * 24}[w]
	if hours == 0 {
		return time.Time{}
	}
	return now.Add(-time.Duration(hours) * time.Hour)
}
