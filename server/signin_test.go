package server_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"limn/server"
	"limn/storage/storagetest"
)

// A browser opens pages, keeps their cookies and sends their forms, without scripts.
type browser struct {
	t    *testing.T
	url  string
	http *http.Client
}

func (s service) browser() browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return browser{s.t, s.url, &http.Client{Jar: jar, CheckRedirect: stay}}
}

// A shown is what a browser was answered.
type shown struct {
	t      *testing.T
	status int
	header http.Header
	html   string
}

func (b browser) ask(method, path, body string, headers ...string) shown {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == "POST" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := b.http.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return shown{b.t, response.StatusCode, response.Header, string(read)}
}

func (b browser) open(path string) shown {
	b.t.Helper()
	return b.ask("GET", path, "")
}

// sends fills in the last form of a page, presses a button of it, and sends it.
func (b browser) sends(page shown, filled url.Values) shown {
	b.t.Helper()
	form := page.html[strings.LastIndex(page.html, "<form"):]
	values := url.Values{}
	for _, hidden := range regexp.MustCompile(`type="hidden" name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(form, -1) {
		values.Set(hidden[1], html.UnescapeString(hidden[2]))
	}
	for name := range filled {
		if !strings.Contains(form, `name="`+name+`"`) {
			b.t.Fatalf("the form has no %s: %s", name, form)
		}
		values[name] = filled[name]
	}
	action := regexp.MustCompile(`action="([^"]*)"`).FindStringSubmatch(form)[1]
	return b.ask("POST", action, values.Encode())
}

func (s shown) is(status int) shown {
	s.t.Helper()
	if s.status != status {
		s.t.Fatalf("answered %d, want %d: %s", s.status, status, s.html)
	}
	return s
}

// leads ends the test unless the answer is the way to an address.
func (s shown) leads(to string) {
	s.t.Helper()
	if got := s.is(http.StatusSeeOther).header.Get("Location"); got != to {
		s.t.Fatalf("it leads to %q, want %q", got, to)
	}
}

// says ends the test unless the page has some words.
func (s shown) says(words string) shown {
	s.t.Helper()
	if !strings.Contains(html.UnescapeString(s.html), words) {
		s.t.Fatalf("it does not say %q: %s", words, s.html)
	}
	return s
}

// cookie is the session that the browser holds; empty: none.
func (b browser) cookie() string {
	address, _ := url.Parse(b.url)
	for _, c := range b.http.Jar.Cookies(address) {
		if c.Name == "limn_session" {
			return c.Value
		}
	}
	return ""
}

func TestSignInPage(t *testing.T) {
	s := startService(t)
	b, nobody := s.browser(), s.anonymous()

	made := b.sends(b.open("/signin?new=1&next=/demo%3Fa%3D1"), url.Values{"name": {"Ada"}, "password": {"correct horse"}})
	made.leads("/demo?a=1")
	if set := made.header.Get("Set-Cookie"); !strings.Contains(set, "; HttpOnly; SameSite=Lax") || strings.Contains(set, "Secure") {
		t.Errorf("the cookie is %q", set)
	}
	first := b.cookie()
	stream := nobody.with(first).settled("/stream?url=" + streamed)
	b.open("/signin").says("You are signed in as Ada.")

	page := b.open("/signin")
	b.sends(page, url.Values{"name": {"Ada"}, "password": {"wrong horse"}}).is(http.StatusUnauthorized).says("The name or the password is wrong.")
	if b.cookie() != first {
		t.Error("a wrong password has changed who is signed in")
	}
	b.sends(page, url.Values{"name": {"ADA"}, "password": {"correct horse"}}).leads("/")
	if b.cookie() == first {
		t.Error("signing in has kept the session that was there before")
	}
	stream.ends()
	nobody.with(first).do("GET", "/me", "").isProblem(http.StatusUnauthorized, "bad_token")
	second := b.cookie()
	b.ask("POST", "/signout", "").leads("/")
	if b.cookie() != "" {
		t.Error("the cookie is still there")
	}
	nobody.with(second).do("GET", "/me", "").isProblem(http.StatusUnauthorized, "bad_token")
	b.ask("POST", "/signout", "").leads("/")

	for path, words := range map[string]string{
		"/signin?new=1&name=%3Cscript%3E": "Create an account", "/signin?next=%22%3E%3Cscript%3E": "Sign in", "/signin": "New here?",
	} {
		shown := b.open(path).is(http.StatusOK).says(words)
		policy := shown.header.Get("Content-Security-Policy")
		if strings.Contains(shown.html, "<script") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s is %s under %s", path, shown.html, policy)
		}
	}
	b.sends(b.open("/signin?new=1"), url.Values{"name": {"ada"}}).is(http.StatusConflict).says("Somebody else has this name.").says(`value="ada"`)
}

