package server_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"limn/server"
	"limn/storage/storagetest"
)

// with is the client with another token.
func (c client) with(token string) client {
	c.token = token
	return c
}

// tokenFor makes a token with scopes.
func (c client) tokenFor(scopes ...string) client {
	c.t.Helper()
	made := c.do("POST", "/tokens", `{"name":"a program","scopes":["`+strings.Join(scopes, `","`)+`"]}`).is(http.StatusCreated)
	return c.with(made.text("token"))
}

func TestTokenIsForItsScopes(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	mine := "/highlights/" + ada.mark("mine", "me").text("id")
	for _, c := range []struct {
		scopes              []string
		read, write, manage int
	}{
		{[]string{"read"}, 200, 403, 403},
		{[]string{"write"}, 403, 200, 403},
		{[]string{"admin"}, 403, 403, 200},
		{[]string{"read", "write", "admin"}, 200, 200, 200},
	} {
		program := ada.tokenFor(c.scopes...)
		for want, got := range map[*int]answer{
			&c.read:   program.do("GET", mine, ""),
			&c.write:  program.do("PATCH", mine, `{"note":"changed"}`),
			&c.manage: program.do("GET", "/tokens", ""),
		} {
			if got.status != *want || got.status == 403 && got.text("code") != "scope" {
				t.Errorf("%v: %s is answered %d %s", c.scopes, got.request, got.status, got.text("code"))
			}
		}
		if got := program.do("POST", "/operations", `[]`).status; got != c.write {
			t.Errorf("%v: operations are answered %d", c.scopes, got)
		}
		if got := program.do("GET", "/stream?url="+streamed+"&group=nonsense", "").status; got != map[int]int{200: 404, 403: 403}[c.read] {
			t.Errorf("%v: a stream is answered %d", c.scopes, got)
		}
		program.do("GET", "/me", "").is(http.StatusOK)
		program.do("DELETE", "/session", "").is(http.StatusNoContent)
		program.do("GET", "/me", "").isProblem(http.StatusUnauthorized, "bad_token")
	}
	ada.tokenFor("admin", "read").do("POST", "/tokens", `{"scopes":["write"]}`).isProblem(http.StatusForbidden, "forbidden")
	for body, pointer := range map[string]string{
		`{"scopes":[]}`: "/scopes", `{"scopes":["root"]}`: "/scopes", `{"scopes":["read","read","read","read"]}`: "/scopes",
		`{"expires_in":0}`: "/expires_in", `{"expires_in":-1}`: "/expires_in", `{"expires_in":315360001}`: "/expires_in",
		`{"name":"` + long(241) + `"}`: "/name", `{"name":"a\u0000"}`: "/name",
	} {
		ada.do("POST", "/tokens", body).isProblem(http.StatusUnprocessableEntity, "invalid", pointer)
	}
}

func TestTokensAreListedAndRevoked(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	program := ada.tokenFor("read")
	reader := program.settled("/stream?url=" + streamed)

	list := ada.do("GET", "/tokens", "").is(http.StatusOK)

	if items := list.items(); len(items) != 2 || items[0]["kind"] != "session" || items[0]["current"] != true || items[1]["name"] != "a program" {
		t.Errorf("her tokens are %s", list.body)
	}
	if strings.Contains(list.body, program.token) || s.holds(program.token) > 0 || s.holds(ada.token) > 0 {
		t.Error("a secret is kept")
	}
	id := list.items()[1]["id"].(string)
	bob.do("DELETE", "/tokens/"+id, "").isProblem(http.StatusNotFound, "not_found")
	ada.do("DELETE", "/tokens/"+id, "").is(http.StatusNoContent)
	reader.ends()
	program.do("GET", "/me", "").isProblem(http.StatusUnauthorized, "bad_token")
	ada.do("DELETE", "/tokens/"+id, "").isProblem(http.StatusNotFound, "not_found")
	ada.do("DELETE", "/tokens/x", "").isProblem(http.StatusNotFound, "not_found")
}

// The hint that would say so is lost: the database itself is asked.
func TestStreamEndsWhenItsTokenIsGone(t *testing.T) {
	s := startService(t)
	reader := s.signUp("Ada").tokenFor("read").settled("/stream?url=" + streamed)

	s.changes(`DELETE FROM tokens WHERE kind = 'token'`)

	reader.ends()
}

