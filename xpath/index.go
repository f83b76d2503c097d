package xpath

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// hostName is the element that limn puts into a page for its own cards: no part of the page.
const hostName = "limn-host"

// maxChunk bounds the bytes that have to be counted to turn a place into a byte.
const maxChunk = 1 << 10

// An indexer fills a Document while it walks a tree.
type indexer struct {
	doc    *Document
	pieces []string // the text so far
	bytes  int32
	units  int32
	hidden bool
}

func (x *indexer) run(root *html.Node) {
	nodes, texts := count(root)
	d := x.doc
	d.nodes = make([]node, 0, nodes+1) // growing them takes longer than counting
	d.chunks = make([]chunk, 0, texts+1)
	x.pieces = make([]string, 0, texts)
	d.blocks = make([]int32, 0, texts)
	x.add(root, 0)
	d.text = strings.Join(x.pieces, "")
	end := int32(len(d.nodes))
	d.nodes = append(d.nodes, node{start: x.units, end: end + 1})
	d.chunks = append(d.chunks, chunk{node: end, unit: x.units, byte: int32(len(d.text))})
	if body, ok := d.walk(0, []Step{{Name: "html", Index: 1}, {Name: "body", Index: 1}}); ok {
		d.origin = int(d.nodes[body].start)
	}
}

// count tells how many nodes there are in a tree, and how many of them are text.
func count(n *html.Node) (nodes, texts int) {
	nodes = 1
	if n.Type == html.TextNode {
		texts = 1
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		n, t := count(c)
		nodes, texts = nodes+n, texts+t
	}
	return nodes, texts
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
	block := n.Type == html.ElementNode && isBlock(n.Data)
	if block {
		x.breakLine()
	}
	hidden := x.hidden
	x.hidden = hidden || n.Type == html.ElementNode && (n.Data == "script" || n.Data == "style")
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
	x.hidden = hidden
	if block {
		x.breakLine()
	}
	x.doc.nodes[i].end = int32(len(x.doc.nodes))
	x.addFamilies(i)
}

func (x *indexer) addFamilies(parent int32) {
	d := x.doc
	count, end := 0, d.nodes[parent].end
	for c := parent + 1; c < end && count < manyChildren; c = d.nodes[c].end {
		count++
	}
	if count < manyChildren {
		return
	}
	for c := parent + 1; c < end; c = d.nodes[c].end {
		n := &d.nodes[c]
		d.large[family{parent: parent}] = append(d.large[family{parent: parent}], c)
		if n.kind != other {
			own := family{parent, n.kind, n.name}
			d.large[own] = append(d.large[own], c)
		}
	}
}

func (x *indexer) breakLine() {
	if b := x.doc.blocks; len(b) == 0 || b[len(b)-1] != x.units {
		x.doc.blocks = append(b, x.units)
	}
}

// isBlock tells the elements that browsers set in lines of their own, and those around which a reader sees text end.
func isBlock(name string) bool {
	_, ok := blockNames[name]
	return ok
}

var blockNames = func() map[string]struct{} {
	names := map[string]struct{}{}
	for _, name := range strings.Fields(`address article aside blockquote body br button caption center dd details
		dialog dir div dl dt fieldset figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html
		iframe legend li main menu nav noscript ol optgroup option p pre script search section select style summary
		table tbody td textarea tfoot th thead title tr ul`) {
		names[name] = struct{}{}
	}
	return names
}()

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

func (x *indexer) addText(n *html.Node, parent int32) {
	data := n.Data
	if !utf8.ValidString(data) {
		data = strings.ToValidUTF8(data, string(replacement))
	}
	i := int32(len(x.doc.nodes))
	if last := i - 1; joins(n) && x.doc.nodes[last].kind == text && x.doc.nodes[last].parent == parent {
		i = last
	} else {
		x.doc.nodes = append(x.doc.nodes, node{kind: text, parent: parent, start: x.units, end: i + 1})
	}
	for data != "" {
		size := len(data)
		if size > maxChunk {
			for size = maxChunk; !utf8.RuneStart(data[size]); size-- {
			}
		}
		x.doc.chunks = append(x.doc.chunks, chunk{node: i, unit: x.units, byte: x.bytes, hidden: x.hidden})
		x.pieces = append(x.pieces, data[:size])
		x.bytes += int32(size)
		x.units += int32(Units(data[:size]))
		data = data[size:]
	}
}

// joins tells text that continues the text before it: only a shadow root, which the tree holds and a browser does
// not, stands between them.
func joins(n *html.Node) bool {
	p := n.PrevSibling
	return p != nil && isShadow(p) && p.PrevSibling != nil && p.PrevSibling.Type == html.TextNode
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
