package xpath

import "slices"

// word is how many units of a pattern a fuzzy search compares at once.
const word = 64

// A pattern is at most word units that are looked for with errors, by the bit-parallel algorithm of Myers (1999).
type pattern struct {
	length int
	masks  [256]uint64 // where a unit stands in the pattern, for units below 256
	more   map[uint16]uint64
}

func newPattern(units []uint16) *pattern {
	p := &pattern{length: len(units)}
	for i, u := range units {
		if u < 256 {
			p.masks[u] |= 1 << i
			continue
		}
		if p.more == nil {
			p.more = map[uint16]uint64{}
		}
		p.more[u] |= 1 << i
	}
	return p
}

func (p *pattern) mask(u uint16) uint64 {
	if u < 256 {
		return p.masks[u]
	}
	return p.more[u]
}

// scan calls visit with the errors of the best match that ends at each unit that next gives, until next gives none.
// Anchored, a match starts at the first unit.
func (p *pattern) scan(text []uint16, backward, anchored bool, visit func(read, errors int)) {
	pv, mv, errors := ^uint64(0), uint64(0), p.length
	last := uint64(1) << (p.length - 1)
	top := uint64(0)
	if anchored {
		top = 1
	}
	for i := range text {
		u := text[i]
		if backward {
			u = text[len(text)-1-i]
		}
		eq := p.mask(u)
		xv := eq | mv
		xh := (((eq & pv) + pv) ^ pv) | eq
		ph := mv | ^(xh | pv)
		mh := pv & xh
		if ph&last != 0 {
			errors++
		} else if mh&last != 0 {
			errors--
		}
		ph = ph<<1 | top
		mh <<= 1
		pv = mh | ^(xv | ph)
		mv = ph & xv
		visit(i+1, errors)
	}
}

const maxEnds = 32 // places kept for each end of a quote

// nearby finds what stands where the quote is expected, or beside its context.
func (s *search) nearby() []match {
	return s.between(s.framed(0), s.framed(1))
}

// fuzzily finds where a text like the quote stands: it looks for the two ends of the quote, and aligns what is
// between them.
func (s *search) fuzzily() []match {
	size := min(word, len(s.exact))
	if size < 8 {
		return nil
	}
	starts := s.scan(s.exact[:size], 0)
	ends := s.scan(s.exact[len(s.exact)-size:], 1)
	return s.between(append(starts, s.framed(0)...), append(ends, s.framed(1)...))
}

func (s *search) between(starts, ends []int) []match {
	m := len(s.exact)
	var found []match
	if m <= word {
		for _, start := range starts {
			if end, errors := s.extend(start, false); errors < m {
				found = append(found, s.judge(match{start: start, end: end, errors: errors}))
			}
		}
		for _, end := range ends {
			if start, errors := s.extend(end, true); errors < m {
				found = append(found, s.judge(match{start: start, end: end, errors: errors}))
			}
		}
		return found
	}
	slices.Sort(ends)
	for _, start := range starts {
		tried := 0
		for _, end := range ends {
			if end-start < m/2 || end-start > 2*m+1000 || tried == 4 {
				continue
			}
			tried++
			found = append(found, s.judge(match{start: start, end: end, errors: align(s.exact, s.text[start:end])}))
		}
	}
	return found
}

// framed lists places where the quote is expected to start, or end.
func (s *search) framed(side int) []int {
	places := append([]int(nil), s.seeds[side]...)
	context := s.prefix
	if side == 1 {
		context = s.suffix
	}
	// where the context beside it stands
	for _, length := range []int{32, 16} {
		if len(context) < length && length < 32 || len(context) == 0 {
			break
		}
		c := context[max(0, len(context)-length):]
		if side == 1 {
			c = context[:min(length, len(context))]
		}
		if solid(c) < 6 {
			break
		}
		hits := s.hits(text16(c), s.at[side])
		for _, h := range hits[:min(len(hits), maxEnds)] {
			if side == 0 {
				h += len(c)
			}
			places = append(places, h)
		}
		if len(hits) > 0 {
			break
		}
	}
	slices.Sort(places)
	return slices.Compact(places)
}

