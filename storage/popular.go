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
	seq int64 // the page's
}

const (
	popularPages = 200    // that passages are looked for on: those with the most people
	popularBatch = 20     // of them at once
	popularMarks = 10_000 // highlights of a page that are counted for passages and heat: the newest
	popularQuote = 500    // characters
	popularKnown = 1000   // pages with a group of readers whose passages are remembered
)

// A markedPage names what is on a page in some window for who reads some groups. As long as the page's number is the same nothing
// has joined it, and if there is as much in a window nothing has left it: then what it comes to is the same, too.
type markedPage struct {
	page       uuid.UUID
	reader     string
	seq        int64
	highlights int
	passages   int // that were asked for
}

// marked is what a page comes to.
type marked struct {
	passages []passage
	heat     Heat
}

// ListPopular lists what is highlighted most since a time among what is in a reader's groups; on one page, with its heat, or
// on all (the nil UUID). It counts what is there as of one moment.
func (s *Store) ListPopular(ctx context.Context, reader Reader, page uuid.UUID, since time.Time, limit int) (p Popular, err error) {
	p = Popular{Passages: []PopularPassage{}, Pages: []PopularPage{}}
	readers := fmt.Sprint(reader.everything, reader.Groups, reader.without)
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		pages, err := popularPagesOf(ctx, tx, reader, page, since)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(pages, popularBatch) {
			if len(p.Passages) >= limit && some[0].compare(p.Passages[limit-1].popularity) < 0 {
				break // no passage is more popular than its page
			}
			all, err := s.markedOn(ctx, tx, reader, readers, some, since, limit)
			if err != nil {
				return err
			}
			for i, on := range some {
				for _, found := range all[i].passages {
					p.Passages = append(p.Passages, on.passage(found))
				}
				if page != uuid.Nil {
					p.Heat = &all[i].heat
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

// markedOn is what some pages come to: as it was, where nothing has changed.
func (s *Store) markedOn(ctx context.Context, tx pgx.Tx, reader Reader, readers string, pages []PopularPage, since time.Time, limit int) ([]marked, error) {
	all, names := make([]marked, len(pages)), make([]markedPage, len(pages))
	var others []PopularPage
	for i, p := range pages {
		names[i] = markedPage{p.Page.ID, readers, p.seq, p.Highlights, limit}
		var known bool
		if all[i], known = s.popular.Get(names[i]); !known {
			others = append(others, p)
		}
	}
	if len(others) == 0 {
		return all, nil
	}
	marks, err := marksOf(ctx, tx, reader, others, since)
	if err != nil {
		return nil, err
	}
	for i, p := range pages {
		if slices.ContainsFunc(others, func(o PopularPage) bool { return o.Page.ID == p.Page.ID }) {
			all[i] = marked{passages(marks[p.Page.ID], limit), heatOf(marks[p.Page.ID])}
			s.popular.Add(names[i], all[i])
		}
	}
	return all, nil
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
	// Of much that is read to be counted, the index of times has all there is to know; and it is counted in memory.
	if _, err := tx.Exec(ctx, `SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true), set_config('random_page_cost', '1.1', true)`); err != nil {
		return nil, err
	}
	query := `
		SELECT p.id, p.url, p.title, p.seq, c.people, c.highlights, c.latest
		FROM (SELECT page_id, count(*) AS people, sum(highlights)::bigint AS highlights, max(latest) AS latest
		      FROM (SELECT h.page_id, count(*) AS highlights, max(h.created_at) AS latest
		            FROM highlights h WHERE ` + strings.Join(where, " AND ") + `
		            GROUP BY h.page_id, h.author_id) each
		      GROUP BY page_id ORDER BY people DESC, highlights DESC, latest DESC, page_id LIMIT @limit) c
		JOIN pages p ON p.id = c.page_id
		ORDER BY people DESC, highlights DESC, latest DESC, page_id`
	rows, _ := tx.Query(ctx, query, plannedEachTime, args)
	pages, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p PopularPage, err error) {
		err = row.Scan(&p.Page.ID, &p.Page.URL, &p.Page.Title, &p.seq, &p.People, &p.Highlights, &p.Latest)
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
