package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// An op is one operation that a test queues.
type op struct {
	ID        uuid.UUID       `json:"id"`
	Method    string          `json:"method"`
	Path      string          `json:"path"`
	Body      json.RawMessage `json:"body,omitempty"`
	IfVersion *int            `json:"if_version,omitempty"`
}

func queued(method, path, body string) op {
	return op{ID: uuid.New(), Method: method, Path: path, Body: json.RawMessage(body)}
}

func (o op) ifVersion(version int) op {
	o.IfVersion = &version
	return o
}

// sends asks for operations, and returns what became of each.
func (c client) sends(operations ...op) (results []answer) {
	c.t.Helper()
	body, err := json.Marshal(operations)
	if err != nil {
		c.t.Fatal(err)
	}
	a := c.do("POST", "/operations", string(body)).is(http.StatusOK)
	if len(a.list) != len(operations) {
		c.t.Fatalf("%d operations have %d results", len(operations), len(a.list))
	}
	for i, r := range a.list {
		if r["id"] != operations[i].ID.String() {
			c.t.Errorf("result %d is that of %v", i, r["id"])
		}
		part, _ := r["body"].(map[string]any)
		results = append(results, answer{
			t: c.t, request: "operation " + operations[i].Method + " " + operations[i].Path, status: int(r["status"].(float64)),
			body: fmt.Sprint(part), json: part,
		})
	}
	return results
}

func statuses(results []answer) (all []int) {
	for _, r := range results {
		all = append(all, r.status)
	}
	return all
}

func TestOperationsAreDoneInOrder(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	reader := s.anonymous().settled("/stream?url=" + streamed)
	h, r := uuid.NewString(), uuid.NewString()

	results := ada.sends(
		queued("POST", "/highlights", `{"id":"`+h+`","url":"`+streamed+`","group":"public","note":"offline"}`),
		queued("PATCH", "/highlights/"+h, `{"note":"offline, changed"}`).ifVersion(1),
		queued("POST", "/api/v1/highlights/"+h+"/replies", `{"id":"`+r+`","note":"a reply"}`),
		queued("PATCH", "/replies/"+r, `{"note":"a reply, changed"}`),
		queued("POST", "/highlights/"+h+"/reanchor", `{"ranges":[`+passage+`]}`).ifVersion(2),
		queued("DELETE", "/replies/"+r, ""),
	)

	if diff := cmp.Diff([]int{201, 200, 201, 200, 200, 204}, statuses(results)); diff != "" {
		t.Error(diff)
	}
	if results[1].number("version") != 2 || results[3].text("note") != "a reply, changed" || results[5].json != nil {
		t.Errorf("answered %v", results)
	}
	reader.awaits(t, "highlight", func(e event) bool { return e.data.text("note") == "offline, changed" })
}

// Whatever is sent again is answered as before, and nothing happens.
func TestOperationIsDoneOnce(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	h, r := uuid.NewString(), uuid.NewString()
	mine := "/highlights/" + h
	first := []op{
		queued("POST", "/highlights", `{"id":"`+h+`","url":"`+streamed+`","group":"public","note":"1"}`),
		queued("POST", "/highlights", `{"url":"`+streamed+`","group":"public","note":"without an id of its own"}`),
		queued("PATCH", mine, `{"note":"2"}`).ifVersion(1),
		queued("POST", mine+"/reanchor", `{"ranges":[`+passage+`]}`).ifVersion(2),
		queued("POST", mine+"/replies", `{"id":"`+r+`","note":"a reply"}`),
		queued("POST", mine+"/replies", `{"note":"another"}`),
		queued("PATCH", "/replies/"+r, `{"note":"changed"}`).ifVersion(1),
		queued("DELETE", "/replies/"+r, "").ifVersion(2),
	}
	before := ada.sends(first...)
	if diff := cmp.Diff([]int{201, 201, 200, 200, 201, 201, 200, 204}, statuses(before)); diff != "" {
		t.Fatal(diff)
	}
	ada.do("PATCH", mine, `{"note":"3, on another device"}`).is(http.StatusOK)
	held := ada.do("GET", mine, "").is(http.StatusOK).number("version")

	after := ada.sends(first...)

	if diff := cmp.Diff(statuses(before), statuses(after)); diff != "" {
		t.Error(diff)
	}
	now := ada.do("GET", mine, "").is(http.StatusOK)
	if now.number("version") != held || now.text("note") != "3, on another device" || now.number("replies") != 1 {
		t.Errorf("afterwards the highlight is %s", now.body)
	}
	if n := len(ada.do("GET", "/highlights?url="+streamed, "").items()); n != 2 {
		t.Errorf("there are %d highlights", n)
	}
	if after[1].text("id") != before[1].text("id") || after[2].text("note") != "3, on another device" {
		t.Errorf("answered with %s and %s", after[1].body, after[2].body)
	}

	gone := queued("DELETE", mine, "")
	ada.sends(gone)
	last := ada.sends(append(first, gone)...)
	if diff := cmp.Diff([]int{201, 201, 200, 200, 201, 201, 200, 204, 204}, statuses(last)); diff != "" {
		t.Error(diff)
	}
	if last[0].json != nil || last[2].json != nil {
		t.Errorf("what is erased is told: %s", last[0].body)
	}
}

