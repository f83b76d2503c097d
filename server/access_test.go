package server_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"limn/server"
	"limn/storage/storagetest"
)

// An actor is a client, and what it is in the groups.
type actor struct {
	client
	role string // one of actorRoles
}

var actorRoles = []string{"owner", "moderator", "member", "reader", "ex-member", "stranger", "anonymous"}

// isMember: of the groups. A former one is a stranger who has something of their own there.
func (a actor) isMember() bool {
	return a.role == "owner" || a.role == "moderator" || a.role == "member" || a.role == "reader"
}

func (a actor) moderates() bool { return a.role == "owner" || a.role == "moderator" }

// A place is a page with one highlight of somebody else's on it, and who may read that.
type place struct {
	kind      string // private, closed, open or public
	group     string // as others would name it
	own       string // as its author does
	url       string
	author    client
	highlight string
	reply     string
	text      string // in the highlight, and nowhere else
}

// Who may do what, said once more and from the outside: the status that each way in has to answer with.

// hidden is the answer to whoever may not know of a place; nothing: they may.
func (p place) hidden(a actor) bool {
	return p.kind == "private" || p.kind == "closed" && !a.isMember()
}

// lists tells whether a place is in what is read without naming it.
func (p place) lists(a actor) bool {
	return p.kind == "public" || !p.hidden(a) && a.isMember()
}

func (p place) read(a actor) int {
	if p.hidden(a) {
		return http.StatusNotFound
	}
	return http.StatusOK
}

// act is for what takes an account, and more than to read.
func (p place) act(a actor, allowed bool, status int) int {
	switch {
	case a.role == "anonymous":
		return http.StatusUnauthorized
	case p.hidden(a):
		return http.StatusNotFound
	case !allowed:
		return http.StatusForbidden
	}
	return status
}

func (p place) write(a actor, status int) int {
	return p.act(a, p.kind == "public" || a.isMember() && a.role != "reader", status)
}

func (p place) erase(a actor, status int) int {
	return p.act(a, p.kind != "public" && a.moderates(), status)
}

// A way is one way in, with what has to come out.
type way struct {
	name string
	try  func(t *testing.T, a actor, p place) (got answer, want int, shows bool) // shows: the text has to be in it; if not, it must not
}

// fresh is another highlight of the same place, to be changed or erased.
func (p place) fresh() (highlight, reply string) {
	made := p.author.do("POST", "/highlights", `{"url":"`+p.url+`","group":"`+p.own+`","note":"`+p.text+`"}`).is(http.StatusCreated)
	answered := p.author.do("POST", "/highlights/"+made.text("id")+"/replies", `{"note":"`+p.text+`"}`).is(http.StatusCreated)
	return made.text("id"), answered.text("id")
}

// attached is the path of a file that is put on something of the place.
func (p place) attached(to string) string {
	return p.author.attaches(to, "file", p.text, "").is(http.StatusCreated).header.Get("Location")[len(api):]
}

// get is a way that reads one thing by its id.
func get(name string, path func(p place) string, shows bool) way {
	return way{name, func(t *testing.T, a actor, p place) (answer, int, bool) {
		return a.do("GET", path(p), ""), p.read(a), shows && !p.hidden(a)
	}}
}

// list is a way that reads all that one may, without naming a group.
func list(name string, path func(p place) string) way {
	return way{name, func(t *testing.T, a actor, p place) (answer, int, bool) {
		return a.do("GET", path(p), ""), http.StatusOK, p.lists(a)
	}}
}

// inGroup is a way that reads one group.
func inGroup(name string, path func(p place) string) way {
	return way{name, func(t *testing.T, a actor, p place) (answer, int, bool) {
		return a.do("GET", path(p), ""), p.read(a), !p.hidden(a)
	}}
}

func page(name, path string) way {
	return way{name, func(t *testing.T, a actor, p place) (answer, int, bool) {
		want := http.StatusNotFound
		if p.lists(a) {
			want = http.StatusOK
		}
		id := p.author.do("GET", "/pages?url="+p.url, "").is(http.StatusOK).text("id")
		return a.do("GET", strings.NewReplacer("{url}", p.url, "{id}", id).Replace(path), ""), want, false
	}}
}

