package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
)

// article is a page elsewhere, with one passage that tests mark.
const article = `<!doctype html><title>An article</title><body><p>It was the best of times, <b>it was</b> the worst of times.</p></body>`

const passage = `{"anchor":{"xpath":"/html[1]/body[1]/p[1]/text()[1]","offset":11},"focus":{"xpath":"/html[1]/body[1]/p[1]/text()[1]","offset":24}}`

// serveArticle serves a page on another port and returns its URL and how often it was read.
func serveArticle(t *testing.T, html string) (url string, reads *atomic.Int64) {
	t.Helper()
	reads = &atomic.Int64{}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reads.Add(1)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, html)
	}))
	t.Cleanup(elsewhere.Close)
	return elsewhere.URL + "/article", reads
}

func TestHighlightIsStoredAndJudged(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	url, reads := serveArticle(t, article)

	made := ada.do("POST", "/highlights", `{"url":`+quoted(url)+`,"title":"As Ada saw it","group":"public","ranges":[`+passage+`],
		"color":"green","note":"so *true*","tags":["dickens"]}`, "Prefer", "wait=5").is(http.StatusCreated)

	if made.header.Get("Preference-Applied") != "wait=5" || made.header.Get("ETag") != `"1"` {
		t.Errorf("the header is %v", made.header)
	}
	if made.text("check.state") != "verified" {
		t.Errorf("the verdict is %s: %s", made.text("check.state"), made.text("check.reason"))
	}
	ranges, _ := made.at("ranges").([]any)
	first := answer{json: ranges[0].(map[string]any)}
	if exact := first.text("quote.exact"); exact != "best of times" {
		t.Errorf("the quote is %q", exact)
	}
	again := s.anonymous().do("GET", "/highlights/"+made.text("id"), "").is(http.StatusOK)
	for path, want := range map[string]string{"author.name": "Ada", "color": "green", "note": "so *true*", "page.title": "As Ada saw it", "group": "public"} {
		if again.text(path) != want {
			t.Errorf("%s is %q, want %q", path, again.text(path), want)
		}
	}

	second := ada.do("POST", "/highlights", `{"url":`+quoted(url)+`,"ranges":[`+passage+`]}`, "Prefer", "wait=5").is(http.StatusCreated)
	if second.text("check.state") != "verified" || reads.Load() != 1 {
		t.Errorf("the second is %s after %d reads of the page", second.text("check.state"), reads.Load())
	}
	if second.text("group") != "me" || second.text("color") != "yellow" {
		t.Errorf("by default it is in %q, and %q", second.text("group"), second.text("color"))
	}
}

func TestVerdicts(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	url, _ := serveArticle(t, article)
	elsewhere := strings.Replace(passage, `"offset":11`, `"offset":0`, 1)
	for name, c := range map[string]struct{ url, ranges, state, reason string }{
		"the quote is what the paths hold":          {url, passage[:len(passage)-1] + `,"quote":{"exact":"best of times"}}`, "verified", ""},
		"the quote stands elsewhere":                {url, elsewhere[:len(elsewhere)-1] + `,"quote":{"exact":"worst of times"}}`, "moved", ""},
		"the quote is not on the page":              {url, passage[:len(passage)-1] + `,"quote":{"exact":"a far, far better thing"}}`, "orphaned", ""},
		"the page is in a private network":          {"http://10.0.0.1/", passage, "unverifiable", "refused_address"},
		"the address serves a cloud its metadata":   {"http://169.254.169.254/latest", passage, "unverifiable", "refused_address"},
		"the page is not there":                     {strings.Replace(url, "article", "", 1) + "\x7f", passage, "", ""},
		"nothing is marked but the page as a whole": {url, "", "verified", ""},
	} {
		t.Run(name, func(t *testing.T) {
			made := ada.do("POST", "/highlights", `{"url":`+quoted(c.url)+`,"ranges":[`+c.ranges+`]}`, "Prefer", "wait=10")
			if c.state == "" {
				made.isProblem(http.StatusUnprocessableEntity, "invalid", "/url")
				return
			}
			made.is(http.StatusCreated)
			if made.text("check.state") != c.state || c.reason != "" && made.text("check.reason") != c.reason {
				t.Errorf("the verdict is %s: %s; want %s: %s", made.text("check.state"), made.text("check.reason"), c.state, c.reason)
			}
		})
	}
}

// chapter is a range with the longest quote.
var chapter = strings.TrimSuffix(passage, "}") + `,"quote":{"exact":"` + long(64<<10) + `"}}`

