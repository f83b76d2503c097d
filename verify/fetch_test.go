package verify

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"limn/storage"
	"limn/xpath"
)

// reporter is a checker that only reports: it has no database.
func reporter(f *Fetcher) *Checker { return New(nil, f, nil, slog.New(slog.DiscardHandler)) }

// mustLook reads a page and reports on its first paragraph.
func mustReport(tb testing.TB, f *Fetcher, url string) Report {
	tb.Helper()
	report, err := reporter(f).Report(context.Background(), url, []xpath.Range{inParagraph(1, 0, 3, "")})
	if err != nil {
		tb.Errorf("Report(%q): %v", url, err)
	}
	return report
}

// wantReason holds a report to its reason, and its range to the same.
func wantReason(tb testing.TB, what string, report Report, reason string) {
	tb.Helper()
	state := xpath.Unverifiable
	if reason == "" {
		state = xpath.Verified
	}
	if report.Reason != reason || report.Ranges[0].Reason != reason || report.Ranges[0].State != state {
		tb.Errorf("%s: %+v; want reason %q", what, report, reason)
	}
}

// serveAt serves a handler on an address of its own in 127.0.0.0/8.
func serveAt(tb testing.TB, ip string, handler http.HandlerFunc) *httptest.Server {
	tb.Helper()
	listener, err := net.Listen("tcp", ip+":0")
	if err != nil {
		tb.Fatal(err)
	}
	s := httptest.NewUnstartedServer(handler)
	s.Listener.Close()
	s.Listener = listener
	s.Start()
	tb.Cleanup(s.Close)
	return s
}

func serve200(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	io.WriteString(w, article)
}

func port(s *httptest.Server) string { return s.URL[strings.LastIndexByte(s.URL, ':'):] }

// A nameserver answers each name with its list of addresses, in turn: the last stays. A name without a list
// does not exist.
type nameserver map[string][][]string

