package server_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"limn/storage/storagetest"
)

// verified tells whether a request was signed with a secret, a moment ago.
func verified(secret string, header http.Header, body []byte) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	seconds, err := strconv.ParseInt(header.Get("webhook-timestamp"), 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.%s", header.Get("webhook-id"), seconds, body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for signature := range strings.FieldsSeq(header.Get("webhook-signature")) {
		if hmac.Equal([]byte(signature), []byte(want)) {
			return true
		}
	}
	return false
}

// What docs/webhooks.md tells receivers to do is what the receivers of these tests do.
func TestTheDocsSayHowToVerify(t *testing.T) {
	docs, err := os.ReadFile("../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("webhooks_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, snippet, _ := strings.Cut(string(docs), "```go\n")
	snippet, _, _ = strings.Cut(snippet, "```")
	if snippet == "" || !strings.Contains(string(source), snippet) {
		t.Error("docs/webhooks.md says something else")
	}
}

// A receiver is an address that is told things.
type receiver struct {
	t      *testing.T
	url    string
	secret string // set before anything arrives
	told   chan notice

	mu     sync.Mutex
	answer func(n notice) int // the status; nil: 204
}

// A notice is what arrives.
type notice struct {
	ID   string `json:"-"`
	Type string
	Page uuid.UUID
	Seq  int64
	Data struct{ ID, Note, Kind string }
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t, told: make(chan notice, 1000)}
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		r.mu.Lock()
		secret, answer := r.secret, r.answer
		r.mu.Unlock()
		var n notice
		if err := json.Unmarshal(body, &n); err != nil || !verified(secret, request.Header, body) {
			t.Errorf("%s %v is not signed, %v", body, request.Header, err)
		}
		if verified("whsec_AAAA", request.Header, body) || verified(secret, request.Header, append(body, ' ')) {
			t.Error("anything is verified")
		}
		n.ID = request.Header.Get("webhook-id")
		status := http.StatusNoContent
		if answer != nil {
			status = answer(n)
		}
		r.told <- n
		w.WriteHeader(status)
	}))
	t.Cleanup(served.Close)
	r.url = served.URL + "/hook"
	return r
}

// answers says what is answered from now on.
func (r *receiver) answers(with func(n notice) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = with
}

func (r *receiver) next() notice {
	r.t.Helper()
	select {
	case n := <-r.told:
		return n
	case <-time.After(patience):
		r.t.Fatal("nothing arrives")
	}
	return notice{}
}

// hooks makes a webhook for a receiver, and returns its id.
func (c client) hooks(r *receiver, more string) (id string) {
	c.t.Helper()
	r.mu.Lock() // nothing is looked at before the secret is known
	defer r.mu.Unlock()
	made := c.do("POST", "/webhooks", `{"url":`+quoted(r.url)+more+`}`).is(http.StatusCreated)
	r.secret = made.text("secret")
	return made.text("id")
}

// state is what its owner is told of a webhook.
func (c client) webhook(id string) map[string]any {
	c.t.Helper()
	for _, w := range c.do("GET", "/webhooks", "").is(http.StatusOK).items() {
		if w["id"] == id {
			return w
		}
	}
	c.t.Fatalf("the webhook %s is not there", id)
	return nil
}

