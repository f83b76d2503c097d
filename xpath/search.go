package xpath

import (
	"sort"
	"strings"
)

// Bounds of a search, so that no page and quote make it long: see the benchmark of the worst of them.
const (
	maxHits = 1000    // places looked at for each text that is searched
	maxScan = 1 << 20 // units on each side of the expected place that a fuzzy search reads
)

// A search looks for one quote on a page.
type search struct {
	doc                   *Document
	text                  []uint16
	quote                 string
	exact, prefix, suffix []uint16
	paths                 [2]Path // of its start and end, as it was selected
	at                    [2]int  // where its start and end are expected
	seeds                 [2][]int
	most                  int // units of context that are no space
	folded                folded
	pattern               []uint16 // the quote, folded and trimmed
	lead, trail           int      // units of space that were trimmed
}

// A match is a place where the quote may stand.
type match struct {
	start, end     int
	errors         int // units that differ
	context        int // units of context beside it that are no space
	whole          bool
	shift          int // how far the place is from the paths
	far            int // and from the position
	hidden         bool
	evidence, cost int
}

// search finds where the quote of a range stands: exact text, and what stands between its context or where it is
// expected, compete; only where none of them will do, the page is searched for similar text.
func (d *Document) search(r Range) (start, end int, ok bool) {
	s := d.newSearch(r)
	if len(s.exact) == 0 {
		return 0, 0, false
	}
	found := append(s.exactly(), s.nearby()...)
	best, ok := s.choose(found)
	if !ok || !s.sure(best) {
		best, ok = s.choose(append(found, s.fuzzily()...))
	}
	return best.start, best.end, ok
}

func (d *Document) newSearch(r Range) *search {
	s := &search{
		doc: d, text: d.wide(), quote: r.Quote.Exact,
		exact: units(r.Quote.Exact), prefix: units(r.Quote.Prefix), suffix: units(r.Quote.Suffix),
	}
	s.most = solid(s.prefix) + solid(s.suffix)
	s.folded = d.folded()
	for s.lead < len(s.exact) && isSpaceUnit(s.exact[s.lead]) {
		s.lead++
	}
	for s.trail < len(s.exact)-s.lead && isSpaceUnit(s.exact[len(s.exact)-1-s.trail]) {
		s.trail++
	}
	s.pattern = foldUnits(s.exact[s.lead : len(s.exact)-s.trail]).units
	first, last := r.Anchor, r.Focus
	if d.backward(r) {
		first, last = last, first
	}
	s.at = [2]int{d.origin, d.origin + len(s.exact)}
	for i, p := range []Point{first, last} {
		s.paths[i], _ = Parse(p.XPath)
		if at, ok := d.place(p); ok {
			s.seeds[i] = append(s.seeds[i], at)
			s.at = [2]int{at, at + len(s.exact)}
			if i == 1 {
				s.at = [2]int{at - len(s.exact), at}
			}
		}
	}
	if p := r.Position; p != nil {
		s.at = [2]int{s.clamp(p.Start), s.clamp(p.End)}
		s.seeds[0], s.seeds[1] = append(s.seeds[0], s.at[0]), append(s.seeds[1], s.at[1])
	}
	return s
}

func (s *search) clamp(position int) int {
	return min(max(position, 0)+s.doc.origin, s.doc.length())
}

// exactly finds where the very text stands.
func (s *search) exactly() []match {
	var found []match
	for _, start := range s.hits(s.quote, s.at[0]) {
		found = append(found, s.judge(match{start: start, end: start + len(s.exact)}))
	}
	return found
}

// hits lists the places where a text starts, at most maxHits and those near a place first.
func (s *search) hits(text string, near int) []int {
	const block = 1 << 16
	d := s.doc
	first, _ := d.byteAt(d.origin)
	middle, _ := d.byteAt(min(max(near, d.origin), d.length()))
	var found []int
	look := func(from, to int) {
		for from < to && len(found) < maxHits {
			i := strings.Index(d.text[from:min(to+len(text)-1, len(d.text))], text)
			if i < 0 {
				return
			}
			found = append(found, d.unitAt(from+i))
			from += i + 1
		}
	}
	for after, before := middle, middle; (after < len(d.text) || before > first) && len(found) < maxHits; {
		look(after, min(after+block, len(d.text)))
		after = min(after+block, len(d.text))
		look(max(before-block, first), before)
		before = max(before-block, first)
	}
	return found
}

// judge looks at what surrounds a match.
func (s *search) judge(m match) match {
	left, before := s.left(m.start)
	right, after := s.right(m.end)
	m.context = left + right
	m.whole = (before < 0 || s.doc.breaks(before)) && (after < 0 || s.doc.breaks(after))
	m.far = max(m.start-s.at[0], s.at[0]-m.start)
	m.hidden = s.doc.isHidden(m.start) || s.doc.isHidden(max(m.end-1, m.start))
	return m
}

