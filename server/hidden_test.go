package server_test

import (
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"limn/live"
	"limn/server"
	"limn/storage"
	"limn/storage/storagetest"
	"limn/verify"
)

// A wire is between a store and its Postgres, and remembers what is asked, in words.
type wire struct {
	mu    sync.Mutex
	asked []string
}

// wireTo opens a wire to the database at url, and returns the url of its other end.
func wireTo(t *testing.T, url string) (*wire, string) {
	t.Helper()
	dir := regexp.MustCompile(`host='?([^' ]*)'?`).FindStringSubmatch(url)[1]
	sockets, err := filepath.Glob(dir + "/.s.PGSQL.*[0-9]")
	if err != nil || len(sockets) != 1 {
		t.Fatalf("Postgres has the sockets %v in %s, %v", sockets, dir, err)
	}
	here := t.TempDir()
	listener, err := net.Listen("unix", filepath.Join(here, filepath.Base(sockets[0])))
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", sockets[0])
			if err != nil {
				t.Error(err)
				near.Close()
				return
			}
			open.Go(func() {
				io.Copy(near, far)
				near.Close()
			})
			open.Go(func() {
				w.pass(far, near)
				far.Close()
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		open.Wait() // for the store's connections, which are closed before
	})
	return w, strings.Replace(url, dir, here, 1)
}

// pass passes messages of Postgres's protocol on (section "Message Formats"): a type, but for the first, a length that
// counts itself, and the rest.
func (w *wire) pass(to io.Writer, from io.Reader) {
	statements := map[string]string{} // by the names that they were given
	for first := true; ; first = false {
		head := make([]byte, 5)
		if first {
			head = head[1:]
		}
		if _, err := io.ReadFull(from, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[len(head)-4:])-4)
		if _, err := io.ReadFull(from, body); err != nil {
			return
		}
		if !first {
			words := strings.SplitN(string(body), "\x00", 3)
			switch head[0] {
			case 'P': // parse: a name, a statement
				statements[words[0]] = words[1]
			case 'B': // bind: a portal, a statement's name
				w.note(statements[words[1]])
			case 'Q': // a statement without parameters
				w.note(words[0])
			}
		}
		if _, err := to.Write(append(head, body...)); err != nil {
			return
		}
	}
}

func (w *wire) note(statement string) {
	if statement = strings.Join(strings.Fields(statement), " "); statement == "-- ping" { // of a connection that was idle
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, statement)
}

// take is what was asked since it was called last.
func (w *wire) take() (asked []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked, w.asked = w.asked, nil
	return asked
}

// startTapped starts a server, and another one on the same database that does nothing but answer, behind a wire.
func startTapped(t *testing.T) (s service, w *wire, silent string) {
	t.Helper()
	url := storagetest.URL(t)
	store, err := storage.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	w, tapped := wireTo(t, url)
	return startInstance(t, store, func(c *server.Config) { c.Limits = false }), w, startSilent(t, tapped)
}

