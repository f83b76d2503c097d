package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A receiver takes traces by OTLP over HTTP.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*traces.Span
	about string // the service, as it calls itself
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		var sent collector.ExportTraceServiceRequest
		if err != nil || request.URL.Path != "/v1/traces" || proto.Unmarshal(body, &sent) != nil {
			t.Errorf("%s is sent what is no traces: %v", request.URL.Path, err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, resource := range sent.ResourceSpans {
			r.about = resource.Resource.String()
			for _, scope := range resource.ScopeSpans {
				r.spans = append(r.spans, scope.Spans...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(r.Close)
	return r
}

// Traces reach from a request to its statements, and to the page that is read and the webhook that is told; none of them says
// who wrote what, or where.
func TestTracesAreSentAndNameNobody(t *testing.T) {
	r := newReceiver(t)
	told := make(chan struct{}, 10)
	others := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		switch request.URL.Path {
		case "/told-privately":
			told <- struct{}{}
		case "/forbidden-page":
			w.WriteHeader(http.StatusForbidden)
		default:
			fmt.Fprint(w, "<!doctype html><title>Zanzibar</title><p>Some text")
		}
	}))
	t.Cleanup(others.Close)
	p := startLimn(t, "LIMN_DATA_DIR="+dataDir(t), "LIMN_FETCH_ALLOW=127.0.0.0/8:*", "LIMN_LOG=json", "OTEL_EXPORTER_OTLP_ENDPOINT="+r.URL)
	ask := func(token, path, body string) map[string]any {
		t.Helper()
		request, err := http.NewRequest("POST", p.url+"/api/v1"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Prefer", "wait=10")
		if token == "" {
			request.Header.Del("Authorization")
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var answer map[string]any
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusCreated {
			t.Fatalf("%s is answered %d: %v %v", path, response.StatusCode, answer, err)
		}
		return answer
	}

	token := ask("", "/accounts", `{"name":"Grace Hopper"}`)["token"].(string)
	ask(token, "/webhooks", `{"url":"`+others.URL+`/told-privately"}`)
	for _, page := range []string{"/a-page?key=swordfish", "/forbidden-page"} {
		ask(token, "/highlights", `{"url":"`+others.URL+page+`","group":"me","note":"my own thoughts","ranges":[{
			"anchor":{"xpath":"/html/body/p/text()","offset":0},"focus":{"xpath":"/html/body/p/text()","offset":4}}]}`)
	}
	<-told
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.ended // by then all is sent

	named, byID := map[string]*traces.Span{}, map[string]*traces.Span{}
	for _, span := range r.spans {
		named[span.Name], byID[string(span.SpanId)] = span, span
	}
	for _, name := range []string{"POST /api/v1/accounts", "POST /api/v1/highlights", "visit a page", "fetch a page", "tell a webhook"} {
		if named[name] == nil {
			t.Errorf("there is no span %q", name)
		}
	}
	statements := 0
	for _, span := range r.spans {
		if parent := byID[string(span.ParentSpanId)]; parent != nil && parent.Name == "POST /api/v1/accounts" && strings.Contains(span.String(), "db.query.text") {
			statements++
		}
		for _, private := range []string{"Grace", "thoughts", "Zanzibar", "swordfish", "-page", "privately", "127.0.0.1", token} {
			if strings.Contains(span.String(), private) {
				t.Errorf("a span says %q: %s", private, span)
			}
		}
	}
	if statements == 0 || !strings.Contains(r.about, `string_value:"limn"`) {
		t.Errorf("of %d spans of %s none is a statement of a request", len(r.spans), r.about)
	}
	found := false
	for line := range bytes.Lines(p.log.Bytes()) {
		var said struct {
			Msg     string
			TraceID string `json:"trace_id"`
		}
		if err := json.Unmarshal(line, &said); err != nil {
			t.Errorf("%s is no JSON: %v", line, err)
		}
		for _, span := range r.spans {
			found = found || said.Msg == "a page cannot be read" && fmt.Sprintf("%x", span.TraceId) == said.TraceID
		}
	}
	if !found {
		t.Errorf("the log does not say to which trace a page that cannot be read belongs:\n%s", p.log)
	}
}
