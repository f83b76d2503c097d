package live

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"limn/storage"
	"limn/storage/storagetest"
)

// What docs/scaling.md counts with: a change of 1 KB from the tables to the topic, when many wait, over a broker within the
// process, whose work is counted, too; and a sweep over pages of which none is behind.
func BenchmarkFeed(b *testing.B) {
	store := storagetest.Open(b)
	ada, err := store.CreateAccount(b.Context(), storage.NewAccount{Name: "Ada"})
	if err != nil {
		b.Fatal(err)
	}
	conn, err := store.Connect(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(b.Context())
	pages := make([]uuid.UUID, sweepPages)
	for i := range pages {
		pages[i] = storage.PageID(fmt.Sprintf("https://example.org/%d", i))
	}
	_, err = conn.Exec(b.Context(), `
		WITH made AS (
			INSERT INTO pages (id, url, seq) SELECT id, 'https://example.org/' || n, 1 FROM unnest($1::uuid[]) WITH ORDINALITY AS p (id, n) RETURNING id
		)
		INSERT INTO highlights (page_id, id, seq, author_id, group_id, ranges, color, note, tags, check_state, created_at, updated_at)
		SELECT id, gen_random_uuid(), 1, $2, $3, '[]', 'yellow', repeat('note ', 150), '{}', 'pending', now(), now() FROM made`,
		pages, ada.ID, storage.Public)
	if err != nil {
		b.Fatal(err)
	}
	feed := NewFeed(store, startBroker(b).topic(), slog.New(slog.DiscardHandler))
	client, err := feed.connect()
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	if _, err := store.LeadFeed(b.Context(), feed.instance, time.Hour); err != nil {
		b.Fatal(err)
	}
	w := &feedWriter{Feed: feed, client: client, renewed: time.Now()}
	if err := w.begin(b.Context()); err != nil {
		b.Fatal(err)
	}
	if _, err := conn.Exec(b.Context(), `ANALYZE`); err != nil {
		b.Fatal(err)
	}

	b.Run("change", func(b *testing.B) {
		for b.Loop() {
			w.edition.ID = uuid.New() // which has nothing yet
			for from := 0; from < 4*feedPages; from += feedPages {
				if err := w.write(b.Context(), pages[from:from+feedPages]); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(4*feedPages), "ns/change")
	})
	b.Run("sweep", func(b *testing.B) {
		if err := w.write(b.Context(), pages); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if behind, _, err := store.PagesBehindFeed(b.Context(), w.edition.ID, uuid.Nil, sweepPages); err != nil || len(behind) > 0 {
				b.Fatal(len(behind), err)
			}
		}
	})
}
