package verify

import (
	"bytes"
	"context"
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
	"golang.org/x/sync/semaphore"

	"limn/xpath"
)

// Limits of one page, once it is UTF-8.
const (
	maxNodes  = 1_000_000       // of the tree, which may have many more than the page has tags
	maxParse  = 2 * time.Second // of processor time, for one tree
	maxGrowth = 256 << 20       // bytes that the heap may grow meanwhile
	parsers   = 2               // pages parsed at once
)

// A reading is a page as it was once read, ready to be asked.
type reading struct {
	documents []*xpath.Document // as a browser builds it; also as one without scripts does, if that differs
	title     string
	hash      []byte // of what a highlight can stand on
	size      int    // bytes of UTF-8
}

// A parser reads pages, a few at once. It is safe for concurrent use.
type parser struct {
	slots *semaphore.Weighted
}

func newParser() *parser { return &parser{semaphore.NewWeighted(parsers)} }

// parse waits for its turn and reads a page. The error is a *failure, or the context's.
func (p *parser) parse(ctx context.Context, body []byte, contentType string) (*reading, error) {
	if err := p.slots.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer p.slots.Release(1)
	page, err := decode(body, contentType)
	if err != nil {
		return nil, &failure{reason: reasonIncomplete, cause: err}
	}
	if err := guard(page); err != nil {
		return nil, &failure{reason: reasonComplex, cause: err}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	root, err := htmlquery.Parse(meter(page))
	if err != nil {
		return nil, parseFailure(err)
	}
	r := &reading{title: title(root), size: len(page)}
	roots := []*html.Node{root}
	if noscript.Match(page) {
		plain, err := html.ParseWithOptions(meter(page), html.ParseOptionEnableScripting(false))
		if err != nil {
			return nil, parseFailure(err)
		}
		roots = append(roots, plain)
	}
	for _, root := range roots {
		if nodes(root) > maxNodes {
			return nil, &failure{reason: reasonComplex, cause: fmt.Errorf("more than %d nodes", maxNodes)}
		}
		r.documents = append(r.documents, xpath.NewDocument(root))
	}
	r.hash = contentHash(roots[len(roots)-1])
	return r, nil
}

func parseFailure(err error) *failure {
	if errors.Is(err, errBudget) {
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

// A metered page is handed to the parser in pieces. The parser cannot be cancelled, but it comes back for
// each piece, and then the time and memory that it took are looked at. Only one goroutine, locked to its
// thread, may use it: time is the thread's, so that a busy machine refuses no page that an idle one reads.
type metered struct {
	page  []byte
	read  int           // bytes of it
	until time.Duration // of the thread's processor time
	below uint64        // bytes of heap
}

// errBudget ends a parse that costs more than a page may.
var errBudget = errors.New("it takes too much time or memory to parse")

func meter(page []byte) *metered {
	return &metered{page: page, until: threadTime() + maxParse, below: heap() + maxGrowth}
}

func (m *metered) Read(b []byte) (int, error) {
	rest := m.page[m.read:]
	if len(rest) == 0 {
		return 0, io.EOF
	}
	if threadTime() > m.until || heap() > m.below {
		return 0, errBudget
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
