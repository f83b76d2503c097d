package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/prometheus/client_golang/prometheus"

	"limn/live"
	"limn/server"
	"limn/storage"
	"limn/storage/storagetest"
	"limn/verify"
)

const api = "/api/v1"

// A service is a whole server as a test's clients see it.
type service struct {
	t     *testing.T
	url   string
	store *storage.Store
}

// startService starts a server on a database of its own, with all that runs in it, until the test ends.
func startService(t *testing.T) service {
	t.Helper()
	return startInstance(t, storagetest.Open(t))
}

// startInstance starts a server on a store that other instances may use, too. It has the usual limits and lets anybody sign
// up, unless configured otherwise.
func startInstance(t *testing.T, store *storage.Store, configure ...func(*server.Config)) service {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	front := httptest.NewUnstartedServer(nil)
	web, err := server.NewWeb([]string{"http://" + front.Listener.Addr().String()}, server.Manual{Papers: os.DirFS("..")})
	if err != nil {
		t.Fatal(err)
	}
	allow, err := verify.ParseAllow("127.0.0.0/8:*")
	if err != nil {
		t.Fatal(err)
	}
	hub, err := live.NewHub(store, live.NewPostgresBus(store.Connect, log), log)
	if err != nil {
		t.Fatal(err)
	}
	checker := verify.New(store, verify.NewFetcher(allow, web.Own), hub.Changed, log)
	registry := prometheus.NewRegistry()
	registry.MustRegister(hub, checker)
	config := server.Config{Signup: server.SignupOpen, Limits: true, Metrics: registry}
	for _, c := range configure {
		c(&config)
	}
	handler := server.New(config, store, hub, checker, web, log)
	front.Config.Handler = handler
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { hub.Run(ctx) })
	running.Go(func() { checker.Run(ctx) })
	running.Go(func() { handler.Run(ctx) })
	front.Start()
	t.Cleanup(func() {
		stop()
		running.Wait()
		front.Close()
		if damages, _, err := store.Damages(context.WithoutCancel(t.Context())); err != nil || damages != nil {
			t.Errorf("the database is left with %v, %v", damages, err)
		}
	})
	return service{t, front.URL, store}
}

// A client is one person, or nobody in particular, who uses a service. What it is answered is held against the
// API's description.
type client struct {
	t     *testing.T
	url   string
	token string
	http  *http.Client
}

func (s service) anonymous() client {
	return client{s.t, s.url, "", &http.Client{Transport: contract{s.t, http.DefaultTransport}}}
}

// withoutContract is the client for requests that no description allows, and that are answered well all the same.
func (c client) withoutContract() client {
	c.http = http.DefaultClient
	return c
}

// signUp makes an account and its client.
func (s service) signUp(name string) client {
	s.t.Helper()
	c := s.anonymous()
	answer := c.do("POST", "/accounts", `{"name":`+quoted(name)+`}`)
	answer.is(http.StatusCreated)
	c.token = answer.text("token")
	return c
}

// do makes one request of the API; headers are pairs of a name and a value.
func (c client) do(method, path, body string, headers ...string) answer {
	c.t.Helper()
	return c.ask(c.http.Do, method, c.url+api+path, body, append(c.ownHeaders(body, "application/json"), headers...)...)
}

// ownHeaders are those that a program sends with a body of a type, or with none.
func (c client) ownHeaders(body, contentType string) (headers []string) {
	if c.token != "" {
		headers = append(headers, "Authorization", "Bearer "+c.token)
	}
	if body != "" {
		headers = append(headers, "Content-Type", contentType)
	}
	return headers
}

// ask makes one request; headers are pairs of a name and a value, of which the last of a name counts.
func (c client) ask(send func(*http.Request) (*http.Response, error), method, url, body string, headers ...string) answer {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := send(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	a := answer{t: c.t, request: method + " " + request.URL.RequestURI(), status: response.StatusCode, header: response.Header, body: string(read)}
	kind := response.Header.Get("Content-Type")
	if strings.Contains(kind, "json") && !strings.Contains(kind, "ndjson") && method != http.MethodHead {
		var into any = &a.json
		if strings.HasPrefix(a.body, "[") {
			into = &a.list
		}
		if err := json.Unmarshal(read, into); err != nil {
			c.t.Fatalf("%s: answered with no JSON: %v", a.request, err)
		}
	}
	return a
}

// An answer is what came back.
type answer struct {
	t       *testing.T
	request string
	status  int
	header  http.Header
	body    string
	json    map[string]any
	list    []map[string]any // instead, when that is what it is
}

// is ends the test unless the answer has a status.
func (a answer) is(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: answered %d, want %d: %s", a.request, a.status, status, a.body)
	}
	return a
}

