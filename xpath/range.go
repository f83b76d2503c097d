package xpath

// A Range is one contiguous selection: where it began, where it ended and, once known, what it held.
// It is the DOM's Range with its direction kept: Anchor is where the selection began, Focus where it
// ended, so a backward selection has its focus first in the document.
type Range struct {
	Anchor    Point      `json:"anchor"`
	Focus     Point      `json:"focus"`
	Quote     *Quote     `json:"quote,omitempty"`
	Position  *Position  `json:"position,omitempty"`
	Landmarks *Landmarks `json:"landmarks,omitempty"`
}

// A Point is a boundary point of a DOM Range: a node, named by its path, and an offset in it.
// Offset counts UTF-16 code units in a text node and child nodes in an element.
type Point struct {
	XPath  string `json:"xpath"`
	Offset int    `json:"offset"`
}

// A Quote is a W3C TextQuoteSelector: the text of a range, and at most ContextLength UTF-16 code units
// of the document's text before and after it.
type Quote struct {
	Exact  string `json:"exact"`
	Prefix string `json:"prefix"`
	Suffix string `json:"suffix"`
}

// ContextLength is how much text is kept on each side of a quote, in UTF-16 code units.
const ContextLength = 32

// A Position is a W3C TextPositionSelector. It counts UTF-16 code units of text from the start of the body, where
// the W3C model counts code points: exports convert. What is before the body changes with every script that a
// page loads, and nobody can select it: a range that reaches there has no position.
type Position struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// InOrder tells whether one point comes before another or is the same, as far as their paths say: where they part, both must
// go to nodes of the same kind.
func InOrder(a, b Point) (inOrder, known bool) {
	if a.XPath == b.XPath {
		return a.Offset <= b.Offset, true
	}
	one, err := Parse(a.XPath)
	if err != nil {
		return false, false
	}
	two, err := Parse(b.XPath)
	if err != nil || one.ID != two.ID {
		return false, false
	}
	for i := range min(len(one.Steps), len(two.Steps)) {
		s, t := one.Steps[i], two.Steps[i]
		if s == t {
			continue
		}
		inOrder = s.Index < t.Index
		s.Index = t.Index
		return inOrder, s == t
	}
	return a.Offset <= b.Offset, len(one.Steps) == len(two.Steps)
}
