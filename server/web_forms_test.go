package server_test

import (
	"bytes"
	"html"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// says ends the test unless a page has some words.
func (a answer) says(words string) answer {
	a.t.Helper()
	if !strings.Contains(html.UnescapeString(a.body), words) {
		a.t.Fatalf("%s does not say %q: %s", a.request, words, a.body)
	}
	return a
}

// What was typed is there again, with the sentence beside its field; what is right leads on.
func TestFormsKeepWhatWasTyped(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	bob.found("Taken", "closed")
	h := ada.do("POST", "/highlights", `{"url":"https://a.example/","group":"public","note":"x"}`).is(http.StatusCreated)
	group := ada.found("Circle", "closed")
	long := strings.Repeat("é", 40_000)

	for _, c := range []struct {
		path   string
		form   url.Values
		status int
		says   []string
	}{
		{"/groups", url.Values{"name": {"Taken"}, "kind": {"open"}}, http.StatusConflict, []string{`value="Taken"`, "Somebody else has this name", `value="open" checked`}},
		{"/groups", url.Values{"name": {" "}, "kind": {"closed"}}, http.StatusUnprocessableEntity, []string{"It must not be empty.", `id="name-error"`}},
		{"/groups/" + group, url.Values{"name": {"Taken"}, "kind": {"closed"}}, http.StatusConflict, []string{`value="Taken"`, "Somebody else has this name"}},
		{"/groups/" + group + "/invites", url.Values{"role": {"reader"}, "max_uses": {"many"}, "days": {"3"}}, http.StatusUnprocessableEntity, []string{`value="many"`, `value="3"`, "from 1"}},
		{"/groups/" + group + "/delete", url.Values{"confirm": {"circle"}}, http.StatusUnprocessableEntity, []string{`value="circle"`, "not the name"}},
		{"/h/" + h.text("id") + "/replies", url.Values{"note": {long}}, http.StatusUnprocessableEntity, []string{long[:100], "65536"}},
		{"/account/name", url.Values{"name": {"bob"}}, http.StatusConflict, []string{`value="bob"`, "Somebody else has this name"}},
		{"/account/password", url.Values{"password": {"short"}}, http.StatusUnprocessableEntity, []string{"8 characters or more"}},
		{"/account/delete", url.Values{"confirm": {"Eve"}}, http.StatusUnprocessableEntity, []string{`value="Eve"`, "not your name"}},
		{"/account/tokens", url.Values{"name": {"Notes"}, "days": {"0"}}, http.StatusUnprocessableEntity, []string{`value="Notes"`, "from 1 to 3650"}},
		{"/account/tokens", url.Values{"name": {"Notes"}, "days": {"3"}}, http.StatusUnprocessableEntity, []string{`value="Notes"`, "Choose one at least."}},
	} {
		got := ada.visits(c.path, c.form)
		if got.status != c.status {
			t.Errorf("%s %v is answered %d, want %d", c.path, c.form["name"], got.status, c.status)
		}
		for _, words := range c.says {
			if !strings.Contains(html.UnescapeString(got.body), words) {
				t.Errorf("%s does not say %q: %s", c.path, words, got.body)
			}
		}
	}
	for path, form := range map[string]url.Values{
		"/groups": {"name": {"New"}}, "/account/name": {"name": {"Ada Lovelace"}}, "/h/" + h.text("id") + "/replies": {"note": {"y"}},
	} {
		ada.visits(path, form).is(http.StatusSeeOther)
	}
	ada.visits("/account", nil).says("Ada Lovelace")
	for _, odd := range []url.Values{{"note": {"a\x00b"}}, {"note": {"\xff"}}} {
		ada.visits("/h/"+h.text("id")+"/replies", odd).is(http.StatusBadRequest)
	}
	ada.visits("/h/"+h.text("id")+"/replies", url.Values{"note": {strings.Repeat("x", 1<<20)}}).is(http.StatusRequestEntityTooLarge)
}

// A secret is in the answer to its form, and never again.
func TestSecretsAreShownOnce(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	group := ada.found("Circle", "closed")

	token := regexp.MustCompile(`limn_[A-Za-z0-9_-]{20,}`)
	made := ada.visits("/account/tokens", url.Values{"name": {"Notes"}, "scopes": {"read"}, "days": {"3"}}).is(http.StatusCreated)
	secret := token.FindString(made.body)
	s.anonymous().with(secret).do("GET", "/me", "").is(http.StatusOK)
	list := ada.visits("/account/tokens", nil).says("Notes")
	if token.MatchString(list.body) || made.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the token is shown again, or kept: %s", made.header.Get("Cache-Control"))
	}
	revoke := regexp.MustCompile(`/account/tokens/[0-9a-f-]+/revoke`).FindString(list.body)
	ada.visits(revoke, url.Values{}).is(http.StatusSeeOther)
	s.anonymous().with(secret).do("GET", "/me", "").is(http.StatusUnauthorized)

	invited := ada.visits("/groups/"+group+"/invites", url.Values{"role": {"reader"}, "max_uses": {"1"}, "days": {"1"}}).is(http.StatusCreated)
	code := regexp.MustCompile(`/join#([A-Za-z0-9_-]+)`).FindStringSubmatch(invited.body)[1]
	if page := ada.visits("/groups/"+group, nil).says("0 of 1 used"); strings.Contains(page.body, code) {
		t.Error("the invitation's code is shown again")
	}
	s.signUp("Bob").do("POST", "/invites/"+code+"/accept", "").is(http.StatusOK)
}