// What is hidden costs the same as what is not there, because the same is asked of Postgres: how long an answer takes
// does not tell one from the other.
func TestHiddenCostsWhatNothingCosts(t *testing.T) {
	s, wire, silent := startTapped(t)
	ada, eve := s.signUp("Ada"), s.signUp("Eve")
	group := ada.found("Closed", "closed")
	hidden := map[string]string{"group": group, "account": ada.id()}
	made := ada.do("POST", "/highlights", `{"url":"https://hidden.example/","group":"`+group+`","note":"hers"}`).is(http.StatusCreated)
	hidden["highlight"], hidden["page"] = made.text("id"), made.text("page.id")
	hidden["reply"] = ada.do("POST", "/highlights/"+hidden["highlight"]+"/replies", `{"note":"hers"}`).is(http.StatusCreated).text("id")
	hidden["attachment"] = ada.attaches("/highlights/"+hidden["highlight"], "file", "hers", "").is(http.StatusCreated).text("id")
	hidden["invite"] = ada.do("POST", "/groups/"+group+"/invites", `{}`).is(http.StatusCreated).text("id")
	hidden["webhook"] = ada.do("POST", "/webhooks", `{"url":"https://example.org/"}`).is(http.StatusCreated).text("id")
	hidden["token"] = ada.do("POST", "/tokens", `{}`).is(http.StatusCreated).text("id")

	asks := func(request string, names map[string]string) (int, []string) {
		method, rest, _ := strings.Cut(request, " ")
		path, body, _ := strings.Cut(rest, " ")
		for name, id := range names {
			path = strings.ReplaceAll(path, "{"+name+"}", id)
		}
		kind := "application/json"
		if !strings.HasPrefix(path, "/api/") && method == "POST" {
			kind = "application/x-www-form-urlencoded"
		}
		if strings.HasPrefix(path, "/annotations/") {
			kind = "application/ld+json"
		}
		c := client{t: t, url: silent, token: eve.token, http: http.DefaultClient}
		wire.take()
		a := c.ask(c.http.Do, method, silent+path, body, append(c.ownHeaders(body, kind), "Sec-Fetch-Site", "same-origin")...)
		return a.status, wire.take()
	}
	for _, request := range hiddenRequests {
		absent := map[string]string{}
		for name := range hidden {
			absent[name] = uuid.NewString()
		}
		if strings.Contains(request, "{account}") {
			absent["account"] = hidden["account"]
		}
		asks(request, absent) // which may look at the token
		wantStatus, want := asks(request, absent)
		status, got := asks(request, hidden)
		if status != http.StatusNotFound || wantStatus != status {
			t.Errorf("%s: what is hidden is answered %d, what is not there %d", request, status, wantStatus)
		}
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s: for what is hidden, Postgres is asked\n\t%s\nand for what is not there\n\t%s", request, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
	}
}

// Nor does the answer to a wrong password tell whether there is such an account, or one with a password.
func TestSigningInAsksTheSameForEveryName(t *testing.T) {
	s, wire, silent := startTapped(t)
	s.anonymous().do("POST", "/accounts", `{"name":"Ada","password":"correct horse"}`).is(http.StatusCreated)
	s.signUp("Bob")
	asks := func(name string) []string {
		c := client{t: t, url: silent, http: http.DefaultClient}
		wire.take()
		c.do("POST", "/session", `{"name":"`+name+`","password":"wrong horse"}`).isProblem(http.StatusUnauthorized, "bad_credentials")
		return wire.take()
	}
	want := asks("Ada")
	for _, name := range []string{"Bob", "Nobody", "Ada\\u202e", strings.Repeat("x", 500)} {
		if got := asks(name); len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("for %.20q, Postgres is asked %q, and for who has a password %q", name, got, want)
		}
	}
}

// Every path of the API that names a thing is asked for.
func TestHiddenRequestsAreAllThereAre(t *testing.T) {
	names := regexp.MustCompile(`\{\w+\}`)
	asked := map[string]bool{"POST /api/v1/invites/{}/accept": true, "GET /api/v1/pages/near/{}": true} // a secret, and a part of a hash
	for _, request := range hiddenRequests {
		path, _, _ := strings.Cut(names.ReplaceAllString(strings.Replace(request, " ", "\t", 1), "{}"), " ")
		path, _, _ = strings.Cut(path, "?")
		asked[strings.Replace(path, "\t", " ", 1)] = true
	}
	described, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range described.Paths.Map() {
		for method := range item.Operations() {
			if request := method + " " + api + names.ReplaceAllString(path, "{}"); strings.Contains(path, "{") && !asked[request] {
				t.Errorf("%s is not in hiddenRequests", request)
			}
		}
	}
}

