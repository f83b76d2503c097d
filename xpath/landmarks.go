package xpath

import (
	"slices"
	"sort"
)

// Landmarks tell a passage from others that say the same, where a few words of context are the same as well. They are
// taken where a quote was seen to stand.
type Landmarks struct {
	// The nearest blocks of text on each side that the page has only once, each as a hash of what a reader sees.
	Before []uint32 `json:"before"`
	After  []uint32 `json:"after"`
	Twins  *Twins   `json:"twins,omitempty"` // nil: the page has none
}

// Twins are other places where the quote stands in its context, or begins and ends with its block.
type Twins struct {
	// How many of them stand between each landmark and the quote, and at the end of the list, how many on that side of it.
	Before []int `json:"before"`
	After  []int `json:"after"`
	Alike  bool  `json:"alike"` // all the context of some is the same
}

// Valid tells whether landmarks are such as could have been taken.
func (l *Landmarks) Valid() bool {
	if len(l.Before) > MaxLandmarks || len(l.After) > MaxLandmarks {
		return false
	}
	if l.Twins == nil {
		return true
	}
	impossible := func(n int) bool { return n < 0 || n > maxHits }
	return len(l.Twins.Before) == len(l.Before)+1 && !slices.ContainsFunc(l.Twins.Before, impossible) &&
		len(l.Twins.After) == len(l.After)+1 && !slices.ContainsFunc(l.Twins.After, impossible)
}

// MaxLandmarks is how many are kept on each side: some may be gone when they are needed.
const MaxLandmarks = 4

// maxBlocks bounds the memory that an outline takes: a page of more blocks has no landmarks.
const maxBlocks = 1 << 16

// An outline is the blocks of text that a reader sees on a page, in order.
type outline struct {
	blocks []block
	only   map[uint32]int // the one block with a hash, -1 for several
}

type block struct {
	start, end int
	hash       uint32
}

func (d *Document) outlined() outline {
	o := outline{only: map[uint32]int{}}
	if len(d.blocks) > maxBlocks {
		return o
	}
	for i := range len(d.blocks) + 1 {
		b, ok := d.block(i)
		if !ok {
			continue
		}
		if _, taken := o.only[b.hash]; taken {
			o.only[b.hash] = -1
		} else {
			o.only[b.hash] = len(o.blocks)
		}
		o.blocks = append(o.blocks, b)
	}
	return o
}

// block is what a reader sees between the edge of a block with this index and the one before. Not ok: nothing.
func (d *Document) block(i int) (b block, ok bool) {
	text := d.wide()
	b = block{start: d.origin, end: len(text)}
	if i > 0 {
		b.start = max(b.start, int(d.blocks[i-1]))
	}
	if i < len(d.blocks) {
		b.end = int(d.blocks[i])
	}
	for b.start < b.end && isSpace(text[b.start]) {
		b.start++
	}
	for b.start < b.end && isSpace(text[b.end-1]) {
		b.end--
	}
	if b.start >= b.end || d.isHidden(b.start) {
		return block{}, false
	}
	b.hash = hash(text[b.start:b.end])
	return b, true
}

// hash is FNV-1a of units, where each run of space is one space.
func hash(units []uint16) uint32 {
	h, spaced := uint32(2166136261), false
	for _, u := range units {
		if isSpace(u) {
			if spaced {
				continue
			}
			u = ' '
		}
		spaced = u == ' '
		h = (h ^ uint32(u)) * 16777619
	}
	return h
}

// Landmarks are those of a quote that stands where its paths lead. nil: it does not, it is said too often, or the budget
// is spent.
func (d *Document) Landmarks(r Range, budget *Budget) *Landmarks {
	start, end, ok := d.places(r)
	if !ok || start < d.origin || start == end || budget.left <= 0 || r.Quote == nil || d.slice(start, end) != r.Quote.Exact {
		return nil
	}
	s := d.newSearch(r)
	twins := s.twins()
	budget.left -= s.work
	if len(twins) >= maxHits {
		return nil
	}
	twins = slices.DeleteFunc(twins, func(m match) bool { return m.start == start })
	o := d.outline()
	first := sort.Search(len(o.blocks), func(i int) bool { return o.blocks[i].end > start })
	last := sort.Search(len(o.blocks), func(i int) bool { return o.blocks[i].start >= end })
	l := &Landmarks{Before: []uint32{}, After: []uint32{}}
	t := &Twins{Before: []int{}, After: []int{}}
	for i := first - 1; i >= 0 && len(l.Before) < MaxLandmarks; i-- {
		if b := o.blocks[i]; o.only[b.hash] == i {
			l.Before = append(l.Before, b.hash)
			t.Before = append(t.Before, within(twins, b.end, start))
		}
	}
	for i := last; i < len(o.blocks) && len(l.After) < MaxLandmarks; i++ {
		if b := o.blocks[i]; o.only[b.hash] == i {
			l.After = append(l.After, b.hash)
			t.After = append(t.After, within(twins, end, b.start))
		}
	}
	if len(twins) > 0 {
		all := len(s.text)
		t.Before, t.After = append(t.Before, within(twins, 0, start)), append(t.After, within(twins, end, all))
		t.Alike = slices.ContainsFunc(twins, func(m match) bool { return m.context == s.most })
		l.Twins = t
	}
	return l
}