// change is a way that changes something of somebody else's. It is asked for by itself, or as an operation.
func change(name string, queued bool, ask func(p place, highlight, reply string) (method, path, body string), want func(p place, a actor) int) way {
	return way{name, func(t *testing.T, a actor, p place) (answer, int, bool) {
		h, r := p.fresh()
		method, path, body := ask(p, h, r)
		if !queued || a.role == "anonymous" {
			return a.do(method, path, body), want(p, a), false
		}
		o := op{ID: uuid.New(), Method: method, Path: path}
		if body != "" {
			o.Body = []byte(body)
		}
		return a.sends(o)[0], want(p, a), false
	}}
}

// streams reads a stream until it is live.
func streams(name, path string, want func(p place, a actor) int) way {
	return way{name, func(t *testing.T, a actor, p place) (answer, int, bool) {
		path := strings.NewReplacer("{url}", p.url, "{group}", p.group).Replace(path)
		status := want(p, a)
		if status != http.StatusOK {
			return a.do("GET", path, ""), status, false
		}
		shows := p.lists(a) || strings.Contains(path, "group=")
		return answer{status: http.StatusOK, body: textOf(a.follow(path).until("live"))}, status, shows
	}}
}

func textOf(events []event) string {
	var text strings.Builder
	for _, e := range events {
		text.WriteString(e.data.body)
	}
	return text.String()
}

// goesOn follows a stream, and comes back to it: what is written meanwhile has to be there, or not.
func goesOn(t *testing.T, a actor, p place) (answer, int, bool) {
	path := "/stream?url=" + p.url
	first := a.settled(path)
	p.fresh()
	sentinel := uuid.NewString()
	last := p.author.do("POST", "/highlights", `{"url":"`+p.url+`","group":"public","note":"`+sentinel+`"}`).is(http.StatusCreated)
	live := textOf(first.untilNote(sentinel))
	p.author.do("DELETE", "/highlights/"+last.text("id"), "").is(http.StatusNoContent)
	cursor := first.lastID
	first.end()
	p.fresh()
	return answer{status: http.StatusOK, body: live + textOf(a.follow(path, "Last-Event-ID", cursor).until("live"))}, http.StatusOK, p.lists(a)
}

