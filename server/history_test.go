package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
)

// serveDraft serves a page on another port that can be edited.
func serveDraft(t *testing.T, html string) (url string, edit func(html string)) {
	t.Helper()
	var page atomic.Value
	page.Store(html)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, page.Load().(string))
	}))
	t.Cleanup(elsewhere.Close)
	return elsewhere.URL + "/draft", func(html string) { page.Store(html) }
}

// pass makes it as if the time until the next reading of every page had passed.
func (s service) pass() {
	s.t.Helper()
	conn, err := s.store.Connect(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(s.t.Context())
	tag, err := conn.Exec(s.t.Context(), `UPDATE pages SET check_due_at = now(), read_due_at = now() WHERE read_due_at > now()`)
	if err != nil || tag.RowsAffected() == 0 {
		s.t.Fatalf("%d pages wait to be read, %v", tag.RowsAffected(), err)
	}
}

// kinds are what entries of a history say happened, with states and fields.
func kinds(entries []map[string]any) string {
	var all []string
	for _, e := range entries {
		kind := e["kind"].(string)
		if state, checked := e["state"].(string); checked {
			kind = state
		}
		for _, field := range e["fields"].([]any) {
			kind += " " + field.(string)
		}
		all = append(all, kind)
	}
	return strings.Join(all, ", ")
}

// A page is edited by strangers, and its readers see what becomes of what they have marked.
func TestWhatBecomesOfAHighlightIsStreamedAndKept(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	url, edit := serveDraft(t, article)
	other := `{"anchor":{"xpath":"/html[1]/body[1]/p[1]/b[1]/text()[1]","offset":0},"focus":{"xpath":"/html[1]/body[1]/p[1]/b[1]/text()[1]","offset":6}}`
	ada.do("POST", "/highlights", `{"url":`+quoted(url)+`,"group":"public","ranges":[`+other+`]}`, "Prefer", "wait=10").is(http.StatusCreated)
	id := ada.do("POST", "/highlights", `{"url":`+quoted(url)+`,"group":"public","ranges":[`+passage+`]}`, "Prefer", "wait=10").is(http.StatusCreated).text("id")
	reader := s.anonymous().follow("/stream?url=" + url)
	seq := reader.until("live")
	last := seq[len(seq)-1].data.number("seq")

	for _, step := range []struct {
		page    string
		state   string
		changes int64 // how many highlights have another verdict
	}{
		{strings.Replace(article, "<p>", "<p>New.</p><p>", 1), "moved", 2},
		{strings.Replace(article, "best of times", "age of wisdom", 1), "orphaned", 2},
		{article, "verified", 1},
	} {
		edit(step.page)
		s.pass()
		e := reader.awaits(t, "highlight", func(e event) bool { return e.data.text("id") == id && e.data.text("check.state") == step.state })
		if reached := ada.do("GET", "/pages?url="+url, "").number("seq"); reached != last+step.changes || e.data.number("seq") > reached {
			t.Errorf("%s: from %d to %d, it with %d; want %d changes", step.state, last, reached, e.data.number("seq"), step.changes)
		}
		last += step.changes
	}

	list := s.anonymous().do("GET", "/highlights/"+id+"/history", "").is(http.StatusOK)
	if got := kinds(list.items()); got != "verified, orphaned, moved, verified, created" {
		t.Fatalf("the history is %s", got)
	}
	stood := func(entry int) string {
		ranges, _ := list.items()[entry]["ranges"].([]any)
		if len(ranges) == 0 {
			return ""
		}
		return answer{json: ranges[0].(map[string]any)}.text("anchor.xpath")
	}
	const made, moved = "/html[1]/body[1]/p[1]/text()[1]", "/html[1]/body[1]/p[2]/text()[1]"
	for entry, want := range []string{made, "", moved, made, made} {
		if stood(entry) != want {
			t.Errorf("%s: it stood at %q, want %q", list.items()[entry]["kind"], stood(entry), want)
		}
	}
}

func TestHighlightIsReanchored(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	url, edit := serveDraft(t, article)
	made := ada.do("POST", "/highlights", `{"url":`+quoted(url)+`,"group":"public","note":"why?","ranges":[`+passage+`]}`, "Prefer", "wait=10").is(http.StatusCreated)
	path := "/highlights/" + made.text("id")
	reader := s.anonymous().settled("/stream?url=" + url)
	edit(strings.Replace(article, "best of times", "age of wisdom", 1))
	s.pass()
	reader.awaits(t, "highlight", func(e event) bool { return e.data.text("check.state") == "orphaned" })

	bob.do("POST", path+"/reanchor", `{"ranges":[`+passage+`]}`).isProblem(http.StatusForbidden, "forbidden")
	s.anonymous().do("POST", path+"/reanchor", `{"ranges":[`+passage+`]}`).isProblem(http.StatusUnauthorized, "unauthenticated")
	ada.do("POST", path+"/reanchor", `{"ranges":[`+passage+`]}`, "If-Match", `"2"`).isProblem(http.StatusPreconditionFailed, "stale_version")
	for body, pointer := range map[string]string{
		`{}`: "/ranges", `{"ranges":null}`: "/ranges", `{"ranges":[]}`: "/ranges", `{"ranges":[{}]}`: "/ranges/0/anchor /ranges/0/focus",
		`{"ranges":[` + strings.Replace(passage, "/html[1]", "//p", 1) + `]}`:       "/ranges/0/anchor/xpath",
		`{"ranges":[` + strings.Replace(passage, `:11`, `:-1`, 1) + `]}`:            "/ranges/0/anchor/offset",
		`{"ranges":[` + strings.Repeat(passage+",", 100) + passage + `]}`:           "/ranges",
		`{"ranges":[` + passage[:len(passage)-1] + `,"quote":{"exact":"\u0000"}}]}`: "/ranges/0/quote/exact",
	} {
		ada.do("POST", path+"/reanchor", body).isProblem(http.StatusUnprocessableEntity, "invalid", strings.Fields(pointer)...)
	}
	ada.do("POST", path+"/reanchor", `{"ranges":[],"note":"x"}`).isProblem(http.StatusBadRequest, "unreadable", "/note")
	ada.do("POST", "/highlights/"+uuid.NewString()+"/reanchor", `{"ranges":[`+passage+`]}`).isProblem(http.StatusNotFound, "not_found")

	put := ada.do("POST", path+"/reanchor", `{"ranges":[`+passage+`]}`, "If-Match", `"1"`, "Prefer", "wait=10").is(http.StatusOK)
	if put.text("check.state") != "verified" || put.header.Get("ETag") != `"2"` || put.number("version") != 2 || put.text("note") != "why?" {
		t.Errorf("it is %s", put.body)
	}
	if !strings.Contains(put.body, `"exact":"age of wisdom"`) {
		t.Errorf("the quote is not filled in from the page: %s", put.body)
	}
	reader.awaits(t, "highlight", func(e event) bool { return e.data.text("check.state") == "verified" && e.data.number("version") == 2 })
	quote := `{"ranges":[` + passage[:len(passage)-1] + `,"quote":{"exact":"worst of times"}}]}`
	if moved := ada.do("POST", path+"/reanchor", quote, "Prefer", "wait=10").is(http.StatusOK); moved.text("check.state") != "moved" {
		t.Errorf("with the quote that was given it is %s", moved.text("check.state"))
	}

	list := ada.do("GET", path+"/history", "").is(http.StatusOK)
	if got := kinds(list.items()); got != "moved, reanchored, verified, reanchored, orphaned, verified, created" {
		t.Fatalf("the history is %s", got)
	}
	exact := func(entry int, field string) string {
		ranges, _ := list.items()[entry][field].([]any)
		return answer{json: ranges[0].(map[string]any)}.text("quote.exact")
	}
	for _, e := range []struct {
		entry       int
		field, want string
	}{
		{1, "before", "age of wisdom"}, {1, "ranges", "worst of times"}, {2, "ranges", "age of wisdom"},
		{3, "before", "best of times"}, {3, "ranges", "age of wisdom"}, {5, "ranges", "best of times"}, {6, "ranges", "best of times"},
	} {
		if got := exact(e.entry, e.field); got != e.want {
			t.Errorf("entry %d, %s: it held %q; want %q", e.entry, e.field, got, e.want)
		}
	}
}

func TestHistoryIsForThoseWhoSeeTheHighlight(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	path := "/highlights/" + ada.do("POST", "/highlights", `{"url":"http://10.0.0.1/","note":"secret"}`, "Prefer", "wait=10").is(http.StatusCreated).text("id")
	ada.do("PATCH", path, `{"note":"better","color":"yellow","tags":["x"]}`).is(http.StatusOK)
	ada.do("PATCH", path, `{"note":"better"}`).is(http.StatusOK)

	bob.do("GET", path+"/history", "").isProblem(http.StatusNotFound, "not_found")
	bob.do("POST", path+"/reanchor", `{"ranges":[`+passage+`]}`).isProblem(http.StatusNotFound, "not_found")
	ada.do("PATCH", path, `{"group":"public"}`).is(http.StatusOK)
	list := bob.do("GET", path+"/history", "").is(http.StatusOK)
	if got := kinds(list.items()); got != "edited group, edited note tags, unverifiable, created" {
		t.Errorf("the history is %s", got)
	}
	if list.items()[2]["reason"] != "refused_address" || list.items()[2]["by"] != nil {
		t.Errorf("the check is told as %v", list.items()[2])
	}
	for _, entry := range []int{0, 1, 3} {
		if by := list.items()[entry]["by"].(map[string]any); by["name"] != "Ada" {
			t.Errorf("entry %d is by %v", entry, by)
		}
	}
	if strings.Contains(list.body, "secret") {
		t.Errorf("what the note said is kept: %s", list.body)
	}

	var paged []map[string]any
	for next := ""; ; {
		page := bob.do("GET", path+"/history?limit=3"+next, "").is(http.StatusOK)
		paged = append(paged, page.items()...)
		if page.text("next") == "" {
			break
		}
		next = "&after=" + page.text("next")
	}
	if kinds(paged) != kinds(list.items()) {
		t.Errorf("page by page it is %s", kinds(paged))
	}
	for _, query := range []string{"limit=0", "after=forged", "since=1"} {
		if a := bob.do("GET", path+"/history?"+query, ""); a.status != http.StatusBadRequest {
			t.Errorf("%q is answered %d", query, a.status)
		}
	}

	ada.do("DELETE", path, "").is(http.StatusNoContent)
	ada.do("GET", path+"/history", "").isProblem(http.StatusNotFound, "not_found")
	ada.do("POST", path+"/reanchor", `{"ranges":[`+passage+`]}`).isProblem(http.StatusNotFound, "not_found")
}
