package storage

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A word is one that can be searched for, where it stands in a text.
type word struct {
	text       string // as it is compared: NFKC, in lower case, letters and digits alone
	start, end int    // bytes of the original
	kind       wordKind
}

// A wordKind tells how a word was cut out of the text.
type wordKind int

const (
	spaced wordKind = iota // between spaces and punctuation
	pair                   // two neighbours of a script that is written without spaces, each pair overlapping the next
	last                   // the last sign of such a run, alone: so each sign begins a word
)

// maxWord is how many bytes of a word are compared: what is longer is no word of any language.
const maxWord = 200

// unspaced are the scripts that are written without spaces between words, or in which words take so many endings that a
// word is seldom seen alone.
var unspaced = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar,
}

// isUnspaced also takes the signs of length and voice that Unicode counts to no script.
func isUnspaced(r rune) bool {
	return r >= 0x0e00 && unicode.In(r, unspaced...) || r == 'ー' || r == 'ｰ' || r == 'ﾞ' || r == 'ﾟ'
}

func isWordRune(r rune) bool { return unicode.In(r, unicode.L, unicode.M, unicode.N) }

// isUnseen is for what stands in words without being seen there: soft hyphens, joiners, marks of direction.
func isUnseen(r rune) bool { return r != '\u200b' && unicode.Is(unicode.Cf, r) }

// words cuts a text into words, and hands them out until it is told to stop.
func words(text string, yield func(word) bool) {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		if !isWordRune(r) {
			at += size
			continue
		}
		end := endOfRun(text, at, isUnspaced(r))
		var more bool
		if isUnspaced(r) {
			more = pairs(text, at, end, yield)
		} else {
			more = one(text, at, end, spaced, yield)
		}
		if !more {
			return
		}
		at = end
	}
}

// endOfRun is where a run of letters ends that are written with spaces, or without.
func endOfRun(text string, at int, without bool) int {
	for at < len(text) {
		r, size := utf8.DecodeRuneInString(text[at:])
		if !isUnseen(r) && !(unicode.Is(unicode.M, r) || isWordRune(r) && isUnspaced(r) == without) {
			break
		}
		at += size
	}
	return at
}

// one hands out what stands from start to end as one word.
func one(text string, start, end int, kind wordKind, yield func(word) bool) bool {
	if normal := normalWord(text[start:end]); normal != "" {
		return yield(word{normal, start, end, kind})
	}
	return true
}

// pairs hands out a run of signs pair by pair. A sign is what Unicode composes: a letter with its marks.
func pairs(text string, start, end int, yield func(word) bool) bool {
	var signs norm.Iter
	signs.InitString(norm.NFKC, text[start:end])
	before := -1
	for !signs.Done() {
		at := signs.Pos()
		signs.Next()
		if before >= 0 && !one(text, start+before, start+signs.Pos(), pair, yield) {
			return false
		}
		before = at
	}
	return one(text, start+before, end, last, yield)
}

// normalWord is a word as it is compared.
func normalWord(text string) string {
	normal := strings.Map(func(r rune) rune {
		if !isWordRune(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKC.String(text))
	for len(normal) > maxWord {
		_, size := utf8.DecodeLastRuneInString(normal)
		normal = normal[:len(normal)-size]
	}
	return normal
}

// A term is a part of what is searched for: words that have to follow each other.
type term struct {
	words  string // with a space between them
	prefix bool   // it is one sign, with which a pair has to begin
}

// terms cuts what is searched for into terms, each of which has to be found. Words in quotation marks are one term, and
// so is what has no space in it, but for a change between scripts with and without spaces.
func terms(query string) (all []term) {
	seen := map[term]bool{}
	add := func(t term) {
		if t.words != "" && !seen[t] {
			seen[t] = true
			all = append(all, t)
		}
	}
	addAll := func(text string) {
		var t term
		kind := spaced
		words(text, func(w word) bool {
			alone := w.kind == last && kind != pair
			switch {
			case w.kind == last && !alone: // it is in the pair before it
				kind = last
				return true
			case alone || w.kind != kind:
				add(t)
				t = term{}
			}
			t = term{words: strings.TrimSpace(t.words + " " + w.text), prefix: alone}
			kind = w.kind
			return true
		})
		add(t)
	}
	for i, part := range strings.Split(quotes.Replace(query), `"`) {
		if i%2 == 1 {
			addAll(part)
			continue
		}
		for _, field := range strings.Fields(part) {
			addAll(field)
		}
	}
	return all
}

var quotes = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`, "「", `"`, "」", `"`)