// What is wrong with one operation is said of that one, and the others are done.
func TestOperationIsJudgedAsTheRequestItIs(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	hers, secret := ada.mark("hers", "public").text("id"), ada.mark("secret", "me").text("id")
	his := bob.mark("his", "public").text("id")
	used := queued("PATCH", "/highlights/"+his, `{"note":"changed"}`)
	bob.sends(used)
	cases := []struct {
		op     op
		status int
		code   string
	}{
		{queued("PATCH", "/highlights/"+hers, `{"note":"x"}`), 403, "forbidden"},
		{queued("PATCH", "/highlights/"+secret, `{"note":"x"}`), 404, "not_found"},
		{queued("POST", "/highlights/"+secret+"/replies", `{"note":"x"}`), 404, "not_found"},
		{queued("DELETE", "/highlights/"+uuid.NewString(), ""), 404, "not_found"},
		{queued("POST", "/highlights", `{"url":"`+streamed+`","group":"`+uuid.NewString()+`"}`), 404, "not_found"},
		{queued("POST", "/highlights", `{"id":"`+hers+`","url":"`+streamed+`"}`), 409, "id_in_use"},
		{queued("PATCH", "/highlights/"+his, `{"note":"x"}`).ifVersion(1), 412, "stale_version"},
		{queued("PATCH", "/highlights/"+his, `{"note":"x"}`).ifVersion(-1), 412, "stale_version"},
		{op{ID: used.ID, Method: "PATCH", Path: "/highlights/" + his, Body: []byte(`{"note":"another"}`)}, 409, "id_in_use"},
		{queued("POST", "/highlights", `{"url":"`+streamed+`","note":"\ud800"}`), 422, "invalid"},
		{queued("POST", "/highlights", `{"url":"`+streamed+`","note":"\u0000"}`), 422, "invalid"},
		{queued("POST", "/highlights", `{"url":"`+streamed+`","unknown":1}`), 400, "unreadable"},
		{queued("POST", "/highlights", `[]`), 422, "invalid"},
		{queued("POST", "/highlights", ``), 400, "unreadable"},
		{queued("POST", "/operations", `[]`), 422, "invalid"},
		{queued("POST", "/accounts", `{"name":"Eve"}`), 422, "invalid"},
		{queued("GET", "/highlights/"+hers, ""), 422, "invalid"},
		{queued("PATCH", "/highlights", `{}`), 422, "invalid"},
		{queued("", "", ""), 422, "invalid"},
		{queued("PO ST", "highlights", ""), 422, "invalid"},
		{queued("POST", "/highlights/%zz/\u0000", ""), 422, "invalid"},
		{queued("POST", "/api/v1", ""), 422, "invalid"},
		{queued("PATCH", "/highlights/"+his, `{"note":"last"}`).ifVersion(2), 200, ""},
	}
	var all []op
	for _, c := range cases {
		all = append(all, c.op)
	}

	results := bob.withoutContract().sends(all...)

	for i, r := range results {
		if c := cases[i]; r.status != c.status || r.text("code") != c.code {
			t.Errorf("%s %s %s: answered %d %s", c.op.Method, c.op.Path, c.op.Body, r.status, r.body)
		}
	}
	if now := bob.do("GET", "/highlights/"+his, ""); now.text("note") != "last" {
		t.Errorf("the last one was not done: %s", now.body)
	}
}

