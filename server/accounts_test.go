package server_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestSignUp(t *testing.T) {
	s := startService(t)
	nobody := s.anonymous()

	ada := s.signUp("Ada")
	me := ada.do("GET", "/me", "").is(http.StatusOK)
	if me.text("name") != "Ada" {
		t.Errorf("the account is called %q", me.text("name"))
	}
	nobody.do("POST", "/accounts", `{"name":" ada "}`).isProblem(http.StatusConflict, "name_taken")
	nobody.do("POST", "/accounts", `{"name":"ＡＤＡ"}`).isProblem(http.StatusConflict, "name_taken")

	for body, pointer := range map[string]string{
		`{}`:                              "/name",
		`{"name":null}`:                   "/name",
		`{"name":7}`:                      "/name",
		`{"name":"  "}`:                   "/name",
		`{"name":"a\u0000b"}`:             "/name",
		`{"name":"a\u202eb"}`:             "/name",
		`{"name":"\ud800"}`:               "/name",
		`{"name":"` + long(61) + `"}`:     "/name",
		`{"name":"B","password":"short"}`: "/password",
		`{"name":"B","password":["x"]}`:   "/password",
	} {
		nobody.do("POST", "/accounts", body).isProblem(http.StatusUnprocessableEntity, "invalid", pointer)
	}
	nobody.do("POST", "/accounts", `{"name":"B","admin":true}`).isProblem(http.StatusBadRequest, "unreadable", "/admin")
	nobody.do("POST", "/accounts", `{"Name":"B"}`).isProblem(http.StatusBadRequest, "unreadable", "/Name")
	nobody.do("POST", "/accounts", `{"name":"B","name":"C"}`).isProblem(http.StatusBadRequest, "unreadable", "/name")
	nobody.do("POST", "/accounts", `{"name":"B"`).isProblem(http.StatusBadRequest, "unreadable")
	nobody.do("POST", "/accounts", ``).isProblem(http.StatusBadRequest, "unreadable")
	nobody.do("POST", "/accounts", strings.Repeat("[", 10_000)).isProblem(http.StatusUnprocessableEntity, "invalid", "")
	nobody.do("POST", "/accounts", `{"name":"`+long(9<<20)+`"}`).isProblem(http.StatusRequestEntityTooLarge, "too_large")
}

func TestSignIn(t *testing.T) {
	s := startService(t)
	nobody := s.anonymous()
	nobody.do("POST", "/accounts", `{"name":"Ada","password":"correct horse"}`).is(http.StatusCreated)
	s.signUp("Bob")

	in := nobody.do("POST", "/session", `{"name":"ADA","password":"correct horse"}`).is(http.StatusOK)
	nobody.do("POST", "/session", `{"name":"Ada","password":"wrong horse"}`).isProblem(http.StatusUnauthorized, "bad_credentials")
	nobody.do("POST", "/session", `{"name":"Bob","password":""}`).isProblem(http.StatusUnauthorized, "bad_credentials")
	for _, name := range []string{`Nobody`, `A\u0000da`, ``, long(1 << 20)} {
		nobody.do("POST", "/session", `{"name":"`+name+`","password":"correct horse"}`).isProblem(http.StatusUnauthorized, "bad_credentials")
	}

	ada := nobody
	ada.token = in.text("token")
	ada.do("GET", "/me", "").is(http.StatusOK)
	ada.do("DELETE", "/session", "").is(http.StatusNoContent)
	ada.do("GET", "/me", "").isProblem(http.StatusUnauthorized, "bad_token")
	nobody.do("GET", "/me", "").isProblem(http.StatusUnauthorized, "unauthenticated")
	nobody.do("GET", "/me", "", "Authorization", "Basic YTpi").isProblem(http.StatusUnauthorized, "bad_token")
}

func TestRename(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	s.signUp("Bob")

	renamed := ada.do("PATCH", "/me", `{"name":"Ada  Lovelace"}`).is(http.StatusOK)
	if renamed.text("name") != "Ada Lovelace" {
		t.Errorf("the account is called %q", renamed.text("name"))
	}
	ada.do("PATCH", "/me", `{"name":"bob"}`).isProblem(http.StatusConflict, "name_taken")
	ada.do("PATCH", "/me", `{}`).isProblem(http.StatusUnprocessableEntity, "invalid", "/name")
}

// A page of another site may not act with the cookie that the server's own pages use.
func TestCookieCountsOnlyForOwnPages(t *testing.T) {
	s := startService(t)
	nobody := s.anonymous()

	fromElsewhere := nobody.do("POST", "/accounts", `{"name":"Eve"}`, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	fromElsewhere.is(http.StatusCreated)
	if cookie := fromElsewhere.header.Get("Set-Cookie"); cookie != "" {
		t.Errorf("a foreign page was given the cookie %q", cookie)
	}
	own := nobody.do("POST", "/accounts", `{"name":"Ada"}`, "Sec-Fetch-Site", "same-origin").is(http.StatusCreated)
	cookie := own.header.Get("Set-Cookie")
	if !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") {
		t.Fatalf("the cookie is %q", cookie)
	}
	cookie, _, _ = strings.Cut(cookie, ";")

	nobody.do("PATCH", "/me", `{"name":"Eve 2"}`, "Cookie", cookie, "Sec-Fetch-Site", "cross-site").isProblem(http.StatusForbidden, "cross_origin")
	nobody.do("PATCH", "/me", `{"name":"Eve 2"}`, "Cookie", cookie, "Origin", "https://evil.example").isProblem(http.StatusForbidden, "cross_origin")
	nobody.do("PATCH", "/me", `{"name":"Ada 2"}`, "Cookie", cookie, "Sec-Fetch-Site", "same-origin").is(http.StatusOK)
	nobody.do("DELETE", "/session", "", "Cookie", cookie, "Sec-Fetch-Site", "same-origin").is(http.StatusNoContent)
	nobody.do("GET", "/me", "", "Cookie", cookie).isProblem(http.StatusUnauthorized, "unauthenticated")
}

// Who asks is said once: of two, the one that somebody has checked on the way may not be the one that counts.
func TestWhoAsksIsSaidOnce(t *testing.T) {
	s := startService(t)
	ada, eve := s.signUp("Ada"), s.signUp("Eve")
	asks := func(name string, values ...string) int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), "GET", s.url+api+"/me", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range values {
			request.Header.Add(name, value)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	const cookie = "limn_session="
	for name, c := range map[string]struct {
		header string
		values []string
		want   int
	}{
		"two tokens":             {"Authorization", []string{"Bearer " + eve.token, "Bearer " + ada.token}, http.StatusBadRequest},
		"the same token twice":   {"Authorization", []string{"Bearer " + ada.token, "Bearer " + ada.token}, http.StatusBadRequest},
		"a cookie":               {"Cookie", []string{cookie + ada.token}, http.StatusOK},
		"the same cookie twice":  {"Cookie", []string{cookie + ada.token + "; " + cookie + ada.token}, http.StatusOK},
		"two cookies":            {"Cookie", []string{cookie + eve.token + "; " + cookie + ada.token}, http.StatusUnauthorized},
		"two headers of cookies": {"Cookie", []string{cookie + eve.token, cookie + ada.token}, http.StatusUnauthorized},
		"a cookie and rubbish":   {"Cookie", []string{cookie + "; " + cookie + ada.token}, http.StatusUnauthorized},
	} {
		if got := asks(c.header, c.values...); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }
