package xpath

import (
	"math/bits"
	"slices"
)

// A match is a place where a quote may stand.
type match struct {
	start, end int
	errors     int  // units in which it differs from the quote, as a reader sees them
	all        int  // the same with all space
	context    int  // units of the quote's context that stand beside it, but for space
	whole      bool // the context is all there, or as much of it as is in the same block
	shift      int  // how much its path differs from the one stored
	far        int  // units from where it is expected
	cost       int  // the less, the better
}

func (m match) overlaps(n match) bool { return m.start < n.end && n.start < m.end }

// What a match needs to be taken for the quote, in units that agree: see docs/adr/0010 for the figures.
const (
	needed      = 9   // of the very text in its whole context
	neededFuzzy = 7   // of similar text in its whole context
	neededTorn  = 115 // of the very text whose context has changed
	maxErrors   = 50  // per cent of the quote
	telling     = 20  // units of context that are no chance
	maxMissing  = 16  // units of context that speak against a match when they are not there
)

// good tells whether a match is good enough, whatever else there is. Similar text whose context has changed never is.
func (s *search) good(m match) bool {
	// An error speaks against a match more than a unit that agrees speaks for it; an unchanged path speaks for it.
	evidence := s.solid - 5*m.errors*s.solid/len(s.exact) + m.context - min(s.most-m.context, maxMissing) + max(0, 12-3*m.shift) - steps(m.far)/2
	switch {
	case m.errors == 0 && m.whole:
		return evidence >= needed
	case m.errors == 0:
		return evidence >= neededTorn
	case !m.whole, m.context < s.most && !s.sameNumbers(m), !s.firm(m):
		return false
	}
	return evidence >= neededFuzzy && m.errors*100 <= maxErrors*len(s.exact)
}

// price says how unlikely it is that the quote has come to be where a match is: by what differs in the path, in the
// context and in the position. What differs in the text says little: an error is as easily made as a paragraph added.
func (s *search) price(m match) int {
	const maxShift, torn, otherNumbers = 10, 90, 60
	cost := s.most - m.context + 24*min(m.shift, maxShift) + 9*steps(m.far)
	if !m.whole {
		cost += torn
	}
	if !s.sameNumbers(m) {
		cost += otherNumbers
	}
	return cost
}

// steps grows by one where a distance doubles: 64 units more or less are none.
func steps(distance int) int { return bits.Len(uint(1+distance/64)) - 1 }

// choose takes the best match. It takes none where another could be meant as well.
func (s *search) choose(found []match) (match, bool) {
	const sameCost = 12       // as good as the best
	const sameMatch = 20      // another end of the same match
	var certain, kept []match // certain to be the quote, or not to be
	for _, m := range found {
		if m.errors == 0 && m.whole || m.errors > 0 && s.isSibling(m) {
			certain = append(certain, m)
		}
	}
	for _, m := range found {
		if m.errors > 0 && slices.ContainsFunc(certain, m.overlaps) || s.doc.isHidden(m.start) || s.doc.isHidden(m.end-1) {
			continue
		}
		if s.gap.points(m) {
			return m, true
		}
		m.shift = s.doc.shift(s.path, m.start)
		if s.gap.admits(m) && s.good(m) {
			m.cost = s.price(m)
			kept = append(kept, m)
		}
	}
	if len(kept) == 0 {
		return match{}, false
	}
	best := slices.MinFunc(kept, func(a, b match) int { return a.cost - b.cost })
	exact, cost := best, best.cost
	for _, m := range kept {
		switch {
		case !m.overlaps(best):
			if m.cost < cost+sameCost {
				return match{}, false
			}
		case best.errors > 0 && m.cost <= cost+sameMatch && s.strain(m) < s.strain(exact):
			exact = m
		}
	}
	return exact, true
}

// strain compares matches of which one is a piece of the other: by cost, and by all that differs, in per cent. Pieces of
// indentation fit in many places, so length counts for itself.
func (s *search) strain(m match) int {
	longer := m.end - m.start - len(s.exact)
	return m.cost + (m.all+max(longer, -longer)/4)*100/len(s.exact)
}

// sure tells a match that similar text elsewhere cannot beat: what has the same context was found by it.
func (s *search) sure(m match) bool {
	switch {
	case m.context < s.most:
		return false
	case m.errors == 0:
		return m.shift == 0 || s.most >= telling
	}
	return s.most >= 2*telling
}

