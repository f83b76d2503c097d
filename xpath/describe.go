package xpath

import (
	"sort"
	"strconv"
	"strings"
)

// point names a place: in the text node that the text from there on is in, or for an end the text up to there.
func (d *Document) point(at int, end bool) Point {
	i := sort.Search(len(d.chunks), func(i int) bool {
		unit := int(d.chunks[i].unit)
		return unit > at || end && unit == at
	}) - 1
	i = max(min(i, len(d.chunks)-2), 0) // the last is the sentinel
	if len(d.chunks) == 1 {
		return Point{XPath: "/"}
	}
	c := d.chunks[i]
	if path, ok := d.path(c.node); ok {
		return Point{path, at - int(d.nodes[c.node].start)}
	}
	// Some ancestor has a name that no path can hold: the point goes before or after it.
	for n := c.node; ; n = d.nodes[n].parent {
		parent := d.nodes[n].parent
		if path, ok := d.path(parent); ok {
			offset := 0
			for s := parent + 1; s < n || end && s == n; s = d.nodes[s].end {
				offset++
			}
			return Point{path, offset}
		}
	}
}

// path is the absolute path of a node. Not ok: the grammar has no path for it.
func (d *Document) path(i int32) (string, bool) {
	var steps []string
	length := 0
	for ; i != 0; i = d.nodes[i].parent {
		step, ok := d.step(i)
		if !ok {
			return "", false
		}
		steps = append(steps, step)
		length += len(step) + 1
	}
	if length > maxPath || len(steps) > maxSteps {
		return "", false
	}
	if length == 0 {
		return "/", true
	}
	var path strings.Builder
	path.Grow(length)
	for s := len(steps) - 1; s >= 0; s-- {
		path.WriteByte('/')
		path.WriteString(steps[s])
	}
	return path.String(), true
}

// step names a node among its siblings, in a way that a browser's XPath understands as well.
func (d *Document) step(i int32) (string, bool) {
	n := &d.nodes[i]
	test := n.name
	switch {
	case n.kind == text:
		test = "text()"
	case n.kind == other:
		return "", false
	case n.kind == foreign || !isPlain(n.name):
		quote := `"`
		if strings.Contains(n.name, quote) {
			quote = `'`
			if strings.Contains(n.name, quote) {
				return "", false
			}
		}
		test = "*[local-name()=" + quote + n.name + quote + "]"
	}
	index := int(d.nth()[i])
	return test + "[" + strconv.Itoa(index) + "]", index <= maxIndex
}

// isPlain tells a name that XPath takes as it is.
func isPlain(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := c >= 'a' && c <= 'z' || c == '_'
		if !letter && (i == 0 || c != '-' && c != '.' && (c < '0' || c > '9')) {
			return false
		}
	}
	return name != ""
}
