package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestCheckSaysWhatTheServerSees(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/a" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<html lang=fr><title>A  page</title><link rel=Canonical href=/b><p>text`)
	}))
	defer site.Close()
	for _, c := range []struct {
		url, allow string
		fails      bool
		says       []string
	}{
		{site.URL + "/a?utm_source=x#y", "127.0.0.0/8:*", false, []string{site.URL + "/a\n", "readable", "A page\n", "fr\n", "/b\n", "71 bytes"}},
		{site.URL + "/none", "127.0.0.0/8:*", true, []string{"unverifiable", "status_404"}},
		{site.URL + "/a", "", true, []string{"unverifiable", "refused_address"}},
		{"ftp://example.org/", "", true, []string{"limn: the address must"}},
	} {
		out, err := command(t, []string{"check", c.url}, "LIMN_FETCH_ALLOW="+c.allow).CombinedOutput()
		if (err != nil) != c.fails {
			t.Errorf("%s: %v", c.url, err)
		}
		for _, words := range c.says {
			if !strings.Contains(string(out), words) {
				t.Errorf("%s: it does not say %q: %s", c.url, words, out)
			}
		}
	}
}
