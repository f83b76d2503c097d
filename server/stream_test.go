package server_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"limn/storage/storagetest"
)

// patience is how long a test waits for what must come; nothing is judged by how long it took.
const patience = 20 * time.Second

// eventually waits for a condition that nothing signals.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); {
		if time.Now().After(deadline) {
			t.Fatal("it never happened")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// An event is one of a stream's.
type event struct {
	name, id string
	data     answer
}

// A stream is a client's connection to /stream.
type stream struct {
	t      *testing.T
	events chan event
	end    func()
	header http.Header
	lastID string
}

// follow opens a stream; it ends with the test.
func (c client) follow(path string, headers ...string) *stream {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	request, err := http.NewRequestWithContext(ctx, "GET", c.url+api+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.http.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		c.t.Fatalf("%s: answered %d", path, response.StatusCode)
	}
	s := &stream{t: c.t, events: make(chan event), end: cancel, header: response.Header}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(s.events)
		defer response.Body.Close()
		var e event
		lines := bufio.NewScanner(response.Body)
		lines.Buffer(nil, 1<<20) // a highlight may have long quotes
		for lines.Scan() {
			field, value, _ := strings.Cut(lines.Text(), ": ")
			switch field {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				e.data = answer{t: c.t, body: value}
				json.Unmarshal([]byte(value), &e.data.json)
			case "":
				if e.name != "" {
					select {
					case s.events <- e:
					case <-ctx.Done():
					}
				}
				e = event{}
			}
		}
	}()
	c.t.Cleanup(func() { cancel(); <-done })
	return s
}

// any is the next event, whatever it is.
func (s *stream) any() event {
	s.t.Helper()
	select {
	case e, open := <-s.events:
		if !open {
			s.t.Fatal("the stream has ended")
		}
		if e.id != "" {
			s.lastID = e.id
		}
		return e
	case <-time.After(patience):
		s.t.Fatal("the stream is silent")
	}
	return event{}
}

// until reads up to the next event of a name, and returns all that came, that one last.
func (s *stream) until(name string) (events []event) {
	s.t.Helper()
	for {
		e := s.any()
		events = append(events, e)
		if e.name == name {
			return events
		}
	}
}

// notes are those of the highlights among events.
func notes(events []event) string {
	var all []string
	for _, e := range events {
		if e.name == "highlight" {
			all = append(all, e.data.text("note"))
		}
	}
	return strings.Join(all, ",")
}

const streamed = "https://example.org/streamed"

func (c client) mark(note, group string) answer {
	c.t.Helper()
	return c.do("POST", "/highlights", `{"url":"`+streamed+`","group":"`+group+`","note":`+quoted(note)+`}`).is(http.StatusCreated)
}

// settled is a stream that has everything, the verdicts on what stands there included.
func (c client) settled(path string, headers ...string) *stream {
	s := c.follow(path, headers...)
	s.until("live")
	return s
}

func TestStreamBeginsWithWhatIsThereAndGoesOn(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	first := ada.mark("first", "public")
	ada.mark("second", "public")
	gone := ada.mark("gone", "public")
	ada.do("DELETE", "/highlights/"+gone.text("id"), "").is(http.StatusNoContent)

	reader := bob.follow("/stream?url=" + streamed + "%23part")
	for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"} {
		if reader.header.Get(name) != want {
			t.Errorf("%s is %q", name, reader.header.Get(name))
		}
	}
	before := reader.until("live")
	if got := notes(before); !strings.Contains(got, "first") || !strings.Contains(got, "second") || strings.Contains(got, "gone") {
		t.Errorf("the stream begins with %q", got)
	}
	for _, e := range before {
		if e.name == "removed" {
			t.Error("a new reader is told of what was never there for them")
		}
	}

	ada.do("PATCH", "/highlights/"+first.text("id"), `{"note":"first, changed"}`).is(http.StatusOK)
	if e := reader.awaits(t, "highlight", func(e event) bool { return e.data.text("note") == "first, changed" }); e.id == "" {
		t.Error("a change has no id")
	}
	reply := bob.do("POST", "/highlights/"+first.text("id")+"/replies", `{"note":"why?"}`).is(http.StatusCreated)
	reader.awaits(t, "reply", func(e event) bool { return e.data.text("id") == reply.text("id") })
	reader.awaits(t, "highlight", func(e event) bool { return e.data.number("replies") == 1 })
	ada.do("DELETE", "/highlights/"+first.text("id"), "").is(http.StatusNoContent)
	reader.awaits(t, "removed", func(e event) bool { return e.data.text("kind") == "reply" && e.data.text("id") == reply.text("id") })
	reader.awaits(t, "removed", func(e event) bool { return e.data.text("kind") == "highlight" && e.data.text("id") == first.text("id") })
}

