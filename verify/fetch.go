package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Limits of one fetch.
const (
	maxPage      = 5 << 20  // bytes, decoded
	maxHeader    = 64 << 10 // bytes
	maxRedirects = 5
	fetchTime    = 10 * time.Second // from the first lookup to the last byte
	connectTime  = 5 * time.Second  // of it, for one connection

	// Failing before a server has answered takes at least this long, so that an address that is not dialled is like
	// one where nothing listens, and a name that only this machine can resolve like one that does not exist.
	quietTime = 500 * time.Millisecond
)

// A failure says why a page could not be read, as highlights show it.
type failure struct {
	reason     string
	lasting    bool          // it would be the same at any time
	retryAfter time.Duration // as the server asked; 0: it did not
	cause      error         // for the log
}

// Reasons. One for every way in which no answer came at all: what is never dialled, refuses, hangs up or cannot be found
// is the same to whoever asks.
const (
	reasonAddress    = "refused_address"
	reasonTimeout    = "timeout"
	reasonRedirect   = "bad_redirect" // too many, or to what is no page
	reasonType       = "not_html"
	reasonSize       = "too_large"
	reasonDepth      = "too_deep"
	reasonComplex    = "too_complex" // would take too long or too much memory to parse
	reasonIncomplete = "incomplete"  // the connection broke, or the encoding is damaged
	reasonBusy       = "busy"        // others keep us from asking this host
	reasonInternal   = "internal"    // a fault of ours
)

// mayPass tells whether the same page may well be read at another time.
func (f *failure) mayPass() bool {
	switch f.reason {
	case reasonAddress:
		return !f.lasting
	case reasonTimeout, reasonIncomplete, "status_408", "status_425", "status_429":
		return true
	}
	return strings.HasPrefix(f.reason, "status_5")
}

// A Fetcher gets pages from the public internet as a stranger: without cookies, credentials or referrer. It is
// safe for concurrent use.
type Fetcher struct {
	allow  Allow
	dialer *net.Dialer
	client *http.Client
}

// NewFetcher makes a Fetcher. own finds the handler of a URL that this server serves itself: it is then asked in
// the process, with a GET request that carries nothing of anybody. nil: there are no such pages.
func NewFetcher(allow Allow, own func(*url.URL) (http.Handler, bool)) *Fetcher {
	f := &Fetcher{allow: allow, dialer: &net.Dialer{Timeout: connectTime, Control: allow.control}}
	f.client = &http.Client{
		Transport: &roads{
			allow: allow,
			own:   own,
			internet: &http.Transport{
				Proxy:                  nil, // a proxy would dial for us, unguarded
				DialContext:            f.dialer.DialContext,
				ForceAttemptHTTP2:      true,
				TLSHandshakeTimeout:    connectTime,
				MaxResponseHeaderBytes: maxHeader,
				MaxIdleConnsPerHost:    perHost,
				MaxIdleConns:           64,
				IdleConnTimeout:        30 * time.Second,
			},
		},
		CheckRedirect: checkRedirect,
	}
	return f
}

// close ends connections that wait for another request.
func (f *Fetcher) close() { f.client.CloseIdleConnections() }

// A response is a page as its server sent it, with the content encoding undone.
type response struct {
	body         []byte
	contentType  string
	etag         string
	lastModified string
	language     string // that its header says it is in; empty: none
	unchanged    bool   // since what the request named: there is no body
}

// A version is what a server calls a page's state, to be asked only for a newer one.
type version struct {
	etag         string
	lastModified string
}