// scan finds the places where a piece of the quote starts (side 0) or ends (1) with the fewest errors.
func (s *search) scan(piece []uint16, side int) []int {
	if side == 0 {
		piece = slices.Clone(piece)
		slices.Reverse(piece)
	}
	p := newPattern(piece)
	from, to := max(s.at[side]-maxScan, s.doc.origin), min(s.at[side]+maxScan, len(s.text))
	if from >= to {
		return nil
	}
	type hit struct{ at, errors int }
	var hits []hit
	most := len(piece) * 2 / 5
	p.scan(s.text[from:to], side == 0, false, func(read, errors int) {
		if errors > most {
			return
		}
		at := from + read
		if side == 0 {
			at = to - read
		}
		if n := len(hits); n > 0 && max(hits[n-1].at-at, at-hits[n-1].at) <= 3 { // one match's neighbours match as well
			if errors < hits[n-1].errors {
				hits[n-1] = hit{at, errors}
			}
			return
		}
		hits = append(hits, hit{at, errors})
	})
	slices.SortStableFunc(hits, func(a, b hit) int { return a.errors - b.errors })
	var places []int
	for _, h := range hits[:min(len(hits), maxEnds)] {
		places = append(places, h.at)
	}
	return places
}

// extend finds the other end of a short quote that starts, or backward ends, at a place.
func (s *search) extend(at int, backward bool) (other, errors int) {
	m := len(s.exact)
	room := m + m/2 + 1
	exact, text := s.exact, s.text[at:min(at+room, len(s.text))]
	if backward {
		text = s.text[max(at-room, 0):at]
		exact = slices.Clone(exact)
		slices.Reverse(exact)
	}
	best, bestAt, bestContext := m+1, 0, -1
	newPattern(exact).scan(text, backward, true, func(read, errors int) {
		if errors > best {
			return
		}
		end := at + read
		context := 0
		if backward {
			end = at - read
			for context < len(s.prefix) && context < end && s.text[end-1-context] == s.prefix[len(s.prefix)-1-context] {
				context++
			}
		} else {
			for context < len(s.suffix) && end+context < len(s.text) && s.text[end+context] == s.suffix[context] {
				context++
			}
		}
		if errors < best || context > bestContext {
			best, bestAt, bestContext = errors, end, context
		}
	})
	return bestAt, best
}

// align counts the errors between a quote and a text, of which an insertion never counts more than a few: an
// advertisement between two paragraphs is no other text.
func align(quote, text []uint16) int {
	const half = 256
	if n := len(quote); n > 2*half {
		room := min(len(text), 2*half)
		head, tail := alignHead(quote[:half], text[:room]), alignHead(reversed(quote[n-half:]), reversed(text[len(text)-room:]))
		return (head + tail) * n / (2 * half)
	}
	errors := 0
	rows(quote, text, func(n int) { errors = n })
	return errors
}

// rows gives visit the errors between the quote and each start of the text.
func rows(quote, text []uint16, visit func(errors int)) {
	const insertion = 8
	n := len(quote)
	row, gap := make([]int, n+1), make([]int, n+1)
	for i := range row {
		row[i], gap[i] = i, i+insertion
	}
	visit(n)
	for _, u := range text {
		diagonal := row[0]
		gap[0] = min(gap[0], row[0]+insertion)
		row[0] = min(row[0]+1, gap[0])
		for i := 1; i <= n; i++ {
			up := row[i]
			gap[i] = min(gap[i], up+insertion)
			cost := diagonal
			if quote[i-1] != u {
				cost++
			}
			row[i] = min(cost, up+1, row[i-1]+1, gap[i])
			diagonal = up
		}
		visit(row[n])
	}
}

// alignHead counts the errors between a piece of a quote and the start of a text.
func alignHead(quote, text []uint16) int {
	best := len(quote)
	rows(quote, text, func(errors int) { best = min(best, errors) })
	return best
}

func reversed(u []uint16) []uint16 {
	u = slices.Clone(u)
	slices.Reverse(u)
	return u
}
