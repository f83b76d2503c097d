package server_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"limn/server"
	"limn/storage"
	"limn/storage/storagetest"
)

// takesIn sends a file and reads what became of it.
func (c client) takesIn(query, file string) (tally storage.Tally, outcomes []storage.Outcome) {
	c.t.Helper()
	answer := c.do("POST", "/import?"+query, file).is(http.StatusOK)
	lines := strings.Split(strings.TrimSpace(answer.body), "\n")
	for _, line := range lines[:len(lines)-1] {
		var o storage.Outcome
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			c.t.Fatalf("%s: %v", line, err)
		}
		outcomes = append(outcomes, o)
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &tally); err != nil {
		c.t.Fatalf("%s: %v", lines[len(lines)-1], err)
	}
	return tally, outcomes
}

func outcomeStatuses(outcomes []storage.Outcome) (all []int) {
	for _, o := range outcomes {
		all = append(all, o.Status)
	}
	return all
}

func TestImportMakesWhatIsOnesOwnOnce(t *testing.T) {
	s, elsewhere := startService(t), startService(t)
	ada := s.signUp("Ada")
	ada.do("POST", "/highlights", `{"url":"https://example.org/a","group":"public","note":"first","tags":["x"],"ranges":[`+passage+`]}`).is(http.StatusCreated)
	second := ada.do("POST", "/highlights", `{"url":"https://example.org/b","note":"second"}`).is(http.StatusCreated)
	ada.do("POST", "/highlights/"+second.text("id")+"/replies", `{"note":"to myself"}`).is(http.StatusCreated)
	ada.attaches("/highlights/"+second.text("id"), "a.txt", "attached", "").is(http.StatusCreated)
	file := ada.do("GET", "/export?sort=created", "").is(http.StatusOK).body
	there := elsewhere.signUp("ADA")

	tally, _ := there.takesIn("format=json", file)
	again, outcomes := there.takesIn("format=json", file)

	if tally != (storage.Tally{Created: 2}) || again != (storage.Tally{Present: 2}) {
		t.Errorf("first %+v, then %+v: %+v", tally, again, outcomes)
	}
	items := there.do("GET", "/highlights?sort=created", "").is(http.StatusOK).items()
	if len(items) != 2 || items[0]["note"] != "first" || items[0]["group"] != "public" || items[1]["id"] != second.text("id") ||
		items[1]["created_at"] != second.text("created_at") || items[1]["replies"] != 1.0 || items[1]["author"].(map[string]any)["name"] != "ADA" {
		t.Errorf("there is %v", items)
	}
	attached := items[1]["attachments"].([]any)[0].(map[string]any)["id"].(string)
	if content := there.do("GET", "/attachments/"+attached, "").is(http.StatusOK).body; content != "attached" {
		t.Errorf("the file is %q", content)
	}
}

// Nobody writes as somebody else, verifies anything, or takes an id that is another's.
func TestImportGivesNobodyWhatIsAnothers(t *testing.T) {
	s := startService(t)
	ada, eve := s.signUp("Ada"), s.signUp("Eve")
	secret := ada.do("POST", "/highlights", `{"url":"https://example.org/a","note":"secret"}`).is(http.StatusCreated)
	group := ada.found("Readers", "closed")
	fresh := uuid.NewString()
	item := func(id, group, note string) string {
		return `{"id":"` + id + `","page":{"url":"https://example.org/a"},"group":"` + group + `","author":{"id":"` + ada.id() + `","name":"Ada"},"note":"` + note +
			`","seq":900,"version":7,"check":{"state":"verified"},"verified_at":"2020-01-01T00:00:00Z","history":[{"at":"2020-01-01T00:00:00Z","kind":"edited"}]}`
	}
	file := strings.Join([]string{
		item(secret.text("id"), "me", "stolen"), item(fresh, "public", "forged"), item(uuid.NewString(), group, "in"), item(uuid.NewString(), ada.id(), "in"),
	}, "\n")

	_, outcomes := eve.takesIn("format=ndjson", file)

	if got := outcomeStatuses(outcomes); !slices.Equal(got, []int{409, 422, 422, 201}) {
		t.Errorf("the outcomes are %+v", outcomes)
	}
	made := eve.do("GET", "/highlights/"+fresh, "").is(http.StatusOK)
	if made.text("author.name") != "Eve" || made.text("note") != "forged\n\n— Ada" || made.text("check.state") == "verified" || made.number("version") != 1 || made.number("seq") > 10 {
		t.Errorf("it is %s", made.body)
	}
	if history := eve.do("GET", "/highlights/"+fresh+"/history", "").is(http.StatusOK).items(); len(history) != 1 && history[len(history)-1]["kind"] != "created" {
		t.Errorf("its history is %v", history)
	}
	eve.do("POST", "/import?format=ndjson&group="+group, file).isProblem(http.StatusNotFound, "not_found")
}