// A form in another type would be read as an empty one, and answered as if the password was wrong.
func TestSignInTakesNothingButForms(t *testing.T) {
	b := startService(t).browser()
	for contentType, body := range map[string]string{
		"multipart/form-data; boundary=x":               "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nAda\r\n--x--\r\n",
		"multipart/form-data":                           "\x00\xff",
		"application/json":                              `{"name":"Ada"}`,
		"application/x-www-form-urlencoded, text/plain": "name=Ada",
		"": "name=Ada",
	} {
		b.ask("POST", "/signin", body, "Content-Type", contentType).is(http.StatusBadRequest).says("must be sent as application/x-www-form-urlencoded")
	}
	b.ask("POST", "/signin", "name=%zz").is(http.StatusBadRequest).says("not encoded as forms are")
}

func TestSignInPageByInvitation(t *testing.T) {
	store := storagetest.Open(t)
	open := startInstance(t, store)
	invited := startInstance(t, store, func(c *server.Config) { c.Signup = server.SignupInvite })
	closed := startInstance(t, store, func(c *server.Config) { c.Signup = server.SignupClosed })
	ada := open.signUp("Ada")
	code := ada.do("POST", "/groups/"+ada.found("Club", "closed")+"/invites", `{"max_uses":1}`).is(http.StatusCreated).text("code")

	b := invited.browser()
	page := b.open("/signin?new=1")
	b.sends(page, url.Values{"name": {"Bob"}, "invite": {""}}).is(http.StatusForbidden).says("takes an invite")
	b.sends(page, url.Values{"name": {"Bob"}, "invite": {"nonsense"}}).is(http.StatusNotFound)
	b.sends(page, url.Values{"name": {"Bob"}, "invite": {code}}).leads("/")

	c := closed.browser()
	if page := c.open("/signin?new=1"); strings.Contains(page.html, "Create an account") {
		t.Error("where nobody can sign up, the page offers it")
	}
	c.ask("POST", "/signin", "new=1&name=Eve").is(http.StatusUnauthorized)
	if open.holds("Eve") != 0 {
		t.Error("who was not invited has an account")
	}
}

// Another site could sign somebody in as itself, and read what they write then.
func TestSignInIsNotForOtherSites(t *testing.T) {
	s := startService(t)
	s.anonymous().do("POST", "/accounts", `{"name":"Eve","password":"correct horse"}`).is(http.StatusCreated)
	b := s.browser()
	for _, path := range []string{"/signin", "/signin/consent", "/signout"} {
		for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "", "Origin", "https://evil.example"}} {
			b.ask("POST", path, "name=Eve&password=correct+horse", headers...).is(http.StatusForbidden)
		}
	}
	if b.cookie() != "" {
		t.Error("another site has signed somebody in")
	}
}

func TestSignInLeadsNowhereElse(t *testing.T) {
	s := startService(t)
	s.anonymous().do("POST", "/accounts", `{"name":"Ada","password":"correct horse"}`).is(http.StatusCreated)
	for next, want := range map[string]string{
		"/groups?id=1#x": "/groups?id=1#x", "": "/", "groups": "/", "https://evil.example/": "/", "//evil.example": "/", "///evil.example": "/",
		`/\evil.example`: "/", `\\evil.example`: "/", "/\t/evil.example": "/", "\t//evil.example": "/", "/\n/evil.example": "/", " /x": "/",
		"javascript:alert(1)": "/", "/a\r\nSet-Cookie: limn_session=x": "/", "/\u2028/evil.example": "/", "/" + long(5000): "/", "/a\x00": "/",
	} {
		b := s.browser()
		answer := b.ask("POST", "/signin", url.Values{"name": {"Ada"}, "password": {"correct horse"}, "next": {next}}.Encode())
		answer.leads(want)
		if n := len(answer.header.Values("Set-Cookie")); n != 1 {
			t.Errorf("%q sets %d cookies", next, n)
		}
	}
}

const (
	inChrome  = "https://abcdefghijklmnopabcdefghijklmnop.chromiumapp.org/"
	inFirefox = "https://0123456789abcdef0123456789abcdef01234567.extensions.allizom.org/signed-in"
)