// What others write is text in every page, whatever they write.
func TestPagesSayNobodysMarkup(t *testing.T) {
	s := startService(t)
	evil := `"><img src=x onerror=alert(1)><script>alert(2)</script>`
	ada := s.signUp("Ada " + evil[:30])
	group := ada.found(evil[:50], "open")
	body := `{"url":"https://evil.example/","title":` + quoted(evil) + `,"group":` + quoted(group) + `,"color":"#ffffff","tags":[` + quoted(evil) + `],
		"note":` + quoted(evil+"\n\n[a](javascript:alert(3)) <iframe src=//x></iframe>") + `,
		"ranges":[{"anchor":{"xpath":"/html/body/p","offset":0},"focus":{"xpath":"/html/body/p","offset":1},"quote":{"exact":` + quoted(evil) + `}}]}`
	h := ada.do("POST", "/highlights", body).is(http.StatusCreated)
	ada.do("POST", "/highlights/"+h.text("id")+"/replies", `{"note":`+quoted(evil)+`}`).is(http.StatusCreated)
	ada.do("POST", "/highlights/"+h.text("id")+"/flags", `{"reason":`+quoted(evil)+`}`).is(http.StatusNoContent)
	ada.do("POST", "/tokens", `{"name":`+quoted(evil)+`}`).is(http.StatusCreated)
	ada.do("POST", "/highlights", strings.Replace(body, quoted(group), `"public"`, 1)).is(http.StatusCreated)
	ada.visits("/", nil, "Prefer", "wait=10").says("1 reader")

	for _, path := range []string{
		"/", "/p/" + h.text("page.id"), "/h/" + h.text("id"), "/groups", "/groups/" + group, "/account", "/account/tokens", "/account/data",
		"/search?tag=" + url.QueryEscape(evil), "/search?q=alert", "/search?q=" + url.QueryEscape(evil), "/search?author=" + url.QueryEscape(evil),
		"/signin?next=" + url.QueryEscape(`/"><script>`), "/nowhere?" + url.QueryEscape(evil),
	} {
		got := ada.visits(path, nil)
		for _, markup := range []string{"<img", "<script>", "<iframe", `href="javascript:`, " style=", " onerror=alert(1)>", "onclick"} {
			if strings.Contains(got.body, markup) {
				t.Errorf("%s has %s: %s", path, markup, got.body)
			}
		}
		policy := got.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") || got.header.Get("X-Content-Type-Options") != "nosniff" ||
			got.header.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s has the headers %v", path, got.header)
		}
	}
}

// A name that is written from right to left does not turn the sentence that it stands in.
func TestNamesStandApartInSentences(t *testing.T) {
	s := startService(t)
	layla := s.signUp("ليلى")
	group := layla.found("قراءة", "closed")
	layla.do("POST", "/groups/"+group+"/invites", `{"role":"reader"}`).is(http.StatusCreated)
	h := layla.do("POST", "/highlights", `{"url":"https://a.example/","group":"public","note":"x"}`).is(http.StatusCreated)

	layla.visits("/groups/"+group, nil).says("<span><bdi>ليلى</bdi> made an invitation for a reader</span>")
	layla.visits("/h/"+h.text("id"), nil).says("<span>Made by <bdi>ليلى</bdi></span>")
}

// What is asked for in odd ways is answered, and never with a fault of ours.
func TestPagesBearOddQueries(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	h := ada.do("POST", "/highlights", `{"url":"https://a.example/","group":"public","note":"x"}`).is(http.StatusCreated)
	for _, c := range []client{ada, s.anonymous()} {
		for path, status := range map[string]int{
			"/p/" + h.text("page.id") + "?after=x":                            http.StatusBadRequest,
			"/p/" + h.text("page.id") + "?part=lost":                          http.StatusBadRequest,
			"/p/" + h.text("page.id") + "?group=" + uuid.NewString():          http.StatusNotFound,
			"/p/" + h.text("page.id") + "?group=public":                       http.StatusOK,
			"/p/" + h.text("page.id") + "?part=notes&done=nothing":            http.StatusOK,
			"/h/" + h.text("id") + "?after=%00":                               http.StatusBadRequest,
			"/search?q=" + strings.Repeat("a", 5000):                          http.StatusBadRequest,
			"/search?since=yesterday":                                         http.StatusUnprocessableEntity,
			"/search?since=2026-01-01&until=2026-12-31&state=moved&color=red": http.StatusOK,
			"/search?q=&group=&author=&tag=&color=&state=&since=&until=":      http.StatusOK,
			"/search?author=" + strings.Repeat("a", 9000):                     http.StatusUnprocessableEntity,
			"/search?q=%00":          http.StatusBadRequest,
			"/search?nothing=1":      http.StatusBadRequest,
			"/search?after=AAAA":     http.StatusOK, // there is nothing to look for
			"/search?q=x&after=AAAA": http.StatusBadRequest,
			"/groups?after=x":        http.StatusBadRequest,
		} {
			if got := c.visits(path, nil); got.status != status {
				t.Errorf("%.60s is answered %d, want %d: %s", path, got.status, status, got.body)
			}
		}
	}
}

