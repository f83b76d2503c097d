package verify

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"limn/storage"
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

func TestCheckTargetRefusesAddressesThatAreNotToBeReached(t *testing.T) {
	f := NewFetcher(mustAllow(t, "10.1.0.0/16:443"), nil)
	for _, raw := range []string{
		"http://169.254.169.254/", "http://10.0.0.1/", "https://10.1.0.1:8443/", "http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://[64:ff9b::a00:1]/", "http://[fd00:ec2::254]/",
		"http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://localhost/", "http://a.localhost./", "http://user@example.org/",
	} {
		var refused *storage.URLError
		if err := f.CheckTarget(raw); !errors.As(err, &refused) {
			t.Errorf("CheckTarget(%q) = %v; want it refused", raw, err)
		}
	}
	for _, raw := range []string{"https://example.org/hook", "https://10.1.0.1/", "http://93.184.215.14/"} {
		if err := f.CheckTarget(raw); err != nil {
			t.Errorf("CheckTarget(%q) = %v; want it accepted", raw, err)
		}
	}
}
