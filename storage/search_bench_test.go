package storage_test

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"limn/storage"
	"limn/storage/storagetest"
	"limn/xpath"
)

var (
	benchHighlights = flag.Int("highlights", 1_000_000, "how many there are in benchmarks of lists")
	benchDatabase   = flag.String("database", "", "the URL of an empty database for them, which is left filled; empty: one of their own")
)

// A corpus is made of words that occur as words do: the n-th of them 1/n as often as the first.
type corpus struct {
	r       *rand.Rand
	words   []string
	pages   []uuid.UUID
	authors []uuid.UUID
	groups  []uuid.UUID
}

func newCorpus() *corpus {
	c := &corpus{r: rand.New(rand.NewPCG(1, 2))}
	for n := range 80_000 {
		var w strings.Builder
		for i := range 2 + int(math.Log(float64(n+1))) {
			w.WriteByte([]string{"tnshrdlcmfwpvbgkz", "aeiou"}[i%2][c.r.IntN([]int{17, 5}[i%2])])
		}
		c.words = append(c.words, w.String())
	}
	for n := range 50_000 {
		c.pages = append(c.pages, storage.PageID(fmt.Sprintf("https://example.org/%d", n)))
	}
	for n := range 5000 {
		c.authors = append(c.authors, uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, "author", n)))
	}
	for n := range 500 {
		c.groups = append(c.groups, uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, "group", n)))
	}
	return c
}

// often is a number below n, small ones more often than large ones.
func (c *corpus) often(n int) int {
	return min(n-1, int(math.Exp(c.r.Float64()*math.Log(float64(n))))-1)
}

// text is of some words; of one highlight in fifty, in Chinese.
func (c *corpus) text(words int, chinese bool) string {
	var text strings.Builder
	for range words {
		if chinese {
			text.WriteRune(rune(0x4e00 + c.often(4000)))
			continue
		}
		text.WriteString(c.words[c.often(len(c.words))])
		text.WriteByte(' ')
	}
	return text.String()
}

// fill writes highlights as they would be written one by one over three years.
func (c *corpus) fill(b *testing.B, conn *pgx.Conn, count int) {
	b.Helper()
	ctx := context.Background()
	exec := func(query string, args ...any) {
		b.Helper()
		if _, err := conn.Exec(ctx, query, args...); err != nil {
			b.Fatal(err)
		}
	}
	exec(`INSERT INTO pages (id, url, title, language, seq) SELECT id, 'https://example.org/' || n - 1, 'A page', 'en', 1000000 FROM unnest($1::uuid[]) WITH ORDINALITY AS p (id, n)`, c.pages)
	exec(`INSERT INTO accounts (id, name, name_key) SELECT id, id, id FROM unnest($1::uuid[]) AS a (id)`, c.authors)
	exec(`INSERT INTO search_languages VALUES ('english')`)
	exec(`CREATE TEMPORARY TABLE bodies (page_id uuid, id uuid, body text)`)
	exec(`ALTER TABLE highlights DISABLE TRIGGER ALL; ALTER TABLE search DISABLE TRIGGER ALL; DROP INDEX search_words; DROP INDEX search_parts`)
	begin := time.Now().Add(-3 * 365 * 24 * time.Hour)
	ids := make([]uuid.UUID, count)
	seqs := map[uuid.UUID]int64{}
	var body [2]string
	var author, group uuid.UUID
	next := func(columns func(i int, id, page uuid.UUID) []any) pgx.CopyFromSource {
		c.r = rand.New(rand.NewPCG(3, 4))
		clear(seqs)
		i := -1
		return pgx.CopyFromFunc(func() ([]any, error) {
			if i++; i == count {
				return nil, nil
			}
			if ids[i] == uuid.Nil {
				ids[i] = uuid.Must(uuid.NewV7())
			}
			page := c.pages[c.often(len(c.pages))]
			seqs[page]++
			chinese := c.r.IntN(50) == 0
			body = [2]string{c.text(30, chinese), c.text(20, chinese)}
			author, group = c.authors[c.often(len(c.authors))], storage.Public
			switch c.r.IntN(10) {
			case 0, 1:
				group = c.groups[c.r.IntN(len(c.groups))]
			case 2:
				group = author
			}
			return columns(i, ids[i], page), nil
		})
	}
	_, err := conn.CopyFrom(ctx, pgx.Identifier{"highlights"},
		[]string{"page_id", "id", "seq", "author_id", "group_id", "ranges", "color", "note", "tags", "check_state", "created_at", "updated_at"},
		next(func(i int, id, page uuid.UUID) []any {
			at := begin.Add(time.Duration(i) * (3 * 365 * 24 * time.Hour / time.Duration(count)))
			ranges := []xpath.Range{{
				Anchor: xpath.Point{XPath: "/html[1]/body[1]/div[3]/main[1]/p[12]/text()[1]", Offset: 12}, Focus: xpath.Point{XPath: "/html[1]/body[1]/div[3]/main[1]/p[12]/text()[1]", Offset: 212},
				Quote: &xpath.Quote{Exact: body[0]}, Position: &xpath.Position{Start: i % 5000, End: i%5000 + 200},
			}}
			tags, color, state := []string{}, "yellow", "verified"
			if i%10 == 0 {
				tags = []string{fmt.Sprintf("tag%d", i%1000)}
			}
			if i%5 == 0 {
				color = "green"
			}
			if i%20 == 0 {
				state = "moved"
			}
			return []any{page, id, seqs[page], author, group, ranges, color, body[1], tags, state, at, at}
		}))
	if err != nil {
		b.Fatal(err)
	}
	_, err = conn.CopyFrom(ctx, pgx.Identifier{"bodies"}, []string{"page_id", "id", "body"},
		next(func(_ int, id, page uuid.UUID) []any {
			return []any{page, id, storage.SearchBody("A page", body[0], body[1])}
		}))
	if err != nil {
		b.Fatal(err)
	}
	exec(`INSERT INTO search (page_id, id, group_id, created_at, updated_at, color, language, body, words)
		SELECT page_id, id, group_id, created_at, updated_at, color, 'english', body, to_tsvector('words_english', body) FROM bodies JOIN highlights USING (page_id, id) ORDER BY id`)
	exec(`SET maintenance_work_mem = '256MB'`)
	exec(`CREATE INDEX search_words ON search USING gin (words) WITH (gin_pending_list_limit = 512)`)
	exec(`CREATE INDEX search_parts ON search USING gin (body gin_trgm_ops) WITH (gin_pending_list_limit = 1024)`)
	exec(`ALTER TABLE highlights ENABLE TRIGGER ALL; ALTER TABLE search ENABLE TRIGGER ALL`)
	exec(`VACUUM ANALYZE`)
}