// isProblem ends the test unless the answer is a problem with a code that names these fields.
func (a answer) isProblem(status int, code string, pointers ...string) answer {
	a.t.Helper()
	a.is(status)
	if a.text("code") != code {
		a.t.Fatalf("%s: the code is %q, want %q: %s", a.request, a.text("code"), code, a.body)
	}
	var named []string
	fields, _ := a.json["errors"].([]any)
	for _, f := range fields {
		named = append(named, f.(map[string]any)["pointer"].(string))
	}
	if strings.Join(named, " ") != strings.Join(pointers, " ") {
		a.t.Fatalf("%s: names %q, want %q: %s", a.request, named, pointers, a.body)
	}
	return a
}

// at walks to a member of the answer: "page.url".
func (a answer) at(path string) any {
	var value any = a.json
	for name := range strings.SplitSeq(path, ".") {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

func (a answer) text(path string) string {
	text, _ := a.at(path).(string)
	return text
}

func (a answer) number(path string) int64 {
	number, _ := a.at(path).(float64)
	return int64(number)
}

func (a answer) items() (items []map[string]any) {
	list, _ := a.json["items"].([]any)
	for _, item := range list {
		items = append(items, item.(map[string]any))
	}
	return items
}

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

// described is the API's description, as a library reads it.
var described = sync.OnceValues(func() (routers.Router, error) {
	for _, text := range []string{"text/event-stream", "text/markdown", "text/html", "application/x-ndjson"} {
		openapi3filter.RegisterBodyDecoder(text, openapi3filter.PlainBodyDecoder)
	}
	openapi3filter.RegisterBodyDecoder("application/ld+json", openapi3filter.JSONBodyDecoder)
	description, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	if err := description.Validate(context.Background()); err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(description)
})

// A contract holds each answer, and each request that is answered well, against the API's description.
type contract struct {
	t    *testing.T
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (c contract) RoundTrip(request *http.Request) (*http.Response, error) {
	var sent []byte
	if request.Body != nil {
		sent, _ = io.ReadAll(request.Body)
		request.Body = io.NopCloser(bytes.NewReader(sent))
	}
	response, err := c.next.RoundTrip(request)
	if err != nil || !strings.HasPrefix(request.URL.Path, api) {
		return response, err
	}
	router, err := described()
	if err != nil {
		c.t.Errorf("the API's description: %v", err)
		return response, nil
	}
	relative := request.Clone(request.Context())
	relative.URL.Scheme, relative.URL.Host = "", ""
	relative.Body = io.NopCloser(bytes.NewReader(sent))
	route, parameters, err := router.FindRoute(relative)
	if err != nil {
		if response.StatusCode != http.StatusNotFound && response.StatusCode != http.StatusMethodNotAllowed {
			c.t.Errorf("%s %s is not described: %v", request.Method, request.URL.Path, err)
		}
		return response, nil
	}
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}
	asked := &openapi3filter.RequestValidationInput{Request: relative, PathParams: parameters, Route: route, Options: options}
	if response.StatusCode < 300 {
		if err := openapi3filter.ValidateRequest(request.Context(), asked); err != nil {
			c.t.Errorf("%s %s was answered %d, but is not as described: %v", request.Method, request.URL, response.StatusCode, err)
		}
	}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		return response, nil // it has no end to wait for
	}
	received, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(received))
	answered := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: asked, Status: response.StatusCode, Header: response.Header,
		Body: io.NopCloser(bytes.NewReader(received)), Options: options,
	}
	if err := openapi3filter.ValidateResponse(request.Context(), answered); err != nil {
		c.t.Errorf("the answer to %s %s is not as described: %v", request.Method, request.URL, err)
	}
	return response, nil
}