// resolver is a resolver that asks only this nameserver, which ends with the test.
func (n nameserver) resolver(tb testing.TB) *net.Resolver {
	tb.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	go func() {
		buffer := make([]byte, 512)
		for {
			size, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var query dnsmessage.Message
			if query.Unpack(buffer[:size]) != nil {
				continue
			}
			reply, _ := n.answer(query).Pack()
			conn.WriteTo(reply, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func (n nameserver) answer(query dnsmessage.Message) *dnsmessage.Message {
	question := query.Questions[0]
	reply := &dnsmessage.Message{Header: dnsmessage.Header{ID: query.ID, Response: true, Authoritative: true}, Questions: query.Questions}
	name := strings.TrimSuffix(question.Name.String(), ".")
	lists := n[name]
	if len(lists) == 0 {
		reply.RCode = dnsmessage.RCodeNameError
		return reply
	}
	if question.Type != dnsmessage.TypeA {
		return reply
	}
	if len(lists) > 1 {
		n[name] = lists[1:]
	}
	for _, address := range lists[0] {
		reply.Answers = append(reply.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET},
			Body:   &dnsmessage.AResource{A: [4]byte(net.ParseIP(address).To4())},
		})
	}
	return reply
}

func TestPrivateAddressesInEverySpellingAreRefused(t *testing.T) {
	var reached atomic.Int64
	s := serveAt(t, "127.0.0.1", func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	f := NewFetcher(Allow{}, nil)
	for _, host := range []string{
		"127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "①②⑦.⓪.⓪.①", "127。0。0。1", "127.0.0.1.", "localhost", "LOCALHOST.", "a.localhost",
		"[::1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::]", "[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[fec0::1]", "[fc00::1]",
		"0.0.0.0", "10.0.0.1", "100.64.0.1", "172.16.0.1", "192.0.0.1", "192.168.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1",
		"169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "168.63.129.16",
	} {
		synctest.Test(t, func(t *testing.T) { // which takes no time where nothing is dialled
			wantReason(t, host, mustReport(t, f, "http://"+host+port(s)+"/"), reasonAddress)
		})
	}
	if reached.Load() > 0 {
		t.Errorf("the server on loopback was asked %d times", reached.Load())
	}
}

func TestCheckURLRefusesWhatIsNoPage(t *testing.T) {
	for _, raw := range []string{
		"http://user@example.org/", "http://user:secret@example.org/", "http:user@example.org/", "http://:secret@example.org/", `http://example.org\@127.0.0.1/`,
		"http://example.org:22/", "http://example.org:25/", "http://example.org:6379/", "http://example.org:6667/",
		"gopher://example.org/", "data:text/html,a", "javascript:alert(1)", "file:///etc/passwd", "ftp://example.org/", "//example.org/", "/a", "",
		"http://[fe80::1%25lo]/", "http://", "http://example.org:99999/",
	} {
		var refused *storage.URLError
		if err := CheckURL(raw); !errors.As(err, &refused) {
			t.Errorf("CheckURL(%q) = %v; want it refused", raw, err)
		}
	}
	for _, raw := range []string{"http://example.org/", "https://example.org:8443/a?b=http://u@h/#c", "HTTPS://EXAMPLE.org/@a"} {
		if err := CheckURL(raw); err != nil {
			t.Errorf("CheckURL(%q) = %v; want it accepted", raw, err)
		}
	}
}

func TestANameIsJudgedByTheAddressThatIsDialled(t *testing.T) {
	var reached atomic.Int64
	forbidden := serveAt(t, "127.0.0.1", func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	allowed := serveAt(t, "127.0.0.2", serve200)
	f := NewFetcher(mustAllow(t, "127.0.0.2/32:*"), nil)
	f.client.Transport.(*roads).internet.DisableKeepAlives = true
	f.dialer.Resolver = nameserver{
		"rebind.test":  {{"127.0.0.2"}, {"127.0.0.1"}},
		"mixed.test":   {{"127.0.0.1", "127.0.0.2"}},
		"private.test": {{"127.0.0.1"}},
	}.resolver(t)

	wantReason(t, "a name with an allowed address", mustReport(t, f, "http://rebind.test"+port(allowed)), "")
	wantReason(t, "the same, rebound", mustReport(t, f, "http://rebind.test"+port(forbidden)), reasonAddress)
	wantReason(t, "a name with both", mustReport(t, f, "http://mixed.test"+port(allowed)), "")
	wantReason(t, "a name with both, at the port of the forbidden", mustReport(t, f, "http://mixed.test"+port(forbidden)), reasonAddress)
	wantReason(t, "a private name", mustReport(t, f, "http://private.test"+port(forbidden)), reasonAddress)
	if reached.Load() > 0 {
		t.Errorf("the forbidden address was asked %d times", reached.Load())
	}
}

func TestRefusedAndFailedAddressesAreAlike(t *testing.T) {
	open := serveAt(t, "127.0.0.1", serve200)
	f := NewFetcher(mustAllow(t, "127.0.0.2/32:*"), nil)
	f.dialer.Resolver = nameserver{"private.test": {{"127.0.0.1"}}, "closed.test": {{"127.0.0.2"}}}.resolver(t)
	closed := serveAt(t, "127.0.0.2", serve200)
	closed.Close()
	redirecting := serveAt(t, "127.0.0.2", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+r.URL.Query().Get("to"), http.StatusFound)
	})
	hosts := []string{
		"private.test" + port(open), "private.test" + port(closed), "closed.test" + port(closed), "absent.test" + port(closed),
		"127.0.0.1" + port(open), "127.0.0.1" + port(closed), "127.0.0.2" + port(closed), "169.254.169.254",
		"127.0.0.2" + port(redirecting) + "?to=127.0.0.1" + port(open), "127.0.0.2" + port(redirecting) + "?to=closed.test" + port(closed),
	}
	reports := make([]Report, len(hosts))
	var asking sync.WaitGroup
	for i, host := range hosts {
		asking.Go(func() {
			before := time.Now()
			reports[i] = mustReport(t, f, "http://"+host)
			if took := time.Since(before); took < quietTime {
				t.Errorf("%s took %v; want %v at least", host, took, quietTime)
			}
			reports[i].URL = ""
		})
	}
	asking.Wait()
	for i, host := range hosts {
		if !reflect.DeepEqual(reports[i], reports[0]) {
			t.Errorf("%s: %+v; want it to be like the first, %+v", host, reports[i], reports[0])
		}
	}
}

func TestEveryRedirectIsChecked(t *testing.T) {
	f := NewFetcher(mustAllow(t, "127.0.0.2/32:*"), nil)
	f.dialer.Resolver = nameserver{"private.test": {{"127.0.0.1"}}}.resolver(t)
	var reached atomic.Int64
	forbidden := serveAt(t, "127.0.0.1", func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	s := serveAt(t, "127.0.0.2", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
	})
	for _, c := range []struct{ to, reason string }{
		{"http://127.0.0.1" + port(forbidden), reasonAddress},
		{"//127.1" + port(forbidden), reasonAddress}, // Go would look up the name 127.1
		{"http://①②⑦.⓪.⓪.①" + port(forbidden), reasonAddress},
		{"http://[::ffff:7f00:1]" + port(forbidden), reasonAddress},
		{"http://169.254.169.254/latest/meta-data/", reasonAddress},
		{"http://private.test" + port(forbidden), reasonAddress},
		{"http://[fe80::1%25lo]" + port(forbidden), reasonRedirect},
		{"http://user@127.0.0.2" + port(s), reasonRedirect},
		{"http://127.0.0.2:22/", reasonRedirect},
		{"file:///etc/passwd", reasonRedirect},
		{"gopher://127.0.0.2/", reasonRedirect},
		{"javascript:alert(1)", reasonRedirect},
	} {
		wantReason(t, "to "+c.to, mustReport(t, f, s.URL+"?to="+url.QueryEscape(c.to)), c.reason)
	}
	if reached.Load() > 0 {
		t.Errorf("the forbidden address was asked %d times", reached.Load())
	}
}

func TestFiveRedirectsAreFollowed(t *testing.T) {
	s := serveAt(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		var left int
		fmt.Sscanf(r.URL.Path, "/%d", &left)
		switch {
		case r.URL.Path == "/loop":
			http.Redirect(w, r, "/loop", http.StatusMovedPermanently)
		case left > 0:
			http.Redirect(w, r, fmt.Sprintf("/%d", left-1), http.StatusFound)
		default:
			serve200(w, r)
		}
	})
	f := NewFetcher(mustAllow(t, "127.0.0.1:*"), nil)
	wantReason(t, "five redirects", mustReport(t, f, s.URL+"/5"), "")
	wantReason(t, "six redirects", mustReport(t, f, s.URL+"/6"), reasonRedirect)
	wantReason(t, "a loop", mustReport(t, f, s.URL+"/loop"), reasonRedirect)
}

func TestNothingOfAnybodyIsSent(t *testing.T) {
	seen := make(chan http.Header, 2)
	s := serveAt(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		if r.URL.Path == "/" {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "1", Path: "/"})
			http.Redirect(w, r, "/next", http.StatusFound)
			return
		}
		serve200(w, r)
	})
	wantReason(t, "a page behind a cookie", mustReport(t, NewFetcher(mustAllow(t, "127.0.0.1:*"), nil), s.URL), "")
	for range 2 {
		header := <-seen
		if !strings.Contains(header.Get("User-Agent"), "limn") {
			t.Errorf("User-Agent is %q; want limn named", header.Get("User-Agent"))
		}
		for name := range header {
			switch name {
			case "User-Agent", "Accept", "Accept-Encoding":
			default:
				t.Errorf("%s: %s was sent", name, header.Get(name))
			}
		}
	}
}