// A highlight's link shows it to browsers, and leads programs on.
func TestHighlightLinkShowsOrLeads(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	h := ada.do("POST", "/highlights", `{"url":"https://a.example/","group":"public","ranges":[{
		"anchor":{"xpath":"/html/body/p","offset":0},"focus":{"xpath":"/html/body/p","offset":1},"quote":{"exact":"the moon, and the sea"}}]}`).is(http.StatusCreated)
	passage := "https://a.example/#:~:text=the%20moon%2C%20and%20the%20sea"

	shown := s.anonymous().visits("/h/"+h.text("id"), nil).is(http.StatusOK).says("the moon, and the sea").says(passage)
	if shown.header.Get("Vary") == "" {
		t.Error("a cache does not know that there are two answers")
	}
	for _, path := range []string{"/h/" + h.text("id"), "/h/" + h.text("id") + "/open"} {
		if got, _ := s.get(path); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != passage {
			t.Errorf("%s leads to %s", path, got.Header.Get("Location"))
		}
	}
}

func TestAdminPageIsForOperators(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	ada.visits("/admin", nil).is(http.StatusNotFound)
	if to := s.anonymous().visits("/admin", nil).is(http.StatusSeeOther).header.Get("Location"); to != "/signin?next=%2Fadmin" {
		t.Errorf("a stranger is led to %s", to)
	}
	if err := s.store.SetOperator(t.Context(), uuid.MustParse(ada.id()), true); err != nil {
		t.Fatal(err)
	}
	ada.do("POST", "/highlights", `{"url":"https://a.example/","note":"x"}`).is(http.StatusCreated)
	ada.visits("/admin", nil).is(http.StatusOK).says("How the server does").says("highlights")
	s.anonymous().with(ada.tokenFor("read", "write").token).visits("/admin", nil).is(http.StatusForbidden)
}

// A file comes in by the form, without scripts, and what could not be taken is named.
func TestFileIsTakenInByAForm(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	send := func(format, content string) answer {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		w.WriteField("format", format)
		w.WriteField("group", "public")
		if content != "" {
			file, _ := w.CreateFormFile("file", "highlights.csv")
			file.Write([]byte(content))
		}
		w.Close()
		request, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/account/data/import", &b)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"Content-Type": w.FormDataContentType(), "Cookie": "limn_session=" + ada.token, "Sec-Fetch-Site": "same-origin", "Accept": "text/html",
		} {
			request.Header.Set(name, value)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var body bytes.Buffer
		body.ReadFrom(response.Body)
		return answer{t: t, request: "POST " + format, status: response.StatusCode, header: response.Header, body: body.String()}
	}
	file := "Highlight,Title,Author,URL,Note,Location,Date\nThe moon pulls the sea,Tides,,https://a.example/,twice a day,1,2026-01-02 03:04:05\nNo page,,,gopher://x,,2,\n"
	send("readwise", file).is(http.StatusOK).says("1 highlight or reply is in now").says("1 item could not be taken").says("Line 3")
	send("readwise", file).is(http.StatusOK).says("1 were here already")
	send("readwise", "").is(http.StatusUnprocessableEntity).says("Choose a file.")
	send("word", file).is(http.StatusUnprocessableEntity)
	ada.visits("/search?q=moon", nil).is(http.StatusOK).says("pulls the sea")
}

// Whose session has ended meanwhile learns that nothing was lost, and where to sign in to come back.
func TestAFormThatIsSentSignedOutLeadsBack(t *testing.T) {
	s := startService(t)
	h := s.signUp("Ada").do("POST", "/highlights", `{"url":"https://a.example/","group":"public","note":"x"}`).is(http.StatusCreated)
	page := "/h/" + h.text("id")

	for referer, want := range map[string]string{s.url + page: url.QueryEscape(page), "https://elsewhere.example" + page: "%2F", "": "%2F"} {
		got := s.anonymous().visits(page+"/replies", url.Values{"note": {"yes"}}, "Referer", referer)
		got.is(http.StatusUnauthorized).says("You are signed out")
		if !strings.Contains(got.body, `href="/signin?next=`+want+`"`) {
			t.Errorf("from %q it leads elsewhere: %s", referer, got.body)
		}
	}
}
