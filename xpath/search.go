package xpath

import (
	"slices"
	"strings"
)

// Bounds of a search, so that no page and no quote make it long.
const (
	maxHits   = 1000    // places looked at for each exact text
	maxScan   = 1 << 19 // units on each side of the expected place that are searched for similar text
	maxEnds   = 48      // places looked at for each end of a quote
	maxEffort = 1 << 21 // units read to compare the quote with what stands there
	fast      = 8       // units that a search for the very text reads in the time of one that are compared,
	perHit    = 1 << 8  // and what each place that it finds costs
)

// A search looks for one quote on a page.
type search struct {
	doc                   *Document
	text                  []uint16
	quote                 string
	exact, prefix, suffix []uint16
	solid, most           int      // units of the quote, and of its context, that are no space
	digits, shape         []uint16 // of the quote

	path  Path     // of its start, as it was selected
	at    [2]int   // where its start and its end are expected
	seeds [2][]int // where they may be, from the paths and the position

	folded     []uint16 // the quote, folded and trimmed
	lead, tail int      // units of space that were trimmed
	gap        *gap     // where it has to stand; nil: anywhere
	found      []match  // where the very text stands,
	sought     bool     // once it has been looked for
	effort     int      // units read so far to compare the quote with what stands there
	work       int      // the same of all else
}

// search finds where the quote of a range stands: exact text, and what stands where the quote is expected or beside
// its context, compete. Where none of them will do, the page is searched for similar text.
func (d *Document) search(r Range, budget *Budget) (m match, ok bool) {
	if r.Quote.Exact == "" {
		return match{}, false
	}
	s := d.newSearch(r)
	defer func() { budget.left -= s.effort + s.work }()
	s.gap = s.newGap(r.Landmarks)
	found := append(s.exactly(), s.nearby()...)
	if best, ok := s.choose(found); ok && s.sure(best) {
		return best, true
	}
	return s.fuzzily(found)
}

func (d *Document) newSearch(r Range) *search {
	s := d.newQuote(r.Quote)
	s.solid = solid(s.exact)
	s.digits, s.shape = digits(s.exact), shape(s.exact)
	for s.lead < len(s.exact) && isSpace(s.exact[s.lead]) {
		s.lead++
	}
	for s.tail < len(s.exact)-s.lead && isSpace(s.exact[len(s.exact)-1-s.tail]) {
		s.tail++
	}
	s.folded = fold(s.exact[s.lead : len(s.exact)-s.tail]).units
	s.expect(r)
	return s
}

// newQuote is a search that can judge a place, and knows of none.
func (d *Document) newQuote(q *Quote) *search {
	s := &search{
		doc: d, text: d.wide(), quote: q.Exact,
		exact: units(q.Exact), prefix: units(q.Prefix), suffix: units(q.Suffix),
	}
	s.most = solid(s.prefix) + solid(s.suffix)
	return s
}

// expect takes from the paths of a range, and better from its position, where its quote is expected.
func (s *search) expect(r Range) {
	d := s.doc
	first, last := r.Anchor, r.Focus
	if d.backward(r) {
		first, last = last, first
	}
	s.path, _ = Parse(first.XPath)
	s.at = [2]int{d.origin, d.origin + len(s.exact)}
	if end, ok := d.place(last); ok {
		s.seeds[1] = append(s.seeds[1], end)
		s.at = [2]int{end - len(s.exact), end}
	}
	if start, ok := d.place(first); ok {
		s.seeds[0] = append(s.seeds[0], start)
		s.at = [2]int{start, start + len(s.exact)}
	}
	if r.Position != nil {
		for side, at := range []int{r.Position.Start, r.Position.End} {
			s.at[side] = min(max(at, 0), d.length()-d.origin) + d.origin
			s.seeds[side] = append(s.seeds[side], s.at[side])
		}
	}
}

// exactly finds where the very text stands, once.
func (s *search) exactly() []match {
	if !s.sought {
		for _, start := range s.hits(s.quote, s.at[0]) {
			s.found = append(s.found, s.judge(match{start: start, end: start + len(s.exact)}))
		}
		s.sought = true
	}
	return slices.Clone(s.found)
}

