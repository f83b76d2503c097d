package storage_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"limn/storage"
)

// BenchmarkPopular reports how long it takes to count what is popular among a million highlights of three years.
func BenchmarkPopular(b *testing.B) {
	store, c := openCorpus(b)
	for _, w := range storage.Windows {
		for name, page := range map[string]uuid.UUID{"all pages": uuid.Nil, "the busiest page": c.pages[0]} {
			b.Run(w+" of "+name, func(b *testing.B) {
				var took []time.Duration
				for b.Loop() {
					begin := time.Now()
					if _, err := store.ListPopular(b.Context(), storage.Anonymous, page, storage.Window(w).Since(begin), 50); err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(begin))
				}
				slices.Sort(took)
				b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
				b.ReportMetric(ms(took[len(took)*95/100]), "p95-ms")
			})
		}
	}
}