// Nobody says that it has expired, and the stream ends all the same.
func TestStreamEndsWhenItsTokenExpires(t *testing.T) {
	s := startService(t)
	made := s.signUp("Ada").do("POST", "/tokens", `{"scopes":["read"],"expires_in":2}`).is(http.StatusCreated)
	expires, err := time.Parse(time.RFC3339, made.text("expires_at"))
	if err != nil {
		t.Fatal(err)
	}
	reader := s.anonymous().with(made.text("token")).settled("/stream?url=" + streamed)

	reader.ends()

	if early := time.Until(expires); early > 0 {
		t.Errorf("it ended %v before the token", early)
	}
}

func TestNewPasswordEndsEverythingElse(t *testing.T) {
	s := startService(t)
	nobody := s.anonymous()
	stolen := nobody.with(nobody.do("POST", "/accounts", `{"name":"Ada","password":"correct horse"}`).is(http.StatusCreated).text("token"))
	thiefs := stolen.settled("/stream?url=" + streamed)
	ada := nobody.with(nobody.do("POST", "/session", `{"name":"Ada","password":"correct horse"}`).is(http.StatusOK).text("token"))

	stolen.do("PATCH", "/me", `{"password":"battery staple"}`).isProblem(http.StatusUnauthorized, "bad_credentials")
	stolen.do("PATCH", "/me", `{"password":"battery staple","current_password":"wrong horse"}`).isProblem(http.StatusUnauthorized, "bad_credentials")
	ada.do("PATCH", "/me", `{"password":"short","current_password":"correct horse"}`).isProblem(http.StatusUnprocessableEntity, "invalid", "/password")
	ada.do("PATCH", "/me", `{"password":"battery staple","name":"Eve"}`).isProblem(http.StatusUnprocessableEntity, "invalid", "/password")
	ada.do("PATCH", "/me", `{"password":"battery staple","current_password":"correct horse"}`).is(http.StatusOK)

	thiefs.ends()
	stolen.do("GET", "/me", "").isProblem(http.StatusUnauthorized, "bad_token")
	ada.do("GET", "/me", "").is(http.StatusOK)
	nobody.do("POST", "/session", `{"name":"Ada","password":"correct horse"}`).isProblem(http.StatusUnauthorized, "bad_credentials")
	nobody.do("POST", "/session", `{"name":"Ada","password":"battery staple"}`).is(http.StatusOK)
	bob := s.signUp("Bob") // who has none yet
	bob.do("PATCH", "/me", `{"password":"battery staple"}`).is(http.StatusOK)
	nobody.do("POST", "/session", `{"name":"Bob","password":"battery staple"}`).is(http.StatusOK)
}

func TestSignUpByInvitation(t *testing.T) {
	store := storagetest.Open(t)
	open := startInstance(t, store)
	invited := startInstance(t, store, func(c *server.Config) { c.Signup = server.SignupInvite })
	closed := startInstance(t, store, func(c *server.Config) { c.Signup = server.SignupClosed })
	ada := open.signUp("Ada")
	group := ada.found("Club", "closed")
	code := ada.do("POST", "/groups/"+group+"/invites", `{"max_uses":1}`).is(http.StatusCreated).text("code")
	body := `{"name":"Bob","invite":"` + code + `"}`

	nobody := invited.anonymous()
	nobody.do("POST", "/accounts", `{"name":"Eve"}`).isProblem(http.StatusForbidden, "invite_needed")
	nobody.do("POST", "/accounts", `{"name":"Eve","invite":"nonsense"}`).isProblem(http.StatusNotFound, "not_found")
	closed.anonymous().do("POST", "/accounts", body).isProblem(http.StatusForbidden, "signup_closed")
	bob := nobody.with(nobody.do("POST", "/accounts", body).is(http.StatusCreated).text("token"))
	if role := bob.do("GET", "/groups/"+group, "").is(http.StatusOK).text("role"); role != "member" {
		t.Errorf("Bob is %s", role)
	}
	nobody.do("POST", "/accounts", `{"name":"Eve","invite":"`+code+`"}`).isProblem(http.StatusNotFound, "not_found")
	if s := open.holds("Eve"); s != 0 {
		t.Error("who was not invited has an account")
	}
}

