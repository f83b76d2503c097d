package verify

import (
	"context"
	"strings"
	"time"

	"github.com/antchfx/htmlquery"
	"golang.org/x/net/html"

	"limn/storage"
)

// A Look is what somebody is told who wants to know how a page looks to the server.
type Look struct {
	URL       string // normalised
	Reason    string // why it cannot be read; empty: it can
	Cause     error  // what is behind that, in detail: for whoever runs the server alone
	Title     string
	Language  string
	Canonical string // what the page says its address is; empty: nothing
	Bytes     int    // as it arrived, without its encoding
	Answered  time.Duration
	Parsed    time.Duration
}

// Look reads a page once, as a check of its highlights would. The error is a *storage.URLError.
func (f *Fetcher) Look(ctx context.Context, pageURL string) (Look, error) {
	if err := CheckURL(pageURL); err != nil {
		return Look{}, err
	}
	normal, err := storage.NormalizeURL(pageURL)
	if err != nil {
		return Look{}, err
	}
	look := Look{URL: normal}
	began := time.Now()
	response, failed := f.get(ctx, normal, version{})
	look.Answered, look.Bytes = time.Since(began), len(response.body)
	if failed == nil {
		began = time.Now()
		var r *reading
		if r, failed = parse(response.body, response.contentType); failed == nil {
			look.Title, look.Language, look.Canonical = r.title, r.language, r.canonical
		}
		look.Parsed = time.Since(began)
	}
	if failed != nil {
		look.Reason, look.Cause = failed.reason, failed.cause
	}
	return look, nil
}

// canonical is the address that a page says is its own (RFC 6596).
func canonical(root *html.Node) string {
	for _, n := range htmlquery.Find(root, "/html/head/link[@rel]") {
		if address := htmlquery.SelectAttr(n, "href"); strings.EqualFold(htmlquery.SelectAttr(n, "rel"), "canonical") && len(address) <= maxCanonical {
			return address
		}
	}
	return ""
}

const maxCanonical = 4 << 10 // bytes