// get fetches a page, or says that it is still the version known.
func (f *Fetcher) get(ctx context.Context, pageURL string, known version) (response, *failure) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, pageURL, nil)
	if err != nil {
		return response{}, &failure{reason: reasonAddress, cause: err}
	}
	request.Header.Set("User-Agent", "Mozilla/5.0 (compatible; limn)")
	request.Header.Set("Accept", "text/html,application/xhtml+xml")
	if known.etag != "" {
		request.Header.Set("If-None-Match", known.etag)
	}
	if known.lastModified != "" {
		request.Header.Set("If-Modified-Since", known.lastModified)
	}
	answer, err := f.client.Do(request)
	if err != nil {
		return response{}, noAnswer(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNotModified && known != (version{}) {
		return response{unchanged: true}, nil
	}
	return read(answer)
}

// noAnswer tells what kind of failure it is that no response came.
func noAnswer(err error) *failure {
	failed := &failure{reason: reasonAddress, cause: err}
	var dial *net.OpError
	switch {
	case errors.Is(err, errRefusedURL):
		failed.lasting = true
	case errors.Is(err, errRedirect):
		failed.reason = reasonRedirect
	case errors.Is(err, errPanicked):
		failed.reason = reasonInternal
	case errors.As(err, &dial) && dial.Op == "dial": // however it failed
	case errors.Is(err, context.DeadlineExceeded):
		failed.reason = reasonTimeout
	}
	return failed
}

// read takes the page out of a response.
func read(answer *http.Response) (response, *failure) {
	page := response{
		contentType:  contentType(answer.Header),
		etag:         answer.Header.Get("Etag"),
		lastModified: answer.Header.Get("Last-Modified"),
		language:     firstLanguage(answer.Header.Get("Content-Language")),
	}
	switch {
	case answer.StatusCode < 200 || answer.StatusCode > 299:
		return response{}, &failure{reason: "status_" + strconv.Itoa(answer.StatusCode), retryAfter: retryAfter(answer.Header)}
	case !isHTML(page.contentType):
		return response{}, &failure{reason: reasonType, cause: fmt.Errorf("type %q", page.contentType)}
	case answer.ContentLength > maxPage:
		return response{}, &failure{reason: reasonSize}
	case answer.Header.Get("Content-Encoding") != "": // one that was not asked for: gzip is undone by now
		return response{}, &failure{reason: reasonIncomplete, cause: fmt.Errorf("encoding %q", answer.Header.Get("Content-Encoding"))}
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxPage+1))
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return response{}, &failure{reason: reasonTimeout, cause: err}
	case err != nil:
		return response{}, &failure{reason: reasonIncomplete, cause: err}
	case len(body) > maxPage:
		return response{}, &failure{reason: reasonSize}
	}
	page.body = body
	return page, nil
}

// contentType is the last that was sent: browsers believe that one (Fetch Standard, "extract a MIME type").
func contentType(header http.Header) string {
	values := header.Values("Content-Type")
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

func isHTML(contentType string) bool {
	essence, _, _ := strings.Cut(contentType, ";")
	essence = strings.ToLower(strings.TrimSpace(essence))
	return essence == "text/html" || essence == xhtml
}

const xhtml = "application/xhtml+xml"

// retryAfter reads seconds or a date; 0: neither.
func retryAfter(header http.Header) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

var (
	errRefusedURL = errors.New("the URL names an address that is not of the public internet")
	errRedirect   = errors.New("redirected too often, or to what is no page")
	errPanicked   = errors.New("the handler of an own page panicked")
)

// checkRedirect holds each hop to the rules of the first URL, and says nothing of where it came from.
func checkRedirect(next *http.Request, before []*http.Request) error {
	if len(before) > maxRedirects {
		return errRedirect
	}
	if err := CheckURL(next.URL.String()); err != nil {
		return fmt.Errorf("%w: %w", errRedirect, err)
	}
	next.Header.Del("Referer")
	return nil
}

// roads leads each request, also after a redirect, to this server's own pages or out to the internet.
type roads struct {
	allow    Allow
	own      func(*url.URL) (http.Handler, bool)
	internet *http.Transport
}

// RoundTrip keeps each request waiting that nobody answers, not only the first: who is asked first decides how long it
// took so far.
func (r *roads) RoundTrip(request *http.Request) (*http.Response, error) {
	if r.own != nil {
		if handler, ok := r.own(request.URL); ok {
			return serve(handler, request)
		}
	}
	quiet := time.After(quietTime)
	answer, err := r.out(request)
	if err != nil && noAnswer(err).reason == reasonAddress {
		select {
		case <-quiet:
		case <-request.Context().Done():
		}
	}
	return answer, err
}

// out refuses what names a private address itself; what only resolves to one is refused when dialled.
func (r *roads) out(request *http.Request) (*http.Response, error) {
	if r.allow.checkLiteral(request.URL) != nil {
		return nil, errRefusedURL
	}
	return r.internet.RoundTrip(request)
}

// CloseIdleConnections lets the client end what waits for another request.
func (r *roads) CloseIdleConnections() { r.internet.CloseIdleConnections() }