// awaits reads until an event of a name fits.
func (s *stream) awaits(t *testing.T, name string, fits func(event) bool) event {
	t.Helper()
	for {
		if e := s.any(); e.name == name && fits(e) {
			return e
		}
	}
}

// A client that would take compressed answers gets the first event as soon as any other, and as it is.
func TestWhatIsWrittenBetweenTheStateAndLiveIsSent(t *testing.T) {
	for name, highlights := range map[string]int{"read at once": 25, "read in portions": 120} {
		t.Run(name, func(t *testing.T) {
			s := startService(t)
			ada, bob := s.signUp("Ada"), s.signUp("Bob")
			ada.settled("/stream?url=" + streamed) // somebody follows the page already
			at := `{"xpath":"/html[1]/body[1]/p[1]/text()[1]","offset":0}`
			long := `{"anchor":` + at + `,"focus":` + at + `,"quote":{"exact":"` + strings.Repeat("x", 24<<10) + `"}}`
			want := map[string]string{}
			var ids []string
			for i := range highlights {
				note := fmt.Sprint(i)
				body := fmt.Sprintf(`{"url":%q,"group":"public","note":%q,"ranges":[%s]}`, streamed, note, long)
				id := ada.do("POST", "/highlights", body).is(http.StatusCreated).text("id")
				want[id], ids = note, append(ids, id)
			}
			// The state is more than what this connection holds: while Bob does not read, it is not sent to its end.
			bob.http = &http.Client{Transport: &http.Transport{DialContext: dialNarrow}}
			stream := bob.follow("/stream?url=" + streamed)
			begun := stream.any()

			last := len(ids) - 1
			for _, id := range []string{ids[0], ids[last]} { // one that was sent, and one that was not
				ada.do("PATCH", "/highlights/"+id, `{"note":"edited"}`).is(http.StatusOK)
				want[id] = "edited"
			}
			for _, id := range []string{ids[1], ids[last-1]} {
				ada.do("DELETE", "/highlights/"+id, "").is(http.StatusNoContent)
				delete(want, id)
			}
			want[ada.mark("between", "public").text("id")] = "between"

			holds := map[string]string{}
			read := func(e event) {
				switch e.name {
				case "highlight":
					holds[e.data.text("id")] = e.data.text("note")
				case "removed":
					delete(holds, e.data.text("id"))
				}
			}
			for e := begun; e.name != "live"; e = stream.any() {
				read(e)
			}
			want[ada.mark("after", "public").text("id")] = "after"
			for _, e := range stream.untilNote("after") {
				read(e)
			}
			if diff := gocmp.Diff(want, holds); diff != "" {
				t.Errorf("it does not hold what is there (-want +got):\n%.2000s", diff)
			}
		})
	}
}

// dialNarrow connects so that little is on the way that was not read.
func dialNarrow(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		err = conn.(*net.TCPConn).SetReadBuffer(64 << 10)
	}
	return conn, err
}

func TestStreamIsNotCompressed(t *testing.T) {
	s := startService(t)
	reader := s.anonymous().follow("/stream?url="+streamed, "Accept-Encoding", "gzip, br")
	if encoding := reader.header.Get("Content-Encoding"); encoding != "" {
		t.Errorf("the stream is encoded as %s", encoding)
	}
	reader.until("live")
}

// What changes after a deletion does not bring back what is deleted.
func TestDeletedStaysDeleted(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	reader := ada.settled("/stream?url=" + streamed)
	made := ada.mark("gone", "public")
	ada.do("DELETE", "/highlights/"+made.text("id"), "").is(http.StatusNoContent)
	ada.do("PATCH", "/highlights/"+made.text("id"), `{"note":"back"}`).isProblem(http.StatusNotFound, "not_found")
	ada.do("POST", "/highlights/"+made.text("id")+"/replies", `{"note":"back"}`).isProblem(http.StatusNotFound, "not_found")
	ada.do("POST", "/highlights", `{"id":"`+made.text("id")+`","url":"`+streamed+`","group":"public","note":"gone"}`).isProblem(http.StatusConflict, "id_in_use")

	reader.awaits(t, "removed", func(e event) bool { return e.data.text("id") == made.text("id") })
	ada.mark("last", "public")
	for _, e := range reader.untilNote("last") {
		if e.data.text("id") == made.text("id") {
			t.Errorf("it is back: %s", e.data.body)
		}
	}
}