// hiddenRequests are those that name a thing, with the body that they take.
var hiddenRequests = []string{
	"GET /api/v1/highlights/{highlight}",
	`PATCH /api/v1/highlights/{highlight} {"note":"x"}`,
	`PATCH /api/v1/highlights/{highlight} {"group":"public"}`,
	"DELETE /api/v1/highlights/{highlight}",
	`POST /api/v1/highlights/{highlight}/reanchor {"ranges":[{"anchor":{"xpath":"/html","offset":0},"focus":{"xpath":"/html","offset":0}}]}`,
	"GET /api/v1/highlights/{highlight}/history",
	"GET /api/v1/highlights/{highlight}/replies",
	`POST /api/v1/highlights/{highlight}/replies {"note":"x"}`,
	`POST /api/v1/highlights/{highlight}/flags {"reason":"x"}`,
	"DELETE /api/v1/highlights/{highlight}/flags",
	`PUT /api/v1/highlights/{highlight}/hidden {}`,
	"DELETE /api/v1/highlights/{highlight}/hidden",
	"POST /api/v1/highlights/{highlight}/attachments?name=x x",
	`PATCH /api/v1/replies/{reply} {"note":"x"}`,
	"DELETE /api/v1/replies/{reply}",
	"POST /api/v1/replies/{reply}/attachments?name=x x",
	"GET /api/v1/attachments/{attachment}",
	"DELETE /api/v1/attachments/{attachment}",
	"GET /api/v1/groups/{group}",
	`PATCH /api/v1/groups/{group} {"name":"x"}`,
	"DELETE /api/v1/groups/{group}",
	"GET /api/v1/groups/{group}/members",
	`PUT /api/v1/groups/{group}/members/{account} {}`,
	"DELETE /api/v1/groups/{group}/members/{account}",
	"GET /api/v1/groups/{group}/invites",
	`POST /api/v1/groups/{group}/invites {}`,
	"GET /api/v1/groups/{group}/flags",
	"GET /api/v1/groups/{group}/log",
	"DELETE /api/v1/invites/{invite}",
	"GET /api/v1/pages/{page}",
	`POST /api/v1/pages/{page}/check {}`,
	"DELETE /api/v1/webhooks/{webhook}",
	"POST /api/v1/webhooks/{webhook}/ping",
	"GET /api/v1/webhooks/{webhook}/deliveries",
	"DELETE /api/v1/tokens/{token}",

	"GET /api/v1/highlights?group={group}",
	"GET /api/v1/export?group={group}",
	"GET /api/v1/popular?group={group}",
	"GET /api/v1/stream?url=https://hidden.example/&group={group}",
	`POST /api/v1/highlights {"url":"https://hidden.example/","group":"{group}"}`,
	`POST /api/v1/webhooks {"url":"https://example.org/","group":"{group}"}`,
	`POST /api/v1/import?group={group} {"items":[]}`,

	"GET /annotations/{highlight}",
	"GET /annotations/{reply}",
	"DELETE /annotations/{highlight}",
	"DELETE /annotations/{reply}",

	"GET /p/{page}",
	"POST /p/{page}/notes note=x&group=public",
	"GET /h/{highlight}",
	"GET /h/{highlight}/open",
	"POST /h/{highlight}/note note=x",
	"POST /h/{highlight}/replies note=x",
	"POST /h/{highlight}/replies/{reply}/delete x=x",
	"POST /h/{highlight}/flags reason=x",
	"POST /h/{highlight}/flags/delete x=x",
	"POST /h/{highlight}/hidden x=x",
	"POST /h/{highlight}/delete x=x",
	"GET /groups/{group}",
	"POST /groups/{group} name=x",
	"POST /groups/{group}/delete name=x",
	"POST /groups/{group}/join x=x",
	"POST /groups/{group}/members/{account} role=reader",
	"POST /groups/{group}/invites role=reader",
}

// startSilent starts a server that answers requests, and of which nothing else runs.
func startSilent(t *testing.T, url string) (address string) {
	t.Helper()
	store, err := storage.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	web, err := server.NewWeb(nil, server.Manual{Papers: os.DirFS("..")})
	if err != nil {
		t.Fatal(err)
	}
	hub, err := live.NewHub(store, live.NewPostgresBus(store.Connect, log), log)
	if err != nil {
		t.Fatal(err)
	}
	checker := verify.New(store, verify.NewFetcher(verify.Allow{}, web.Own), hub.Changed, log)
	front := httptest.NewServer(server.New(server.Config{Signup: server.SignupOpen}, store, hub, checker, web, log))
	t.Cleanup(func() {
		front.Close()
		store.Close()
	})
	return front.URL
}
