package verify

import (
	"bufio"
	"crypto/sha256"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// contentHash is the same for two editions of a page in which every path leads to the same text: it is made of
// elements, their ids and the text in them. What differs each time and is read by nobody is left out: scripts, styles,
// what comments say, and attributes such as nonces and tokens.
func contentHash(root *html.Node) []byte {
	sum := sha256.New()
	w := bufio.NewWriter(sum) // a hash does not fail
	writeContent(w, root)
	w.Flush()
	return sum.Sum(nil)
}

func writeContent(w *bufio.Writer, n *html.Node) {
	switch n.Type {
	case html.TextNode:
		writeItem(w, 't', n.Data)
	case html.CommentNode: // parts the text nodes beside it
		writeItem(w, 'c', "")
	case html.ElementNode:
		writeItem(w, 'e', n.Data)
		writeItem(w, 'n', n.Namespace)
		for _, a := range n.Attr {
			if a.Key == "id" && a.Namespace == "" {
				writeItem(w, 'i', a.Val)
			}
		}
	}
	if n.DataAtom != atom.Script && n.DataAtom != atom.Style {
		for child := range n.ChildNodes() {
			writeContent(w, child)
		}
	}
	writeItem(w, '/', "")
}

// writeItem ends with a NUL, which the parser leaves in no text.
func writeItem(w *bufio.Writer, kind byte, text string) {
	w.WriteByte(kind)
	w.WriteString(text)
	w.WriteByte(0)
}
