package xpath

import "slices"

// A match is a place where a quote may stand.
type match struct {
	start, end int
	errors     int  // units in which it differs from the quote
	context    int  // units of the quote's context that stand beside it, but for space
	whole      bool // the context is all there, or as much of it as is in the same block
	shift      int  // how much its path differs from the one stored
	far        int  // units from where it is expected
	cost       int  // the less, the better
}

func (m match) overlaps(n match) bool { return m.start < n.end && n.start < m.end }

// What a match needs to be taken for the quote, in units that agree: see docs/adr/0010 for the figures.
const (
	needed      = 8  // of the very text in its whole context
	neededFuzzy = 16 // of similar text in its whole context
	neededTorn  = 60 // of text whose context has changed
	maxErrors   = 40 // per cent of the quote
	maxTorn     = 25 // per cent, where the context has changed
	fewErrors   = 2  // and
	fewPerCent  = 15 // make similar text in its whole context as good as the very text
)

// good tells whether a match is good enough, whatever else there is.
func (s *search) good(m match) bool {
	// An error speaks against a match more than a unit that agrees speaks for it; an unchanged path speaks for it.
	evidence := s.solid - 4*m.errors*s.solid/len(s.exact) + m.context + max(0, 12-3*m.shift)
	rate := m.errors * 100
	switch {
	case m.errors == 0 && m.whole:
		return evidence >= needed
	case m.errors == 0:
		return evidence >= neededTorn
	case m.context < s.most && !s.sameNumbers(m):
		return false
	case m.whole:
		return evidence >= neededFuzzy && rate <= maxErrors*len(s.exact)
	}
	return evidence >= neededTorn && rate <= maxTorn*len(s.exact)
}

// price says how unlikely it is that a match is the quote: by what differs in the text, in the path and in the
// context, and first of all by what kind of match it is.
func (s *search) price(m match) int {
	cost := m.errors*100/len(s.exact) + 10*m.shift + s.most - m.context
	switch {
	case m.errors == 0 && m.whole:
	case m.context == s.most && m.errors <= fewErrors+len(s.exact)*fewPerCent/100 && s.sameNumbers(m):
	case m.errors == 0:
		cost += 100
	case s.sameNumbers(m):
		cost += 200
	default:
		cost += 300
	}
	return cost
}

// Matches that differ by less are as good as each other; then the one that is much nearer is taken, or none.
const (
	sameCost    = 12
	sameContext = 4
	nearer      = 3
)

// choose takes the best match. It takes none where another could be meant as well.
func (s *search) choose(found []match) (match, bool) {
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
		m.shift = s.doc.shift(s.path, m.start)
		if s.good(m) {
			m.cost = s.price(m)
			kept = append(kept, m)
		}
	}
	if len(kept) == 0 {
		return match{}, false
	}
	best := slices.MinFunc(kept, func(a, b match) int {
		if a.cost != b.cost {
			return a.cost - b.cost
		}
		return a.far - b.far
	})
	for _, m := range kept {
		if m.overlaps(best) {
			continue
		}
		if m.cost < best.cost+sameCost && m.far < best.far*nearer || !best.whole && m.context+sameContext >= best.context {
			return match{}, false
		}
	}
	return best, true
}

// sure tells a match that similar text elsewhere cannot beat.
func (s *search) sure(m match) bool {
	const enough = 6
	return m.context == s.most && s.most >= enough || m.errors == 0 && m.shift == 0
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
