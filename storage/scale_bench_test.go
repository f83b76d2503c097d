package storage_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"limn/storage"
	"limn/storage/storagetest"
)

// What docs/scaling.md counts with: a write, one at a time and without a flush; the query of one instance for one change
// of a page; and the comparison of the numbers of many pages.
func BenchmarkUnitCosts(b *testing.B) {
	store := storagetest.Open(b)
	ada := mustReader(b, store, "Ada")
	const pages = 40_000
	ids := make([]uuid.UUID, pages)
	for i := range ids {
		ids[i] = storage.PageID(fmt.Sprintf("https://example.org/%d", i))
	}
	conn, err := store.Connect(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(b.Context())
	if _, err := conn.Exec(b.Context(), `INSERT INTO pages (id, url) SELECT id, 'https://example.org/' || n FROM unnest($1::uuid[]) WITH ORDINALITY AS p (id, n)`, ids); err != nil {
		b.Fatal(err)
	}
	h, _, err := store.CreateHighlight(b.Context(), ada, storage.NewHighlight{URL: "https://example.org/0", Group: "public", Note: benchNote})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := conn.Exec(b.Context(), `ANALYZE`); err != nil {
		b.Fatal(err)
	}

	b.Run("create", func(b *testing.B) {
		var before, after int64
		const written = `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint`
		if err := conn.QueryRow(b.Context(), written).Scan(&before); err != nil {
			b.Fatal(err)
		}
		for n := 0; b.Loop(); n++ {
			url := fmt.Sprintf("https://example.org/%d", n%pages)
			if _, _, err := store.CreateHighlight(b.Context(), ada, storage.NewHighlight{URL: url, Group: "public", Note: benchNote}); err != nil {
				b.Fatal(err)
			}
		}
		if err := conn.QueryRow(b.Context(), written).Scan(&after); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(after-before)/float64(b.N), "WAL-bytes/op")
	})
	b.Run("one change", func(b *testing.B) {
		seqs, err := store.PageSeqs(b.Context(), []uuid.UUID{h.Page.ID})
		if err != nil {
			b.Fatal(err)
		}
		last := seqs[h.Page.ID]
		for b.Loop() {
			if changes, _, err := store.Changes(b.Context(), h.Page.ID, last-1, 500); err != nil || len(changes) != 1 {
				b.Fatal(len(changes), err)
			}
		}
	})
	b.Run("numbers of 40000 pages", func(b *testing.B) {
		for b.Loop() {
			if seqs, err := store.PageSeqs(b.Context(), ids); err != nil || len(seqs) != pages {
				b.Fatal(len(seqs), err)
			}
		}
	})
}