func TestHighlightIsRefused(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	point := func(xpath, offset string) string {
		return `{"url":"https://example.org/","ranges":[{"anchor":{"xpath":` + xpath + `,"offset":` + offset + `},"focus":{"xpath":"/html","offset":0}}]}`
	}
	for body, pointer := range map[string]string{
		`{}`:                                                              "/url",
		`{"url":"ftp://example.org/"}`:                                    "/url",
		`{"url":"javascript:alert(1)"}`:                                   "/url",
		`{"url":"http://h:6379/"}`:                                        "/url",
		`{"url":"` + long(1<<20) + `"}`:                                   "/url",
		point(`"/html"`, `-1`):                                            "/ranges/0/anchor/offset",
		point(`"/html"`, `2147483648`):                                    "/ranges/0/anchor/offset",
		point(`"/html"`, `99999999999999999999`):                          "/ranges/0/anchor/offset",
		point(`"/html"`, `1e3`):                                           "/ranges/0/anchor/offset",
		point(`"/html"`, `1.5`):                                           "/ranges/0/anchor/offset",
		point(`"/html"`, `null`):                                          "/ranges/0/anchor/offset",
		point(`"/html"`, `NaN`):                                           "/ranges/0/anchor/offset",
		point(`"/html"`, `"3"`):                                           "/ranges/0/anchor/offset",
		point(`"//*[count(preceding::*)>0]"`, `0`):                        "/ranges/0/anchor/xpath",
		point(`"/html/div[0]"`, `0`):                                      "/ranges/0/anchor/xpath",
		point(`null`, `0`):                                                "/ranges/0/anchor/xpath",
		point(`"id(\"a\u0000\")/p"`, `0`):                                 "/ranges/0/anchor/xpath",
		point(`"`+strings.Repeat("/a", 2049)+`"`, `0`):                    "/ranges/0/anchor/xpath",
		`{"url":"https://example.org/","note":"a\u0000"}`:                 "/note",
		`{"url":"https://example.org/","note":"\ud83d"}`:                  "/note",
		`{"url":"https://example.org/","note":"\ude00"}`:                  "/note",
		`{"url":"https://example.org/","color":"mauve"}`:                  "/color",
		`{"url":"https://example.org/","tags":["a",""]}`:                  "/tags/1",
		`{"url":"https://example.org/","tags":["a",null]}`:                "/tags/1",
		`{"url":"https://example.org/","id":"x"}`:                         "/id",
		`{"url":"https://example.org/","id":"` + uuid.Nil.String() + `"}`: "/id",
		`{"url":"https://example.org/","note":"` + long(65<<10) + `"}`:    "/note",
		`{"url":"https://example.org/","ranges":[` + strings.Repeat(passage+",", 100) + passage + `]}`: "/ranges",
		`{"url":"https://example.org/","ranges":[` + strings.Repeat(chapter+",", 4) + chapter + `]}`:   "/ranges",
	} {
		ada.do("POST", "/highlights", body).isProblem(http.StatusUnprocessableEntity, "invalid", pointer)
	}
	ada.do("POST", "/highlights", `{"url":"https://example.org/","ranges":[{"anchor":{"xpath":"/a","offset":0,"node":1}}]}`).
		isProblem(http.StatusBadRequest, "unreadable", "/ranges/0/anchor/node")
	ada.do("POST", "/highlights", `{"url":"https://example.org/","group":"`+uuid.NewString()+`"}`).isProblem(http.StatusNotFound, "not_found")
	s.anonymous().do("POST", "/highlights", `{"url":"https://example.org/"}`).isProblem(http.StatusUnauthorized, "unauthenticated")
}

func TestSameRequestTwiceIsOneHighlight(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	id := uuid.Must(uuid.NewV7()).String()
	body := `{"id":"` + id + `","url":"https://example.org/","note":"once"}`

	statuses := make([]int, 8)
	var all sync.WaitGroup
	for i := range statuses {
		all.Go(func() { statuses[i] = ada.do("POST", "/highlights", body).status })
	}
	all.Wait()
	created := 0
	for _, status := range statuses {
		switch status {
		case http.StatusCreated:
			created++
		case http.StatusOK:
		default:
			t.Errorf("one was answered %d", status)
		}
	}
	if created != 1 {
		t.Errorf("%d of %d made it", created, len(statuses))
	}
	ada.do("POST", "/highlights", strings.Replace(body, "once", "twice", 1)).isProblem(http.StatusConflict, "id_in_use")
	bob.do("POST", "/highlights", body).isProblem(http.StatusConflict, "id_in_use")
	list := ada.do("GET", "/highlights?url=https://example.org/", "").is(http.StatusOK)
	if len(list.items()) != 1 {
		t.Errorf("there are %d", len(list.items()))
	}
}

