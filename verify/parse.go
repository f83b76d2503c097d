package verify

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"runtime/metrics"
	"strings"
	"time"

	"github.com/antchfx/htmlquery"
	"golang.org/x/net/html"

	"limn/xpath"
)

// Limits of one page, once it is UTF-8.
const (
	maxNodes  = 500_000                // of a tree, which may have many more than the page has tags
	maxParse  = 400 * time.Millisecond // of processor time, for its trees and their indexes
	maxGrowth = 128 << 20              // bytes that the heap may grow meanwhile
)

// A reading is a page as it was once read, ready to be asked.
type reading struct {
	documents []*xpath.Document // as a browser builds it; also as one without scripts does, if that differs
	title     string
	canonical string // the address that it says is its own; empty: it does not
	language  string // that it says it is in (BCP 47); empty: it does not
	hash      []byte // of what a highlight can stand on
}

// size is the bytes of memory that it takes.
func (r *reading) size() int {
	n := 0
	for _, d := range r.documents {
		n += d.Size()
	}
	return n
}

// parse reads a page. Only one page may be parsed at once: the memory that others take
// meanwhile is counted as its own.
func parse(body []byte, contentType string) (*reading, *failure) {
	page, err := decode(body, contentType)
	if err != nil {
		return nil, &failure{reason: reasonIncomplete, cause: err}
	}
	if err := guard(page); err != nil {
		return nil, &failure{reason: reasonComplex, cause: err}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	limits := newLimits()
	root, err := htmlquery.Parse(&metered{page: page, limits: limits})
	if err != nil {
		return nil, parseFailure(err)
	}
	r := &reading{title: title(root), language: language(root), canonical: canonical(root)}
	if failed := r.add(root); failed != nil {
		return nil, failed
	}
	if noscript.Match(page) {
		root, err = html.ParseWithOptions(&metered{page: page, limits: limits}, html.ParseOptionEnableScripting(false))
		if err != nil {
			return nil, parseFailure(err)
		}
		if failed := r.add(root); failed != nil {
			return nil, failed
		}
	}
	r.hash = contentHash(root)
	return r, nil
}

// add indexes a tree of the page.
func (r *reading) add(root *html.Node) *failure {
	if nodes(root) > maxNodes {
		return &failure{reason: reasonComplex, cause: fmt.Errorf("more than %d nodes", maxNodes)}
	}
	r.documents = append(r.documents, xpath.NewDocument(root))
	return nil
}

func parseFailure(err error) *failure {
	if errors.Is(err, errLimits) {
		return &failure{reason: reasonComplex, cause: err}
	}
	return &failure{reason: reasonDepth, cause: err} // more than 512 open elements: the parser has no other error
}

func nodes(root *html.Node) int {
	n := 1
	for range root.Descendants() {
		n++
	}
	return n
}

// noscript finds the one element whose content depends on whether scripts run.
var noscript = regexp.MustCompile(`(?i)<noscript`)

func title(root *html.Node) string {
	if n := htmlquery.FindOne(root, "/html/head/title"); n != nil {
		return strings.Join(strings.Fields(htmlquery.InnerText(n)), " ")
	}
	return ""
}

// language is what the page's root says, or its own word for the header Content-Language.
func language(root *html.Node) string {
	tag := ""
	if n := htmlquery.FindOne(root, "/html"); n != nil {
		tag = cmp.Or(htmlquery.SelectAttr(n, "lang"), htmlquery.SelectAttr(n, "xml:lang"))
	}
	if tag == "" {
		for _, n := range htmlquery.Find(root, "/html/head/meta[@http-equiv]") {
			if strings.EqualFold(htmlquery.SelectAttr(n, "http-equiv"), "content-language") {
				tag = htmlquery.SelectAttr(n, "content")
			}
		}
	}
	return firstLanguage(tag)
}

var languageTag = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

// firstLanguage is the first of a list of languages; empty: it is none.
func firstLanguage(list string) string {
	first, _, _ := strings.Cut(list, ",")
	if first = strings.TrimSpace(first); len(first) > 35 || !languageTag.MatchString(first) {
		return ""
	}
	return first
}

// Limits are when and where the parsing of a page has to end. Time is that of the thread, so that a busy machine
// refuses no page that an idle one reads: only one goroutine, locked to its thread, may ask.
type limits struct {
	until time.Duration // of the thread's processor time
	below uint64        // bytes of heap
}

func newLimits() limits { return limits{until: threadTime() + maxParse, below: heap() + maxGrowth} }

func (l limits) exceeded() bool { return threadTime() > l.until || heap() > l.below }

// errLimits ends the parsing of a page that is beyond them.
var errLimits = errors.New("it takes too much time or memory to parse")

// A metered page is handed to the parser in pieces. The parser cannot be cancelled, but it comes back for
// each piece, and then the time and memory that it took are looked at.
type metered struct {
	page   []byte
	read   int // bytes of it
	limits limits
}

func (m *metered) Read(b []byte) (int, error) {
	rest := m.page[m.read:]
	if len(rest) == 0 {
		return 0, io.EOF
	}
	if m.limits.exceeded() {
		return 0, errLimits
	}
	n := copy(b, rest[:piece(rest)])
	m.read += n
	return n, nil
}

// piece is how much is handed over at once: up to a few tags, since a step of the parser may cost much, but all
// of a long text or script, since the parser copies what it has of it for each piece.
func piece(rest []byte) int {
	const tags = 8
	end := 0
	for range tags {
		next := bytes.IndexByte(rest[end:], '<')
		if next < 0 {
			return len(rest)
		}
		end += next + 1
	}
	return end
}

func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