func TestOperationsThatCannotBeRead(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	id := uuid.NewString()
	for body, pointer := range map[string]string{
		`{}`:   "",
		`null`: "",
		`[{"method":"POST","path":"/highlights"}]`:                         "/0/id",
		`[{"id":"` + id + `","path":"/highlights"}]`:                       "/0/method",
		`[{"id":"` + id + `","method":"POST"}]`:                            "/0/path",
		`[{"id":"` + id + `","method":"POST","path":7}]`:                   "/0/path",
		`[{"id":"` + id + `","method":"POST","path":"/","if_version":""}]`: "/0/if_version",
		`[` + strings.Repeat(`{"id":"`+id+`","method":"POST","path":"/"},`, 100) + `{"id":"` + id + `","method":"POST","path":"/"}]`: "",
	} {
		ada.do("POST", "/operations", body).isProblem(http.StatusUnprocessableEntity, "invalid", pointer)
	}
	ada.do("POST", "/operations", `[{"id":"`+id+`","method":"POST","path":"/","then":1}]`).isProblem(http.StatusBadRequest, "unreadable", "/0/then")
	ada.do("POST", "/operations", `[{"body":"`+long(5<<20)+`"}]`).isProblem(http.StatusRequestEntityTooLarge, "too_large")
	ada.do("POST", "/operations", `[]`).is(http.StatusOK)
	s.anonymous().do("POST", "/operations", `[]`).isProblem(http.StatusUnauthorized, "unauthenticated")
}

// A client that does not know whether it was heard may ask on two connections at once.
func TestOperationAtOnceIsDoneOnce(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	made := ada.mark("mine", "public").text("id")
	operations := []op{
		queued("POST", "/highlights", `{"url":"`+streamed+`","group":"public"}`),
		queued("POST", "/highlights/"+made+"/replies", `{"note":"once"}`),
		queued("PATCH", "/highlights/"+made, `{"note":"changed"}`),
	}
	var sending sync.WaitGroup
	for range 8 {
		sending.Go(func() {
			if diff := cmp.Diff([]int{201, 201, 200}, statuses(ada.sends(operations...))); diff != "" {
				t.Error(diff)
			}
		})
	}
	sending.Wait()

	now := ada.do("GET", "/highlights/"+made, "")
	if now.number("version") != 2 || now.number("replies") != 1 {
		t.Errorf("version %d, %d replies", now.number("version"), now.number("replies"))
	}
	if n := len(ada.do("GET", "/highlights?url="+streamed, "").items()); n != 2 {
		t.Errorf("there are %d highlights", n)
	}
}

// What the answers take of the memory has an end: what comes after it is said to be untried, and can be sent again.
func TestOperationsWithLargeAnswersAreDoneInParts(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	large := ada.mark(strings.Repeat("\x01", 64<<10), "public").text("id") // as JSON six times as long
	var left []op
	for range 30 {
		left = append(left, queued("PATCH", "/highlights/"+large, `{"color":"green"}`))
	}

	rounds := 0
	for ; len(left) > 0; rounds++ {
		done := 0
		for i, r := range ada.sends(left...) {
			switch {
			case r.status == http.StatusOK && done == i:
				done++
			case r.text("code") != "not_tried":
				t.Fatalf("result %d is %d %s", i, r.status, r.text("code"))
			}
		}
		if done == 0 {
			t.Fatal("nothing was done")
		}
		left = left[done:]
	}

	if version := ada.do("GET", "/highlights/"+large, "").number("version"); rounds < 2 || version != 31 {
		t.Errorf("after %d rounds it is version %d", rounds, version)
	}
}