// sql changes what only time would.
func (s service) sql(query string, args ...any) {
	s.t.Helper()
	conn, err := s.store.Connect(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(s.t.Context(), query, args...); err != nil {
		s.t.Fatal(err)
	}
}

// notes writes a highlight that is a note, on a page that cannot be read.
func (c client) notes(page, group, text string) answer {
	c.t.Helper()
	return c.do("POST", "/highlights", fmt.Sprintf(`{"url":"http://10.0.0.1/%s","group":%q,"note":%q}`, page, group, text)).is(http.StatusCreated)
}

// until reads up to the note with a text, and returns what was told before, as type and note.
func (r *receiver) until(text string) (before []string) {
	r.t.Helper()
	for {
		n := r.next()
		if n.Data.Note == text {
			return before
		}
		before = append(before, strings.TrimSpace(n.Type+" "+n.Data.Note))
	}
}

// rests waits until a webhook fails and nothing is on its way there, and has it not tried again.
func (r *receiver) rests(s service, owner client, id string) {
	r.t.Helper()
	eventually(r.t, func() bool { return owner.webhook(id)["state"] == "failing" })
	s.sql(`UPDATE webhooks SET retry_at = now() + interval '1 hour'`)
	eventually(r.t, func() bool {
		conn, err := s.store.Connect(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		defer conn.Close(context.Background())
		var busy bool
		if err := conn.QueryRow(r.t.Context(), `SELECT EXISTS (SELECT FROM webhook_pages WHERE leased_until > now())`).Scan(&busy); err != nil {
			r.t.Fatal(err)
		}
		return !busy
	})
	for len(r.told) > 0 {
		<-r.told
	}
}

func TestWebhookIsToldWhatItsOwnerMaySee(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	ada.notes("a", "public", "before")
	r := newReceiver(t)
	id := ada.hooks(r, "")

	h := bob.notes("a", "public", "one")
	bob.notes("a", "me", "secret")
	ada.notes("a", "me", "own")
	var first notice
	for first.Data.Note != "one" {
		first = r.next()
		if first.Data.Note == "before" && first.Seq == 1 {
			t.Error("what was there before is told")
		}
	}
	if first.Type != "highlight" || first.Data.ID != h.text("id") || first.Page.String() != h.text("page.id") {
		t.Errorf("it is told %+v", first)
	}
	for _, told := range r.until("own") {
		if strings.Contains(told, "secret") {
			t.Errorf("it is told %s", told)
		}
	}
	bob.do("POST", "/highlights/"+h.text("id")+"/replies", `{"note":"an answer"}`).is(http.StatusCreated)
	r.until("an answer")
	bob.do("DELETE", "/highlights/"+h.text("id"), "").is(http.StatusNoContent)
	for n := r.next(); n.Type != "removed" || n.Data.ID != h.text("id"); n = r.next() {
	}
	if w := ada.webhook(id); w["state"] != "active" || w["failures"] != 0.0 || w["reason"] != "" {
		t.Errorf("the webhook is %v", w)
	}

	ada.do("DELETE", "/webhooks/"+id, "").is(http.StatusNoContent)
	ada.do("DELETE", "/webhooks/"+id, "").isProblem(http.StatusNotFound, "not_found")
}

func TestWebhookIsNarrowedByPageAndGroup(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	group := ada.found("Readers", "closed")
	page := ada.notes("a", "public", "before").text("page.id")
	onPage, inGroup := newReceiver(t), newReceiver(t)
	ada.hooks(onPage, `,"page":`+quoted(page))
	ada.hooks(inGroup, `,"group":`+quoted(group))

	ada.notes("b", "public", "elsewhere")
	ada.notes("a", "public", "here")
	ada.notes("b", group, "among us")

	for _, told := range onPage.until("here") {
		if strings.Contains(told, "elsewhere") {
			t.Errorf("the page's is told %s", told)
		}
	}
	if before := inGroup.until("among us"); len(before) > 0 {
		t.Errorf("the group's is told %v", before)
	}
}

// What is not answered well is sent again under the same id, before anything else of its page.
func TestWebhookIsToldAgainAndInOrder(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	r := newReceiver(t)
	id := ada.hooks(r, "")
	r.answers(func(notice) int { return http.StatusInternalServerError })

	ada.notes("a", "public", "one")
	failed := r.next()
	ada.notes("a", "public", "two")
	r.rests(s, ada, id)
	if w := ada.webhook(id); w["reason"] != "answered with the status 500" || w["retry_at"] == nil || w["failing_for"] == nil {
		t.Errorf("the webhook is %v", w)
	}
	r.answers(nil)
	s.sql(`UPDATE webhooks SET retry_at = now()`)

	again := r.next()
	if again.Seq == failed.Seq && again != failed || again.Seq < failed.Seq { // it may have got a verdict meanwhile
		t.Errorf("after %+v is told %+v", failed, again)
	}
	seq := again.Seq
	for n := r.next(); ; n = r.next() {
		if n.Seq <= seq {
			t.Errorf("after %d comes %d", seq, n.Seq)
		}
		if seq = n.Seq; n.Data.Note == "two" {
			break
		}
	}
	eventually(t, func() bool { return ada.webhook(id)["state"] == "active" })
	deliveries := ada.do("GET", "/webhooks/"+id+"/deliveries", "").is(http.StatusOK).items()
	if last := deliveries[len(deliveries)-1]; last["status"] != 500.0 || last["type"] != "highlight" {
		t.Errorf("the deliveries are %v", deliveries)
	}
}

func TestWebhookThatDoesNotAnswerKeepsNobodyWaiting(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	stuck, quick := newReceiver(t), newReceiver(t)
	let := make(chan struct{})
	t.Cleanup(func() { close(let) }) // before the receiver is closed, which waits for it
	stuck.answers(func(notice) int { <-let; return http.StatusOK })
	ada.hooks(stuck, "")
	ada.hooks(quick, "")
	for i := range 10 {
		ada.notes(fmt.Sprint(i), "public", fmt.Sprint("note ", i))
	}
	told := map[string]bool{}
	for len(told) < 10 {
		told[quick.next().Data.Note] = true
	}
}

func TestDeadWebhookIsDisabledAndItsOwnerTold(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	gone, dead := newReceiver(t), newReceiver(t)
	gone.answers(func(notice) int { return http.StatusGone })
	dead.answers(func(notice) int { return http.StatusFound })
	goneID, deadID := ada.hooks(gone, ""), ada.hooks(dead, "")

	ada.notes("a", "public", "one")
	eventually(t, func() bool {
		return ada.webhook(goneID)["state"] == "disabled" && ada.webhook(deadID)["state"] == "failing"
	})
	s.sql(`UPDATE webhooks SET failing_since = now() - interval '4 days', retry_at = now() WHERE id = $1`, uuid.MustParse(deadID))
	eventually(t, func() bool { return ada.webhook(deadID)["state"] == "disabled" })
	if w := ada.webhook(deadID); w["reason"] != "answered with the status 302" || w["retry_at"] != nil {
		t.Errorf("the webhook is %v", w)
	}

	ada.visits("/account/tokens", nil).says(gone.url).says("Disabled, and told nothing more (answered with the status 410).")
	gone.answers(nil)
	s.signUp("Bob").visits("/account/webhooks/"+goneID+"/try", url.Values{}).is(http.StatusNotFound)
	ada.visits("/account/webhooks/"+goneID+"/try", url.Values{}).is(http.StatusSeeOther)
	if w := ada.webhook(goneID); w["state"] != "active" {
		t.Errorf("the webhook that answers again is %v", w)
	}
	ada.visits("/account/webhooks/"+goneID+"/delete", url.Values{}).is(http.StatusSeeOther)
	if page := ada.visits("/account/tokens", nil); strings.Contains(page.body, gone.url) {
		t.Errorf("the deleted webhook is still there: %s", page.body)
	}

	dead.answers(nil)
	if ping := ada.do("POST", "/webhooks/"+deadID+"/ping", "").is(http.StatusOK); ping.text("type") != "ping" || ping.number("status") != 204 {
		t.Errorf("the ping is %s", ping.body)
	}
	if w := ada.webhook(deadID); w["state"] != "active" {
		t.Errorf("after a good ping it is %v", w)
	}
	ada.notes("b", "public", "two")
	dead.until("two")
}

// Who is put out of a group is told nothing more of it, also of what waits to be sent again.
func TestWebhookHearsNothingOfAGroupThatItsOwnerHasLeft(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	group := ada.found("Readers", "closed")
	ada.puts(bob, group, "member")
	r := newReceiver(t)
	id := bob.hooks(r, "")
	r.answers(func(notice) int { return http.StatusServiceUnavailable })
	ada.notes("a", group, "waiting")
	if n := r.next(); n.Data.Note != "waiting" {
		t.Fatalf("it is told %+v", n)
	}
	r.rests(s, bob, id)
	ada.do("DELETE", "/groups/"+group+"/members/"+bob.id(), "").is(http.StatusNoContent)
	r.answers(nil)
	ada.notes("a", group, "later")
	ada.notes("a", "public", "for all")
	s.sql(`UPDATE webhooks SET retry_at = now()`)
	for _, told := range r.until("for all") {
		t.Errorf("it is told %s", told)
	}
}

func TestWebhooksAreTheirOwners(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	closed := bob.found("Closed", "closed")
	r := newReceiver(t)
	id := ada.hooks(r, "")
	for _, request := range [][2]string{{"DELETE", "/webhooks/" + id}, {"POST", "/webhooks/" + id + "/ping"}, {"GET", "/webhooks/" + id + "/deliveries"}} {
		bob.do(request[0], request[1], "").isProblem(http.StatusNotFound, "not_found")
	}
	if len(bob.do("GET", "/webhooks", "").is(http.StatusOK).items()) != 0 || strings.Contains(ada.do("GET", "/webhooks", "").body, "whsec_") {
		t.Error("webhooks are shown, or their secrets")
	}
	ada.do("POST", "/webhooks", `{"url":"https://example.org/","group":`+quoted(closed)+`}`).isProblem(http.StatusNotFound, "not_found")
	for _, url := range []string{"ftp://example.org/", "https://user:secret@example.org/", "http://127.0.0.1:6379/", "http://169.254.169.254/", "http://[::1]/", "http://0xa000001/", "x", "https://example.org/" + strings.Repeat("x", 2000)} {
		ada.do("POST", "/webhooks", `{"url":`+quoted(url)+`}`).isProblem(http.StatusUnprocessableEntity, "invalid", "/url")
	}
	ada.tokenFor("read", "write").do("POST", "/webhooks", `{"url":"https://example.org/"}`).isProblem(http.StatusForbidden, "scope")
	for range 19 {
		ada.do("POST", "/webhooks", `{"url":"https://example.org/"}`).is(http.StatusCreated)
	}
	ada.do("POST", "/webhooks", `{"url":"https://example.org/"}`).isProblem(http.StatusConflict, "too_many")
}

// Two instances share the work, and what one has begun when it ends the other one does.
func TestWebhooksAreToldByWhicheverInstanceThereIs(t *testing.T) {
	store := storagetest.Open(t)
	s, other := startInstance(t, store), startInstance(t, store)
	ada := s.signUp("Ada")
	r := newReceiver(t)
	ada.hooks(r, "")
	elsewhere := client{t, other.url, ada.token, ada.http}
	for i := range 20 {
		[]client{ada, elsewhere}[i%2].notes(fmt.Sprint(i%3), "public", fmt.Sprint("note ", i))
	}
	told, last := map[string]int{}, map[uuid.UUID]int64{}
	for len(told) < 20 {
		n := r.next()
		if n.Seq <= last[n.Page] {
			t.Errorf("after %d comes %d", last[n.Page], n.Seq)
		}
		last[n.Page] = n.Seq
		told[n.Data.Note]++
	}
}