func TestAProxyIsNotUsed(t *testing.T) {
	var asked atomic.Int64
	proxy := serveAt(t, "127.0.0.1", func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	s := serveAt(t, "127.0.0.2", serve200)
	f := NewFetcher(mustAllow(t, "127.0.0.0/8:*"), nil)
	f.dialer.Resolver = nameserver{"site.test": {{"127.0.0.2"}}}.resolver(t)
	wantReason(t, "a page", mustReport(t, f, "http://site.test"+port(s)), "")
	if asked.Load() > 0 {
		t.Error("the proxy was asked")
	}
}

func TestOnlyHTMLIsRead(t *testing.T) {
	for _, c := range []struct{ contentType, reason string }{
		{"text/html", ""},
		{"TEXT/HTML ; charset=utf-8; charset=utf-8", ""},
		{"application/xhtml+xml", ""},
		{"application/pdf", reasonType},
		{"image/png", reasonType},
		{"text/plain", reasonType},
		{"text/htmlx", reasonType},
		{"", reasonType},
	} {
		s := serveAt(t, "127.0.0.1", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil // do not sniff
			if c.contentType != "" {
				w.Header().Set("Content-Type", c.contentType)
			}
			io.WriteString(w, article)
		})
		wantReason(t, "type "+c.contentType, mustReport(t, NewFetcher(mustAllow(t, "127.0.0.1:*"), nil), s.URL), c.reason)
	}
}

func TestAStatusIsAReason(t *testing.T) {
	for _, status := range []int{304, 401, 403, 404, 410, 429, 500, 503} {
		s := serveAt(t, "127.0.0.1", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			io.WriteString(w, article) // which a 304 cannot have
		})
		wantReason(t, "status", mustReport(t, NewFetcher(mustAllow(t, "127.0.0.1:*"), nil), s.URL), fmt.Sprintf("status_%d", status))
	}
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"":                     0,
		"120":                  2 * time.Minute,
		"-5":                   0,
		"soon":                 0,
		"99999999999999999999": 0,
		time.Now().Add(time.Hour).UTC().Format(http.TimeFormat):           time.Hour,
		time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat):          0,
		time.Now().Add(time.Hour).UTC().Format("Monday, 02 Jan 06 15:04"): 0,
	} {
		got := retryAfter(http.Header{"Retry-After": {value}})
		if got > want || got < want-10*time.Second {
			t.Errorf("Retry-After %q is %v; want %v", value, got, want)
		}
	}
}

