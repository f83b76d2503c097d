package server

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"limn/verify"
)

// asksThrough sends requests through proxies, one at each address, to a server that believes some, and returns whom their limits
// count and what the log says.
func asksThrough(t *testing.T, believed string, proxies ...string) (counted []netip.Prefix, log string) {
	t.Helper()
	web, err := NewWeb(nil, Manual{Papers: os.DirFS("..")})
	if err != nil {
		t.Fatal(err)
	}
	var written bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&written, nil))
	config := Config{Limits: true, Proxies: []netip.Prefix{netip.MustParsePrefix(believed)}}
	s := New(config, nil, nil, verify.New(nil, verify.NewFetcher(verify.Allow{}, nil), nil, logger), web, logger)
	for _, proxy := range proxies {
		request := httptest.NewRequest("GET", "/api/v1/me", nil)
		request.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(proxy), 1).String()
		request.Header.Set("X-Forwarded-For", "198.51.100.9, 198.51.100.7")
		s.ServeHTTP(timeless{httptest.NewRecorder()}, request)
	}
	return s.limits.addresses.Keys(), written.String()
}

// A timeless recorder takes deadlines, as a connection does.
type timeless struct{ *httptest.ResponseRecorder }

func (timeless) SetReadDeadline(time.Time) error  { return nil }
func (timeless) SetWriteDeadline(time.Time) error { return nil }

// Whom a believed proxy has seen is who asks; what a client has said before that is nothing.
func TestProxiesThatAreBelieved(t *testing.T) {
	for _, proxy := range []string{"10.1.2.3", "127.0.0.1", "::1"} {
		counted, log := asksThrough(t, "10.1.0.0/16", proxy)
		if len(counted) != 1 || counted[0].String() != "198.51.100.7/32" {
			t.Errorf("through %s, limits count %v", proxy, counted)
		}
		if log != "" {
			t.Errorf("through %s, the log says %s", proxy, log)
		}
	}
}

// Whoever else names clients is one address with all of them, and who runs the server is told once, without a name.
func TestProxiesThatAreNotBelieved(t *testing.T) {
	counted, log := asksThrough(t, "10.1.0.0/16", "10.2.0.1", "10.2.0.1", "2001:db8::1")
	if len(counted) != 2 || counted[0].String() != "10.2.0.1/32" || counted[1].String() != "2001:db8::/64" {
		t.Errorf("limits count %v", counted)
	}
	if strings.Count(log, "LIMN_TRUSTED_PROXIES") != 1 || strings.Contains(log, "10.2.") || strings.Contains(log, "198.51") {
		t.Errorf("the log says %s", log)
	}
}
