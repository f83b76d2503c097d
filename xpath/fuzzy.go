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

const (
	maxEnds  = 48 // places looked at for each end of a quote
	maxPairs = 4  // ends looked at for each start

	maxWindow = 1 << 11 // units in which a piece of a quote is looked for
)

// nearby finds what stands where the quote is expected, or beside its context.
func (s *search) nearby() []match {
	if len(s.pattern) == 0 {
		return nil
	}
	return s.between(s.framed(0), s.framed(1))
}

// fuzzily finds where a text like the quote stands: it looks for the two ends of the quote, and compares what is
// between them.
func (s *search) fuzzily() []match {
	size := min(word, len(s.pattern))
	if size < 4 {
		return nil
	}
	starts := s.scan(s.pattern[:size], 0)
	ends := s.scan(s.pattern[len(s.pattern)-size:], 1)
	return s.between(append(starts, s.framed(0)...), append(ends, s.framed(1)...))
}

// between looks at what stands between some starts and ends.
func (s *search) between(starts, ends []int) []match {
	m := len(s.exact)
	var found []match
	add := func(start, end int) {
		if start < end {
			found = append(found, s.judge(match{start: start, end: end, errors: s.errors(start, end)}))
		}
	}
	for _, start := range starts {
		add(start, s.extend(start, false))
	}
	for _, end := range ends {
		add(s.extend(end, true), end)
	}
	if m <= word {
		return found
	}
	slices.Sort(ends)
	for _, start := range starts {
		first, _ := slices.BinarySearch(ends, start+m/2)
		middle, _ := slices.BinarySearch(ends, start+m)
		for i := max(first, middle-maxPairs/2); i < len(ends) && i < middle+maxPairs/2; i++ {
			if ends[i]-start <= 2*m+1000 {
				add(start, ends[i])
			}
		}
	}
	return found
}

// errors counts how much the text between two places differs from the quote, in units of the quote. Text that only
// has other space in it differs less.
func (s *search) errors(start, end int) int {
	n := piecewise(s.exact, s.text[start:end])
	a, b := s.folded.index(start), s.folded.index(end)
	folded := piecewise(s.pattern, s.folded.units[a:b])
	if len(s.pattern) > 0 {
		n = min(n, (folded*len(s.exact)+len(s.pattern)-1)/len(s.pattern))
	}
	return n
}

// piecewise counts the errors between a quote and a text. A long quote is compared in pieces, so that what was
// inserted between two of them, an advertisement between two paragraphs, costs little; of a very long one only
// some pieces are compared.
func piecewise(quote, text []uint16) int {
	if len(quote) <= word {
		errors := len(quote)
		if len(quote) > 0 {
			newPattern(quote).scan(text, false, true, func(_, n int) { errors = n })
		}
		return min(errors, len(quote))
	}
	const maxPieces, insertion = 64, 8
	pieces := (len(quote) + word - 1) / word
	longer := len(text) - len(quote)
	sum, compared, at := 0, 0, 0
	for i := range pieces {
		if pieces > maxPieces && i%((pieces+maxPieces-1)/maxPieces) != 0 && i != pieces-1 {
			continue
		}
		from, to := i*len(quote)/pieces, (i+1)*len(quote)/pieces
		piece := quote[from:to]
		low, high := max(0, from+min(longer, 0)-word/2), min(len(text), to+max(longer, 0)+word/2)
		if pieces <= maxPieces {
			low = max(low, min(at-word/2, from))
		}
		switch i {
		case 0:
			low, high = 0, min(len(text), 2*word)
		case pieces - 1:
			low = max(0, len(text)-2*word)
		default:
			high = min(high, low+maxWindow)
		}
		best := len(piece)
		last := i == pieces-1
		if last {
			piece = reversed(piece)
		}
		newPattern(piece).scan(text[min(low, high):high], last, i == 0 || last, func(read, n int) {
			if n < best {
				best, at = n, low+read
			}
		})
		sum += best
		compared += len(piece)
	}
	return min(sum*len(quote)/compared+max(longer, -longer)/insertion, len(quote))
}

// framed lists places where the quote is expected to start (side 0), or end (1).
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
		if n := solid(c); n == 0 || length < 32 && n < 6 {
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
		piece = reversed(piece)
	}
	p := newPattern(piece)
	at := s.folded.index(s.at[side])
	from, to := max(at-maxScan, 0), min(at+maxScan, len(s.folded.units))
	type hit struct{ at, errors int }
	var hits []hit
	most := len(piece) * 2 / 5
	p.scan(s.folded.units[from:to], side == 0, false, func(read, errors int) {
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
		if side == 0 {
			places = append(places, s.widen(int(s.folded.at[h.at]), side))
		} else {
			places = append(places, s.widen(int(s.folded.at[h.at-1])+1, side))
		}
	}
	return places
}

// widen takes as much space into a match as the quote has at that end.
func (s *search) widen(at, side int) int {
	if side == 0 {
		for n := 0; n < s.lead && at > s.doc.origin && isSpaceUnit(s.text[at-1]); n++ {
			at--
		}
		return at
	}
	for n := 0; n < s.trail && at < len(s.text) && isSpaceUnit(s.text[at]); n++ {
		at++
	}
	return at
}

// extend finds the other end of a quote that starts, or backward ends, at a place: of a short quote where all of it
// fits best, of a long one where its last piece does.
func (s *search) extend(at int, backward bool) (other int) {
	m := len(s.exact)
	size := min(m, word)
	low, high := at, at+m+m/2+1
	piece := s.exact
	if m > word {
		low, high = at+m-m/4-word, at+m+m/4+word
		piece = s.exact[m-size:]
	}
	if backward {
		low, high = 2*at-high, 2*at-low
		piece = reversed(s.exact[:size])
	}
	low, high = max(low, 0), min(high, len(s.text))
	if low >= high {
		return at
	}
	best, bestContext := size+1, -1
	other = at
	newPattern(piece).scan(s.text[low:high], backward, m <= word, func(read, errors int) {
		if errors > best {
			return
		}
		end, context := low+read, 0
		if backward {
			end = high - read
			context, _ = s.left(end)
		} else {
			context, _ = s.right(end)
		}
		if errors < best || context > bestContext {
			best, other, bestContext = errors, end, context
		}
	})
	return other
}

func reversed(u []uint16) []uint16 {
	u = slices.Clone(u)
	slices.Reverse(u)
	return u
}
