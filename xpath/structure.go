package xpath

import (
	"slices"
	"sort"
)

// shift is how much the path of the text at a place differs from another path.
func (d *Document) shift(path Path, at int) int {
	const elsewhere = 4 // than in the element with the id that the path starts from
	n, top, away := d.textAt(at), int32(0), 0
	if path.ID != "" {
		root, ok := d.ids[path.ID]
		if ok && root <= n && n < d.nodes[root].end {
			top = root
		} else {
			away = elsewhere
		}
	}
	nth := d.nth()
	var steps []Step
	for ; n != top && (away == 0 || len(steps) < len(path.Steps)); n = d.nodes[n].parent {
		steps = append(steps, Step{Name: d.nodes[n].name, Text: d.nodes[n].kind == text, Index: int(nth[n])})
	}
	slices.Reverse(steps)
	return away + distance(path.Steps, steps)
}

// textAt is the text node that the text from a place on is in.
func (d *Document) textAt(at int) int32 {
	i := sort.Search(len(d.chunks), func(i int) bool { return int(d.chunks[i].unit) > at }) - 1
	return d.chunks[max(0, min(i, len(d.chunks)-2))].node
}

// number counts, for each node, its place among the siblings that its step counts: elements of HTML and text nodes
// among their namesakes, other elements among all that have their name.
func (d *Document) number() []int32 {
	type name struct {
		kind kind
		name string
	}
	nth := make([]int32, len(d.nodes))
	seen := map[name]int32{}
	for parent := range d.nodes[:len(d.nodes)-1] {
		clear(seen)
		end := d.nodes[parent].end
		for c := int32(parent) + 1; c < end; c = d.nodes[c].end {
			n := &d.nodes[c]
			own := name{n.kind, n.name}
			seen[own]++
			nth[c] = seen[own]
			if n.kind == foreign {
				nth[c] += seen[name{element, n.name}]
			}
		}
	}
	return nth
}

// distance compares a path with that of a text node. A path to an element says nothing of what is in it.
func distance(path, to []Step) int {
	const inner = 8      // elements that the text may be inside of
	const compared = 100 // steps, from the end
	path, to = path[max(0, len(path)-compared):], to[max(0, len(to)-compared):]
	best := stepwise(path, to)
	if len(path) == 0 || path[len(path)-1].Text {
		return best
	}
	for n := len(to) - 1; n >= 0 && n >= len(to)-inner; n-- {
		best = min(best, stepwise(path, to[:n]))
	}
	return best
}

// stepwise adds up by how much the steps differ. One path may have a run of steps more than the other, wherever it
// suits: what was wrapped in something still is what it was.
func stepwise(a, b []Step) int {
	const run = 1
	n := min(len(a), len(b))
	tail := 0
	for i := range n {
		tail += differ(a[len(a)-1-i], b[len(b)-1-i])
	}
	best, head := tail, 0
	for i := range n {
		head += differ(a[i], b[i])
		tail -= differ(a[len(a)-n+i], b[len(b)-n+i])
		best = min(best, head+tail)
	}
	if len(a) != len(b) {
		best += run
	}
	return best
}

func differ(a, b Step) int {
	const most = 8
	if a.Text != b.Text || a.Name != b.Name {
		return most
	}
	return min(max(a.Index-b.Index, b.Index-a.Index), most)
}
