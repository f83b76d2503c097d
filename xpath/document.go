package xpath

import (
	"sort"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/net/html"
)

// A Document is a parsed page, indexed once. It is never changed afterwards, so that any number of goroutines
// may read it, and it keeps nothing of the tree that it was made from.
//
// Its text is that of all text nodes in document order, as the DOM's Range gives it. Places in it are counted in
// UTF-16 code units, so that a place between the halves of a surrogate pair is a number like any other.
type Document struct {
	nodes   []node           // in document order, the document itself first, a sentinel last
	ids     map[string]int32 // the first element with an id
	twins   map[int32]int32  // the next element with the same id
	large   map[family][]int32
	chunks  []chunk // in document order, a sentinel last
	text    string
	wide    func() []uint16 // the text again, for who compares unit by unit
	folded  func() folded   // the body's text as it is read
	outline func() outline
	nth     func() []int32 // the place of each node among its namesakes
	origin  int            // where the body starts: a Position counts from there
	blocks  []int32        // where blocks start and end, in order
}

// A node's children begin at the next index; their siblings begin where they end.
type node struct {
	name   string // of an element
	kind   kind
	start  int32 // where its text starts
	end    int32 // the index after its last descendant
	parent int32
}

type kind uint8

const (
	other   kind = iota // the document, its doctype, comments
	text                // a text node
	element             // an element of HTML
	foreign             // an element of SVG or MathML
)

// A family is the children of one name that a parent has, or with kind other all its children. Only families of
// parents with many children are kept: they would take long to walk through for each path.
type family struct {
	parent int32
	kind   kind
	name   string
}

const manyChildren = 256

// A chunk is a piece of a text node, short enough to be counted through.
type chunk struct {
	node int32
	unit int32 // where it starts
	byte int32 // the same in text

	hidden bool // in a script or a style: nobody reads it
}

// NewDocument indexes the tree that html.Parse made of a page.
func NewDocument(root *html.Node) *Document {
	d := &Document{ids: map[string]int32{}, twins: map[int32]int32{}, large: map[family][]int32{}}
	x := indexer{doc: d}
	x.run(root)
	d.wide = sync.OnceValue(func() []uint16 { return units(d.text) })
	d.folded = sync.OnceValue(d.fold)
	d.outline = sync.OnceValue(d.outlined)
	d.nth = sync.OnceValue(d.number)
	return d
}

// Size is about how many bytes of memory the page takes, with all that is only made once it is needed.
func (d *Document) Size() int {
	const perNode = int(unsafe.Sizeof(node{})) + 4 // its number among its namesakes
	const perUnit = 2 + 2 + 4                      // the text again, and as it is read
	const perID, perFamily = 64, 128               // of a map
	const perBlock = 3*8 + 48                      // of an outline, with its map
	return len(d.nodes)*perNode + len(d.chunks)*int(unsafe.Sizeof(chunk{})) + len(d.text) + d.length()*perUnit +
		(len(d.ids)+len(d.twins))*perID + len(d.large)*perFamily + len(d.blocks)*4 + min(len(d.blocks), maxBlocks)*perBlock
}

// length of the text, in units.
func (d *Document) length() int { return int(d.nodes[len(d.nodes)-1].start) }

// find is the index of the node that a path leads to. As in XPath 1.0 it is the first in the document of all that
// the path names: ids may be given twice.
func (d *Document) find(path Path) (int32, bool) {
	if path.ID == "" {
		return d.walk(0, path.Steps)
	}
	best, found := int32(0), false
	from := func(root int32) {
		if at, ok := d.walk(root, path.Steps); ok && (!found || at < best) {
			best, found = at, true
		}
	}
	if path.Every {
		for root, ok := d.ids[path.ID]; ok; root, ok = d.twins[root] {
			from(root)
		}
		return best, found
	}
	for _, id := range strings.FieldsFunc(path.ID, func(r rune) bool { return strings.ContainsRune(" \t\n\r", r) }) { // the function id() takes a list
		if root, ok := d.ids[id]; ok {
			from(root)
		}
	}
	return best, found
}

// maxTwins is how many elements with one id are looked at: each costs a walk.
const maxTwins = 100

func (d *Document) walk(at int32, steps []Step) (int32, bool) {
	for _, step := range steps {
		next := d.child(at, step)
		if next == 0 {
			return 0, false
		}
		at = next
	}
	return at, true
}

// child is the index of the child that a step leads to, 0 for none. A plain name means elements of HTML, as in
// browsers; where those are too few it means the others.
func (d *Document) child(parent int32, step Step) int32 {
	if _, ok := d.large[family{parent: parent}]; ok && !step.Local {
		return d.childOfMany(parent, step)
	}
	left, strangers := step.Index, 0
	end := d.nodes[parent].end
	for c := parent + 1; c < end; c = d.nodes[c].end {
		n := &d.nodes[c]
		switch {
		case step.Text:
			if n.kind != text {
				continue
			}
		case n.kind < element || len(n.name) != len(step.Name):
			continue
		case step.Local:
			if n.name != step.Name {
				continue
			}
		case n.kind == element:
			if n.name != step.Name && !equalFold(n.name, step.Name) {
				continue
			}
			step.Name = n.name // the very same string in most siblings, which is quicker to compare
		default:
			if n.name == step.Name {
				strangers++
			}
			continue
		}
		if left--; left == 0 {
			return c
		}
	}
	if strangers < step.Index {
		return 0
	}
	left = step.Index
	for c := parent + 1; ; c = d.nodes[c].end {
		if n := &d.nodes[c]; n.kind == foreign && n.name == step.Name {
			if left--; left == 0 {
				return c
			}
		}
	}
}