// Whatever a reader missed arrives when it comes back, once, and nothing that it has arrives again.
func TestStreamResumesExactlyAfterTheLastEvent(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	ada.mark("first", "public")
	first := s.anonymous().follow("/stream?url=" + streamed)
	first.awaits(t, "highlight", func(e event) bool { return e.data.text("check.state") != "pending" })
	first.end()

	second := ada.mark("second", "public")
	ada.do("PATCH", "/highlights/"+second.text("id"), `{"note":"second, changed"}`).is(http.StatusOK)
	for _, how := range [][]string{{""}, {"", "Last-Event-ID", first.lastID}} {
		path := "/stream?url=" + streamed
		if len(how) == 1 {
			path += "&last_event_id=" + first.lastID
		} else {
			path += "&last_event_id=garbage" // the header wins
		}
		missed := s.anonymous().follow(path, how[1:]...).until("live")
		if got := notes(missed); got != "second, changed" && got != "second, changed,second, changed" { // before and after its verdict
			t.Errorf("missed is %q", got)
		}
	}
}

func TestCursorThatSaysNothingIsAnsweredWithResync(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	ada.mark("kept", "public")
	live := s.anonymous().settled("/stream?url=" + streamed)
	cursor := live.lastID
	epoch, rest, _ := strings.Cut(cursor, ".")
	page, _, _ := strings.Cut(rest, "-")
	other := strings.Repeat("A", 22)

	for id, reason := range map[string]string{
		"garbage":                                   "unknown_cursor",
		cursor + "x":                                "unknown_cursor",
		epoch + "." + page + "--1":                  "unknown_cursor",
		strings.Repeat("9", 5000):                   "unknown_cursor",
		other + "." + rest:                          "other_epoch",
		epoch + "." + page + "-999999":              "future_cursor",
		epoch + "." + page + "-9223372036854775807": "future_cursor",
		epoch + "." + other + "-1":                  "unknown_page",
		epoch:                                       "unknown_page",
	} {
		events := s.anonymous().follow("/stream?url="+streamed, "Last-Event-ID", id).until("live")
		if events[0].name != "resync" || events[0].data.text("reason") != reason {
			t.Errorf("%.40q is answered with %s %s, want %s", id, events[0].name, events[0].data.text("reason"), reason)
		}
		if got := notes(events); got != "kept" {
			t.Errorf("%.40q: afterwards the reader holds %q", id, got)
		}
	}
}

func TestStreamGoesOnFromAList(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	url, _ := serveArticle(t, article)
	ada.do("POST", "/highlights", `{"url":`+quoted(url)+`,"group":"public"}`, "Prefer", "wait=10").is(http.StatusCreated)
	list := s.anonymous().do("GET", "/highlights?url="+url, "").is(http.StatusOK)

	events := s.anonymous().follow("/stream?url=" + url + "&since=" + list.body[strings.LastIndex(list.body, ":")+1:len(list.body)-1]).until("live")
	if got := notes(events); got != "" || events[0].name != "live" {
		t.Errorf("what the list had is sent again: %q", got)
	}
	s.anonymous().do("GET", "/stream?url="+url+"&url=https://example.org/&since=3", "").isProblem(http.StatusBadRequest, "unreadable")
	s.anonymous().do("GET", "/stream", "").isProblem(http.StatusBadRequest, "unreadable")
	s.anonymous().do("GET", "/stream?url=ftp://x", "").isProblem(http.StatusUnprocessableEntity, "invalid", "/url")
	s.anonymous().do("GET", "/stream?url="+url+"&group=me", "").isProblem(http.StatusNotFound, "not_found")
}