// What cannot be read is named, and the rest goes in.
func TestImportNamesEveryBrokenLine(t *testing.T) {
	s := startInstance(t, storagetest.Open(t), func(c *server.Config) { c.Limits = false })
	ada := s.signUp("Ada")
	id := uuid.NewString()
	good := func(more string) string {
		return `{"page":{"url":"https://example.org/` + uuid.NewString() + `"}` + more + `}`
	}
	deep := strings.Repeat("[", 20_000)
	lines := []struct {
		line, pointer string
		status        int
	}{
		{good(`,"id":"` + id + `"`), "", 201},
		{`{"page":`, "", 422},
		{good(`,"color":"mauve"`), "/color", 422},
		{good(`,"created_at":"2999-01-01T00:00:00Z"`), "/created_at", 422},
		{good(`,"note":"\ud800"`), "/note", 422},
		{good(`,"note":"` + "\xff" + `"`), "/note", 422},
		{good(`,"note":"\u0000"`), "/note", 422},
		{good(`,"note":"a","note":"b"`), "/note", 422},
		{good(`,"x":` + deep), "", 422},
		{good(`,"note":"` + strings.Repeat("x", 70_000) + `"`), "/note", 422},
		{good(`,"note":"` + strings.Repeat("x", 10<<20) + `"`), "", 422},
		{good(`,"tags":"x"`), "/tags", 422},
		{good(`,"ranges":[{"anchor":{"xpath":"//p","offset":0},"focus":{"xpath":"/p","offset":-1}}]`), "/ranges/0/anchor/xpath", 422},
		{`{"page":{"url":"javascript:alert(1)"}}`, "/page/url", 422},
		{`{"note":"nowhere"}`, "/page/url", 422},
		{`null`, "", 422},
		{`{"id":"` + id + `","page":{"url":"https://example.org/other"}}`, "", 409},
		{good(`,"id":"` + uuid.NewString() + `","thread":[{"note":"fine"},{"note":""}]`), "", 201},
		{good(``), "", 201},
	}
	var file strings.Builder
	for _, l := range lines {
		file.WriteString(l.line + "\n")
	}

	tally, outcomes := ada.takesIn("format=ndjson", file.String())

	for i, want := range lines {
		at := slices.IndexFunc(outcomes, func(o storage.Outcome) bool { return o.Line == int64(i+1) && !strings.HasPrefix(o.Pointer, "/thread") })
		if at < 0 || outcomes[at].Status != want.status || want.pointer != "" && outcomes[at].Pointer != want.pointer {
			t.Errorf("line %d is %+v, want %d %s", i+1, outcomes[max(at, 0)], want.status, want.pointer)
		}
		if at >= 0 && outcomes[at].Status > 299 && (outcomes[at].Detail == "" || strings.Contains(outcomes[at].Detail, "request")) {
			t.Errorf("line %d is refused without a word of it: %q", i+1, outcomes[at].Detail)
		}
	}
	reply := slices.IndexFunc(outcomes, func(o storage.Outcome) bool { return o.Pointer == "/thread/1/note" })
	if reply < 0 || tally.Created != 3 || tally.Refused != int64(len(lines)-3+1) {
		t.Errorf("%+v: %+v", tally, outcomes)
	}
}

// Who reads the page hears of what is taken in as of everything else.
func TestImportIsSeenLive(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	stream := s.anonymous().settled("/stream?url=https://example.org/live")
	var file strings.Builder
	for i := range 3 {
		fmt.Fprintf(&file, `{"id":%q,"page":{"url":"https://example.org/live"},"group":"public","note":"n%d","thread":[{"note":"r%d"}]}`+"\n", uuid.NewString(), i, i)
	}

	ada.takesIn("format=ndjson", file.String())

	stream.untilNote("n2")
}

func TestImportTakesCompressedFiles(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	pack := func(text string) string {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		w.Write([]byte(text))
		w.Close()
		return packed.String()
	}
	line := `{"page":{"url":"https://example.org/packed"}}` + "\n"

	whole, _ := ada.takesIn("format=ndjson", pack(line))
	packed := pack(line + line)
	cut, _ := ada.takesIn("format=ndjson", packed[:len(packed)-9])
	bomb, outcomes := ada.takesIn("format=ndjson", pack(strings.Repeat(" ", 300<<20)))

	if whole != (storage.Tally{Created: 1}) || cut != (storage.Tally{Present: 2, Refused: 1}) || !strings.Contains(fmt.Sprint(outcomes), "unfolds") {
		t.Errorf("whole %+v, cut %+v, a bomb %+v %+v", whole, cut, bomb, outcomes)
	}
}

func TestImportIsRefusedBeforeAFileIsSentForNothing(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	s.anonymous().do("POST", "/import", "{}").isProblem(http.StatusUnauthorized, "unauthenticated")
	ada.do("POST", "/import?format=docx", "{}").isProblem(http.StatusBadRequest, "unreadable")
	ada.do("POST", "/import?group="+uuid.NewString(), "{}").isProblem(http.StatusNotFound, "not_found")
}
