package storage

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"limn/xpath"
)

// A Snippet is a piece of what a search has found, with the words that it was found by. Nothing in it is markup.
type Snippet struct {
	Field string           `json:"field"` // quote, note, tags, title or replies; empty: it is not known where
	Text  string           `json:"text"`
	Marks []xpath.Position `json:"marks"` // UTF-16 code units of the text
}

const (
	snippetLength = 240      // characters
	snippetBefore = 60       // characters before the first word that was found
	snippetWords  = 1000     // of a highlight that are looked at
	snippetNote   = 16 << 10 // bytes of a note, or of a thread, that are made readable
)

// snippetFields are the fields of a searchText, in the order in which they are looked at.
var snippetFields = []struct {
	name  string
	index int
}{{"quote", 2}, {"note", 3}, {"tags", 1}, {"title", 0}, {"replies", 4}}

// Snippets are those of highlights that a search for a text has found, which the reader may see, in their order. Notes are
// shown as readable makes them; one that has the words in its markup alone is shown as it was written.
func (s *Store) Snippets(ctx context.Context, text string, found []Highlight, readable func(note string) (string, error)) ([]Snippet, error) {
	pages, ids := make([]uuid.UUID, len(found)), make([]uuid.UUID, len(found))
	for i, h := range found {
		pages[i], ids[i] = h.Page.ID, h.ID
	}
	snippets := make([]Snippet, len(found))
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		texts, _, err := searchTexts(ctx, tx, pages, ids)
		if err != nil {
			return err
		}
		known, err := matchedWords(ctx, tx, terms(text), texts)
		if err != nil {
			return err
		}
		for _, t := range texts {
			shown, err := t.readable(readable)
			if err != nil {
				return err
			}
			snippet := shown.snippet(known)
			if snippet.Field == "" {
				snippet = t.snippet(known)
			}
			snippets[slices.Index(ids, t.id)] = snippet
		}
		return nil
	})
	for i := range snippets {
		snippets[i].Marks = orEmpty(snippets[i].Marks)
	}
	return snippets, translate(err, "make snippets")
}

// readable is the text with its note and its thread as they are shown.
func (t searchText) readable(as func(note string) (string, error)) (searchText, error) {
	t.fields = slices.Clone(t.fields)
	for _, f := range snippetFields {
		if f.name != "note" && f.name != "replies" {
			continue
		}
		text, err := as(strings.ToValidUTF8(t.fields[f.index][:min(len(t.fields[f.index]), snippetNote)], ""))
		if err != nil {
			return t, err
		}
		t.fields[f.index] = text
	}
	return t, nil
}

// A languageWord is a word in a language.
type languageWord struct{ language, word string }

// matchedWords are those words of some texts that a search looks for, in whatever form, or that have a part that it looks for.
func matchedWords(ctx context.Context, tx pgx.Tx, all []term, texts []searchText) (map[languageWord]bool, error) {
	var parts, prefixes []string
	for _, t := range all {
		if t.prefix {
			prefixes = append(prefixes, t.words)
			continue
		}
		parts = append(parts, strings.Fields(t.words)...)
	}
	known := map[languageWord]bool{}
	var languages, words []string
	for _, t := range texts {
		t.each(func(_ int, w word) {
			key := languageWord{languageOf(t.language), w.text}
			if _, seen := known[key]; seen {
				return
			}
			known[key] = slices.Contains(parts, w.text) || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(w.text, p) })
			if w.kind == spaced && !known[key] {
				languages, words = append(languages, key.language), append(words, key.word)
			}
		})
	}
	rows, _ := tx.Query(ctx, `
		WITH asked AS (
			SELECT name, string_agg(q::text, ' | ')::tsquery AS any FROM (SELECT DISTINCT unnest($1::text[])) l (name), unnest($3::text[]) AS part,
			LATERAL (SELECT plainto_tsquery(('words_' || name)::regconfig, part)) AS p (q)
			WHERE numnode(q) > 0 GROUP BY name
		)
		SELECT language, word FROM unnest($1::text[], $2::text[]) AS w (language, word) JOIN asked ON name = language
		WHERE to_tsvector(('words_' || language)::regconfig, word) @@ asked.any`, languages, words, parts)
	var key languageWord
	_, err := pgx.ForEachRow(rows, []any{&key.language, &key.word}, func() error {
		known[key] = true
		return nil
	})
	if !slices.Contains(slices.Collect(maps.Values(known)), true) { // they were found by parts of words
		for key := range known {
			known[key] = slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(key.word, p) })
		}
	}
	return known, err
}

// each hands out the words of a text with the field that they are in, up to a limit for each field.
func (t searchText) each(yield func(field int, w word)) {
	for field, text := range t.fields {
		n := 0
		words(text, func(w word) bool {
			yield(field, w)
			n++
			return n < snippetWords
		})
	}
}

// snippet is the piece around the first of the words, of the field with the most of them.
func (t searchText) snippet(known map[languageWord]bool) Snippet {
	marks := make([][]word, len(t.fields))
	different := make([]map[string]bool, len(t.fields))
	t.each(func(field int, w word) {
		if known[languageWord{languageOf(t.language), w.text}] {
			if different[field] == nil {
				different[field] = map[string]bool{}
			}
			marks[field], different[field][w.text] = append(marks[field], w), true
		}
	})
	best := snippetFields[0]
	for _, f := range snippetFields {
		if len(different[f.index]) > len(different[best.index]) {
			best = f
		}
	}
	if len(marks[best.index]) == 0 {
		return Snippet{}
	}
	return cutSnippet(best.name, t.fields[best.index], marks[best.index])
}

// cutSnippet cuts the piece out of a field.
func cutSnippet(name, text string, marks []word) Snippet {
	start := marks[0].start
	for range snippetBefore {
		_, size := utf8.DecodeLastRuneInString(text[:start])
		start -= size
	}
	piece := truncate(text[start:], snippetLength)
	snippet := Snippet{Field: name, Text: piece}
	for _, w := range marks {
		if w.end > start+len(piece) {
			break
		}
		at := xpath.Position{Start: xpath.Units(piece[:w.start-start]), End: xpath.Units(piece[:w.end-start])}
		if last := len(snippet.Marks) - 1; last >= 0 && snippet.Marks[last].End >= at.Start { // pairs overlap
			snippet.Marks[last].End = max(snippet.Marks[last].End, at.End)
			continue
		}
		snippet.Marks = append(snippet.Marks, at)
	}
	return snippet
}
