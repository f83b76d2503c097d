package server_test

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"limn/storage"
)

const (
	pixel  = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
	script = "<!DOCTYPE html><script>alert(document.domain)</script>"
)

// attaches sends a file, with what else its address is to say.
func (c client) attaches(to, name, content, more string) answer {
	c.t.Helper()
	return c.do("POST", to+"/attachments?name="+url.QueryEscape(name)+more, content, "Content-Type", "application/octet-stream")
}

// files are the names of what an answer says is attached.
func (a answer) files() string {
	var names []string
	list, _ := a.json["attachments"].([]any)
	for _, f := range list {
		names = append(names, f.(map[string]any)["name"].(string))
	}
	return strings.Join(names, " ")
}

func TestAFileIsAttachedToldAndErased(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	h := "/highlights/" + ada.mark("one", "public").text("id")
	r := "/replies/" + bob.do("POST", h+"/replies", `{"note":"see"}`).is(http.StatusCreated).text("id")
	before := ada.do("GET", h, "")

	a := ada.attaches(h, "a picture.gif", pixel, "").is(http.StatusCreated)
	bob.attaches(r, "notes.html", script, "").is(http.StatusCreated)

	if a.text("type") != "image/gif" || a.number("size") != int64(len(pixel)) {
		t.Errorf("attached as %s", a.body)
	}
	after := s.anonymous().do("GET", h, "")
	if after.files() != "a picture.gif" || after.number("seq") <= before.number("seq") || after.header.Get("ETag") == before.header.Get("ETag") {
		t.Errorf("the highlight is %s", after.body)
	}
	replies := s.anonymous().do("GET", h+"/replies", "").items()
	if files, _ := replies[0]["attachments"].([]any); len(files) != 1 || files[0].(map[string]any)["name"] != "notes.html" {
		t.Errorf("the replies are %v", replies)
	}
	bob.do("DELETE", a.header.Get("Location")[len(api):], "").isProblem(http.StatusForbidden, "forbidden")
	ada.do("DELETE", a.header.Get("Location")[len(api):], "").is(http.StatusNoContent)
	if files := ada.do("GET", h, "").files(); files != "" {
		t.Errorf("still attached: %s", files)
	}
	ada.do("DELETE", h, "").is(http.StatusNoContent)
	s.hasNoFiles()
}

// hasNoFiles ends the test if the database holds anything of an attachment.
func (s service) hasNoFiles() {
	s.t.Helper()
	conn, err := s.store.Connect(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var n int
	err = conn.QueryRow(s.t.Context(), `SELECT (SELECT count(*) FROM attachments) + (SELECT count(*) FROM attachment_pieces)`).Scan(&n)
	if err != nil || n != 0 {
		s.t.Errorf("%v, %d rows are left", err, n)
	}
}

// Whatever a file is, it does nothing in the server's origin.
func TestAFileIsServedInert(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	h := "/highlights/" + ada.mark("one", "public").text("id")
	for name, file := range map[string]struct{ content, kind, disposition string }{
		"a.gif":           {pixel, "image/gif", "inline; filename=a.gif"},
		"b.gif":           {script, "application/octet-stream", "attachment; filename=b.gif"},
		"c.svg":           {`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`, "application/octet-stream", "attachment; filename=c.svg"},
		`d"; x=".pdf`:     {"%PDF-1.7", "application/octet-stream", `attachment; filename="d\"; x=\".pdf"`},
		"übung\u200f.txt": {"text", "application/octet-stream", "attachment; filename*=utf-8''%C3%BCbung%E2%80%8F.txt"},
	} {
		at := ada.attaches(h, name, file.content, "").is(http.StatusCreated).header.Get("Location")

		got := s.anonymous().do("GET", at[len(api):], "").is(http.StatusOK)

		if got.body != file.content || got.header.Get("Content-Type") != file.kind || got.header.Get("Content-Disposition") != file.disposition {
			t.Errorf("%s: %q as %v", name, got.body, got.header)
		}
		if policy := got.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "sandbox; default-src 'none'") || got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", name, got.header)
		}
		s.anonymous().do("GET", at[len(api):], "", "If-None-Match", got.header.Get("ETag")).is(http.StatusNotModified)
	}
}

