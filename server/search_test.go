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

func TestASearchIsBounded(t *testing.T) {
	s := startService(t)
	s.anonymous().do("GET", "/highlights?q="+strings.Repeat("x%20", 501), "").isProblem(http.StatusBadRequest, "unreadable")
	s.anonymous().do("GET", "/highlights?q=%00", "").isProblem(http.StatusBadRequest, "unreadable")
	s.anonymous().do("GET", "/highlights?snippets=yes&q=x", "").isProblem(http.StatusBadRequest, "unreadable")
	if got := s.anonymous().do("GET", "/highlights?q="+strings.Repeat("x%20", 500), "").is(http.StatusOK); len(got.items()) != 0 {
		t.Error("something is found where there is nothing")
	}
}
