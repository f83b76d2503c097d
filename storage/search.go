package storage

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// What can be searched for is kept beside the highlights, a row each, and follows them: triggers note in search_due which
// ones have changed, and FillSearch takes them from there. A search begins by taking what is left, so that it finds what
// was acknowledged before it.

const (
	searchBatch = 128        // highlights in one transaction of FillSearch
	maxSearched = 128 << 10  // bytes of a highlight with its thread that can be searched for; a tsvector has at most 1 MB
	maxSearch   = 1000       // bytes of what is searched for
	searchLock  = 0x6c696d6e // the advisory lock of those who fill
	searchWait  = "200ms"    // for others who fill, before a search does without what they have at hand
	minPart     = 3          // letters of a part of a word: what an index of trigrams knows
)

// MaxSearch is how many bytes may be searched for at once.
const MaxSearch = 1000

// languages are the subtags (BCP 47) of the languages that words are known in their forms of; migrations/ has a
// configuration words_… for each.
var languages = map[string]string{
	"ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish", "eu": "basque",
	"fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian",
	"lt": "lithuanian", "nb": "norwegian", "ne": "nepali", "nl": "dutch", "nn": "norwegian", "no": "norwegian", "pt": "portuguese",
	"ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}

// languageOf is the language that a page's tag names; simple: its words are compared as they stand.
func languageOf(tag string) string {
	primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
	if language, known := languages[primary]; known {
		return language
	}
	return "simple"
}

// indexParts sees to the index by which parts of words are found. It takes the extension pg_trgm, which comes with Postgres
// but is missing where it was installed without its contrib modules, and is refused to who may not create anything in the
// database.
func indexParts(ctx context.Context, pool *pgxpool.Pool) (indexed bool, err error) {
	const isIndexed = `SELECT to_regclass('search_parts') IS NOT NULL`
	if err := pool.QueryRow(ctx, isIndexed).Scan(&indexed); err != nil || indexed {
		return indexed, err
	}
	_, err = pool.Exec(ctx, `
		DO $$
		BEGIN
			PERFORM pg_advisory_xact_lock(`+strconv.Itoa(searchLock)+`);
			CREATE EXTENSION IF NOT EXISTS pg_trgm;
			CREATE INDEX IF NOT EXISTS search_parts ON search USING gin (body gin_trgm_ops) WITH (gin_pending_list_limit = 1024);
		EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
		END $$`)
	if err == nil {
		err = pool.QueryRow(ctx, isIndexed).Scan(&indexed)
	}
	return indexed, err
}

// SearchesParts says whether a search also finds parts of words.
func (s *Store) SearchesParts() bool { return s.searchesParts }

// FillSearch takes up to limit highlights that have changed into what is searched, and says whether there are more.
func (s *Store) FillSearch(ctx context.Context) (more bool, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		more, err = fillSearch(ctx, tx)
		return err
	})
	return more, translate(err, "fill the search")
}

func fillSearch(ctx context.Context, tx pgx.Tx) (more bool, err error) {
	// One at a time, so that of two who have read a highlight it is not the first who writes last.
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, searchLock); err != nil {
		return false, err
	}
	rows, _ := tx.Query(ctx, `
		DELETE FROM search_due WHERE ctid = ANY (ARRAY(SELECT ctid FROM search_due LIMIT $1)) RETURNING page_id, id`, searchBatch)
	type place struct{ Page, ID uuid.UUID }
	due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[place])
	if err != nil || len(due) == 0 {
		return false, err
	}
	var pages, ids []uuid.UUID
	for _, d := range due {
		if !slices.Contains(ids, d.ID) {
			pages, ids = append(pages, d.Page), append(ids, d.ID)
		}
	}
	texts, cut, err := searchTexts(ctx, tx, pages, ids)
	if err != nil {
		return false, err
	}
	if cut { // the others wait for the next time
		for _, t := range texts {
			i := slices.Index(ids, t.id)
			pages, ids = slices.Delete(pages, i, i+1), slices.Delete(ids, i, i+1)
		}
		_, err := tx.Exec(ctx, `INSERT INTO search_due (page_id, id) SELECT * FROM unnest($1::uuid[], $2::uuid[])`, pages, ids)
		if err != nil {
			return false, err
		}
	}
	return cut || len(due) == searchBatch, putSearch(ctx, tx, texts)
}

// A searchText is what of a highlight can be searched for.
type searchText struct {
	page, id, group  uuid.UUID
	created, updated time.Time
	color, language  string
	fields           []string
}

