package server_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func TestPageAndItsCounts(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	url, reads := serveArticle(t, article)
	made := ada.do("POST", "/highlights", `{"url":`+quoted(url)+`,"group":"public","ranges":[`+passage+`]}`, "Prefer", "wait=5").is(http.StatusCreated)
	ada.do("POST", "/highlights", `{"url":`+quoted(url)+`,"ranges":[`+passage+`]}`, "Prefer", "wait=5").is(http.StatusCreated)

	byURL := s.anonymous().do("GET", "/pages?url="+url, "").is(http.StatusOK)
	if byURL.number("counts.total") != 1 || byURL.number("counts.verified") != 1 || byURL.text("title") != "An article" {
		t.Errorf("a stranger sees %s", byURL.body)
	}
	byID := ada.do("GET", "/pages/"+made.text("page.id"), "").is(http.StatusOK)
	if byID.number("counts.total") != 2 {
		t.Errorf("Ada sees %s", byID.body)
	}
	s.anonymous().do("GET", "/pages?url=https://example.org/unknown", "").isProblem(http.StatusNotFound, "not_found")
	s.anonymous().do("GET", "/pages", "").isProblem(http.StatusBadRequest, "unreadable")

	before := reads.Load()
	follow := ada.follow("/stream?url=" + url)
	follow.until("live")
	ada.do("POST", "/pages/"+made.text("page.id")+"/check", "").is(http.StatusAccepted)
	eventually(t, func() bool { return reads.Load() > before })
	s.anonymous().do("POST", "/pages/"+made.text("page.id")+"/check", "").isProblem(http.StatusUnauthorized, "unauthenticated")
}

// What goes away for a day takes no highlight with it, whatever it answers meanwhile; what comes back changed does.
func TestAPageThatCannotBeReadKeepsItsVerdicts(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	var answer atomic.Pointer[http.HandlerFunc]
	serve := func(h http.HandlerFunc) { answer.Store(&h) }
	page := func(html string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			io.WriteString(w, html)
		}
	}
	serve(page(article))
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*answer.Load())(w, r) }))
	t.Cleanup(elsewhere.Close)
	made := ada.do("POST", "/highlights", `{"url":`+quoted(elsewhere.URL+"/a")+`,"group":"public","ranges":[`+passage+`]}`, "Prefer", "wait=5").is(http.StatusCreated)
	path := "/pages/" + made.text("page.id")
	look := func() {
		t.Helper()
		before := ada.do("GET", path, "").is(http.StatusOK).text("read_at")
		ada.do("POST", path+"/check", "").is(http.StatusAccepted)
		eventually(t, func() bool { return ada.do("GET", path, "").is(http.StatusOK).text("read_at") != before })
	}

	for reason, h := range map[string]http.HandlerFunc{
		"status_401":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"status_404":   http.NotFound,
		"status_503":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"bad_redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
		"not_html":     func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "application/pdf") },
		"too_deep":     page(strings.Repeat("<div>", 600) + article),
		"too_large":    page(strings.Repeat("It was the best of times. ", 1<<18)),
	} {
		serve(h)
		look()
		read := ada.do("GET", path, "").is(http.StatusOK)
		got := ada.do("GET", "/highlights/"+made.text("id"), "").is(http.StatusOK)
		if read.text("read_reason") != reason || got.text("check.state") != "verified" || got.number("seq") != read.number("seq") || read.number("counts.verified") != 1 {
			t.Errorf("%s: %s; %s", reason, read.body, got.body)
		}
	}

	serve(page("<!doctype html><title>Sold</title><p>This domain is for sale."))
	look()
	if got := ada.do("GET", "/highlights/"+made.text("id"), "").is(http.StatusOK); got.text("check.state") != "orphaned" {
		t.Errorf("another page: %s", got.body)
	}
	serve(page(article))
	look()
	if got := ada.do("GET", "/highlights/"+made.text("id"), "").is(http.StatusOK); got.text("check.state") != "verified" {
		t.Errorf("back again: %s", got.body)
	}
}

