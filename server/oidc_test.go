package server_test

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	oidcstorage "github.com/zitadel/oidc/v3/example/server/storage"

	"limn/server"
	"limn/storage"
	"limn/storage/storagetest"
)

// people are those whom the provider of the tests knows, by their subjects.
type people map[string]*oidcstorage.User

// GetUserByID implements the provider's UserStore.
func (p people) GetUserByID(id string) *oidcstorage.User { return p[id] }

// GetUserByUsername implements the provider's UserStore.
func (p people) GetUserByUsername(name string) *oidcstorage.User {
	for _, user := range p {
		if user.Username == name {
			return user
		}
	}
	return nil
}

// ExampleClientID implements the provider's UserStore.
func (p people) ExampleClientID() string { return "service" }

func person(id, username, name string) *oidcstorage.User {
	return &oidcstorage.User{ID: id, Username: username, Password: "at the provider", FirstName: name}
}

// startWithProvider starts limn beside a provider of OpenID Connect, which does not answer before it is told to.
func startWithProvider(t *testing.T, store *storage.Store, known people, configure ...func(*server.Config)) (s service, begin func()) {
	t.Helper()
	var handler atomic.Pointer[http.Handler]
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if up := handler.Load(); up != nil {
			(*up).ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(front.Close)
	configure = append(configure, func(c *server.Config) {
		c.OIDC = server.OIDC{Issuer: front.URL, ClientID: "limn", ClientSecret: "our secret"}
	})
	s = startInstance(t, store, configure...)
	clients := map[string]*oidcstorage.Client{"limn": oidcstorage.WebClient("limn", "our secret", s.url+"/signin/oidc/callback")}
	var up http.Handler = exampleop.SetupServer(front.URL, oidcstorage.NewStorageWithClients(known, clients), slog.New(slog.DiscardHandler), false)
	return s, func() { handler.Store(&up) }
}

// goesTo follows an absolute address.
func (b browser) goesTo(address string) shown {
	b.t.Helper()
	b.url = ""
	return b.open(address)
}

var away = regexp.MustCompile(`http-equiv="refresh" content="0; url=([^"]*)"`)

// leaves presses the button that leads to the provider, and says where that is.
func (b browser) leaves(page shown, filled url.Values) (address *url.URL) {
	b.t.Helper()
	found := away.FindStringSubmatch(b.sends(page, filled).is(http.StatusOK).html)
	if found == nil {
		b.t.Fatal("it does not lead to the provider")
	}
	address, err := url.Parse(html.UnescapeString(found[1]))
	if err != nil {
		b.t.Fatal(err)
	}
	return address
}

// provesToBe signs in at the provider, and says where that leads.
func (b browser) provesToBe(username string, at *url.URL) (back string) {
	b.t.Helper()
	login := b.goesTo(at.String()).is(http.StatusFound).header.Get("Location")
	id := login[strings.LastIndex(login, "=")+1:]
	origin := at.Scheme + "://" + at.Host
	there := b
	there.url = ""
	entered := there.ask("POST", origin+"/login/username", url.Values{"id": {id}, "username": {username}, "password": {"at the provider"}}.Encode())
	next := entered.is(http.StatusFound).header.Get("Location")
	if strings.HasPrefix(next, "/") {
		next = origin + next
	}
	return b.goesTo(next).is(http.StatusFound).header.Get("Location")
}

// signsInAs goes all the way, from a page of limn's and back.
func (b browser) signsInAs(username string, page shown, filled url.Values) shown {
	b.t.Helper()
	return b.goesTo(b.provesToBe(username, b.leaves(page, filled)))
}

// name is who is signed in.
func (b browser) name() string {
	b.t.Helper()
	found := regexp.MustCompile(`You are signed in as ([^.]*)\.`).FindStringSubmatch(b.open("/signin").html)
	if found == nil {
		return ""
	}
	return html.UnescapeString(found[1])
}

func TestSignInWithProvider(t *testing.T) {
	s, begin := startWithProvider(t, storagetest.Open(t), people{
		"1": person("1", "ada", "Ada"), "2": person("2", "Bob", "Robert"), "3": person("3", "eve@secret.example", "Eve"),
		"4": person("4", "\u202e  evil\u0000 name "+long(80), "x"), "5": person("5", "\u200b", "x"),
	})
	s.signUp("Bob")
	b := s.browser()

	// A provider that is down keeps nobody from anything else.
	b.sends(b.open("/signin"), nil).is(http.StatusBadGateway).says("does not answer as it should")
	begin()

	at := b.leaves(b.open("/signin?next=/demo"), nil)
	for name, want := range map[string]string{"code_challenge_method": "S256", "response_type": "code", "scope": "openid profile", "redirect_uri": s.url + "/signin/oidc/callback"} {
		if got := at.Query().Get(name); got != want {
			t.Errorf("the provider is asked with %s=%s, want %s", name, got, want)
		}
	}
	b.goesTo(b.provesToBe("ada", at)).leads("/demo")
	if b.name() != "ada" {
		t.Errorf("who signs in is %q", b.name())
	}
	again := s.browser()
	again.signsInAs("ada", again.open("/signin"), nil).leads("/")
	if first, second := s.anonymous().with(b.cookie()).id(), s.anonymous().with(again.cookie()).id(); first != second {
		t.Error("who comes again is somebody else")
	}
	for username, want := range map[string]string{
		"Bob": "Bob 2", "eve@secret.example": "Eve ", "\u202e  evil\u0000 name " + long(80): "evil name " + long(42), "\u200b": "Somebody",
	} {
		c := s.browser()
		c.signsInAs(username, c.open("/signin"), nil).leads("/")
		if got := c.name(); got != strings.TrimSpace(want) {
			t.Errorf("%q becomes %q, want %q", username, got, want)
		}
	}
	if s.holds("our secret")+s.holds("secret.example") > 0 {
		t.Error("the database holds a secret, or a mail address")
	}
	s.anonymous().with(b.cookie()).do("DELETE", "/me", "").is(http.StatusNoContent)
	fresh := s.browser()
	fresh.signsInAs("ada", fresh.open("/signin"), nil).leads("/")
	if fresh.name() != "ada" {
		t.Errorf("after the account was deleted one is %q", fresh.name())
	}
}

// What comes back counts only in the browser that went, once, and if it is the answer to what was asked.
func TestWayBackFromProvider(t *testing.T) {
	s, begin := startWithProvider(t, storagetest.Open(t), people{"1": person("1", "ada", "Ada")})
	begin()
	b, other := s.browser(), s.browser()

	back := b.provesToBe("ada", b.leaves(b.open("/signin"), nil))
	other.goesTo(back).is(http.StatusBadRequest).says("not the way back")
	other.leaves(other.open("/signin"), nil)
	other.goesTo(back).is(http.StatusBadRequest)
	b.goesTo(back).leads("/")
	b.goesTo(back).is(http.StatusBadRequest)
	if other.cookie() != "" {
		t.Error("another browser is signed in")
	}

	address, _ := url.Parse(s.url + "/signin/oidc/callback")
	for _, changed := range []string{"Nonce", "Verifier", "State"} {
		c := s.browser()
		back := c.provesToBe("ada", c.leaves(c.open("/signin"), nil))
		var visit map[string]string
		for _, cookie := range c.http.Jar.Cookies(address) {
			raw, err := base64.RawURLEncoding.DecodeString(cookie.Value)
			if err != nil || json.Unmarshal(raw, &visit) != nil {
				t.Fatalf("the cookie is %s", cookie)
			}
			visit[changed] += "x"
			raw, _ = json.Marshal(visit)
			cookie.Value, cookie.Path = base64.RawURLEncoding.EncodeToString(raw), "/signin/oidc"
			c.http.Jar.SetCookies(address, []*http.Cookie{cookie})
		}
		if answer := c.goesTo(back); answer.status != http.StatusBadGateway && answer.status != http.StatusBadRequest || c.cookie() != "" {
			t.Errorf("with another %s it is answered %d", changed, answer.status)
		}
	}

	state := b.leaves(b.open("/signin"), nil).Query().Get("state")
	b.open("/signin/oidc/callback?error=access_denied&error_description=%3Cscript%3E&state=" + state).is(http.StatusForbidden).says("has not signed you in")
	state = b.leaves(b.open("/signin"), nil).Query().Get("state")
	b.open("/signin/oidc/callback?code=nonsense&state=" + state).is(http.StatusBadGateway)
	b.open("/signin/oidc/callback").is(http.StatusBadRequest)
	b.ask("GET", "/signin/oidc/callback?state=x&code=y", "", "Cookie", "limn_oidc=nonsense").is(http.StatusBadRequest)
	b.ask("POST", "/signin/oidc", "", "Sec-Fetch-Site", "cross-site").is(http.StatusForbidden)
	startService(t).browser().ask("POST", "/signin/oidc", "").is(http.StatusNotFound)
}

// A provider proves who somebody is, not that they were invited.
func TestSignUpWithProvider(t *testing.T) {
	store, known := storagetest.Open(t), people{"1": person("1", "lovelace", "Ada")}
	open := startInstance(t, store)
	owner := open.signUp("Owner")
	group := owner.found("Club", "closed")
	code := owner.do("POST", "/groups/"+group+"/invites", `{}`).is(http.StatusCreated).text("code")
	closed, beginClosed := startWithProvider(t, store, known, func(c *server.Config) { c.Signup = server.SignupClosed })
	invited, beginInvited := startWithProvider(t, store, known, func(c *server.Config) { c.Signup = server.SignupInvite })
	beginClosed()
	beginInvited()

	c := closed.browser()
	c.signsInAs("lovelace", c.open("/signin"), nil).is(http.StatusForbidden).says("Nobody can sign up here")
	b := invited.browser()
	page := b.signsInAs("lovelace", b.open("/signin"), nil).is(http.StatusForbidden).says("takes an invite")
	b.signsInAs("lovelace", page, url.Values{"invite": {"nonsense"}}).is(http.StatusNotFound)
	b.sends(page, url.Values{"invite": {long(5000)}}).is(http.StatusNotFound)
	if open.holds("lovelace") != 0 || b.cookie() != "" {
		t.Error("who was not invited has an account")
	}
	b.signsInAs("lovelace", page, url.Values{"invite": {code}}).leads("/")
	if role := invited.anonymous().with(b.cookie()).do("GET", "/groups/"+group, "").is(http.StatusOK).text("role"); role != "member" {
		t.Errorf("who was invited is %s", role)
	}
}

// Who one is at the provider is one's own: it is in what one takes away, and gone with the account, so that the same person
// is somebody new afterwards.
func TestIdentityIsTheAccounts(t *testing.T) {
	s, begin := startWithProvider(t, storagetest.Open(t), people{"subject-of-ada": person("subject-of-ada", "ada", "Ada")})
	begin()
	b := s.browser()
	b.signsInAs("ada", b.open("/signin"), nil).leads("/")
	ada := s.anonymous().with(b.cookie())
	before := ada.id()

	taken := ada.do("GET", "/me/export", "").is(http.StatusOK)
	ada.do("DELETE", "/me", "").is(http.StatusNoContent)

	if !strings.Contains(taken.body, `"subject":"subject-of-ada"`) {
		t.Errorf("she leaves behind who she is there: %s", taken.body)
	}
	if s.holds("subject-of-ada") != 0 {
		t.Error("the provider's name for her outlives the account")
	}
	again := s.browser()
	again.signsInAs("ada", again.open("/signin"), nil).leads("/")
	if s.anonymous().with(again.cookie()).id() == before {
		t.Error("she signs in to the account that is gone")
	}
}
