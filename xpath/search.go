package xpath

import "strings"

// search finds where a quote stands.
func (d *Document) search(r Range) (start, end int, ok bool) {
	q := *r.Quote
	if q.Exact == "" {
		return 0, 0, false
	}
	hint := 0
	if r.Position != nil {
		hint = min(max(r.Position.Start+d.origin, 0), d.length())
	}
	best, bestScore, bestFar := -1, -1, 0
	for at, n := 0, 0; n < 1000; n++ {
		i := strings.Index(d.text[at:], q.Exact)
		if i < 0 {
			break
		}
		i += at
		at = i + 1
		score := commonSuffix(d.text[:i], q.Prefix) + commonPrefix(d.text[i+len(q.Exact):], q.Suffix)
		far := max(d.unitAt(i)-hint, hint-d.unitAt(i))
		if score > bestScore || score == bestScore && far < bestFar {
			best, bestScore, bestFar = i, score, far
		}
	}
	if best < 0 {
		return 0, 0, false
	}
	start = d.unitAt(best)
	return start, start + Units(q.Exact), true
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func commonSuffix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}