// What a browser shows and the server does not get is kept, with the reason.
func TestWhatTheServerCannotSeeIsKept(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	quote := `{"anchor":{"xpath":"/html[1]/body[1]/div[1]/main[1]/p[2]/text()[1]","offset":4},"focus":{"xpath":"/html[1]/body[1]/div[1]/main[1]/p[2]/text()[1]","offset":20},
		"quote":{"exact":"best of the times","prefix":"the ","suffix":"."}}`
	for name, c := range map[string]struct{ page, state, reason string }{
		"a page that builds itself":       {`<!doctype html><title>App</title><body><div id="root"></div><script src="/app.js"></script>`, "orphaned", ""},
		"its text in a script":            {`<body><div id=root></div><script>render({"text":"the best of the times."})</script>`, "orphaned", ""},
		"its text in a template":          {`<body><div id=root></div><template><main><p>a</p><p>the best of the times.</p></main></template>`, "orphaned", ""},
		"a page to sign in":               {`<body><form action="/login"><label>Name <input></label><label>Password <input type=password></label></form>`, "orphaned", ""},
		"an empty page":                   {``, "orphaned", ""},
		"a note for those without script": {`<body><div id=root></div><noscript>You need to enable JavaScript to run this app.</noscript>`, "orphaned", ""},
		"a page too deep for the parser":  {strings.Repeat("<div>", 600) + "<main><p>a</p><p>the best of the times.</p></main>", "unverifiable", "too_deep"},
	} {
		url, _ := serveArticle(t, c.page)
		made := ada.do("POST", "/highlights", `{"url":`+quoted(url)+`,"group":"public","ranges":[`+quote+`]}`, "Prefer", "wait=5").is(http.StatusCreated)
		if made.text("check.state") != c.state || made.text("check.reason") != c.reason {
			t.Errorf("%s: %s", name, made.body)
		}
		kept := s.anonymous().do("GET", "/highlights/"+made.text("id"), "").is(http.StatusOK)
		if ranges := kept.at("ranges").([]any); len(ranges) != 1 || !strings.Contains(kept.body, "best of the times") {
			t.Errorf("%s: kept is %s", name, kept.body)
		}
	}
}

func TestPagesNearAPrefix(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	ada.do("POST", "/highlights", `{"url":"https://example.org/public","group":"public"}`).is(http.StatusCreated)
	ada.do("POST", "/highlights", `{"url":"https://example.org/private"}`).is(http.StatusCreated)
	hash := func(url string) string {
		sum := sha256.Sum256([]byte(url))
		return hex.EncodeToString(sum[:])
	}
	public, private := hash("https://example.org/public"), hash("https://example.org/private")

	near := func(c client, prefix string) string {
		return c.do("GET", "/pages/near/"+prefix, "").is(http.StatusOK).body
	}
	for _, digits := range []int{4, 5, 8} {
		if !strings.Contains(near(s.anonymous(), public[:digits]), public) {
			t.Errorf("%d digits do not find the page", digits)
		}
	}
	if strings.Contains(near(s.anonymous(), private[:4]), private) {
		t.Error("a stranger learns of a private highlight")
	}
	if !strings.Contains(near(ada, strings.ToUpper(private[:6])), private) {
		t.Error("Ada does not find her own page")
	}
	for _, prefix := range []string{"abc", "123456789", "wxyz"} {
		s.anonymous().do("GET", "/pages/near/"+prefix, "").isProblem(http.StatusBadRequest, "unreadable")
	}
}

func TestVerifyKeepsNothing(t *testing.T) {
	s := startService(t)
	url, _ := serveArticle(t, article)

	report := s.anonymous().do("POST", "/verify", `{"url":`+quoted(url)+`,"ranges":[`+passage+`,
		{"anchor":{"xpath":"/html[1]/body[1]/p[7]","offset":0},"focus":{"xpath":"/html[1]/body[1]/p[7]","offset":0}}]}`).is(http.StatusOK)
	ranges := report.at("ranges").([]any)
	first, second := ranges[0].(map[string]any), ranges[1].(map[string]any)
	if first["state"] != "verified" || first["quote"] != "best of times" {
		t.Errorf("the first is %v", first)
	}
	if second["state"] != "orphaned" || second["quote"] != nil {
		t.Errorf("the second is %v", second)
	}
	s.anonymous().do("GET", "/pages?url="+url, "").isProblem(http.StatusNotFound, "not_found")

	for _, refused := range []string{"gopher://example.org/", "data:text/html,x", "javascript:1", "http://u:p@example.org/", `http://a\\@b/`, "http://example.org:22/"} {
		s.anonymous().do("POST", "/verify", `{"url":"`+refused+`"}`).isProblem(http.StatusUnprocessableEntity, "invalid", "/url")
	}
	for _, private := range []string{"http://10.1.2.3/", "http://0x0a.1/", "http://[::ffff:a00:1]/", "http://①⑥⑨.254.169.254/", "http://[fe80::1]/"} {
		report := s.anonymous().do("POST", "/verify", `{"url":`+quoted(private)+`,"ranges":[`+passage+`]}`).is(http.StatusOK)
		if report.text("reason") != "refused_address" {
			t.Errorf("%s: %s", private, report.body)
		}
	}
}
