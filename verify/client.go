package verify

import (
	"net/http"
	"time"
)

const (
	clientTime   = 10 * time.Second // for a whole request of a client
	clientHeader = 16 << 10         // bytes of an answer's
)

// Client makes a client for requests to addresses that people name, with the rules for pages: what must not be dialled is
// not, and looks like what does not answer. It follows no redirect, which could name another address, keeps no cookies and
// asks no proxy.
func (f *Fetcher) Client() *http.Client {
	return &http.Client{
		Timeout: clientTime,
		Transport: &roads{
			allow: f.allow,
			internet: &http.Transport{
				Proxy:                  nil,
				DialContext:            f.dialer.DialContext,
				ForceAttemptHTTP2:      true,
				TLSHandshakeTimeout:    connectTime,
				MaxResponseHeaderBytes: clientHeader,
				MaxIdleConnsPerHost:    perHost,
				MaxIdleConns:           64,
				IdleConnTimeout:        30 * time.Second,
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
