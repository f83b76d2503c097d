package intake_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"limn/export"
	"limn/intake"
	"limn/storage"
	"limn/storage/storagetest"
	"limn/xpath"
)

var many = flag.Int("many", 100_000, "how many highlights BenchmarkCarry carries")

// What goes in and out a second, beside COPY of the same rows in the same run, and what memory that takes.
func BenchmarkCarry(b *testing.B) {
	ctx := b.Context()
	store := storagetest.Open(b)
	conn, err := store.Connect(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	dir := b.TempDir()
	file, table := filepath.Join(dir, "highlights.ndjson"), filepath.Join(dir, "highlights.copy")
	writeMany(b, file, *many)
	before := residentPeak(b)

	ndjson, _ := intake.Find("ndjson")
	in := timed(b, func() {
		f, err := os.Open(file)
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		tally, err := store.TakeIn(ctx, storage.Intake{
			Restore: true, Changed: func(uuid.UUID) {}, Told: func(storage.Outcome) error { return nil },
		}, ndjson.Read(f))
		if err != nil || tally.Created != int64(*many) {
			b.Fatalf("%+v, %v", tally, err)
		}
	})
	for _, statement := range []string{`VACUUM ANALYZE highlights`, `CREATE TABLE copied (LIKE highlights INCLUDING ALL)`} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			b.Fatal(err)
		}
	}
	copyOut := timed(b, func() {
		f, err := os.Create(table)
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		w := bufio.NewWriterSize(f, 1<<20)
		if _, err := conn.PgConn().CopyTo(ctx, w, `COPY highlights TO STDOUT`); err != nil {
			b.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			b.Fatal(err)
		}
	})
	copyIn := timed(b, func() {
		f, err := os.Open(table)
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		if _, err := conn.PgConn().CopyFrom(ctx, f, `COPY copied FROM STDIN`); err != nil {
			b.Fatal(err)
		}
	})
	json, _ := export.Find("ndjson")
	out := timed(b, func() {
		if err := json.Write(io.Discard, "", store.Threads(ctx, storage.Operator, storage.Filter{}, true)); err != nil {
			b.Fatal(err)
		}
	})
	rate := func(d time.Duration) float64 { return float64(*many) / d.Seconds() }
	b.ReportMetric(rate(in), "in/s")
	b.ReportMetric(rate(in)/rate(copyIn), "in/COPY")
	b.ReportMetric(rate(out), "out/s")
	b.ReportMetric(rate(out)/rate(copyOut), "out/COPY")
	b.ReportMetric(residentPeak(b), "peak-MB")
	b.ReportMetric(before, "peak-before-MB")
	b.ReportMetric(0, "ns/op")
}

func timed(b *testing.B, do func()) time.Duration {
	b.Helper()
	begin := time.Now()
	do()
	return time.Since(begin)
}

// residentPeak is the most memory that this process has had.
func residentPeak(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kilobytes float64
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		b.Fatal(err)
	}
	return kilobytes / 1024
}

// writeMany writes highlights as people make them: ten on a page, one in five with a note, one in ten answered.
func writeMany(b testing.TB, name string, n int) {
	b.Helper()
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	encoder := json.NewEncoder(w)
	begin := time.Now().UTC().Add(-time.Duration(n) * time.Second).Truncate(time.Microsecond)
	authors := make([]storage.Account, 100)
	for i := range authors {
		authors[i] = storage.Account{ID: uuid.Must(uuid.NewV7()), Name: fmt.Sprintf("Author %d", i)}
	}
	for i := range n {
		at := begin.Add(time.Duration(i) * time.Second)
		path := fmt.Sprintf("/html[1]/body[1]/div[3]/article[1]/p[%d]/text()[1]", i%40+1)
		h := storage.Highlight{
			ID: uuid.Must(uuid.NewV7()), Page: storage.PageRef{URL: fmt.Sprintf("https://example.org/articles/%d", i/10), Title: "An article"},
			Group: "public", Author: authors[i%len(authors)], Color: "yellow", Tags: []string{}, Version: 1, Seq: int64(i%10*2 + 1),
			Ranges: []xpath.Range{{
				Anchor: xpath.Point{XPath: path, Offset: 14}, Focus: xpath.Point{XPath: path, Offset: 134},
				Quote:    &xpath.Quote{Exact: strings.Repeat("It was the best of times. ", 5)[:120], Prefix: strings.Repeat("p", 32), Suffix: strings.Repeat("s", 32)},
				Position: &xpath.Position{Start: 1042, End: 1162},
			}},
			Check: storage.Check{State: xpath.Verified, CheckedAt: &at}, CreatedAt: at, UpdatedAt: at,
		}
		thread := []storage.Reply{}
		if i%5 == 0 {
			h.Note, h.Tags = strings.Repeat("a note of some length ", 5), []string{"to read"}
		}
		if i%10 == 0 {
			h.Replies = 1
			thread = append(thread, storage.Reply{ID: uuid.Must(uuid.NewV7()), Highlight: h.ID, Author: h.Author, Note: "an answer", Version: 1, Seq: 20, CreatedAt: at, UpdatedAt: at})
		}
		err := encoder.Encode(struct {
			storage.Highlight
			VerifiedAt time.Time       `json:"verified_at"`
			Thread     []storage.Reply `json:"thread"`
		}{h, at, thread})
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
}