func ways() (all []way) {
	read := func(p place, a actor) int { return p.read(a) }
	always := func(place, actor) int { return http.StatusOK }
	all = []way{
		get("GET /highlights/{id}", func(p place) string { return "/highlights/" + p.highlight }, true),
		get("GET /highlights/{id}/replies", func(p place) string { return "/highlights/" + p.highlight + "/replies" }, true),
		get("GET /highlights/{id}/history", func(p place) string { return "/highlights/" + p.highlight + "/history" }, false),
		list("GET /highlights?url", func(p place) string { return "/highlights?url=" + p.url }),
		list("GET /highlights?q", func(p place) string { return "/highlights?q=" + p.text }),
		list("GET /highlights?tag", func(p place) string { return "/highlights?limit=200&tag=" + p.kind }),
		list("GET /highlights?author", func(p place) string { return "/highlights?limit=200&url=" + p.url + "&author=" + p.author.id() }),
		inGroup("GET /highlights?group", func(p place) string { return "/highlights?limit=200&url=" + p.url + "&group=" + p.group }),
		page("GET /pages", "/pages?url={url}"),
		page("GET /pages/{id}", "/pages/{id}"),
		streams("GET /stream", "/stream?url={url}", always),
		streams("GET /stream?group", "/stream?url={url}&group={group}", read),
		{"GET /stream, live and again", goesOn},
		{"GET /popular", func(t *testing.T, a actor, p place) (answer, int, bool) {
			got := a.do("GET", "/popular?window=all&limit=50&group="+p.group, "")
			got.body = strings.ReplaceAll(got.body, p.url, p.text)
			return got, p.read(a), !p.hidden(a)
		}},
		{"GET /popular/stream", func(t *testing.T, a actor, p place) (answer, int, bool) {
			path := "/popular/stream?window=all&limit=50&group=" + p.group
			if p.hidden(a) {
				return a.do("GET", path, ""), http.StatusNotFound, false
			}
			first := a.follow(path).until("popular")
			return answer{status: http.StatusOK, body: strings.ReplaceAll(textOf(first), p.url, p.text)}, http.StatusOK, true
		}},
		{"GET /pages/near/{prefix}", func(t *testing.T, a actor, p place) (answer, int, bool) {
			sum := sha256.Sum256([]byte(p.url))
			hash := hex.EncodeToString(sum[:])
			got := a.do("GET", "/pages/near/"+hash[:8], "")
			got.body = strings.ReplaceAll(got.body, hash, p.text)
			return got, http.StatusOK, p.lists(a)
		}},
		{"POST /pages/{id}/check", func(t *testing.T, a actor, p place) (answer, int, bool) {
			id := p.author.do("GET", "/pages?url="+p.url, "").is(http.StatusOK).text("id")
			want := http.StatusNotFound
			switch {
			case a.role == "anonymous":
				want = http.StatusUnauthorized
			case p.lists(a):
				want = http.StatusAccepted
			}
			return a.do("POST", "/pages/"+id+"/check", ""), want, false
		}},
	}
	erases := func(p place, a actor) int { return p.erase(a, http.StatusNoContent) }
	nobody := func(p place, a actor) int { return p.act(a, false, 0) }
	all = append(all,
		way{"GET /attachments/{id}", func(t *testing.T, a actor, p place) (answer, int, bool) {
			h, r := p.fresh()
			p.attached("/highlights/" + h)
			return a.do("GET", p.attached("/replies/"+r), ""), p.read(a), !p.hidden(a)
		}},
		change("DELETE /attachments/{id}", false, func(p place, h, _ string) (string, string, string) {
			return "DELETE", p.attached("/highlights/" + h), ""
		}, erases),
		change("POST /highlights/{id}/attachments", false, func(_ place, h, _ string) (string, string, string) {
			return "POST", "/highlights/" + h + "/attachments?name=forged", `{}`
		}, nobody),
		change("POST /replies/{id}/attachments", false, func(_ place, _, r string) (string, string, string) {
			return "POST", "/replies/" + r + "/attachments?name=forged", `{}`
		}, nobody),
	)
	for _, request := range []string{"PUT /highlights/{id}/hidden", "DELETE /highlights/{id}/hidden", "DELETE /highlights/{id}/flags"} {
		method, path, _ := strings.Cut(request, " ")
		all = append(all, change(request, false, func(_ place, h, _ string) (string, string, string) {
			return method, strings.ReplaceAll(path, "{id}", h), ""
		}, func(p place, a actor) int { return p.erase(a, http.StatusNoContent) }))
	}
	all = append(all, change("POST /highlights/{id}/flags", false, func(_ place, h, _ string) (string, string, string) {
		return "POST", "/highlights/" + h + "/flags", `{"reason":"look at this"}`
	}, func(p place, a actor) int {
		return p.act(a, true, http.StatusNoContent)
	}))
	for _, format := range []string{"json", "ndjson", "jsonld", "csv", "readwise", "hypothesis", "markdown", "html"} {
		all = append(all,
			list("GET /export "+format, func(p place) string { return "/export?format=" + format + "&url=" + p.url }),
			inGroup("GET /export?group "+format, func(p place) string { return "/export?format=" + format + "&url=" + p.url + "&group=" + p.group }))
	}
	all = append(all,
		way{"POST /import", func(t *testing.T, a actor, p place) (answer, int, bool) {
			body := `{"page":{"url":"` + p.url + `"},"group":"` + p.group + `","note":"brought"}`
			return a.do("POST", "/import?format=ndjson&group="+p.group, body), p.write(a, http.StatusOK), false
		}},
		way{"GET /annotations/{id}", func(t *testing.T, a actor, p place) (answer, int, bool) {
			return a.annotates("GET", "/annotations/"+p.highlight, ""), p.read(a), !p.hidden(a)
		}},
		way{"GET /annotations/", func(t *testing.T, a actor, p place) (answer, int, bool) { // on whose first page the oldest are
			return a.annotates("GET", "/annotations/", ""), http.StatusOK, p.lists(a)
		}},
		way{"PUT /annotations/{id}", func(t *testing.T, a actor, p place) (answer, int, bool) {
			h, _ := p.fresh()
			return a.annotates("PUT", "/annotations/"+h, `{"type":"Annotation","bodyValue":"forged","target":"`+p.url+`"}`), p.act(a, false, 0), false
		}},
		way{"DELETE /annotations/{id}", func(t *testing.T, a actor, p place) (answer, int, bool) {
			_, r := p.fresh()
			return a.annotates("DELETE", "/annotations/"+r, ""), p.erase(a, http.StatusNoContent), false
		}},
		way{"POST /annotations/", func(t *testing.T, a actor, p place) (answer, int, bool) {
			return a.annotates("POST", "/annotations/?group="+p.group, `{"type":"Annotation","target":"`+p.url+`"}`), p.write(a, http.StatusCreated), false
		}},
		way{"POST /annotations/ as an answer", func(t *testing.T, a actor, p place) (answer, int, bool) {
			h, _ := p.fresh()
			want := p.write(a, http.StatusCreated)
			if want == http.StatusNotFound {
				want = http.StatusUnprocessableEntity // of the field that names it
			}
			return a.annotates("POST", "/annotations/", `{"type":"Annotation","motivation":"replying","bodyValue":"why","target":"urn:uuid:`+h+`"}`), want, false
		}},
		way{"POST /import with a group or an answer in it", func(t *testing.T, a actor, p place) (answer, int, bool) {
			h, _ := p.fresh()
			body := `{"items":[{"page":{"url":"` + p.url + `"},"group":"` + p.group + `","note":"brought for ` + h + `"}],
				"replies":[{"highlight":"` + h + `","note":"brought"}]}`
			got := a.do("POST", "/import", body)
			if a.role == "anonymous" {
				return got, http.StatusUnauthorized, false
			}
			want := `{"created":0,"present":0,"refused":2}`
			if p.write(a, http.StatusOK) == http.StatusOK {
				want = `{"created":2,"present":0,"refused":0}`
			}
			if !strings.HasSuffix(got.body, want+"\n") {
				t.Errorf("it ends with %s, want %s", got.body, want)
			}
			return got, http.StatusOK, false
		}},
	)
	for _, queued := range []bool{false, true} {
		how := map[bool]string{true: ", queued"}[queued]
		all = append(all,
			change("POST /highlights"+how, queued, func(p place, _, _ string) (string, string, string) {
				return "POST", "/highlights", `{"url":"` + p.url + `","group":"` + p.group + `"}`
			}, func(p place, a actor) int { return p.write(a, http.StatusCreated) }),
			change("POST /highlights/{id}/replies"+how, queued, func(_ place, h, _ string) (string, string, string) {
				return "POST", "/highlights/" + h + "/replies", `{"note":"an answer"}`
			}, func(p place, a actor) int { return p.write(a, http.StatusCreated) }),
			change("PATCH /highlights/{id}"+how, queued, func(_ place, h, _ string) (string, string, string) {
				return "PATCH", "/highlights/" + h, `{"note":"forged"}`
			}, nobody),
			change("POST /highlights/{id}/reanchor"+how, queued, func(_ place, h, _ string) (string, string, string) {
				return "POST", "/highlights/" + h + "/reanchor", `{"ranges":[` + passage + `]}`
			}, nobody),
			change("DELETE /highlights/{id}"+how, queued, func(_ place, h, _ string) (string, string, string) {
				return "DELETE", "/highlights/" + h, ""
			}, erases),
			change("PATCH /replies/{id}"+how, queued, func(_ place, _, r string) (string, string, string) {
				return "PATCH", "/replies/" + r, `{"note":"forged"}`
			}, nobody),
			change("DELETE /replies/{id}"+how, queued, func(_ place, _, r string) (string, string, string) {
				return "DELETE", "/replies/" + r, ""
			}, erases),
		)
	}
	return all
}