// clear tells a match that is so similar that its other end can hardly lead to a better one. Short quotes are similar to much,
// and space at an end hides where that is.
func (s *search) clear(m match) bool {
	const similar = 8 // units without an error for each one with
	return m.context == s.most && m.errors*similar <= len(s.exact) && len(s.folded) >= word/2 && s.lead <= 1 && s.tail <= 1
}

// judge looks at what surrounds a match.
func (s *search) judge(m match) match {
	left, before := s.left(m.start)
	right, after := s.right(m.end)
	m.context = left + right
	m.whole = (before < 0 || s.doc.breaks(before, m.start)) && (after < 0 || s.doc.breaks(m.end, after))
	m.far = max(m.start-s.at[0], s.at[0]-m.start)
	return m
}

// left counts the units of the prefix that stand before a place, but for space, and tells where they end: below 0
// when that is all of it.
func (s *search) left(at int) (same, end int) {
	for i := len(s.prefix) - 1; ; i-- {
		for i >= 0 && isSpace(s.prefix[i]) {
			i--
		}
		if i < 0 {
			return same, -1
		}
		for at > s.doc.origin && isSpace(s.text[at-1]) {
			at--
		}
		if at <= s.doc.origin || s.text[at-1] != s.prefix[i] {
			return same, at
		}
		at--
		same++
	}
}

// right is the same for the suffix and after a place.
func (s *search) right(at int) (same, end int) {
	for i := 0; ; i++ {
		for i < len(s.suffix) && isSpace(s.suffix[i]) {
			i++
		}
		if i == len(s.suffix) {
			return same, -1
		}
		for at < len(s.text) && isSpace(s.text[at]) {
			at++
		}
		if at == len(s.text) || s.text[at] != s.suffix[i] {
			return same, at
		}
		at++
		same++
	}
}

// isSibling tells a match that differs from the quote in nothing but its numbers: another thing of the same kind.
func (s *search) isSibling(m match) bool {
	text := s.text[m.start:m.end]
	return !slices.Equal(s.digits, digits(text)) && slices.Equal(s.shape, shape(text))
}

// sameNumbers tells whether the digits of the quote stand in a match in their order. A typing error rarely changes a
// number.
func (s *search) sameNumbers(m match) bool {
	text := s.text[m.start:m.end]
	for _, digit := range s.digits {
		i := slices.Index(text, digit)
		if i < 0 {
			return false
		}
		text = text[i+1:]
	}
	return true
}

func digits(text []uint16) []uint16 {
	var digits []uint16
	for _, u := range text {
		if isDigit(u) {
			digits = append(digits, u)
		}
	}
	return digits
}

// shape is a text in which all numbers are alike, and all space.
func shape(text []uint16) []uint16 {
	var shape []uint16
	for _, u := range text {
		switch {
		case isDigit(u):
			u = '0'
		case isSpace(u):
			u = ' '
		}
		if n := len(shape); n > 0 && shape[n-1] == u && (u == '0' || u == ' ') {
			continue
		}
		shape = append(shape, u)
	}
	return shape
}

func isDigit(u uint16) bool { return u >= '0' && u <= '9' }

// solid counts the units that are no space.
func solid(text []uint16) int {
	n := 0
	for _, u := range text {
		if !isSpace(u) {
			n++
		}
	}
	return n
}

// firm tells whether both ends of similar text are where the quote's are: beside its context, or the text begins or
// ends as the quote does. Elsewhere something was inserted at the end, and what is missing is behind it.
func (s *search) firm(m match) bool {
	const enough = 3
	text := s.text[m.start:m.end]
	left, _ := s.left(m.start)
	right, _ := s.right(m.end)
	return (left >= enough || alike(s.exact, text)) &&
		(right >= enough || alike(reversed(s.exact), reversed(text)))
}

// alike tells whether two texts begin in the same way, but for an error.
func alike(a, b []uint16) bool {
	indented := func(u []uint16) bool { return len(u) > 1 && isSpace(u[0]) && isSpace(u[1]) }
	if indented(a) && indented(b) {
		return true
	}
	if isSpace(a[0]) && !isSpace(b[0]) && !indented(a) {
		return false
	}
	head := firstTwo(b)
	return slices.ContainsFunc(firstTwo(a), func(u uint16) bool { return slices.Contains(head, u) })
}

// firstTwo are the first units of a text that are no space.
func firstTwo(text []uint16) []uint16 {
	var first []uint16
	for _, u := range text {
		if !isSpace(u) {
			first = append(first, u)
		}
		if len(first) == 2 {
			break
		}
	}
	return first
}