// What is an account's own leaves with it, and does not stay when it goes.
func TestAccountIsTakenAwayAndDeleted(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	group := bob.found("Bob's", "closed")
	bob.puts(ada, group, "member").is(http.StatusCreated)
	his := bob.mark("his", "public").text("id")
	hers := ada.mark("written by Ada, for all", "public").text("id")
	ada.mark("written by Ada, for herself", "me")
	ada.mark("written by Ada, for the group", group)
	ada.do("POST", "/highlights/"+his+"/replies", `{"note":"written by Ada, in answer"}`).is(http.StatusCreated)
	bob.do("POST", "/highlights/"+hers+"/replies", `{"note":"Bob's answer"}`).is(http.StatusCreated)
	bob.do("DELETE", "/groups/"+group+"/members/"+ada.id(), "").is(http.StatusNoContent)
	ada.attaches("/highlights/"+hers, "written by Ada.txt", "her own words", "").is(http.StatusCreated)
	ada.do("POST", "/highlights/"+his+"/flags", `{"reason":"written by Ada, against his"}`).is(http.StatusNoContent)
	ada.do("POST", "/tokens", `{"name":"written by Ada, for a program"}`).is(http.StatusCreated)
	ada.do("POST", "/webhooks", `{"url":"https://written-by-ada.example/"}`).is(http.StatusCreated)
	ada.do("PATCH", "/highlights/"+hers, `{"note":"written by Ada, for all, anew","tags":["written by Ada, a tag"]}`).is(http.StatusOK)
	ada.do("PATCH", "/me", `{"name":"Adela"}`).is(http.StatusOK)
	alone := ada.found("Nobody else's", "closed")
	shared := ada.found("Shared", "closed")
	ada.puts(bob, shared, "reader").is(http.StatusCreated)

	taken := ada.do("GET", "/me/export", "").is(http.StatusOK)

	for _, hers := range []string{
		"written by Ada, for all, anew", "written by Ada, a tag", "written by Ada, for herself", "written by Ada, for the group", "written by Ada, in answer",
		"written by Ada.txt", base64.StdEncoding.EncodeToString([]byte("her own words")), "written by Ada, against his", "written by Ada, for a program",
		"https://written-by-ada.example/", "Nobody else's", `"name":"Adela"`,
	} {
		if !strings.Contains(taken.body, hers) {
			t.Errorf("she leaves %q behind", hers)
		}
	}
	for _, others := range []string{"Bob's answer", ada.token, "whsec_"} {
		if strings.Contains(taken.body, others) {
			t.Errorf("she takes %q with her", others)
		}
	}
	reader := ada.settled("/stream?url=" + streamed)
	others := s.anonymous().settled("/stream?url=" + streamed)
	ada.do("DELETE", "/me", "").is(http.StatusNoContent)

	reader.ends()
	ada.do("GET", "/me", "").isProblem(http.StatusUnauthorized, "bad_token")
	others.awaits(t, "removed", func(e event) bool { return e.data.text("id") == hers })
	for _, text := range []string{
		"written by Ada", "written-by-ada", hex.EncodeToString([]byte("her own words")), "Adela", "adela", "Bob's answer", "Nobody else's", "nobody else's",
	} {
		eventually(t, func() bool { return s.holds(text) == 0 })
	}
	bob.do("GET", "/highlights/"+hers, "").isProblem(http.StatusNotFound, "not_found")
	if now := bob.do("GET", "/highlights/"+his, "").is(http.StatusOK); now.number("replies") != 0 {
		t.Errorf("%d replies are counted", now.number("replies"))
	}
	if role := bob.do("GET", "/groups/"+shared, "").is(http.StatusOK).text("role"); role != "owner" {
		t.Errorf("Bob is %s of what Ada owned", role)
	}
	bob.do("PUT", "/groups/"+shared+"/members/"+uuid.NewString(), `{}`).isProblem(http.StatusNotFound, "not_found")
	bob.do("POST", "/groups", `{"name":"Nobody else's"}`).is(http.StatusCreated)
	if s.signUp("Ada").do("GET", "/groups/"+alone, "").status != http.StatusNotFound {
		t.Error("the next Ada has what the last one had")
	}
}