// left counts the units of the prefix that stand before a place, but for space, and tells where they end: below 0
// when that is all of it.
func (s *search) left(at int) (same, end int) {
	for i := len(s.prefix) - 1; ; i-- {
		for i >= 0 && isSpaceUnit(s.prefix[i]) {
			i--
		}
		if i < 0 {
			return same, -1
		}
		for at > s.doc.origin && isSpaceUnit(s.text[at-1]) {
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
		for i < len(s.suffix) && isSpaceUnit(s.suffix[i]) {
			i++
		}
		if i == len(s.suffix) {
			return same, -1
		}
		for at < len(s.text) && isSpaceUnit(s.text[at]) {
			at++
		}
		if at == len(s.text) || s.text[at] != s.suffix[i] {
			return same, at
		}
		at++
		same++
	}
}

func solid(text []uint16) int {
	n := 0
	for _, u := range text {
		if !isSpaceUnit(u) {
			n++
		}
	}
	return n
}

// choose takes the best match, if it is good enough.
func (s *search) choose(found []match) (match, bool) {
	var kept []match
	for _, m := range found {
		if m.hidden {
			continue
		}
		m.shift = s.shift(m)
		m.evidence = solid(s.exact) + m.context - 4*m.errors*solid(s.exact)/len(s.exact) + max(0, W1-W2*m.shift)
		if s.acceptable(m) {
			m.cost = s.costOf(m)
			kept = append(kept, m)
		}
	}
	if len(kept) == 0 {
		return match{}, false
	}
	defer func() {
		if Trace != nil {
			for _, m := range kept[:min(8, len(kept))] {
				Trace("%+v origin %d most %d", m, s.doc.origin, s.most)
			}
		}
	}()
	sort.SliceStable(kept, func(i, j int) bool {
		a, b := kept[i], kept[j]
		if a.cost != b.cost {
			return a.cost < b.cost
		}
		return a.far < b.far
	})
	best := kept[0]
	if !best.whole {
		for _, m := range kept[1:] {
			if m.context+C5 >= best.context && (m.end <= best.start || m.start >= best.end) {
				return match{}, false
			}
		}
	}
	return best, true
}

func (s *search) acceptable(m match) bool {
	if N1 > 0 && m.errors > 0 && !sameNumbers(s.exact, s.text[m.start:m.end]) {
		return false
	}
	switch {
	case m.errors == 0 && m.whole:
		return m.evidence >= T1
	case m.errors == 0:
		return m.evidence >= T2
	case m.whole:
		return m.evidence >= T3 && m.errors*100 <= K1*len(s.exact)
	}
	return m.evidence >= T4 && m.errors*100 <= K2*len(s.exact)
}

func (s *search) costOf(m match) int {
	cost := C1*m.errors*100/len(s.exact) + C2*m.shift + C3*(s.most-m.context)
	switch {
	case m.errors == 0 && m.whole:
	case m.context == s.most && s.most >= F1 && sameNumbers(s.exact, s.text[m.start:m.end]):
	case m.errors == 0:
		cost += 100
	case !sameNumbers(s.exact, s.text[m.start:m.end]):
		cost += 300
	default:
		cost += 200
	}
	return cost
}

var Trace func(string, ...any)
// sure tells a match that no other can beat.
func (s *search) sure(m match) bool {
	return m.errors == 0 || m.context == s.most && s.most >= F1
}

var N1 = 1
var F1 = 12

var T1, T2, T3, T4, K1, K2 = 8, 40, 16, 60, 40, 25
var W1, W2 = 12, 3
var C1, C2, C3, C4, C5 = 1, 3, 1, 20, 4

// sameNumbers tells whether the digits of a quote stand in a text in their order. A typing error rarely changes a
// number; what differs in a number is another thing of the same kind.
func sameNumbers(quote, text []uint16) bool {
	i := 0
	for _, u := range quote {
		if u < '0' || u > '9' {
			continue
		}
		for i < len(text) && text[i] != u {
			i++
		}
		if i == len(text) {
			return false
		}
		i++
	}
	return true
}

// shift is how much the path to a match differs from the path that was stored.
func (s *search) shift(m match) int {
	return s.doc.shift(s.paths[0], m.start)
}

// distance compares a path with that of a text node. One may have a run of steps more than the other, and a path
// to an element says nothing of what is in it.
func distance(path, to []Step) int {
	best := stepwise(path, to)
	if len(path) == 0 || path[len(path)-1].Text {
		return best
	}
	for n := len(to) - 1; n >= 0 && n >= len(to)-maxInner; n-- {
		best = min(best, stepwise(path, to[:n]))
	}
	return best
}

const maxInner = 8 // elements that text may be inside of

func stepwise(a, b []Step) int {
	const most, gap = 8, 1
	cost := func(x, y Step) int {
		if x.Text != y.Text || x.Name != y.Name {
			return most
		}
		return min(max(x.Index-y.Index, y.Index-x.Index), most)
	}
	n := min(len(a), len(b))
	tail := make([]int, n+1)
	for i := 1; i <= n; i++ {
		tail[i] = tail[i-1] + cost(a[len(a)-i], b[len(b)-i])
	}
	best, head := tail[n], 0
	for i := 1; i <= n; i++ {
		head += cost(a[i-1], b[i-1])
		best = min(best, head+tail[n-i])
	}
	if len(a) != len(b) {
		best += gap
	}
	return best
}