// What a viewer may not see is never sent; what they may not see any more is taken away.
func TestStreamSendsWhatMayBeSeen(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	adas, bobs := ada.settled("/stream?url="+streamed), bob.settled("/stream?url="+streamed)
	secret := ada.mark("secret", "me")
	public := ada.mark("public", "public")

	adas.awaits(t, "highlight", func(e event) bool { return e.data.text("note") == "secret" })
	for _, e := range bobs.untilNote("public") {
		if strings.Contains(e.data.body, "secret") || strings.Contains(e.data.body, secret.text("id")) {
			t.Errorf("Bob is sent %s", e.data.body)
		}
	}
	ada.do("PATCH", "/highlights/"+public.text("id"), `{"group":"me"}`).is(http.StatusOK)
	bobs.awaits(t, "removed", func(e event) bool { return e.data.text("id") == public.text("id") })
	ada.do("PATCH", "/highlights/"+secret.text("id"), `{"group":"public"}`).is(http.StatusOK)
	bobs.untilNote("secret")
	if events := bob.follow("/stream?group=public&url=" + streamed).until("live"); notes(events) != "secret" {
		t.Errorf("the group alone holds %q", notes(events))
	}
}

func (s *stream) untilNote(note string) (events []event) {
	s.t.Helper()
	for {
		e := s.any()
		events = append(events, e)
		if e.name == "highlight" && e.data.text("note") == note {
			return events
		}
	}
}

func TestSeveralPagesInOneStream(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	mark := func(page, note string) {
		ada.do("POST", "/highlights", `{"url":"https://example.org/`+page+`","group":"public","note":"`+note+`"}`).is(http.StatusCreated)
	}
	mark("one", "1")
	two := "/stream?url=https://example.org/one&url=https://example.org/two"
	reader := s.anonymous().follow(two)
	reader.until("live")
	reader.until("live")
	mark("two", "2")
	reader.untilNote("2")
	reader.end()
	mark("one", "3")

	again := s.anonymous().follow(two, "Last-Event-ID", reader.lastID)
	events := append(again.until("live"), again.until("live")...)
	if got := notes(events); strings.Contains(got, "1") && !strings.Contains(got, "3") {
		t.Errorf("after coming back: %q", got)
	}
	for _, e := range events {
		if e.name == "resync" {
			t.Errorf("the reader is made to forget: %s", e.data.text("reason"))
		}
	}
	var many strings.Builder
	for i := range 33 {
		fmt.Fprintf(&many, "&url=https://example.org/%d", i)
	}
	s.anonymous().do("GET", "/stream?"+many.String()[1:], "").isProblem(http.StatusBadRequest, "unreadable")
}

func TestPresence(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	adas := ada.settled("/stream?url=" + streamed)
	first := adas.awaits(t, "presence", func(e event) bool { return strings.Contains(e.data.body, "Ada") })
	if first.data.number("anonymous") != 0 {
		t.Errorf("Ada is told %s", first.data.body)
	}
	bobs := bob.settled("/stream?url=" + streamed)
	adas.awaits(t, "presence", func(e event) bool { return names(e, "joined") == "Bob" && names(e, "viewers") == "Ada Bob" })
	bobs.awaits(t, "presence", func(e event) bool { return names(e, "viewers") == "Ada Bob" })

	stranger := s.anonymous().settled("/stream?url=" + streamed)
	adas.awaits(t, "presence", func(e event) bool { return e.data.number("anonymous") == 1 })
	bob.do("PATCH", "/me", `{"name":"Robert"}`).is(http.StatusOK)
	adas.awaits(t, "presence", func(e event) bool { return names(e, "renamed") == "Robert" && names(e, "viewers") == "Ada Robert" })
	bobs.end()
	adas.awaits(t, "presence", func(e event) bool { return names(e, "left") == "Robert" && names(e, "viewers") == "Ada" })
	stranger.end()
	adas.awaits(t, "presence", func(e event) bool { return e.data.number("anonymous") == 0 })
}

func names(e event, field string) string {
	list, _ := e.data.at(field).([]any)
	var all []string
	for _, item := range list {
		all = append(all, item.(map[string]any)["name"].(string))
	}
	return strings.Join(all, " ")
}