// searchTexts reads it of some highlights. Cut: not of all of them, because they are large.
func searchTexts(ctx context.Context, tx pgx.Tx, pages, ids []uuid.UUID) (texts []searchText, cut bool, err error) {
	rows, _ := tx.Query(ctx, `
		SELECT h.page_id, h.id, h.group_id, h.created_at, h.updated_at, h.color, p.language, coalesce(nullif(h.title, ''), p.title), array_to_string(h.tags, ' '),
		       (SELECT string_agg(r->'quote'->>'exact', E'\n') FROM jsonb_array_elements(h.ranges) r),
		       h.note,
		       (SELECT string_agg(left(r.note, @most), E'\n') FROM (
		           SELECT note FROM replies r WHERE r.page_id = h.page_id AND r.highlight_id = h.id AND r.deleted_at IS NULL
		           ORDER BY r.created_at LIMIT 200) r)
		FROM unnest(@pages::uuid[], @ids::uuid[]) due (page, id)
		JOIN highlights h ON h.page_id = due.page AND h.id = due.id JOIN pages p ON p.id = h.page_id
		WHERE h.deleted_at IS NULL`, pgx.NamedArgs{"pages": pages, "ids": ids, "most": maxSearched / 8})
	return collectSome(rows, func(row pgx.CollectableRow) (t searchText, err error) {
		var title, tags, note string
		var quote, thread *string
		err = row.Scan(&t.page, &t.id, &t.group, &t.created, &t.updated, &t.color, &t.language, &title, &tags, &quote, &note, &thread)
		t.fields = []string{title, tags, orZero(quote), note, orZero(thread)}
		return t, err
	})
}