// groupWays are those into a group itself, rather than to what stands in it.
func groupWays(s service) []way {
	about := func(name, method, path, body string, want func(p place, a actor) int) way {
		return way{name, func(t *testing.T, a actor, p place) (answer, int, bool) {
			return a.do(method, strings.ReplaceAll(path, "{id}", p.group), body), want(p, a), false
		}}
	}
	owns := func(p place, a actor) int { return p.act(a, a.role == "owner", http.StatusOK) }
	moderates := func(status int) func(p place, a actor) int {
		return func(p place, a actor) int { return p.act(a, a.moderates(), status) }
	}
	read := func(p place, a actor) int { return p.read(a) }
	return []way{
		about("GET /groups/{id}", "GET", "/groups/{id}", "", read),
		about("GET /groups/{id}/members", "GET", "/groups/{id}/members", "", read),
		about("PATCH /groups/{id}", "PATCH", "/groups/{id}", `{}`, owns),
		about("GET /groups/{id}/invites", "GET", "/groups/{id}/invites", "", moderates(http.StatusOK)),
		about("GET /groups/{id}/log", "GET", "/groups/{id}/log", "", moderates(http.StatusOK)),
		{"GET /groups/{id}/flags", func(t *testing.T, a actor, p place) (answer, int, bool) {
			p.author.do("POST", "/highlights/"+p.highlight+"/flags", `{}`).is(http.StatusNoContent)
			return a.do("GET", "/groups/"+p.group+"/flags", ""), moderates(http.StatusOK)(p, a), p.act(a, a.moderates(), 200) == 200
		}},
		{"POST /groups/{id}/invites, DELETE /invites/{id}", func(t *testing.T, a actor, p place) (answer, int, bool) {
			made := p.author.do("POST", "/groups/"+p.group+"/invites", `{"role":"reader"}`).is(http.StatusCreated)
			got := a.do("POST", "/groups/"+p.group+"/invites", `{"role":"reader"}`)
			if got.status == http.StatusCreated {
				a.do("DELETE", "/invites/"+got.text("id"), "").is(http.StatusNoContent)
			}
			if revoked := a.do("DELETE", "/invites/"+made.text("id"), ""); revoked.status != moderates(http.StatusNoContent)(p, a) {
				t.Errorf("an invite is revoked with %d", revoked.status)
			}
			p.author.do("DELETE", "/invites/"+made.text("id"), "")
			return got, moderates(http.StatusCreated)(p, a), false
		}},
		{"PUT /groups/{id}/members/{account}, DELETE /groups/{id}/members/{account}", func(t *testing.T, a actor, p place) (answer, int, bool) {
			other := s.signUp(uuid.NewString())
			got := a.do("PUT", "/groups/"+p.group+"/members/"+other.id(), `{"role":"reader"}`)
			p.author.puts(other, p.group, "reader")
			if promoted := a.puts(other, p.group, "moderator"); promoted.status != owns(p, a) {
				t.Errorf("somebody is made a moderator with %d", promoted.status)
			}
			p.author.puts(other, p.group, "reader")
			out := a.do("DELETE", "/groups/"+p.group+"/members/"+other.id(), "")
			if want := p.act(a, a.moderates(), http.StatusNoContent); out.status != want {
				t.Errorf("somebody is taken out with %d, want %d", out.status, want)
			}
			return got, moderates(http.StatusCreated)(p, a), false
		}},
		{"DELETE /groups/{id}", func(t *testing.T, a actor, p place) (answer, int, bool) {
			if a.role == "owner" {
				return answer{status: http.StatusNoContent}, http.StatusNoContent, false // which would end the group for all
			}
			return a.do("DELETE", "/groups/"+p.group, ""), p.act(a, false, 0), false
		}},
	}
}