// A name that misleads who saves the file is none.
func TestAFilesNameIsWhatItSays(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	h := "/highlights/" + ada.mark("one", "public").text("id")
	for _, name := range []string{"evil\u202egnp.exe", "\u2067a.txt\u2069", "..", ".", "a/b", `a\b`, "a\nb", " "} {
		ada.attaches(h, name, "text", "").isProblem(http.StatusUnprocessableEntity, "invalid", "/name")
	}
}

// A file comes back whole and in parts, over the borders of the pieces that it is kept in.
func TestALargeFileComesBack(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	h := "/highlights/" + ada.mark("one", "public").text("id")
	var content strings.Builder
	for n := 0; content.Len() < storage.MaxAttachment-20; n++ {
		content.WriteString(strconv.Itoa(n) + " ")
	}
	want := content.String()

	at := ada.attaches(h, "numbers", want, "").is(http.StatusCreated).header.Get("Location")[len(api):]

	if got := ada.do("GET", at, "").is(http.StatusOK); got.body != want {
		t.Errorf("%d bytes are not the %d that were sent", len(got.body), len(want))
	}
	const border = 256 << 10
	got := ada.do("GET", at, "", "Range", "bytes="+strconv.Itoa(border-5)+"-"+strconv.Itoa(border+4)).is(http.StatusPartialContent)
	if got.body != want[border-5:border+5] {
		t.Errorf("the range is %q, want %q", got.body, want[border-5:border+5])
	}
	ada.attaches(h, "too large", want+strings.Repeat("x", 40), "").isProblem(http.StatusRequestEntityTooLarge, "too_large")
}

func TestAFileIsReadByThoseWhoReadWhatItIsOn(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	h := "/highlights/" + ada.mark("one", "me").text("id")
	at := ada.attaches(h, "secret", "42", "").is(http.StatusCreated).header.Get("Location")[len(api):]

	for _, c := range []client{bob, s.anonymous()} {
		c.do("GET", at, "").isProblem(http.StatusNotFound, "not_found")
	}
	bob.do("DELETE", at, "").isProblem(http.StatusNotFound, "not_found")
	bob.attaches(h, "mine", "x", "").isProblem(http.StatusNotFound, "not_found")
	ada.do("PATCH", h, `{"group":"public"}`).is(http.StatusOK)
	s.anonymous().do("GET", at, "").is(http.StatusOK)
	bob.attaches(h, "mine", "x", "").isProblem(http.StatusForbidden, "forbidden")
}

func TestTheSameFileAgainIsAReplay(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	h := "/highlights/" + ada.mark("one", "public").text("id")
	id := "&id=" + uuid.NewString()
	ada.attaches(h, "a", "content", id).is(http.StatusCreated)

	ada.attaches(h, "a", "content", id).is(http.StatusOK)
	ada.attaches(h, "a", "another", id).isProblem(http.StatusConflict, "id_in_use")
	ada.attaches(h, "b", "content", id).isProblem(http.StatusConflict, "id_in_use")
	own := "/highlights/" + bob.mark("two", "public").text("id")
	bob.attaches(own, "a", "content", id).isProblem(http.StatusConflict, "id_in_use")

	if files := ada.do("GET", h, "").files(); files != "a" {
		t.Errorf("attached are %q", files)
	}
}

func TestFilesHaveTheirLimits(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	h := "/highlights/" + ada.mark("one", "public").text("id")
	for _, name := range []string{"", " ", "a/b", `a\b`, "a\r\nb", "a\x00", "\xff", strings.Repeat("x", 256)} {
		if a := ada.withoutContract().attaches(h, name, "x", ""); a.status != http.StatusUnprocessableEntity && a.status != http.StatusBadRequest {
			t.Errorf("%q: answered %d", name, a.status)
		}
	}
	ada.withoutContract().attaches(h, "empty", "", "").isProblem(http.StatusUnprocessableEntity, "invalid", "")
	for n := range 10 {
		ada.attaches(h, strconv.Itoa(n), "x", "").is(http.StatusCreated)
	}
	ada.attaches(h, "one more", "x", "").isProblem(http.StatusConflict, "too_many")
}