func TestPagesInOldEncodingsVerify(t *testing.T) {
	for contentType, page := range map[string]string{
		"text/html":                      "<meta charset=Shift_JIS><p>\x93\xfa\x96\x7b\x8c\xea", // 日本語
		"text/html; charset=gbk":         "<p>\xc8\xd5\xb1\xbe\xd5\x5a",                         // 日本語, the last in its traditional form
		"text/html; charset=utf-16":      "\xfe\xff\x00<\x00p\x00>\x65\xe5\x67\x2c\x8a\x9e",
		"text/html; charset=windows-125": "<p>\x80\x93\x94",
	} {
		s := serveAt(t, "127.0.0.1", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			io.WriteString(w, page)
		})
		quote := "日本語"
		if strings.HasSuffix(contentType, "125") {
			quote = "€“”"
		}
		report, err := reporter(NewFetcher(mustAllow(t, "127.0.0.1:*"), nil)).Report(context.Background(), s.URL, []xpath.Range{inParagraph(1, 0, 3, quote)})
		if err != nil || report.Ranges[0].State != xpath.Verified {
			t.Errorf("%s: %+v, %v; want %q verified", contentType, report, err, quote)
		}
	}
}

func TestSizeIsLimitedOnceDecoded(t *testing.T) {
	var bomb bytes.Buffer
	compressed := gzip.NewWriter(&bomb)
	for range 64 {
		compressed.Write(make([]byte, 1<<20))
	}
	compressed.Close()
	var compact bytes.Buffer
	compressed = gzip.NewWriter(&compact)
	io.WriteString(compressed, article)
	compressed.Close()
	s := serveAt(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb.Bytes())
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(compact.Bytes())
		case "/damaged":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(compact.Bytes()[:compact.Len()-9])
		case "/unasked":
			w.Header().Set("Content-Encoding", "br")
			w.Write(compact.Bytes())
		case "/endless":
			for r.Context().Err() == nil {
				w.Write(make([]byte, 1<<16))
			}
		case "/claimed":
			w.Header().Set("Content-Length", "52428800")
			io.WriteString(w, article)
		case "/cut":
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, article)
		case "/header":
			w.Header().Set("X-Large", strings.Repeat("x", 1<<20))
			io.WriteString(w, article)
		}
	})
	f := NewFetcher(mustAllow(t, "127.0.0.1:*"), nil)
	for path, reason := range map[string]string{
		"/gzip": "", "/bomb": reasonSize, "/endless": reasonSize, "/claimed": reasonSize,
		"/damaged": reasonIncomplete, "/unasked": reasonIncomplete, "/cut": reasonIncomplete, "/header": reasonAddress,
	} {
		wantReason(t, path, mustReport(t, f, s.URL+path), reason)
	}
}

// drip answers a request with the head of a response, then a byte each second until the client is gone.
func drip(conn net.Conn, head string) {
	if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
		return
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		io.Copy(io.Discard, conn)
	}()
	io.WriteString(conn, head)
	for head != "" {
		select {
		case <-gone:
			return
		case <-time.After(time.Second):
			io.WriteString(conn, "x")
		}
	}
}

func TestAFetchEndsAtItsDeadline(t *testing.T) {
	for name, head := range map[string]string{
		"a body a byte a second":   "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
		"a header a byte a second": "HTTP/1.1 200 OK\r\nX-Slow: ",
		"no answer":                "",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := NewFetcher(Allow{}, nil)
				f.client.Transport.(*roads).internet.DialContext = func(context.Context, string, string) (net.Conn, error) {
					client, server := net.Pipe()
					go drip(server, head)
					return client, nil
				}
				before := time.Now()
				report := mustReport(t, f, "http://example.org/")
				if took := time.Since(before); took != fetchTime {
					t.Errorf("it took %v; want %v", took, fetchTime)
				}
				wantReason(t, name, report, reasonTimeout)
				f.close()
			})
		})
	}
}

func TestOwnPagesAreReadInTheProcess(t *testing.T) {
	own := func(u *url.URL) (http.Handler, bool) {
		if u.Host != "127.0.0.1:8080" {
			return nil, false
		}
		mux := http.NewServeMux()
		mux.HandleFunc("GET /demo", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Cookie") != "" || r.Header.Get("Authorization") != "" {
				t.Error("somebody's credentials were sent")
			}
			serve200(w, r)
		})
		mux.HandleFunc("/elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:8081/", http.StatusFound)
		})
		mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			for {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		})
		mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("a fault") })
		return mux, true
	}
	f := NewFetcher(Allow{}, own)
	for path, reason := range map[string]string{
		"/demo": "", "/absent": "status_404", "/elsewhere": reasonAddress, "/endless": reasonSize, "/panic": reasonInternal,
	} {
		wantReason(t, path, mustReport(t, f, "http://127.0.0.1:8080"+path), reason)
	}
}