func orZero(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// putSearch writes what can be searched for.
func putSearch(ctx context.Context, tx pgx.Tx, texts []searchText) error {
	var pages, ids, groups []uuid.UUID
	var created, updated []time.Time
	var colors, names, bodies []string
	for _, t := range texts {
		pages, ids, groups = append(pages, t.page), append(ids, t.id), append(groups, t.group)
		created, updated, colors = append(created, t.created), append(updated, t.updated), append(colors, t.color)
		names, bodies = append(names, languageOf(t.language)), append(bodies, searchBody(t.fields))
	}
	_, err := tx.Exec(ctx, `
		WITH known AS (
			INSERT INTO search_languages (name) SELECT DISTINCT unnest(@languages::text[]) ON CONFLICT DO NOTHING
		)
		INSERT INTO search (page_id, id, group_id, created_at, updated_at, color, language, body, words)
		SELECT page, id, grp, created, updated, color, language, body, to_tsvector(('words_' || language)::regconfig, body)
		FROM unnest(@pages::uuid[], @ids::uuid[], @groups::uuid[], @created::timestamptz[], @updated::timestamptz[], @colors::text[], @languages::text[], @bodies::text[])
		     AS t (page, id, grp, created, updated, color, language, body)
		ON CONFLICT (page_id, id) DO UPDATE SET
			group_id = excluded.group_id, updated_at = excluded.updated_at, color = excluded.color,
			language = excluded.language, body = excluded.body, words = excluded.words`,
		pgx.NamedArgs{
			"pages": pages, "ids": ids, "groups": groups, "created": created, "updated": updated, "colors": colors,
			"languages": names, "bodies": bodies,
		})
	return err
}

// searchBody is a text as it is searched: its words, with a space between them, and a line for each field. Postgres'
// own parser would see files, tags and addresses in it, and not find what is in those.
func searchBody(fields []string) string {
	var body strings.Builder
	for _, field := range fields {
		body.WriteByte('\n')
		words(field, func(w word) bool {
			if body.Len()+len(w.text) > maxSearched {
				return false
			}
			body.WriteByte(' ')
			body.WriteString(w.text)
			return true
		})
	}
	return body.String()
}

// eraseSearch makes what is erased impossible to find. Whoever fills meanwhile is waited for, and would otherwise put
// back what they have read before.
func eraseSearch(ctx context.Context, tx pgx.Tx, held heldHighlight) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock_shared($1)`, searchLock)
	if err == nil {
		_, err = tx.Exec(ctx, `DELETE FROM search WHERE page_id = $1 AND id = $2`, held.page, held.id)
	}
	return err
}

// A matching is how a search finds highlights: by their words, or by parts of words.
type matching struct {
	words      string    // a tsquery that every one of them matches
	singles    string    // likewise, of words alone, which an index tells by itself; empty: there are none
	languages  []string  // if it says something else in each language: those that there are,
	queries    []string  // and what it says there
	neighbours [][]int32 // of phrases and signs, in each language: every highlight has all of one of these
	parts      []string  // patterns for LIKE
	unknown    bool      // how many there are cannot be told before: words have to follow each other, or to have parts
}

// matchings are the ways to search for a text, in the order in which they are tried: if no highlight has the words, those
// are found that have them as parts of longer ones. There is none if there is no word in it.
func (s *Store) matchings(ctx context.Context, filter Filter) ([]*matching, error) {
	all := terms(filter.Text)
	if len(all) == 0 {
		return nil, nil
	}
	if filter.Tag != "" { // whose words every one of them has, too: tags have no index of their own
		all = append(all, terms(`"`+quotes.Replace(filter.Tag)+`"`)...)
	}
	if err := s.catchUp(ctx); err != nil {
		return nil, err
	}
	phrases, prefixes := make([]string, len(all)), make([]bool, len(all))
	for i, t := range all {
		phrases[i], prefixes[i] = t.words, t.prefix
	}
	// As text, so that the statement that uses it is planned for these words: how often they occur decides how.
	rows, _ := s.pool.Query(ctx, `
		SELECT l.name, string_agg('(' || q::text || ')', ' & '), string_agg('(' || q::text || ')', ' & ') FILTER (WHERE NOT prefix AND words NOT LIKE '% %'), (
			SELECT array_agg(DISTINCT next) FROM unnest($1::text[], $2::boolean[]) AS t (words, prefix),
			LATERAL unnest(neighbours(to_tsvector(('words_' || l.name)::regconfig, words))) AS next
			WHERE prefix OR words LIKE '% %')
		FROM search_languages l, unnest($1::text[], $2::boolean[]) AS t (words, prefix),
		LATERAL (SELECT CASE WHEN prefix THEN to_tsquery(('words_' || l.name)::regconfig, words || ':*')
		                     ELSE phraseto_tsquery(('words_' || l.name)::regconfig, words) END) AS p (q)
		WHERE numnode(q) > 0
		GROUP BY l.name ORDER BY l.name`, phrases, prefixes)
	m := &matching{unknown: slices.ContainsFunc(all, func(t term) bool { return strings.Contains(t.words, " ") })}
	var name, query string
	var single *string
	var neighbours []int32
	var singles []string
	_, err := pgx.ForEachRow(rows, []any{&name, &query, &single, &neighbours}, func() error {
		m.languages, m.queries, singles = append(m.languages, name), append(m.queries, query), append(singles, orZero(single))
		m.neighbours = append(m.neighbours, neighbours)
		return nil
	})
	if err != nil || len(m.queries) == 0 {
		return nil, translate(err, "read what is searched for")
	}
	different, alone := slices.Compact(slices.Sorted(slices.Values(m.queries))), slices.Compact(slices.Sorted(slices.Values(singles)))
	m.words = strings.Join(different, " | ")
	m.unknown = m.unknown || slices.ContainsFunc(m.neighbours, func(n []int32) bool { return len(n) > 0 })
	if alone[0] != "" { // where nothing stands alone it comes first
		m.singles = strings.Join(alone, " | ")
	}
	m.neighbours = slices.CompactFunc(slices.SortedFunc(slices.Values(m.neighbours), slices.Compare), slices.Equal)
	if len(different) == 1 {
		m.languages, m.queries = nil, nil
	}
	ways := []*matching{m}
	if parts := s.partsOf(all); parts != nil {
		ways = append(ways, &matching{parts: parts, unknown: true})
	}
	return ways, nil
}

// partsOf are the patterns of terms as parts of words; nil: they cannot be looked for.
func (s *Store) partsOf(all []term) (patterns []string) {
	long := false
	for _, t := range all {
		patterns = append(patterns, "%"+t.words+"%") // of letters and digits
		long = long || len([]rune(t.words)) >= minPart
	}
	if !long || !s.searchesParts {
		return nil
	}
	return patterns
}

// catchUp fills in what has changed, unless that is much: whoever has written something finds it.
func (s *Store) catchUp(ctx context.Context) error {
	var due bool
	err := s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM search_due)`).Scan(&due)
	if err != nil || !due {
		return translate(err, "look for what cannot be found yet")
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '`+searchWait+`'`); err != nil {
			return err
		}
		_, err := fillSearch(ctx, tx)
		return err
	})
	var postgres *pgconn.PgError
	if errors.As(err, &postgres) && postgres.Code == "55P03" { // others fill in much at this moment
		return nil
	}
	return translate(err, "catch up with what cannot be found yet")
}

// conditions is a matching in SQL, of a highlight's row s in search.
func (m *matching) conditions(args pgx.NamedArgs) (conditions []string) {
	if m.parts != nil {
		for i, pattern := range m.parts {
			name := "part" + strconv.Itoa(i)
			args[name] = pattern
			conditions = append(conditions, "s.body LIKE @"+name)
		}
		return conditions
	}
	if len(m.neighbours[0]) > 0 { // in each language: those without any come first
		var any []string
		for i, neighbours := range m.neighbours {
			name := "neighbours" + strconv.Itoa(i)
			args[name] = neighbours
			any = append(any, "neighbours(s.words) @> @"+name+"::integer[]")
		}
		// The index of words would read of phrases all that have the words, and of a sign all words that begin with it.
		conditions = append(conditions, "("+strings.Join(any, " OR ")+")", "ts_match_vq(s.words, @words::text::tsquery)")
		args["words"] = m.words
		if m.singles != "" {
			conditions, args["singles"] = append(conditions, "s.words @@ @singles::text::tsquery"), m.singles
		}
	} else {
		conditions, args["words"] = append(conditions, "s.words @@ @words::text::tsquery"), m.words
	}
	if m.queries != nil { // a function, because the planner takes the operator for rarer than it is
		args["languages"], args["queries"] = m.languages, m.queries
		conditions = append(conditions, "ts_match_vq(s.words, (@queries::text[]::tsquery[])[array_position(@languages::text[], s.language)])")
	}
	return conditions
}
