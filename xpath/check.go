package xpath

// A Verdict says what became of a range on a page.
type Verdict struct {
	State State  // Verified, Moved or Orphaned
	Range Range  // as it was asked for, with its quote and position filled in where they were missing
	Now   *Range // when Moved: where the quote stands now
}

// Holds is what the paths of a range hold on the page, and where: below 0 for what is before the body. Not ok:
// they lead nowhere.
func (d *Document) Holds(r Range) (Quote, Position, bool) {
	start, end, ok := d.places(r)
	if !ok {
		return Quote{}, Position{}, false
	}
	return d.quote(start, end), Position{start - d.origin, end - d.origin}, true
}

// Check tries the three anchors of a range in turn: its paths; its position; its quote, for which context and
// position decide between several. A range without a quote is verified when its paths lead somewhere, and then
// has one.
func (d *Document) Check(r Range) Verdict {
	v, _ := d.check(r, NewBudget())
	return v
}

// pathWork is what two paths cost, in units of text.
const pathWork = 1 << 8

// A Budget bounds the work that all the ranges on a page may take together, counted in units of text that are compared:
// a clock would judge otherwise where the machine is busy.
type Budget struct{ left int }

const pageBudget = 3 << 24

// NewBudget is for one page. It lasts for some hundred milliseconds; the search that overdraws it ends as any does.
func NewBudget() *Budget { return &Budget{left: pageBudget} }

// Ample tells that less than half of it is spent: what it was not enough for would fare no better next time.
func (b *Budget) Ample() bool { return b.left > pageBudget/2 }

func (d *Document) check(r Range, budget *Budget) (v Verdict, ok bool) {
	budget.left -= pathWork
	start, end, ok := d.places(r)
	if ok && (r.Quote == nil || d.slice(start, end) == r.Quote.Exact) {
		if r.Quote == nil {
			quote := d.quote(start, end)
			r.Quote = &quote
		}
		if r.Position == nil && start >= d.origin {
			r.Position = &Position{start - d.origin, end - d.origin}
		}
		if budget.left <= 0 || d.isOwn(r, start, end) || d.isFlanked(r, start, end, budget) {
			return Verdict{State: Verified, Range: r}, true
		}
		s := d.newSearch(r)
		defer func() { budget.left -= s.effort + s.work }()
		m := s.judge(match{start: start, end: end})
		if s.gap = s.newGap(r.Landmarks); s.gap.admits(m) {
			if m, ok = s.elsewhere(m); !ok {
				return Verdict{State: Verified, Range: r}, true
			}
			return d.moved(r, m), true
		}
	}
	if r.Quote == nil {
		return Verdict{State: Orphaned, Range: r}, true
	}
	if budget.left <= 0 {
		return Verdict{}, false
	}
	m, ok := d.search(r, budget)
	if !ok {
		return Verdict{State: Orphaned, Range: r}, true
	}
	return d.moved(r, m), true
}

func (d *Document) moved(r Range, to match) Verdict {
	now := d.describe(to.start, to.end, d.backward(r))
	return Verdict{State: Moved, Range: r, Now: &now}
}

// isOwn tells a place of a quote that no other can be mistaken for: it has its context, and no twins.
func (d *Document) isOwn(r Range, start, end int) bool {
	q := r.Quote
	return q.Exact == "" || (r.Landmarks == nil || r.Landmarks.Twins == nil) &&
		d.slice(max(start-Units(q.Prefix), 0), start) == q.Prefix && d.slice(end, min(end+Units(q.Suffix), d.length())) == q.Suffix
}

// elsewhere tells where a quote stands that the paths hold among other words, if it stands among its own in just one other
// place: what was put before it has its path now.
func (s *search) elsewhere(held match) (now match, ok bool) {
	if s.most < telling || held.context == s.most {
		return match{}, false
	}
	var own []match
	for _, m := range s.exactly() {
		if m.context == s.most && !s.doc.isHidden(m.start) && s.gap.admits(m) {
			own = append(own, m)
		}
	}
	if len(own) != 1 {
		return match{}, false
	}
	return own[0], true
}

// CheckAll checks a range against several readings of the same page, which differ in what is in <noscript>: text
// for a browser that runs scripts, elements for one that does not. The best verdict counts, verified before moved
// before orphaned, and among equals that of the reading given first.
//
// The work that it takes to search for quotes is taken from a budget. Not ok: the paths do not hold the quote and the
// budget is spent; what became of the range is not known.
func CheckAll(readings []*Document, r Range, budget *Budget) (v Verdict, ok bool) {
	best := Verdict{State: Orphaned, Range: r}
	for _, d := range readings {
		v, ok := d.check(r, budget)
		if !ok {
			return Verdict{}, false
		}
		if v.State == Verified {
			return v, true
		}
		if v.State == Moved && best.State == Orphaned {
			best = v
		}
	}
	return best, true
}

// places is where a range starts and ends in the text.
func (d *Document) places(r Range) (start, end int, ok bool) {
	anchor, ok := d.named(r.Anchor.XPath)
	if !ok {
		return 0, 0, false
	}
	focus := anchor
	if r.Focus.XPath != r.Anchor.XPath {
		if focus, ok = d.named(r.Focus.XPath); !ok {
			return 0, 0, false
		}
	}
	if start, ok = d.within(anchor, r.Anchor.Offset); !ok {
		return 0, 0, false
	}
	end, ok = d.within(focus, r.Focus.Offset)
	return min(start, end), max(start, end), ok
}

func (d *Document) quote(start, end int) Quote {
	first := d.origin
	if start < first {
		first = 0
	}
	before, after := max(start-ContextLength, first), min(end+ContextLength, d.length())
	if _, cut := d.byteAt(before); cut && before < start {
		before++
	}
	if _, cut := d.byteAt(after); cut && after > end {
		after--
	}
	return Quote{Exact: d.slice(start, end), Prefix: d.slice(before, start), Suffix: d.slice(end, after)}
}

// describe is the complete range between two places.
func (d *Document) describe(start, end int, backward bool) Range {
	quote := d.quote(start, end)
	r := Range{Anchor: d.point(start, false), Focus: d.point(end, true), Quote: &quote, Position: &Position{start - d.origin, end - d.origin}}
	if start == end {
		r.Focus = r.Anchor
	}
	if backward {
		r.Anchor, r.Focus = r.Focus, r.Anchor
	}
	return r
}

// backward tells whether a range was selected from its end to its start: by its paths, else by what they hold on this
// page.
func (d *Document) backward(r Range) bool {
	if inOrder, known := InOrder(r.Anchor, r.Focus); known {
		return !inOrder
	}
	start, ok := d.place(r.Anchor)
	if !ok {
		return false
	}
	end, ok := d.place(r.Focus)
	return ok && end < start
}