// hits lists the places where a text starts, at most maxHits and those near a place first.
func (s *search) hits(text string, near int) []int {
	const block = 1 << 16
	d := s.doc
	var found []int
	look := func(from, to int) {
		at, _ := d.byteAt(from)
		end, _ := d.byteAt(to)
		end = min(end+len(text)-1, len(d.text))
		for at < end && len(found) < maxHits {
			i := index(d.text[at:end], text)
			if i < 0 {
				return
			}
			found = append(found, d.unitAt(at+i))
			at += i + 1
		}
	}
	near = min(max(near, d.origin), d.length())
	defer func() { s.work += (d.length()-d.origin)/fast + len(found)*perHit }()
	for after, before := near, near; after < d.length() || before > d.origin; {
		look(after, min(after+block, d.length()))
		after = min(after+block, d.length())
		look(max(before-block, d.origin), before)
		before = max(before-block, d.origin)
	}
	return found
}

// index is strings.Index, which searches for short text several times faster than for long: it looks for the beginning,
// unless that is found too often in vain.
func index(text, long string) int {
	const short = 32
	if len(long) <= short {
		return strings.Index(text, long)
	}
	at := 0
	for vain := 0; vain < len(text); vain += len(long) {
		i := strings.Index(text[at:], long[:short])
		if i < 0 {
			return -1
		}
		if at += i; strings.HasPrefix(text[at:], long) {
			return at
		}
		at++
	}
	if i := strings.Index(text[at:], long); i >= 0 {
		return at + i
	}
	return -1
}

// nearby finds what stands where the quote is expected, or beside its context.
func (s *search) nearby() []match {
	if len(s.folded) == 0 { // space stands everywhere
		return nil
	}
	return s.between(s.framed(0), s.framed(1))
}

// fuzzily takes the best of what was found and of similar text, which it looks for by the two ends of the quote: by its
// start only where the end leads to nothing that leaves no doubt.
func (s *search) fuzzily(found []match) (m match, ok bool) {
	const enough = 4 // what is shorter is similar to everything
	size := min(word, len(s.folded))
	if size < enough {
		return s.choose(found)
	}
	starts, ends := s.framed(0), append(s.scan(size, 1), s.framed(1)...)
	found = append(found, s.between(starts, ends)...)
	if m, ok := s.choose(found); ok && s.clear(m) {
		return m, true
	}
	return s.choose(append(found, s.between(append(s.scan(size, 0), starts...), ends)...))
}

// framed lists places where the quote is expected to start (side 0), or to end (1): where its context says so, all
// of it or else the half next to the quote, and where it stood.
func (s *search) framed(side int) []int {
	const half, telling = ContextLength / 2, 6
	context := s.prefix
	if side == 1 {
		context = s.suffix
	}
	var found []int
	if solid(context) > 0 {
		found = s.beside(context, side)
	}
	if len(found) == 0 && len(context) > half {
		context = context[len(context)-half:]
		if side == 1 {
			context = s.suffix[:half]
		}
		if solid(context) >= telling {
			found = s.beside(context, side)
		}
	}
	found = append(found, s.seeds[side]...)
	slices.Sort(found)
	return slices.Compact(found)
}

// beside lists where the quote starts (side 0) or ends (1) if this is its context there.
func (s *search) beside(context []uint16, side int) []int {
	hits := s.hits(text16(context), s.at[side])
	hits = hits[:min(len(hits), maxEnds)]
	if side == 0 {
		for i := range hits {
			hits[i] += len(context)
		}
	}
	return hits
}

// between looks at what stands between some starts and ends.
func (s *search) between(starts, ends []int) []match {
	m := len(s.exact)
	var found []match
	look := func(start, end int) {
		if start < end && end-start <= 2*m+1000 && s.effort < maxEffort {
			seen, all := s.errors(start, end)
			found = append(found, s.judge(match{start: start, end: end, errors: seen, all: all}))
		}
	}
	for i := range max(len(starts), len(ends)) {
		if i < len(starts) && s.effort < maxEffort {
			look(starts[i], s.extend(starts[i], 1))
			if s.tail > 1 { // errors in indentation hide where it ends
				look(starts[i], min(starts[i]+m, len(s.text)))
			}
		}
		if i < len(ends) && s.effort < maxEffort {
			look(s.extend(ends[i], 0), ends[i])
			if s.lead > 1 {
				look(max(ends[i]-m, s.doc.origin), ends[i])
			}
		}
	}
	const pairs = 2 // ends looked at on each side of the one expected
	slices.Sort(ends)
	for _, start := range starts {
		middle, _ := slices.BinarySearch(ends, start+m)
		for i := max(0, middle-pairs); i < min(len(ends), middle+pairs); i++ {
			if m > word && ends[i]-start >= m/2 || s.interrupted(start, ends[i]) {
				look(start, ends[i])
			}
		}
	}
	return found
}