// asksFor is the page's address for an extension, and the secret that belongs to it.
func asksFor(redirectURI string) (path, verifier string) {
	verifier = rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	return "/signin?" + url.Values{
		"redirect_uri": {redirectURI}, "state": {"it is & stays"}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])},
	}.Encode(), verifier
}

// back takes apart where an answer leads.
func (s shown) back(redirectURI string) url.Values {
	s.t.Helper()
	to, query, _ := strings.Cut(s.is(http.StatusSeeOther).header.Get("Location"), "?")
	values, err := url.ParseQuery(query)
	if err != nil || to != redirectURI || values.Get("state") != "it is & stays" {
		s.t.Fatalf("it leads to %s?%s", to, query)
	}
	return values
}

func TestExtensionSignsIn(t *testing.T) {
	s := startService(t)
	nobody := s.anonymous()
	nobody.do("POST", "/accounts", `{"name":"Ada","password":"correct horse"}`).is(http.StatusCreated)
	for _, redirectURI := range []string{inChrome, inFirefox} {
		b := s.browser()
		path, verifier := asksFor(redirectURI)

		slip := b.sends(b.open(path), url.Values{"name": {"Ada"}, "password": {"correct house"}})
		slip.is(http.StatusOK).says("The name or the password is wrong.") // Chrome would close the window at 401
		entered := b.sends(slip, url.Values{"name": {"Ada"}, "password": {"correct horse"}}).is(http.StatusSeeOther)
		question := b.open(entered.header.Get("Location")).is(http.StatusOK).says("Let this browser use limn as Ada?")
		code := b.sends(question, url.Values{"answer": {"allow"}}).back(redirectURI).Get("code")

		policy := question.header.Get("Content-Security-Policy")
		if origin := strings.Join(strings.Split(redirectURI, "/")[:3], "/"); !strings.HasSuffix(policy, "form-action 'self' "+origin) || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("the question is asked under %s", policy)
		}
		if s.holds(code) != 0 {
			t.Error("the code is kept")
		}
		redeem := `{"code":` + quoted(code) + `,"code_verifier":` + quoted(verifier) + `}`
		session := nobody.do("POST", "/session/code", redeem).is(http.StatusOK)
		if session.text("account.name") != "Ada" || session.header.Get("Set-Cookie") != "" {
			t.Errorf("it is answered %s and %v", session.body, session.header)
		}
		nobody.with(session.text("token")).do("GET", "/tokens", "").is(http.StatusOK)
		nobody.do("POST", "/session/code", redeem).isProblem(http.StatusUnauthorized, "bad_code")
	}
}

func TestCodeIsForWhoAskedForIt(t *testing.T) {
	s := startService(t)
	nobody := s.anonymous()
	b := s.browser()
	b.sends(b.open("/signin?new=1"), url.Values{"name": {"Ada"}}).leads("/")
	redeems := func(code, verifier string) answer {
		return nobody.do("POST", "/session/code", `{"code":`+quoted(code)+`,"code_verifier":`+quoted(verifier)+`}`)
	}
	code := func() (code, verifier string) {
		path, verifier := asksFor(inChrome)
		return b.sends(b.open(path), url.Values{"answer": {"allow"}}).back(inChrome).Get("code"), verifier
	}

	stolen, verifier := code()
	redeems(stolen, "").isProblem(http.StatusUnauthorized, "bad_code")
	redeems(stolen, verifier).isProblem(http.StatusUnauthorized, "bad_code")
	sum := sha256.Sum256([]byte(verifier))
	stolen, _ = code()
	redeems(stolen, base64.RawURLEncoding.EncodeToString(sum[:])).isProblem(http.StatusUnauthorized, "bad_code")
	redeems("nonsense", verifier).isProblem(http.StatusUnauthorized, "bad_code")

	late, verifier := code()
	s.changes(`UPDATE codes SET expires_at = expires_at - interval '60 seconds'`)
	redeems(late, verifier).isProblem(http.StatusUnauthorized, "bad_code")

	before, verifier := code()
	nobody.with(b.cookie()).do("PATCH", "/me", `{"password":"battery staple"}`).is(http.StatusOK)
	redeems(before, verifier).isProblem(http.StatusUnauthorized, "bad_code")

	for body, pointer := range map[string]string{`{"code":"x"}`: "/code_verifier", `{"code_verifier":"x"}`: "/code", `{"code":1,"code_verifier":"x"}`: "/code"} {
		nobody.do("POST", "/session/code", body).isProblem(http.StatusUnprocessableEntity, "invalid", pointer)
	}
}

