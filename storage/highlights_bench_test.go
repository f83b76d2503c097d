package storage_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"limn/storage"
)

// BenchmarkCreateHighlight reports durable creates a second by 32 clients, and as a ratio to bare inserts of the same
// row into a table without keys of ours, on the same server in the same run.
func BenchmarkCreateHighlight(b *testing.B) {
	dir, err := os.MkdirTemp("", "limn-bench-")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	private, err := storage.StartPrivate(ctx, dir+"/data")
	if err != nil {
		b.Fatal(err)
	}
	defer private.Close()
	url := private.URL() + " pool_max_conns=32"
	store, err := storage.Open(ctx, url)
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, `CREATE TABLE bare (LIKE highlights INCLUDING DEFAULTS); ALTER TABLE bare ADD PRIMARY KEY (page_id, id)`); err != nil {
		b.Fatal(err)
	}
	ada := mustReader(b, store, "Ada")
	bare := func(int64) error {
		_, err := pool.Exec(ctx, `
			INSERT INTO bare (page_id, id, seq, version, author_id, group_id, left_groups, ranges, color, note, tags, replies, check_state, check_reason, created_at, updated_at)
			VALUES ($1, $2, 1, 1, $3, $1, '{}', '[]', 'yellow', $4, '{}', 0, 'pending', '', now(), now())`,
			uuid.Nil, uuid.Must(uuid.NewV7()), ada.Account.ID, benchNote)
		return err
	}
	create := func(pages int64) func(int64) error {
		return func(n int64) error {
			_, _, err := store.CreateHighlight(ctx, ada, storage.NewHighlight{
				URL: fmt.Sprintf("https://example.org/%d-%d", pages, n%pages), Title: "A page", Group: "public", Note: benchNote,
			})
			return err
		}
	}
	for _, c := range []struct {
		name  string
		write func(int64) error
	}{{"1000 pages", create(1000)}, {"one page", create(1)}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				floor := rate(b, bare)
				b.ReportMetric(rate(b, c.write)/floor, "of-bare")
				b.ReportMetric(floor, "bare/s")
			}
		})
	}
}

var benchNote = fmt.Sprintf("%0200d", 0)

// rate is how often a second 32 clients write.
func rate(b *testing.B, write func(n int64) error) float64 {
	b.Helper()
	const clients, span = 32, 3 * time.Second
	var n atomic.Int64
	var all sync.WaitGroup
	begin := time.Now()
	for range clients {
		all.Go(func() {
			for time.Since(begin) < span {
				if err := write(n.Add(1)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return float64(n.Load()) / time.Since(begin).Seconds()
}
