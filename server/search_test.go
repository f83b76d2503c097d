package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestASearchKnowsTheLanguageThatAPageSaysItIsIn(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/header" {
			w.Header().Set("Content-Language", "de-AT, en")
			io.WriteString(w, "<p>Alte Häuser stehen noch")
			return
		}
		io.WriteString(w, "<html lang=en><p>Old houses are standing")
	}))
	t.Cleanup(elsewhere.Close)
	for _, path := range []string{"/header", "/root"} {
		ada.do("POST", "/highlights", `{"url":`+quoted(elsewhere.URL+path)+`,"group":"public","ranges":[{
			"anchor":{"xpath":"/html/body/p/text()","offset":0},"focus":{"xpath":"/html/body/p/text()","offset":15}}]}`, "Prefer", "wait=5").
			is(http.StatusCreated)
	}

	for text, want := range map[string]string{"Haus alt": "/header", "house": "/root"} {
		found := s.anonymous().do("GET", "/highlights?snippets=true&q="+url.QueryEscape(text), "").is(http.StatusOK)

		if items := found.items(); len(items) != 1 || !strings.HasSuffix(items[0]["page"].(map[string]any)["url"].(string), want) {
			t.Errorf("%q finds %v", text, items)
		}
		snippets, _ := found.at("snippets").([]any)
		if len(snippets) != 1 || snippets[0].(map[string]any)["field"] != "quote" || len(snippets[0].(map[string]any)["marks"].([]any)) != len(strings.Fields(text)) {
			t.Errorf("the snippets of %q are %v", text, snippets)
		}
	}
}

// Markdown's signs say nothing to who reads a list of what was found.
func TestWhatASearchFindsInNotesIsReadable(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	h := ada.do("POST", "/highlights", `{"url":"https://a.example/","group":"public",
		"note":"> *Tides*\n\n- the **moon** [pulls](https://orbit.example/) `+"`f(x<y)`"+` & <b>more</b>"}`).is(http.StatusCreated)
	ada.do("POST", "/highlights/"+h.text("id")+"/replies", `{"note":"**Neap** tides, _too_"}`).is(http.StatusCreated)

	for words, want := range map[string]string{
		"moon pulls": "Tides the <mark>moon</mark> <mark>pulls</mark> f(x&lt;y) &amp; more",
		"neap":       "In a reply: <mark>Neap</mark> tides, too",
		"orbit":      "](https://<mark>orbit</mark>.example/)",
	} {
		if page := ada.visits("/search?q="+url.QueryEscape(words), nil); !strings.Contains(page.body, want) {
			t.Errorf("%q is not shown as %q: %s", words, want, page.body)
		}
	}
	snippets := ada.do("GET", "/highlights?snippets=true&q=moon", "").is(http.StatusOK).at("snippets").([]any)
	if text := snippets[0].(map[string]any)["text"]; text != "Tides the moon pulls f(x<y) & more" {
		t.Errorf("a program is told %q", text)
	}
}

func TestASearchIsBounded(t *testing.T) {
	s := startService(t)
	s.anonymous().do("GET", "/highlights?q="+strings.Repeat("x%20", 501), "").isProblem(http.StatusBadRequest, "unreadable")
	s.anonymous().do("GET", "/highlights?q=%00", "").isProblem(http.StatusBadRequest, "unreadable")
	s.anonymous().do("GET", "/highlights?snippets=yes&q=x", "").isProblem(http.StatusBadRequest, "unreadable")
	if got := s.anonymous().do("GET", "/highlights?q="+strings.Repeat("x%20", 500), "").is(http.StatusOK); len(got.items()) != 0 {
		t.Error("something is found where there is nothing")
	}
}
