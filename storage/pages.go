package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A PageRef names a page inside another thing.
type PageRef struct {
	ID    uuid.UUID `json:"id"`
	URL   string    `json:"url"`
	Title string    `json:"title"`
}

// A Page is a page and what stands on it, as far as its reader may see.
type Page struct {
	PageRef
	Seq        int64      `json:"seq"`         // the number of its last change
	ReadAt     *time.Time `json:"read_at"`     // when the server last read it; null: never
	ReadReason string     `json:"read_reason"` // why it could not be read then; empty: it could
	Counts     PageCounts `json:"counts"`
}

// PageCounts counts a page's highlights by the state of their check.
type PageCounts struct {
	Total        int64 `json:"total"`
	Pending      int64 `json:"pending"`
	Verified     int64 `json:"verified"`
	Moved        int64 `json:"moved"`
	Orphaned     int64 `json:"orphaned"`
	Unverifiable int64 `json:"unverifiable"`
	Notes        int64 `json:"-"` // those on the whole page, in whatever state
}

// Marks are those that stand on the page's text.
func (c PageCounts) Marks() int64 { return c.Total - c.Notes - c.Orphaned }

// PageID is the id of the page with a normalised URL: a UUIDv8 made from the URL's SHA-256, so that
// everybody computes the same one, whether or not the page is known yet.
func PageID(url string) uuid.UUID {
	sum := sha256.Sum256([]byte(url))
	id := uuid.UUID(sum[:16])
	id[6] = id[6]&0x0f | 0x80 // version 8
	id[8] = id[8]&0x3f | 0x80 // the RFC 9562 variant
	return id
}

// GetPage finds a page on which the reader may see something: ErrNotFound otherwise.
func (s *Store) GetPage(ctx context.Context, reader Reader, id uuid.UUID) (Page, error) {
	var p Page
	err := s.pool.QueryRow(ctx, `
		SELECT p.id, p.url, p.title, p.seq, p.read_at, p.read_reason,
		       count(*),
		       count(*) FILTER (WHERE h.check_state = 'pending'),
		       count(*) FILTER (WHERE h.check_state = 'verified'),
		       count(*) FILTER (WHERE h.check_state = 'moved'),
		       count(*) FILTER (WHERE h.check_state = 'orphaned'),
		       count(*) FILTER (WHERE h.check_state = 'unverifiable'),
		       count(*) FILTER (WHERE h.ranges = '[]')
		FROM pages p JOIN highlights h ON h.page_id = p.id
		WHERE p.id = $1 AND h.group_id = ANY($2) AND h.deleted_at IS NULL
		GROUP BY p.id`, id, reader.Groups).
		Scan(&p.ID, &p.URL, &p.Title, &p.Seq, &p.ReadAt, &p.ReadReason, &p.Counts.Total, &p.Counts.Pending,
			&p.Counts.Verified, &p.Counts.Moved, &p.Counts.Orphaned, &p.Counts.Unverifiable, &p.Counts.Notes)
	return p, translate(err, "get page")
}

// CheckPageAgain asks for the page to be read anew, and for its highlights to be judged if it has changed.
func (s *Store) CheckPageAgain(ctx context.Context, id uuid.UUID) error {
	_, err := s.pool.Exec(ctx, `UPDATE pages SET check_due_at = now(), read_due_at = now() WHERE id = $1`, id)
	return translate(err, "check page again")
}

// maxNear bounds how many hashes one prefix answers with.
const maxNear = 1000

// PagesNear lists the hashes (SHA-256 of the normalised URL, in hex) that begin with a prefix of 4 to 8
// hex digits, of the pages on which the reader may see something.
func (s *Store) PagesNear(ctx context.Context, reader Reader, prefix string) ([]string, error) {
	low, err := uuid.Parse(prefix + strings.Repeat("0", 32-len(prefix)))
	if err != nil {
		return nil, ErrNotFound
	}
	high, err := uuid.Parse(prefix + strings.Repeat("f", 32-len(prefix)))
	if err != nil {
		return nil, ErrNotFound
	}
	rows, _ := s.pool.Query(ctx, `
		SELECT p.url FROM pages p
		WHERE p.id BETWEEN $1 AND $2
		  AND EXISTS (SELECT FROM highlights h WHERE h.page_id = p.id AND h.group_id = ANY($3) AND h.deleted_at IS NULL)
		ORDER BY p.id LIMIT $4`, low, high, reader.Groups, maxNear)
	hashes, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		var url string
		err := row.Scan(&url)
		sum := sha256.Sum256([]byte(url))
		return hex.EncodeToString(sum[:]), err
	})
	return hashes, translate(err, "list pages near a prefix")
}

// PageSeqs reads the numbers of the last changes of pages; a page that is not known is missing.
func (s *Store) PageSeqs(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]int64, error) {
	rows, _ := s.pool.Query(ctx, `SELECT id, seq FROM pages WHERE id = ANY($1)`, ids)
	seqs := make(map[uuid.UUID]int64, len(ids))
	var id uuid.UUID
	var seq int64
	_, err := pgx.ForEachRow(rows, []any{&id, &seq}, func() error {
		seqs[id] = seq
		return nil
	})
	return seqs, translate(err, "read page numbers")
}

// ensurePage makes the page of a normalised URL if it is not known, and learns its title. Pages are remembered: one
// that has a title keeps it.
func (s *Store) ensurePage(ctx context.Context, url, title string) (PageRef, error) {
	ref := PageRef{ID: PageID(url)}
	if known, ok := s.pages.Get(ref.ID); ok && (known.Title != "" || title == "") {
		return known, nil
	}
	err := s.pool.QueryRow(ctx, `SELECT url, title FROM pages WHERE id = $1`, ref.ID).Scan(&ref.URL, &ref.Title)
	if err != nil || ref.Title == "" && title != "" {
		err = s.pool.QueryRow(ctx, `
			INSERT INTO pages (id, url, title) VALUES ($1, $2, $3)
			ON CONFLICT (id) DO UPDATE SET title = CASE WHEN pages.title = '' THEN excluded.title ELSE pages.title END
			RETURNING url, title`, ref.ID, url, title).Scan(&ref.URL, &ref.Title)
	}
	if err == nil {
		s.pages.Add(ref.ID, ref)
	}
	return ref, translate(err, "make page")
}

// maxKnownPages is how many pages' URLs and titles are remembered: some kilobytes each at most.
const maxKnownPages = 4096