// changes does something to the database that takes its time otherwise.
func (s service) changes(query string) {
	s.t.Helper()
	conn, err := s.store.Connect(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(s.t.Context())
	if _, err := conn.Exec(s.t.Context(), query); err != nil {
		s.t.Fatal(err)
	}
}

// No site has a browser make a code without its person, and none leads anywhere but to an extension.
func TestCodesAreNotMadeInSilence(t *testing.T) {
	s := startService(t)
	b := s.browser()
	path, _ := asksFor(inChrome)
	values, _ := url.ParseQuery(strings.TrimPrefix(path, "/signin?"))
	with := func(name, value string) url.Values {
		changed := url.Values{"answer": {"allow"}, "account": {s.anonymous().with(b.cookie()).id()}}
		for n, v := range values {
			changed[n] = v
		}
		changed.Set(name, value)
		return changed
	}
	b.sends(b.open("/signin?new=1"), url.Values{"name": {"Ada"}}).leads("/")

	b.sends(b.open(path), url.Values{"answer": {"deny"}}).back(inChrome).Get("error")
	if told := b.sends(b.open(path), url.Values{"answer": {"deny"}}).back(inChrome); told.Get("error") != "access_denied" || told.Has("code") {
		t.Errorf("a refusal is told as %v", told)
	}
	for name, value := range map[string]string{"code_challenge": "short", "code_challenge_method": "plain"} {
		if told := b.open("/signin?" + with(name, value).Encode()).back(inChrome); told.Get("error") != "invalid_request" {
			t.Errorf("%s=%s is told as %v", name, value, told)
		}
		if told := b.ask("POST", "/signin/consent", with(name, value).Encode()).back(inChrome); told.Has("code") {
			t.Errorf("%s=%s makes a code", name, value)
		}
	}
	for _, elsewhere := range []string{
		"https://evil.example/", "http://abcdefghijklmnopabcdefghijklmnop.chromiumapp.org/", "https://abcdefghijklmnopabcdefghijklmnop.chromiumapp.org",
		"https://abcdefghijklmnopabcdefghijklmnoq.chromiumapp.org/", "https://abcdefghijklmnopabcdefghijklmnopa.chromiumapp.org/",
		"https://abcdefghijklmnopabcdefghijklmnop.chromiumapp.org.evil.example/", "https://abcdefghijklmnopabcdefghijklmnop.chromiumapp.org@evil.example/",
		"https://abcdefghijklmnopabcdefghijklmnop.chromiumapp.org:8443/", "https://evil.example/abcdefghijklmnopabcdefghijklmnop.chromiumapp.org/",
		"https://ABCDEFGHIJKLMNOPABCDEFGHIJKLMNOP.chromiumapp.org/", "https://abcdefghijklmnopabcdefghijklmnop.chromiumapp.org/?a=1",
		"https://abcdefghijklmnopabcdefghijklmnop.chromiumapp.org/#a", "https://abcdefghijklmnopabcdefghijklmnop.chromiumapp.org/\r\nX: y",
		"https://0123456789abcdef0123456789abcdef0123456.extensions.allizom.org/", "https://0123456789abcdef0123456789abcdef01234567.allizom.org/",
		"https://evil.extensions.allizom.org/", " " + inChrome, inChrome + " ", "",
	} {
		b.open("/signin?" + with("redirect_uri", elsewhere).Encode()).is(http.StatusBadRequest).says("is not the address of a browser's extension")
		b.ask("POST", "/signin/consent", with("redirect_uri", elsewhere).Encode()).is(http.StatusBadRequest)
	}
	b.open("/signin?" + with("state", "\u00e4").Encode()).is(http.StatusBadRequest)
	b.open("/signin?" + with("state", long(201)).Encode()).is(http.StatusBadRequest)
	b.ask("POST", "/signin/consent", with("account", "00000000-0000-0000-0000-000000000001").Encode()).leads(path)
	s.browser().ask("POST", "/signin/consent", with("account", "").Encode()).leads(path)
	program := s.anonymous().with(b.cookie()).tokenFor("read", "write")
	s.browser().ask("POST", "/signin/consent", with("account", program.id()).Encode(), "Cookie", "limn_session="+program.token).leads(path)
	s.browser().ask("POST", "/signin/consent", with("account", program.id()).Encode(), "Authorization", "Bearer "+program.token).leads(path)
	b.ask("POST", "/signin/consent", "redirect_uri=%ff").is(http.StatusBadRequest)
	b.ask("POST", "/signin/consent", "state="+long(600_000)).is(http.StatusRequestEntityTooLarge)
}