// startMatrix is a service with the four places in it.
func startMatrix(t *testing.T) (s service, places []place) {
	s = startInstance(t, storagetest.Open(t), func(c *server.Config) { c.Limits = false })
	author := s.signUp("Author")
	for _, kind := range []string{"private", "closed", "open", "public"} {
		title := ""
		if kind != "public" { // which everybody would see on whatever they make there
			title = "needle-in-" + kind
		}
		p := place{kind: kind, group: kind, own: kind, url: "https://" + kind + ".example/", author: author, text: "needle-in-" + kind}
		switch kind {
		case "private":
			p.group, p.own = author.id(), "me"
		case "closed", "open":
			p.group = author.found(kind+" group", kind)
			p.own = p.group
		}
		p.highlight = author.do("POST", "/highlights",
			`{"url":"`+p.url+`","group":"`+p.own+`","note":"`+p.text+`","tags":["`+kind+`"],"title":`+quoted(title)+`}`).is(http.StatusCreated).text("id")
		p.reply = author.do("POST", "/highlights/"+p.highlight+"/replies", `{"note":"`+p.text+`"}`).is(http.StatusCreated).text("id")
		places = append(places, p)
	}
	return s, places
}

// becomes makes an account what an actor is, in every group.
func becomes(c client, role string, places []place) actor {
	for _, p := range places {
		if p.kind != "closed" && p.kind != "open" {
			continue
		}
		switch role {
		case "ex-member":
			p.author.puts(c, p.group, "member")
			p.author.do("DELETE", "/groups/"+p.group+"/members/"+c.id(), "").is(http.StatusNoContent)
		case "stranger", "anonymous":
		default:
			p.author.puts(c, p.group, role)
		}
	}
	return actor{c, role}
}