func TestHighlightIsChangedByItsAuthorAlone(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	id := ada.do("POST", "/highlights", `{"url":"https://example.org/","group":"public"}`).is(http.StatusCreated).text("id")

	changed := ada.do("PATCH", "/highlights/"+id, `{"note":"better","color":"#12abEF"}`, "If-Match", `"1"`).is(http.StatusOK)
	if changed.text("note") != "better" || changed.header.Get("ETag") != `"2"` || changed.number("version") != 2 {
		t.Errorf("it is %s", changed.body)
	}
	for _, nothing := range []string{`{}`, `{"note":null,"tags":null}`} {
		if same := ada.do("PATCH", "/highlights/"+id, nothing).is(http.StatusOK); same.number("version") != 2 {
			t.Errorf("%s makes the version %d", nothing, same.number("version"))
		}
	}
	ada.do("PATCH", "/highlights/"+id, `{"note":"lost"}`, "If-Match", `"1"`).isProblem(http.StatusPreconditionFailed, "stale_version")
	for _, other := range []string{`W/"2"`, `"x"`, `""`} {
		ada.do("PATCH", "/highlights/"+id, `{"note":"lost"}`, "If-Match", other).isProblem(http.StatusPreconditionFailed, "stale_version")
	}
	ada.do("PATCH", "/highlights/"+id, `{"note":"lost"}`, "If-Match", `2`).isProblem(http.StatusBadRequest, "unreadable")
	ada.do("PATCH", "/highlights/"+id, `{"color":"plaid"}`).isProblem(http.StatusUnprocessableEntity, "invalid", "/color")
	bob.do("PATCH", "/highlights/"+id, `{"note":"mine"}`).isProblem(http.StatusForbidden, "forbidden")
	bob.do("DELETE", "/highlights/"+id, "").isProblem(http.StatusForbidden, "forbidden")

	ada.do("PATCH", "/highlights/"+id, `{"group":"me"}`).is(http.StatusOK)
	bob.do("GET", "/highlights/"+id, "").isProblem(http.StatusNotFound, "not_found")
	bob.do("PATCH", "/highlights/"+id, `{"note":"mine"}`).isProblem(http.StatusNotFound, "not_found")
	ada.do("DELETE", "/highlights/"+id, "", "If-Match", `"2"`).isProblem(http.StatusPreconditionFailed, "stale_version")
	ada.do("DELETE", "/highlights/"+id, "", "If-Match", `"3"`).is(http.StatusNoContent)
	ada.do("GET", "/highlights/"+id, "").isProblem(http.StatusNotFound, "not_found")
	ada.do("DELETE", "/highlights/"+id, "").isProblem(http.StatusNotFound, "not_found")
	ada.do("GET", "/highlights/no-uuid", "").isProblem(http.StatusNotFound, "not_found")
}

func TestListIsPagedAndFiltered(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	for i := range 5 {
		ada.do("POST", "/highlights", fmt.Sprintf(`{"url":"https://example.org/a?utm_source=x#part","group":"public","note":"note %d 100%%","tags":["t%d"]}`, i, i%2)).is(http.StatusCreated)
	}
	ada.do("POST", "/highlights", `{"url":"https://example.org/b","note":"private"}`).is(http.StatusCreated)

	var notes []string
	path, pages := "/highlights?sort=created&limit=2&url=https://EXAMPLE.org:443/a", 0
	for next := ""; ; pages++ {
		list := s.anonymous().do("GET", path+next, "").is(http.StatusOK)
		for _, item := range list.items() {
			notes = append(notes, item["note"].(string))
		}
		if list.number("seq") < 5 {
			t.Errorf("the page's number is %d", list.number("seq"))
		}
		if list.text("next") == "" {
			break
		}
		if link := list.header.Get("Link"); !strings.Contains(link, "after="+list.text("next")) || !strings.Contains(link, `rel="next"`) {
			t.Errorf("the link is %q", link)
		}
		next = "&after=" + list.text("next")
	}
	if strings.Join(notes, ",") != "note 0 100%,note 1 100%,note 2 100%,note 3 100%,note 4 100%" || pages != 2 {
		t.Errorf("%d pages after the first gave %q", pages, notes)
	}

	for query, want := range map[string]int{
		"tag=t1": 2, "q=NOTE%203": 1, "q=100%25": 5, "q=_": 0, "group=public": 5, "color=green": 0, "state=moved": 0, "": 5,
		"until=2020-01-01T00:00:00Z": 0, "since=2020-01-01T00:00:00Z": 5, "author=" + uuid.NewString(): 0,
	} {
		if list := s.anonymous().do("GET", "/highlights?"+query, "").is(http.StatusOK); len(list.items()) != want {
			t.Errorf("%q finds %d, want %d", query, len(list.items()), want)
		}
	}
	for _, group := range []string{"me", "nonsense", uuid.NewString()} {
		s.anonymous().do("GET", "/highlights?group="+group, "").isProblem(http.StatusNotFound, "not_found")
	}
	if list := ada.do("GET", "/highlights?group=me", ""); len(list.items()) != 1 {
		t.Errorf("Ada finds %d of her own", len(list.items()))
	}
	for _, query := range []string{"limit=0", "limit=1000000000", "limit=x", "after=forged", "colour=red", "state=lost", "sort=id", "page=1",
		"q=%00", "q=%ff", "q=%zz", "since=yesterday", "tag=a&tag=b", "limit=5&limit=6"} {
		if a := s.anonymous().do("GET", "/highlights?"+query, ""); a.status != http.StatusBadRequest {
			t.Errorf("%q is answered %d: %s", query, a.status, a.body)
		}
	}
}