func (d *Document) childOfMany(parent int32, step Step) int32 {
	families := [][]int32{d.large[family{parent, text, ""}]}
	if !step.Text {
		families = [][]int32{d.large[family{parent, element, strings.ToLower(step.Name)}], d.large[family{parent, foreign, step.Name}]}
	}
	for _, f := range families {
		if step.Index <= len(f) {
			return f[step.Index-1]
		}
	}
	return 0
}

// equalFold compares a name in lower case with one whose ASCII letters may be upper case.
func equalFold(lower, name string) bool {
	for i := range len(name) {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// place is where a boundary point stands in the text. Not ok: the page has no such point.
func (d *Document) place(p Point) (at int, ok bool) {
	i, ok := d.named(p.XPath)
	if !ok {
		return 0, false
	}
	return d.within(i, p.Offset)
}

// named is the index of the node that a path in writing leads to.
func (d *Document) named(xpath string) (int32, bool) {
	path, err := Parse(xpath)
	if err != nil {
		return 0, false
	}
	return d.find(path)
}

// within is where an offset in a node stands in the text.
func (d *Document) within(i int32, offset int) (at int, ok bool) {
	if offset < 0 {
		return 0, false
	}
	start, end := int(d.nodes[i].start), int(d.nodes[d.nodes[i].end].start)
	if d.nodes[i].kind == text {
		return start + offset, offset <= end-start
	}
	if all, ok := d.large[family{parent: i}]; ok && offset < len(all) {
		return int(d.nodes[all[offset]].start), true
	}
	left := offset
	for c := i + 1; c < d.nodes[i].end; c = d.nodes[c].end {
		if left == 0 {
			return int(d.nodes[c].start), true
		}
		left--
	}
	return end, left == 0
}

// slice is the text between two places. Half a surrogate pair is U+FFFD, as JSON and Postgres need it.
func (d *Document) slice(start, end int) string {
	if start >= end {
		return ""
	}
	a, cutA := d.byteAt(start)
	b, cutB := d.byteAt(end)
	if !cutA && !cutB {
		return d.text[a:b]
	}
	var s strings.Builder
	if cutA {
		s.WriteRune(replacement)
		a += astralSize
	}
	if a < b {
		s.WriteString(d.text[a:b])
	}
	if cutB {
		s.WriteRune(replacement)
	}
	return s.String()
}

// byteAt is where a place stands in text, and whether it cuts the character there into its two halves.
func (d *Document) byteAt(unit int) (at int, cut bool) {
	i := sort.Search(len(d.chunks), func(i int) bool { return int(d.chunks[i].unit) > unit }) - 1
	if i < 0 || i == len(d.chunks)-1 {
		return len(d.text), false
	}
	c, next := d.chunks[i], d.chunks[i+1]
	at, left := int(c.byte), unit-int(c.unit)
	if next.byte-c.byte == next.unit-c.unit {
		return at + left, false
	}
	for left > 0 {
		switch b := d.text[at]; {
		case b < 0x80:
			at++
		case b < 0xe0:
			at += 2
		case b < 0xf0:
			at += 3
		case left == 1:
			return at, true
		default:
			at += astralSize
			left--
		}
		left--
	}
	return at, false
}

// unitAt is the place of a character that starts at a byte of text.
func (d *Document) unitAt(at int) int {
	i := sort.Search(len(d.chunks), func(i int) bool { return int(d.chunks[i].byte) > at }) - 1
	if i < 0 || i == len(d.chunks)-1 {
		return d.length()
	}
	c, next := d.chunks[i], d.chunks[i+1]
	if next.byte-c.byte == next.unit-c.unit {
		return int(c.unit) + at - int(c.byte)
	}
	return int(c.unit) + Units(d.text[c.byte:at])
}

// breaks tells whether a block starts or ends between two places, or beside them but for space.
func (d *Document) breaks(from, to int) bool {
	text := d.wide()
	for from > 0 && isSpace(text[from-1]) {
		from--
	}
	for to < len(text) && isSpace(text[to]) {
		to++
	}
	i := sort.Search(len(d.blocks), func(i int) bool { return int(d.blocks[i]) >= from })
	return from == 0 || to == len(text) || i < len(d.blocks) && int(d.blocks[i]) <= to
}

// isHidden tells whether the text from a place on is in a script or a style.
func (d *Document) isHidden(at int) bool {
	i := sort.Search(len(d.chunks), func(i int) bool { return int(d.chunks[i].unit) > at }) - 1
	return i >= 0 && d.chunks[i].hidden
}