// tries has an actor try every way into every place, and counts them.
func tries(t *testing.T, s service, a actor, places []place) (tried int) {
	t.Helper()
	for _, p := range places {
		all := append(ways(), webWays()...)
		if p.kind == "closed" || p.kind == "open" {
			all = append(append(all, groupWays(s)...), webGroupWays(s)...)
		}
		for _, w := range all {
			tried++
			t.Run(fmt.Sprintf("%s/%s/%s", a.role, p.kind, w.name), func(t *testing.T) {
				got, want, shows := w.try(t, a, p)
				if got.status != want {
					t.Fatalf("answered %d, want %d: %s", got.status, want, got.body)
				}
				if contains := strings.Contains(got.body, p.text); contains != shows {
					t.Errorf("shows it: %v, want %v: %.300s", contains, shows, got.body)
				}
			})
		}
	}
	return tried
}

// Every role, in every kind of place, by every way in. What is hidden is as if it were not there.
func TestAccessMatrix(t *testing.T) {
	s, places := startMatrix(t)
	tried := 0
	for _, role := range actorRoles {
		c := s.anonymous()
		if role != "anonymous" {
			c = s.signUp(role)
		}
		tried += tries(t, s, becomes(c, role, places), places)
	}
	t.Logf("%d cases", tried)
}

// nobodysPlace are the requests that do not reach what somebody has put anywhere.
var nobodysPlace = []string{
	"POST /accounts", "POST /session", "POST /session/code", "DELETE /session", "GET /me", "PATCH /me", "DELETE /me", "GET /me/export", "POST /verify",
	"GET /webhooks", "POST /webhooks", "DELETE /webhooks/{id}", "POST /webhooks/{id}/ping", "GET /webhooks/{id}/deliveries", // which TestWebhook… tries
	"GET /tokens", "POST /tokens", "DELETE /tokens/{id}", // which tests of tokens and accounts try
	"GET /groups", "POST /groups", "POST /invites/{code}/accept", // which TestGroup… and TestInvite… try
	"POST /operations", // by which many ways are tried
}

// A way in that is not tried is one that nobody has thought about.
func TestAccessMatrixHasEveryWay(t *testing.T) {
	s, _ := startMatrix(t)
	tried := map[string]bool{}
	for _, w := range append(ways(), groupWays(s)...) {
		for name := range strings.SplitSeq(w.name, ", ") {
			method, path, _ := strings.Cut(name, " ")
			path, _, _ = strings.Cut(path, "?")
			path, _, _ = strings.Cut(path, " ")
			tried[method+" "+path] = true
		}
	}
	paths := s.anonymous().getJSON("/openapi.json")["paths"].(map[string]any)
	for path, methods := range paths {
		for method := range methods.(map[string]any) {
			request := strings.ToUpper(method) + " " + path
			if method != "parameters" && !tried[request] && !slices.Contains(nobodysPlace, request) {
				t.Errorf("%s is not tried: add it to ways, or to nobodysPlace", request)
			}
		}
	}
}

// getJSON reads what is not a part of the API.
func (c client) getJSON(path string) (object map[string]any) {
	c.t.Helper()
	response, err := http.Get(c.url + path)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&object); err != nil {
		c.t.Fatal(err)
	}
	return object
}

// One account goes through all roles: after each change every way in is as for somebody who was never anything else.
func TestAccessMatrixAfterEachChange(t *testing.T) {
	s, places := startMatrix(t)
	c := s.signUp("Changing")
	tried := 0
	for _, role := range []string{"stranger", "member", "moderator", "owner", "reader", "ex-member", "member"} {
		tried += tries(t, s, becomes(c, role, places), places)
	}
	t.Logf("%d cases", tried)
}
