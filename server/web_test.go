package server_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func (s service) get(path string, headers ...string) (*http.Response, string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), "GET", s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	stay := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := stay.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response, string(body)
}

func TestOwnPages(t *testing.T) {
	s := startService(t)
	for path, contentType := range map[string]string{
		"/": "text/html", "/demo": "text/html", "/docs": "text/html", "/style.css": "text/css", "/embed.js": "text/javascript", "/join": "text/html", "/signin": "text/html", "/join.js": "text/javascript",
		"/openapi.json": "application/json", "/openapi.yaml": "application/yaml", "/healthz": "text/plain", "/readyz": "text/plain",
	} {
		response, body := s.get(path)
		if response.StatusCode != http.StatusOK || !strings.HasPrefix(response.Header.Get("Content-Type"), contentType) || body == "" {
			t.Errorf("%s is answered %d %s", path, response.StatusCode, response.Header.Get("Content-Type"))
		}
		policy := response.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s has the policy %q", path, policy)
		}
		if tag := response.Header.Get("ETag"); tag != "" {
			if again, _ := s.get(path, "If-None-Match", tag); again.StatusCode != http.StatusNotModified {
				t.Errorf("%s is sent again: %d", path, again.StatusCode)
			}
		}
	}
	for path, code := range map[string]string{"/nowhere": "no_route", "/api/v1/nowhere": "no_route", "/extension/safari.zip": "no_route", "/h/1": "not_found"} {
		if response, body := s.get(path); response.StatusCode != http.StatusNotFound || !strings.Contains(body, code) {
			t.Errorf("%s is answered %d: %s", path, response.StatusCode, body)
		}
	}
}

func TestExtensionKnowsItsServer(t *testing.T) {
	s := startService(t)
	for _, browser := range []string{"chrome", "firefox"} {
		response, body := s.get("/extension/" + browser + ".zip")
		packed, err := zip.NewReader(bytes.NewReader([]byte(body)), int64(len(body)))
		if err != nil {
			t.Fatalf("%s: %v", response.Status, err)
		}
		knows := false
		for _, f := range packed.File {
			content, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(content)
			knows = knows || strings.Contains(string(text), s.url)
		}
		if !knows {
			t.Errorf("the extension for %s does not name %s", browser, s.url)
		}
	}
}

// The demo is on the machine itself, which the checker does not look into; it is read without leaving the process.
func TestDemoIsVerified(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	_, page := s.get("/demo")
	heading := page[strings.Index(page, "<h1>")+len("<h1>") : strings.Index(page, "</h1>")]

	made := ada.do("POST", "/highlights", `{"url":`+quoted(s.url+"/demo")+`,"group":"public","ranges":[{
		"anchor":{"xpath":"//*[local-name()='h1']","offset":0},"focus":{"xpath":"/html/body/main/article/h1","offset":1}}]}`)
	made.isProblem(http.StatusUnprocessableEntity, "invalid", "/ranges/0/anchor/xpath")
	made = ada.do("POST", "/highlights", `{"url":`+quoted(s.url+"/demo")+`,"group":"public","ranges":[{
		"anchor":{"xpath":"/html/body/main/article/h1","offset":0},"focus":{"xpath":"/html/body/main/article/h1","offset":1},
		"quote":{"exact":`+quoted(heading)+`}}]}`, "Prefer", "respond-async, wait=10").is(http.StatusCreated)
	if made.text("check.state") != "verified" {
		t.Errorf("the verdict is %s: %s", made.text("check.state"), made.text("check.reason"))
	}

	response, _ := s.get("/h/" + made.text("id"))
	want := s.url + "/demo#:~:text=" + strings.ReplaceAll(strings.ReplaceAll(heading, " ", "%20"), ",", "%2C")
	if response.StatusCode != http.StatusSeeOther || response.Header.Get("Location") != want {
		t.Errorf("the link leads to %s, want %s", response.Header.Get("Location"), want)
	}
}

// Other sites' scripts may ask with a token of their own.
func TestOtherOriginsMayAsk(t *testing.T) {
	s := startService(t)
	for _, path := range []string{"/api/v1/highlights", "/api/v1/stream", "/api/v1/nowhere"} {
		request := httptest.NewRequest("OPTIONS", s.url+path, nil)
		request.RequestURI = ""
		request.Header.Set("Origin", "https://elsewhere.example")
		request.Header.Set("Access-Control-Request-Method", "PATCH")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		header := response.Header
		if response.StatusCode != http.StatusNoContent || header.Get("Access-Control-Allow-Origin") != "*" ||
			header.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(header.Get("Access-Control-Allow-Headers"), "Last-Event-ID") {
			t.Errorf("%s: %d %v", path, response.StatusCode, header)
		}
	}
}