// openCorpus is a store with many highlights.
func openCorpus(b *testing.B) (*storage.Store, *corpus) {
	b.Helper()
	url := *benchDatabase
	if url == "" {
		url = storagetest.URL(b)
	}
	store, err := storage.Open(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(store.Close)
	conn, err := store.Connect(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	c := newCorpus()
	var filled bool
	if err := conn.QueryRow(b.Context(), `SELECT EXISTS (SELECT FROM highlights)`).Scan(&filled); err != nil {
		b.Fatal(err)
	}
	if !filled {
		c.fill(b, conn, *benchHighlights)
	}
	return store, c
}

// BenchmarkSearch reports how long searches take among a million highlights.
func BenchmarkSearch(b *testing.B) {
	store, c := openCorpus(b)
	conn, err := store.Connect(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	var sizes string
	err = conn.QueryRow(b.Context(), `
		SELECT string_agg(relname || ' ' || pg_size_pretty(pg_relation_size(oid)), ', ' ORDER BY relname) FROM pg_class
		WHERE relname IN ('highlights', 'search', 'search_words', 'search_parts')`).Scan(&sizes)
	if err != nil {
		b.Fatal(err)
	}
	fmt.Println(sizes)

	member := storage.Reader{Groups: append([]uuid.UUID{storage.Public, c.authors[0]}, c.groups[:50]...)}
	word := func(rank int) string { return c.words[rank] }
	kinds := []struct {
		name string
		text func() string
	}{
		{"common", func() string { return word(c.r.IntN(20)) }},
		{"usual", func() string { return word(50 + c.r.IntN(500)) }},
		{"seldom", func() string { return word(1000 + c.r.IntN(4000)) }},
		{"rare", func() string { return word(50_000 + c.r.IntN(30_000)) }},
		{"absent", func() string { return "zzyx" + word(c.r.IntN(5000)) }},
		{"two words", func() string { return word(c.r.IntN(300)) + " " + word(c.r.IntN(300)) }},
		{"common and rare", func() string { return word(c.r.IntN(20)) + " " + word(20_000+c.r.IntN(50_000)) }},
		{"phrase", func() string { return `"` + word(c.r.IntN(300)) + " " + word(c.r.IntN(300)) + `"` }},
		{"Chinese", func() string { return string([]rune{rune(0x4e00 + c.often(4000)), rune(0x4e00 + c.often(4000))}) }},
		{"Chinese, one sign", func() string { return string(rune(0x4e00 + c.often(4000))) }},
		{"part", func() string { w := word(30_000 + c.r.IntN(50_000)); return w[1:] }},
		{"short part", func() string { w := word(1000 + c.r.IntN(5000)); return w[1:4] }},
	}
	filters := []struct {
		name   string
		reader storage.Reader
		filter storage.Filter
	}{
		{"public", storage.Anonymous, storage.Filter{}},
		{"oldest first", storage.Anonymous, storage.Filter{Sort: "created"}},
		{"last changed", storage.Anonymous, storage.Filter{Sort: "-updated"}},
		{"50 groups", member, storage.Filter{}},
		{"one page", storage.Anonymous, storage.Filter{Page: c.pages[0]}},
		{"one author", storage.Anonymous, storage.Filter{Author: c.authors[0]}},
		{"tag", storage.Anonymous, storage.Filter{Tag: "tag10"}},
		{"color", storage.Anonymous, storage.Filter{Color: "green"}},
		{"state", storage.Anonymous, storage.Filter{State: xpath.Moved}},
		{"last month", storage.Anonymous, storage.Filter{Since: time.Now().Add(-30 * 24 * time.Hour)}},
		{"one group", storage.Reader{Groups: c.groups[:1]}, storage.Filter{}},
	}
	b.Run("queries", func(b *testing.B) {
		var all []time.Duration
		for b.Loop() {
			for _, f := range filters {
				for _, k := range kinds {
					const times = 20
					var took []time.Duration
					found := 0
					for range times {
						filter := f.filter
						filter.Text = k.text()
						begin := time.Now()
						list, _, _, err := store.ListHighlights(b.Context(), f.reader, filter, storage.Paging{Limit: 50})
						if err != nil {
							b.Fatal(err)
						}
						took = append(took, time.Since(begin))
						found += len(list)
					}
					all = append(all, took...)
					slices.Sort(took)
					fmt.Printf("%-14s %-18s p50 %6.1f ms, p95 %6.1f ms, found %.1f\n", f.name, k.name, ms(took[times/2]), ms(took[times*95/100]), float64(found)/times)
				}
			}
		}
		slices.Sort(all)
		b.ReportMetric(ms(all[len(all)/2]), "p50-ms")
		b.ReportMetric(ms(all[len(all)*95/100]), "p95-ms")
		b.ReportMetric(0, "ns/op")
	})
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
