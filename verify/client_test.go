package verify

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// A client reaches no more than the fetcher does, and is led nowhere else.
func TestAClientKeepsToTheFetchersRules(t *testing.T) {
	var asked atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Redirect(w, r, "/other", http.StatusTemporaryRedirect)
	}))
	defer elsewhere.Close()
	allow, err := ParseAllow("127.0.0.0/8:*")
	if err != nil {
		t.Fatal(err)
	}

	answer, err := NewFetcher(allow, nil).Client().Post(elsewhere.URL, "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusTemporaryRedirect || asked.Load() != 1 {
		t.Errorf("a redirect is answered with %d after %d requests", answer.StatusCode, asked.Load())
	}
	for _, url := range []string{elsewhere.URL, "http://localhost:8080/", "http://10.0.0.1/", "http://169.254.169.254/latest", "http://[::1]/", "http://2130706433/"} {
		if answer, err := NewFetcher(Allow{}, nil).Client().Post(url, "text/plain", nil); err == nil {
			answer.Body.Close()
			t.Errorf("%s is answered with %d", url, answer.StatusCode)
		}
	}
	if asked.Load() != 1 {
		t.Error("a private address is asked")
	}
}