func TestReplies(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	made := ada.do("POST", "/highlights", `{"url":"https://example.org/","group":"public"}`).is(http.StatusCreated)
	thread := "/highlights/" + made.text("id") + "/replies"

	first := bob.do("POST", thread, `{"note":"does this hold outside the lab?"}`).is(http.StatusCreated)
	second := ada.do("POST", thread, `{"note":"it does","in_reply_to":"`+first.text("id")+`"}`).is(http.StatusCreated)
	list := s.anonymous().do("GET", thread, "").is(http.StatusOK)
	if len(list.items()) != 2 || list.items()[1]["in_reply_to"] != first.text("id") {
		t.Errorf("the thread is %s", list.body)
	}
	if counted := ada.do("GET", "/highlights/"+made.text("id"), ""); counted.number("replies") != 2 || counted.header.Get("ETag") != `"1"` {
		t.Errorf("the highlight is %s", counted.body)
	}
	bob.do("PATCH", "/replies/"+first.text("id"), `{"note":"outside of it?"}`).is(http.StatusOK)
	ada.do("PATCH", "/replies/"+first.text("id"), `{"note":"mine"}`).isProblem(http.StatusForbidden, "forbidden")
	bob.do("POST", thread, `{"note":""}`).isProblem(http.StatusUnprocessableEntity, "invalid", "/note")
	bob.do("POST", thread, `{"note":"x","in_reply_to":"`+uuid.NewString()+`"}`).isProblem(http.StatusUnprocessableEntity, "invalid", "/in_reply_to")
	own := uuid.NewString()
	bob.do("POST", thread, `{"id":"`+own+`","note":"x","in_reply_to":"`+own+`"}`).isProblem(http.StatusUnprocessableEntity, "invalid", "/in_reply_to")
	queued := `{"id":"` + own + `","note":"so it is","in_reply_to":"` + second.text("id") + `"}`
	bob.do("POST", thread, queued).is(http.StatusCreated)
	bob.do("DELETE", "/replies/"+second.text("id"), "").isProblem(http.StatusForbidden, "forbidden")
	ada.do("DELETE", "/replies/"+second.text("id"), "").is(http.StatusNoContent)
	bob.do("POST", thread, queued).is(http.StatusOK)

	private := ada.do("POST", "/highlights", `{"url":"https://example.org/"}`).is(http.StatusCreated)
	bob.do("POST", "/highlights/"+private.text("id")+"/replies", `{"note":"let me in"}`).isProblem(http.StatusNotFound, "not_found")
	bob.do("GET", "/highlights/"+private.text("id")+"/replies", "").isProblem(http.StatusNotFound, "not_found")
}

// Who has said all still waits for the answer. A page that is held makes the request wait until net/http has seen
// the end, and cancels it.
func TestWhatIsNotStoredIsNotAcknowledged(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	ada.mark("makes the page", "public")
	hold, err := s.store.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hold.Close(context.Background()) })
	if _, err := hold.Exec(t.Context(), `BEGIN; SELECT FROM pages FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	connection, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })

	body := `{"url":"` + streamed + `","group":"public","note":"lost"}`
	fmt.Fprintf(connection, "POST %s/highlights HTTP/1.1\r\nHost: limn\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
		api, ada.token, len(body), body)
	if err := connection.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}

	if answer, err := http.ReadResponse(bufio.NewReader(connection), nil); err == nil {
		t.Errorf("a write that was given up is answered %s", answer.Status)
	}
}