// within counts the matches between two places.
func within(matches []match, from, to int) int {
	n := 0
	for _, m := range matches {
		if m.start >= from && m.end <= to {
			n++
		}
	}
	return n
}

// twins are the places where the very text stands in whole context, in order.
func (s *search) twins() []match {
	var twins []match
	for _, m := range s.exactly() {
		if m.whole && !s.doc.isHidden(m.start) {
			twins = append(twins, m)
		}
	}
	slices.SortFunc(twins, func(a, b match) int { return a.start - b.start })
	return twins
}

// A gap is where a quote has to stand, between the nearest landmarks that a page still has. Where it has none on a side, the gap
// goes to the end of the page.
type gap struct {
	from, to int
	bounded  bool // by landmarks on both sides
	own      int  // where the quote starts, if its twins in the gap are all still there; else below 0
	unclear  bool // which of them it is: some are gone
	fewer    bool // there are fewer on all of the page
}

// newGap is nil without landmarks.
func (s *search) newGap(l *Landmarks) *gap {
	if l == nil || !l.Valid() {
		return nil
	}
	o := s.doc.outline()
	g := &gap{from: s.doc.origin, to: len(s.text), own: -1}
	nearest := func(hashes []uint32) (b block, nth int) {
		for nth, hash := range hashes {
			if i, ok := o.only[hash]; ok && i >= 0 {
				return o.blocks[i], nth
			}
		}
		return block{}, len(hashes)
	}
	before, i := nearest(l.Before)
	after, j := nearest(l.After)
	swapped := i < len(l.Before) && j < len(l.After) && before.end > after.start
	if swapped { // the order of twins says nothing either
		i, j = len(l.Before), len(l.After)
	}
	if i < len(l.Before) {
		g.from = before.end
	}
	if j < len(l.After) {
		g.to = after.start
	}
	g.bounded = i < len(l.Before) && j < len(l.After)
	twins := s.twins()
	nth, of, all, alike := 0, 1, 1, false
	if t := l.Twins; t != nil {
		nth, of = t.Before[i], t.Before[i]+1+t.After[j]
		all, alike = t.Before[len(l.Before)]+1+t.After[len(l.After)], t.Alike
	}
	if g.fewer = len(twins) < all; len(s.found) == maxHits { // nobody counts what is said so often
		g.fewer = true
		return g
	}
	twins = slices.DeleteFunc(twins, func(m match) bool { return !g.holds(m) })
	if len(twins) == of && (of == 1 || !swapped) {
		g.own = twins[nth].start
		return g
	}
	g.unclear = of > 1 && (len(twins) < of || swapped)
	if !alike && s.most >= telling {
		for _, m := range twins {
			if g.unclear && m.context == s.most {
				g.own = m.start
			}
		}
	}
	return g
}

// isFlanked tells a place that needs no outline of the page: a landmark stands near it on each side, and as many twins between.
func (d *Document) isFlanked(r Range, start, end int, budget *Budget) bool {
	l := r.Landmarks
	if l == nil || l.Twins == nil || !l.Valid() {
		return false
	}
	at := sort.Search(len(d.blocks), func(i int) bool { return int(d.blocks[i]) > start })
	before, i, ok := d.landmark(l.Before, at, -1, func(b block) bool { return b.end <= start })
	if !ok {
		return false
	}
	at = sort.Search(len(d.blocks), func(i int) bool { return int(d.blocks[i]) > end })
	after, j, ok := d.landmark(l.After, at, 1, func(b block) bool { return b.start >= end })
	if !ok {
		return false
	}
	s, nth, behind := d.newQuote(r.Quote), 0, 0
	from, _ := d.byteAt(before.end)
	to, _ := d.byteAt(after.start)
	for from < to {
		found := index(d.text[from:to], s.quote)
		if found < 0 {
			break
		}
		at := d.unitAt(from + found)
		switch m := s.judge(match{start: at, end: at + len(s.exact)}); {
		case !m.whole || m.start == start:
		case m.start < start:
			nth++
		default:
			behind++
		}
		budget.left -= perHit
		from += found + 1
	}
	budget.left -= (after.start - before.end) / fast
	return nth == l.Twins.Before[i] && behind == l.Twins.After[j]
}

// landmark is the first of some that stands in a direction from a block on, but not far.
func (d *Document) landmark(hashes []uint32, at, step int, fits func(block) bool) (b block, nth int, ok bool) {
	const near = 16
	for range near {
		if at < 0 || at > len(d.blocks) {
			break
		}
		if b, ok := d.block(at); ok && fits(b) {
			if nth := slices.Index(hashes, b.hash); nth >= 0 {
				return b, nth, true
			}
		}
		at += step
	}
	return block{}, 0, false
}

func (g *gap) holds(m match) bool { return m.start >= g.from && m.end <= g.to }

// admits tells whether a match can be the quote, for all that landmarks tell.
func (g *gap) admits(m match) bool {
	switch {
	case g == nil:
		return true
	case !g.holds(m):
		return m.errors == 0 && !g.fewer && g.own < 0
	case m.errors > 0:
		return true
	case g.own >= 0:
		return m.start == g.own
	}
	return !g.unclear
}

// points tells the match that landmarks alone say is the quote.
func (g *gap) points(m match) bool { return g != nil && g.bounded && m.errors == 0 && m.start == g.own }
