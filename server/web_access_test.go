package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"limn/server"
)

// visits asks for a page as a browser does; with a form, it sends that.
func (c client) visits(path string, form url.Values, headers ...string) answer {
	c.t.Helper()
	method, body := http.MethodGet, ""
	own := []string{"Accept", "text/html,application/xhtml+xml"}
	if c.token != "" {
		own = append(own, "Cookie", "limn_session="+c.token)
	}
	if form != nil {
		method, body = http.MethodPost, form.Encode()
		own = append(own, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
	}
	return c.ask(http.DefaultTransport.RoundTrip, method, c.url+path, body, append(own, headers...)...)
}

// webWays are those by the pages. Their names begin so that they are not those of the API.
func webWays() []way {
	read := func(name string, path func(p place) string, want func(p place, a actor) int, shows func(p place, a actor) bool) way {
		return way{"page " + name, func(t *testing.T, a actor, p place) (answer, int, bool) {
			return a.visits(path(p), nil), want(p, a), shows(p, a)
		}}
	}
	send := func(name string, path func(p place, h, r string) string, form url.Values, want func(p place, a actor) int) way {
		return way{"page " + name, func(t *testing.T, a actor, p place) (answer, int, bool) {
			h, r := p.fresh()
			got := a.visits(path(p, h, r), form)
			got.body = "" // what one may not do to it, one may see
			return got, want(p, a), false
		}}
	}
	reads := func(p place, a actor) bool { return !p.hidden(a) }
	is := func(p place, a actor) int { return p.read(a) }
	found := func(p place, a actor) int {
		return map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[p.lists(a)]
	}
	always := func(place, actor) int { return http.StatusOK }
	pageOf := func(p place) string {
		return "/p/" + p.author.do("GET", "/pages?url="+p.url, "").is(http.StatusOK).text("id")
	}
	form := url.Values{"note": {"forged"}, "hide": {"yes"}, "reason": {"look"}}
	erases := func(p place, a actor) int { return p.erase(a, http.StatusSeeOther) }
	writes := func(p place, a actor) int { return p.write(a, http.StatusSeeOther) }
	return []way{
		read("GET /", func(place) string { return "/" }, always, func(p place, a actor) bool { return p.lists(a) }),
		read("GET /p/{id}", func(p place) string { return pageOf(p) + "?part=notes" }, found, func(p place, a actor) bool { return p.lists(a) }),
		read("GET /p/{id}?group", func(p place) string { return pageOf(p) + "?part=notes&group=" + p.group }, is, reads),
		read("GET /h/{id}", func(p place) string { return "/h/" + p.highlight }, is, reads),
		read("GET /h/{id}/open", func(p place) string { return "/h/" + p.highlight + "/open" }, func(p place, a actor) int {
			return map[bool]int{true: http.StatusNotFound, false: http.StatusSeeOther}[p.hidden(a)]
		}, func(place, actor) bool { return false }),
		read("GET /search", func(p place) string { return "/search?tag=" + p.kind }, always, func(p place, a actor) bool { return p.lists(a) }),
		read("GET /search?group", func(p place) string { return "/search?tag=" + p.kind + "&group=" + p.group }, is, reads),
		{"page POST /p/{id}/notes", func(t *testing.T, a actor, p place) (answer, int, bool) {
			got := a.visits(pageOf(p)+"/notes", url.Values{"note": {"aside"}, "group": {"me"}})
			if _, made, ok := strings.Cut(got.header.Get("Location"), "#h-"); ok {
				a.do("DELETE", "/highlights/"+made, "").is(http.StatusNoContent) // else there is something of theirs on the page
			}
			got.body = ""
			switch {
			case a.role == "anonymous":
				return got, http.StatusUnauthorized, false
			case p.lists(a):
				return got, http.StatusSeeOther, false
			}
			return got, http.StatusNotFound, false
		}},
		send("POST /h/{id}/replies", func(_ place, h, _ string) string { return "/h/" + h + "/replies" }, form, writes),
		send("POST /h/{id}/note", func(_ place, h, _ string) string { return "/h/" + h + "/note" }, form, func(p place, a actor) int { return p.act(a, false, 0) }),
		send("POST /h/{id}/replies/{reply}/delete", func(_ place, h, r string) string { return "/h/" + h + "/replies/" + r + "/delete" }, form, erases),
		send("POST /h/{id}/delete", func(_ place, h, _ string) string { return "/h/" + h + "/delete" }, form, erases),
		send("POST /h/{id}/hidden", func(_ place, h, _ string) string { return "/h/" + h + "/hidden" }, form, erases),
		send("POST /h/{id}/flags/delete", func(_ place, h, _ string) string { return "/h/" + h + "/flags/delete" }, form, erases),
		send("POST /h/{id}/flags", func(_ place, h, _ string) string { return "/h/" + h + "/flags" }, form, func(p place, a actor) int {
			return p.act(a, true, http.StatusSeeOther)
		}),
	}
}

// webGroupWays are those into a group itself.
func webGroupWays(s service) []way {
	moderates := func(status int) func(p place, a actor) int {
		return func(p place, a actor) int { return p.act(a, a.moderates(), status) }
	}
	owns := func(p place, a actor) int { return p.act(a, a.role == "owner", http.StatusSeeOther) }
	send := func(name, path string, form url.Values, want func(p place, a actor) int) way {
		return way{"page " + name, func(t *testing.T, a actor, p place) (answer, int, bool) {
			got := a.visits(strings.ReplaceAll(path, "{id}", p.group), form)
			got.body = ""
			return got, want(p, a), false
		}}
	}
	return []way{
		{"page GET /groups/{id}", func(t *testing.T, a actor, p place) (answer, int, bool) {
			got := a.visits("/groups/"+p.group, nil)
			if tells := strings.Contains(got.body, "What was done"); tells != a.moderates() {
				t.Errorf("shows what was done: %v", tells)
			}
			return got, p.read(a), !p.hidden(a)
		}},
		{"page POST /groups/{id}", func(t *testing.T, a actor, p place) (answer, int, bool) {
			got := a.visits("/groups/"+p.group, url.Values{"name": {p.kind + " group"}, "kind": {p.kind}})
			got.body = ""
			return got, owns(p, a), false
		}},
		send("POST /groups/{id}/invites", "/groups/{id}/invites", url.Values{"role": {"reader"}, "max_uses": {"1"}, "days": {"1"}}, moderates(http.StatusCreated)),
		{"page POST /groups/{id}/invites/{invite}/revoke", func(t *testing.T, a actor, p place) (answer, int, bool) {
			made := p.author.do("POST", "/groups/"+p.group+"/invites", `{"role":"reader"}`).is(http.StatusCreated).text("id")
			got := a.visits("/groups/"+p.group+"/invites/"+made+"/revoke", url.Values{})
			p.author.do("DELETE", "/invites/"+made, "")
			got.body = ""
			return got, moderates(http.StatusSeeOther)(p, a), false
		}},
		{"page POST /groups/{id}/members/{account}", func(t *testing.T, a actor, p place) (answer, int, bool) {
			other := s.signUp(uuid.NewString())
			got := a.visits("/groups/"+p.group+"/members/"+other.id(), url.Values{"role": {"reader"}})
			p.author.puts(other, p.group, "reader")
			out := a.visits("/groups/"+p.group+"/members/"+other.id(), url.Values{"role": {"none"}})
			if want := moderates(http.StatusSeeOther)(p, a); out.status != want {
				t.Errorf("somebody is taken out with %d, want %d", out.status, want)
			}
			p.author.do("DELETE", "/groups/"+p.group+"/members/"+other.id(), "")
			got.body = ""
			return got, moderates(http.StatusSeeOther)(p, a), false
		}},
		{"page POST /groups/{id}/delete", func(t *testing.T, a actor, p place) (answer, int, bool) {
			if a.role == "owner" {
				return answer{status: http.StatusSeeOther}, http.StatusSeeOther, false // which would end the group for all
			}
			got := a.visits("/groups/"+p.group+"/delete", url.Values{"confirm": {p.kind + " group"}})
			got.body = ""
			return got, p.act(a, false, 0), false
		}},
	}
}

// nobodysPages are those that show nothing that somebody has put anywhere, or only one's own.
var nobodysPages = []string{
	"GET /join", "GET /groups", "POST /groups", "POST /groups/{id}/join", // which would make everybody a member; tests of groups try it
	"GET /account", "POST /account/name", "POST /account/password", "POST /account/sessions/{id}/end", "POST /account/delete",
	"GET /account/tokens", "POST /account/tokens", "POST /account/tokens/{id}/revoke",
	"POST /account/webhooks/{id}/try", "POST /account/webhooks/{id}/delete", "GET /account/data", "POST /account/data/import", "GET /admin", "GET /docs", "GET /docs/{page}", "GET /docs/adr/{page}",
}

func TestAccessMatrixHasEveryPage(t *testing.T) {
	s, _ := startMatrix(t)
	tried := map[string]bool{}
	for _, w := range append(webWays(), webGroupWays(s)...) {
		name, _, _ := strings.Cut(strings.TrimPrefix(w.name, "page "), "?")
		tried[name] = true
	}
	for _, page := range server.PageRoutes() {
		if !tried[page] && !slices.Contains(nobodysPages, page) {
			t.Errorf("%s is not tried: add it to webWays, or to nobodysPages", page)
		}
	}
}

// What is hidden is answered as what never was, to the byte.
func TestHiddenPageLooksLikeNone(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	h := ada.do("POST", "/highlights", `{"url":"https://a.example/","note":"mine"}`).is(http.StatusCreated)
	group := ada.found("Circle", "closed")

	for _, c := range []client{bob, s.anonymous()} {
		look := func(path string) string {
			got := c.visits(path, nil).is(http.StatusNotFound)
			return strings.NewReplacer(path, "", strings.ReplaceAll(path, "/", "%2f"), "", ` aria-current="page"`, "").Replace(got.body)
		}
		none := look("/h/" + uuid.NewString())
		for _, path := range []string{"/h/" + h.text("id"), "/p/" + h.text("page.id"), "/groups/" + group, "/nowhere", "/h/1", "/p/" + uuid.NewString()} {
			if got := look(path); got != none {
				t.Errorf("%s is told from what never was: %s", path, got)
			}
		}
	}
}

// Nobody else's page sends our forms, whoever's cookie it has.
func TestPagesRefuseForeignForms(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	for _, page := range server.PageRoutes() {
		method, path, _ := strings.Cut(page, " ")
		if method != http.MethodPost {
			continue
		}
		for _, name := range []string{"{id}", "{reply}", "{account}", "{invite}"} {
			path = strings.ReplaceAll(path, name, uuid.NewString())
		}
		ada.visits(path, url.Values{}, "Sec-Fetch-Site", "cross-site", "Origin", "https://elsewhere.example").is(http.StatusForbidden)
	}
}
