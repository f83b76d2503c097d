package xpath

import (
	"math"
	"slices"
)

// scan finds the places where the folded quote's first piece starts (side 0), or where its last one ends (1), with few errors.
func (s *search) scan(size, side int) []int {
	const rate = 40 // per cent of errors at most
	page := s.doc.folded()
	from := max(page.index(min(s.at[0], s.at[1]))-maxScan, 0)
	to := min(page.index(max(s.at[0], s.at[1]))+maxScan, len(page.units))
	s.work += to - from
	var found hits
	if side == 0 {
		newPattern(reversed(s.folded[:size])).anywhere(page.units[from:to], true, size*rate/100, func(read, errors int) { found.add(to-read, errors) })
	} else {
		newPattern(s.folded[len(s.folded)-size:]).anywhere(page.units[from:to], false, size*rate/100, func(read, errors int) { found.add(from+read, errors) })
	}
	var places []int
	for _, h := range found.best() {
		places = append(places, s.unfold(h.at, side))
	}
	return places
}

// hits are places where something stands with few errors.
type hits []hit

type hit struct{ at, errors int }

// add leaves out the neighbours of a hit, which match as well.
func (h *hits) add(at, errors int) {
	const same = 3
	if n := len(*h); n > 0 && max((*h)[n-1].at-at, at-(*h)[n-1].at) <= same {
		if last := &(*h)[n-1]; errors < last.errors {
			*last = hit{at, errors}
		}
		return
	}
	*h = append(*h, hit{at, errors})
}

func (h hits) best() hits {
	slices.SortStableFunc(h, func(a, b hit) int { return a.errors - b.errors })
	return h[:min(len(h), maxEnds)]
}

// unfold is the place of a start (side 0) or end (1) in the text, with as much space as the quote has there.
func (s *search) unfold(folded, side int) int {
	if side == 0 {
		at := int(s.doc.folded().at[folded])
		for n := 0; n < s.lead && at > s.doc.origin && isSpace(s.text[at-1]); n++ {
			at--
		}
		return at
	}
	at := int(s.doc.folded().at[folded-1]) + 1
	for n := 0; n < s.tail && at < len(s.text) && isSpace(s.text[at]); n++ {
		at++
	}
	return at
}

// extend finds the end (side 1) of a quote that starts at a place, or the start (0) of one that ends there: of a
// short quote where all of it fits best, of a long one where its last piece does.
func (s *search) extend(at, side int) int {
	m := len(s.exact)
	size := min(m, word)
	near, away := 0, m+m/2+1
	if m > word {
		near, away = m-m/4-word, m+m/4+word
	}
	low, high := at+near, at+away
	if side == 0 {
		low, high = at-away, at-near
	}
	low, high = max(low, 0), min(high, len(s.text))
	if low >= high {
		return at
	}
	best, bestContext, other := size+1, -1, at
	visit := func(read, errors int) {
		if errors > best {
			return
		}
		s.effort += ContextLength
		end, context := low+read, 0
		if side == 0 {
			end = high - read
			context, _ = s.left(end)
		} else {
			context, _ = s.right(end)
		}
		if errors < best || context > bestContext {
			best, other, bestContext = errors, end, context
		}
	}
	if side == 0 {
		newPattern(reversed(s.exact[:size])).backward(s.text[low:high], m <= word, size+1, visit)
	} else {
		newPattern(s.exact[m-size:]).forward(s.text[low:high], m <= word, size+1, visit)
	}
	s.effort += high - low
	return other
}

// errors counts how much the text between two places differs from the quote, in units of the quote: all of it, and
// as a reader sees it, where all that differs in space is one error.
func (s *search) errors(start, end int) (seen, all int) {
	s.effort += end - start
	if s.interrupted(start, end) {
		return 1, 1
	}
	n := s.compare(s.exact, s.text[start:end])
	if len(s.folded) == 0 || n == 0 {
		return n, n
	}
	text := fold(s.text[start:end]).units
	if len(text) > 0 && text[0] == ' ' {
		text = text[1:]
	}
	if len(text) > 0 && text[len(text)-1] == ' ' {
		text = text[:len(text)-1]
	}
	folded := s.compare(s.folded, text)
	return min(n, max(1, (folded*len(s.exact)+len(s.folded)-1)/len(s.folded))), n
}

// interrupted tells whether the text between two places is the very quote but for something that was inserted into it.
func (s *search) interrupted(start, end int) bool {
	longer := end - start - len(s.exact)
	if longer <= 0 {
		return false
	}
	at := 0
	for at < len(s.exact) && s.text[start+at] == s.exact[at] {
		at++
	}
	for i := len(s.exact) - 1; i >= at; i-- {
		if s.text[start+longer+i] != s.exact[i] {
			return false
		}
	}
	return true
}

// compare counts the errors between a quote and a text. A long quote is compared in pieces, so that what was
// inserted between two of them, an advertisement between two paragraphs, costs little; of a very long one only some
// pieces are compared.
func (s *search) compare(quote, text []uint16) int {
	const maxPieces, maxWindow, insertion = 64, 1 << 11, 8
	if len(quote) <= word {
		errors := len(quote)
		newPattern(quote).forward(text, true, math.MaxInt, func(_, n int) { errors = n })
		s.effort += len(text)
		return min(errors, len(quote))
	}
	pieces := (len(quote) + word - 1) / word
	every := (pieces + maxPieces - 1) / maxPieces
	longer := len(text) - len(quote)
	sum, compared, at := 0, 0, 0
	for i := range pieces {
		if i%every != 0 && i != pieces-1 {
			continue
		}
		from, to := i*len(quote)/pieces, (i+1)*len(quote)/pieces
		low, high := max(0, from+min(longer, 0)-word/2), min(len(text), to+max(longer, 0)+word/2)
		if every == 1 {
			low = max(low, min(at-word/2, from))
		}
		high = min(high, low+maxWindow)
		best := to - from
		visit := func(read, n int) {
			if n < best {
				best, at = n, low+read
			}
		}
		switch i {
		case 0:
			low, high = 0, min(len(text), 2*word)
			newPattern(quote[from:to]).forward(text[low:high], true, word, visit)
		case pieces - 1:
			low, high = max(0, len(text)-2*word), len(text)
			newPattern(reversed(quote[from:to])).backward(text[low:high], true, word, visit)
		default:
			low = min(low, high)
			newPattern(quote[from:to]).forward(text[low:high], false, word, visit)
		}
		s.effort += high - low
		sum += best
		compared += to - from
	}
	return min(sum*len(quote)/compared+max(longer, -longer)/insertion, len(quote))
}

func reversed(u []uint16) []uint16 {
	u = slices.Clone(u)
	slices.Reverse(u)
	return u
}
