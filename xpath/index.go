package xpath

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// hostName is the element that limn puts into a page for its own cards: no part of the page.
const hostName = "limn-host"

// maxText is the longest text node that Chromium's parser makes, in UTF-16 code units: more text becomes several
// nodes. Scripts and styles stay whole.
const maxText = 1 << 16

// An indexer fills a Document while it walks a tree.
type indexer struct {
	doc   *Document
	text  strings.Builder
	units int32
}

// add indexes a node and what is in it. It recurses as deep as the tree, which the parser keeps under 512 open
// elements.
func (x *indexer) add(n *html.Node, parent int32) {
	if n.Type == html.TextNode {
		x.addText(n, parent)
		return
	}
	i := int32(len(x.doc.nodes))
	indexed := node{parent: parent, start: x.units}
	if n.Type == html.ElementNode {
		indexed.kind, indexed.name = element, n.Data
		if n.Namespace != "" {
			indexed.kind = foreign
		}
	}
	x.doc.nodes = append(x.doc.nodes, indexed)
	if n.Type == html.ElementNode {
		x.addID(n, i)
	}
	if !isTemplate(n) { // what is in a template belongs to a document of its own
		shadow := false
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			switch {
			case c.Type == html.ElementNode && c.Data == hostName:
			case !shadow && isShadow(c):
				shadow = true
			default:
				x.add(c, i)
			}
		}
	}
	x.doc.nodes[i].end = int32(len(x.doc.nodes))
}

// addID keeps the first of the elements with an id, and behind it the next few.
func (x *indexer) addID(n *html.Node, i int32) {
	for _, a := range n.Attr {
		if a.Key != "id" || a.Namespace != "" {
			continue
		}
		at, taken := x.doc.ids[a.Val]
		if !taken && a.Val != "" {
			x.doc.ids[a.Val] = i
		}
		for twin := 1; taken && twin < maxTwins; twin++ {
			next, more := x.doc.twins[at]
			if !more {
				x.doc.twins[at] = i
				break
			}
			at = next
		}
		return
	}
}

// addText indexes a text node, cut into those that a browser makes of it.
func (x *indexer) addText(n *html.Node, parent int32) {
	data := n.Data
	if !utf8.ValidString(data) {
		data = strings.ToValidUTF8(data, string(replacement))
	}
	limit := maxText
	if p := n.Parent; p != nil && (p.Data == "script" || p.Data == "style" && p.Namespace == "") {
		limit = math.MaxInt
	}
	if joins(n) {
		last := &x.doc.nodes[len(x.doc.nodes)-1]
		if len(x.doc.texts) > 0 && last.kind == text && last.parent == parent && int(x.units-last.start)+Units(data) < limit {
			x.write(data)
			return
		}
	}
	for {
		size := cut(data, limit)
		i := int32(len(x.doc.nodes))
		x.doc.nodes = append(x.doc.nodes, node{kind: text, parent: parent, start: x.units, end: i + 1})
		if size > 0 {
			x.doc.texts = append(x.doc.texts, chunk{node: i, unit: x.units, byte: int32(x.text.Len())})
		}
		x.write(data[:size])
		if data = data[size:]; data == "" {
			return
		}
	}
}

func (x *indexer) write(data string) {
	x.text.WriteString(data)
	x.units += int32(Units(data))
}

// joins tells text that continues the text before it: only a shadow root, which the tree holds and a browser does
// not, stands between them.
func joins(n *html.Node) bool {
	p := n.PrevSibling
	return p != nil && isShadow(p) && p.PrevSibling != nil && p.PrevSibling.Type == html.TextNode
}

// cut is how many bytes of a text fit into a text node of so many units. Like Chromium it does not cut through
// what a reader sees as one character, except in text that is all Latin-1.
func cut(data string, limit int) int {
	if len(data) <= limit {
		return len(data)
	}
	at, left := 0, limit
	for i, r := range data {
		if r > 0xffff {
			left--
		}
		if left--; left < 0 {
			at = i
			break
		}
	}
	if at == 0 {
		return len(data)
	}
	if !strings.ContainsFunc(data, func(r rune) bool { return r > 0xff }) {
		return at
	}
	for back := at; back > 0; {
		r, _ := utf8.DecodeRuneInString(data[back:])
		before, size := utf8.DecodeLastRuneInString(data[:back])
		if !extends(r) && before != zeroWidthJoiner && !(before == '\r' && r == '\n') {
			return back
		}
		back -= size
	}
	return at
}

const zeroWidthJoiner = '\u200d'

// extends tells the characters that belong to the one before them.
func extends(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc) || r == zeroWidthJoiner || r >= 0x1f3fb && r <= 0x1f3ff
}

func isTemplate(n *html.Node) bool {
	return n.Type == html.ElementNode && n.Data == "template" && n.Namespace == ""
}

// isShadow tells a template that a browser takes away to make a shadow root of its parent.
func isShadow(n *html.Node) bool {
	if !isTemplate(n) || n.Parent == nil || !holdsShadow(n.Parent) {
		return false
	}
	for _, a := range n.Attr {
		if a.Key == "shadowrootmode" {
			mode := strings.ToLower(a.Val)
			return mode == "open" || mode == "closed"
		}
	}
	return false
}

// holdsShadow tells the elements that may have a shadow root, as the DOM's standard lists them.
func holdsShadow(n *html.Node) bool {
	if n.Type != html.ElementNode || n.Namespace != "" {
		return false
	}
	return slices.Contains(shadowHosts, n.Data) || strings.Contains(n.Data, "-")
}

var shadowHosts = []string{
	"article", "aside", "blockquote", "body", "div", "footer", "h1", "h2", "h3", "h4", "h5", "h6",
	"header", "main", "nav", "p", "section", "span",
}