// Two instances on one database serve one page.
func TestInstancesServeOnePageTogether(t *testing.T) {
	store := storagetest.Open(t)
	here, there := startInstance(t, store), startInstance(t, store)
	ada := here.signUp("Ada")
	elsewhere := ada
	elsewhere.url = there.url
	reader := elsewhere.settled("/stream?url=" + streamed)

	made := ada.mark("from the other instance", "public")
	reader.untilNote("from the other instance")
	if read := elsewhere.do("GET", "/highlights/"+made.text("id"), "").is(http.StatusOK); read.text("note") == "" {
		t.Error("the other instance does not have it")
	}
	here.anonymous().settled("/stream?url=" + streamed)
	reader.awaits(t, "presence", func(e event) bool { return e.data.number("anonymous") == 1 && names(e, "viewers") == "Ada" })
}

// A note cannot make fields of the stream.
func TestNoteStaysInItsEvent(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	reader := ada.settled("/stream?url=" + streamed)
	note := "a\r\nid: 9\n\nevent: removed\ndata: {}\n\n\u2028</script>"
	ada.mark(note, "public")
	reader.untilNote(note)
}

// However many write and however often readers break off, each ends with what the list has.
func TestNothingIsLostAmongWritersAndReaders(t *testing.T) {
	store := storagetest.Open(t)
	instances := []service{startInstance(t, store), startInstance(t, store)}
	author := instances[0].signUp("Ada")
	const writers, each, readers = 8, 10, 6
	done := make(chan struct{})
	var writing, reading sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			me := author
			me.url = instances[w%2].url
			for i := range each {
				id := me.mark(fmt.Sprintf("%d/%d", w, i), "public").text("id")
				switch i % 3 {
				case 0:
					me.do("PATCH", "/highlights/"+id, `{"note":"changed"}`).is(http.StatusOK)
				case 1:
					me.do("DELETE", "/highlights/"+id, "").is(http.StatusNoContent)
				}
			}
		})
	}
	held := make([]map[string]int64, readers) // by id, the number of its last change
	for r := range readers {
		reading.Go(func() {
			held[r] = map[string]int64{}
			me, last, seq := instances[r%2].anonymous(), "", int64(0)
			take := func(e event) {
				switch e.name {
				case "resync":
					t.Errorf("reader %d is made to forget: %s", r, e.data.body)
				case "highlight":
					if e.data.number("seq") <= seq {
						t.Errorf("reader %d: number %d comes after %d", r, e.data.number("seq"), seq)
					}
					seq = e.data.number("seq")
					held[r][e.data.text("id")] = seq
				case "removed":
					delete(held[r], e.data.text("id"))
				}
			}
			for writing := true; writing; {
				s := me.follow("/stream?url="+streamed, "Last-Event-ID", last)
				for range 7 + r { // then it breaks off
					select {
					case e := <-s.events:
						s.lastID = cmp.Or(e.id, s.lastID)
						take(e)
					case <-done:
						writing = false
					}
				}
				last = cmp.Or(s.lastID, last)
				s.end()
			}
			for _, e := range me.follow("/stream?url="+streamed, "Last-Event-ID", last).until("live") {
				take(e)
			}
		})
	}
	writing.Wait()
	list := func() map[string]int64 {
		all := map[string]int64{}
		for _, item := range author.do("GET", "/highlights?limit=200&url="+streamed, "").is(http.StatusOK).items() {
			all[item["id"].(string)] = int64(item["seq"].(float64))
		}
		return all
	}
	eventually(t, func() bool { // until the checker has nothing left to change
		return len(author.do("GET", "/highlights?state=pending&url="+streamed, "").items()) == 0
	})
	close(done)
	reading.Wait()
	for r := range held {
		if diff := gocmp.Diff(list(), held[r]); diff != "" {
			t.Errorf("reader %d holds something else than the list:\n%s", r, diff)
		}
	}
}

// The reader comes back and is told that its token is no longer good; who else reads is not disturbed.
func TestStreamEndsWithItsToken(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	hers, his := ada.settled("/stream?url="+streamed), bob.settled("/stream?url="+streamed)

	ada.do("DELETE", "/session", "").is(http.StatusNoContent)

	deadline := time.After(patience)
	for open := true; open; {
		select {
		case _, open = <-hers.events:
		case <-deadline:
			t.Fatal("the stream of a token that is gone goes on")
		}
	}
	ada.do("GET", "/stream?url="+streamed, "").isProblem(http.StatusUnauthorized, "bad_token")
	bob.mark("still here", "public")
	his.until("highlight")
}
