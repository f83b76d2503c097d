package server_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"limn/server"
	"limn/storage/storagetest"
)

var odd = flag.Int("odd", 1000, "how many odd requests TestOddRequests sends")

// slow are the requests that wait for what is not the server's: pages elsewhere, and passwords to be hashed.
var slow = []string{"POST /verify", "POST /accounts", "POST /session", "PATCH /me", "GET /stream", "GET /popular/stream", "POST /webhooks/{id}/ping", "POST /import"}

// A client that has read the API's description sends what it allows, and what it does not. Whatever it sends, the answer is
// as described, soon there, and no fault of the server.
func TestOddRequests(t *testing.T) {
	s := startInstance(t, storagetest.Open(t), func(c *server.Config) { c.Limits = false })
	description, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	o := &oddClients{t: t, s: s, description: description, ids: []string{uuid.Nil.String(), uuid.NewString(), "x", "%00", "..", "é"}}
	for path, item := range description.Paths.Map() {
		for method := range item.Operations() {
			o.requests = append(o.requests, [2]string{method, path})
		}
	}
	slices.SortFunc(o.requests, func(a, b [2]string) int { return strings.Compare(a[1]+a[0], b[1]+b[0]) })
	seed := rand.Uint64()
	t.Logf("the seed is %d", seed)
	var sending sync.WaitGroup
	for worker := range uint64(4) {
		sending.Go(func() { o.send(rand.New(rand.NewPCG(seed, worker)), *odd/4) })
	}
	sending.Wait()
	t.Logf("answers by status: %v", o.statuses)
}

// oddClients send requests, and learn the ids of what they make.
type oddClients struct {
	t           *testing.T
	s           service
	description *openapi3.T
	requests    [][2]string // method and path

	mu       sync.Mutex
	ids      []string
	statuses map[int]int
}

func (o *oddClients) send(r *rand.Rand, requests int) {
	var me client
	for range requests {
		if me.token == "" {
			me = o.s.signUp(uuid.NewString())
			o.learn(me.id())
		}
		request := o.requests[r.IntN(len(o.requests))]
		operation := o.description.Paths.Find(request[1]).GetOperation(request[0])
		as := me
		if r.IntN(8) == 0 {
			as.token = ""
		}
		path := o.path(r, request[1], append(slices.Clone(operation.Parameters), o.description.Paths.Find(request[1]).Parameters...))
		body := ""
		if operation.RequestBody != nil && r.IntN(20) > 0 {
			if media := operation.RequestBody.Value.Content["application/json"]; media != nil {
				body = o.mangle(r, o.value(r, media.Schema, 0))
			} else {
				body = oddTexts[r.IntN(len(oddTexts))]
			}
		}
		headers := []string{}
		if r.IntN(6) == 0 {
			headers = append(headers, "If-Match", []string{`"1"`, `W/"1"`, "1", `"99999999999999999999"`, "*", `"`}[r.IntN(6)])
		}
		good, took := o.ask(as, request, path, body, headers)
		if took > time.Second && !slices.Contains(slow, request[0]+" "+request[1]) { // perhaps the machine was busy
			if good, took = o.ask(as, request, path, body, headers); took > time.Second {
				o.t.Errorf("%s %.300s\n%.500s\nis answered after %v, twice", request[0], path, body, took)
			}
		}
		if !good {
			me.token = ""
		}
	}
}

// ask sends one request, and says how long the answer took; not good: the token is gone.
func (o *oddClients) ask(as client, request [2]string, path, body string, headers []string) (good bool, took time.Duration) {
	begin := time.Now()
	asked, err := http.NewRequestWithContext(o.t.Context(), request[0], as.url+api+path, strings.NewReader(body))
	if err != nil {
		return true, 0 // it cannot be sent at all
	}
	if as.token != "" {
		asked.Header.Set("Authorization", "Bearer "+as.token)
	}
	if body != "" {
		asked.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		asked.Header.Set(headers[i], headers[i+1])
	}
	response, err := as.http.Do(asked)
	if err != nil {
		o.t.Errorf("%s %s: %v", request[0], path, err)
		return true, 0
	}
	defer response.Body.Close()
	var answer struct{ ID, Code string }
	if strings.Contains(response.Header.Get("Content-Type"), "json") {
		json.NewDecoder(response.Body).Decode(&answer) // a list has neither
	}
	took = time.Since(begin)
	if response.StatusCode >= 500 {
		o.t.Errorf("%s %.300s\n%.500s\nis answered %d %s", request[0], path, body, response.StatusCode, answer.Code)
	}
	if response.StatusCode == http.StatusCreated {
		o.learn(answer.ID)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.statuses == nil {
		o.statuses = map[int]int{}
	}
	o.statuses[response.StatusCode]++
	ended := request[1] == "/me" && request[0] == "DELETE" || answer.Code == "bad_token"
	return !ended, took
}

func (o *oddClients) learn(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.ids) < 500 && id != "" {
		o.ids = append(o.ids, id)
	}
}

func (o *oddClients) id(r *rand.Rand) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ids[r.IntN(len(o.ids))]
}

// oddTexts are those that have broken something somewhere.
var oddTexts = []string{
	"", " ", "x", "public", "me", "\x00", "\u202e", "\ufffd", "\u200d", "🖍", "é", "ＡＤＡ", "null", "true", "-1", "1e309", "NaN", "../../etc/passwd",
	"'; DROP TABLE highlights; --", "<script>alert(1)</script>", "{{.}}", "%s%n", "\r\nid: 9", strings.Repeat("x", 70_000), "http://127.0.0.1:1/",
	"https://example.org/odd", "https://user:secret@example.org/", "javascript:alert(1)", "/html[1]/body[1]/p[1]/text()[1]", "//*[count(preceding::*)>0]",
	"2026-01-01T00:00:00Z", "0000-00-00T00:00:00Z", "99999999999999999999", "#ff0000", "yellow", "created", "read", "owner", "open", "wait=0", "\\", "%",
}

var oddNumbers = []any{0, 1, -1, 2, 10, 200, 1 << 31, 1<<31 - 1, int64(1) << 53, int64(1<<63 - 1), int64(-1 << 63), 0.5, 1e308}

func (o *oddClients) path(r *rand.Rand, path string, parameters openapi3.Parameters) string {
	query := url.Values{}
	for _, p := range parameters {
		switch p.Value.In {
		case "path":
			path = strings.ReplaceAll(path, "{"+p.Value.Name+"}", url.PathEscape(o.id(r)))
		case "query":
			for r.IntN(3) == 0 && len(query[p.Value.Name]) < 3 {
				text := oddTexts[r.IntN(len(oddTexts))]
				if r.IntN(2) == 0 {
					text = o.id(r)
				}
				query.Add(p.Value.Name, text[:min(len(text), 2000)])
			}
		}
	}
	if r.IntN(20) == 0 {
		query.Set("unknown", "1")
	}
	return path + "?" + query.Encode()
}

// value is one that a schema allows, most of the time.
func (o *oddClients) value(r *rand.Rand, ref *openapi3.SchemaRef, depth int) any {
	if ref == nil || ref.Value == nil || r.IntN(14) == 0 || depth > 6 {
		return []any{nil, true, oddNumbers[r.IntN(len(oddNumbers))], oddTexts[r.IntN(len(oddTexts))], []any{}, map[string]any{}, []any{[]any{nil}}}[r.IntN(7)]
	}
	s := ref.Value
	switch {
	case len(s.OneOf) > 0:
		return o.value(r, s.OneOf[r.IntN(len(s.OneOf))], depth+1)
	case len(s.Enum) > 0:
		return s.Enum[r.IntN(len(s.Enum))]
	case s.Type.Includes("object"):
		object := map[string]any{}
		for name, property := range s.Properties {
			if slices.Contains(s.Required, name) && r.IntN(20) > 0 || r.IntN(2) == 0 {
				object[name] = o.value(r, property, depth+1)
			}
		}
		if r.IntN(25) == 0 {
			object["unknown"] = 1
		}
		return object
	case s.Type.Includes("array"):
		list := []any{}
		for range r.IntN(4) {
			list = append(list, o.value(r, s.Items, depth+1))
		}
		return list
	case s.Type.Includes("integer"), s.Type.Includes("number"):
		return oddNumbers[r.IntN(len(oddNumbers))]
	case s.Type.Includes("boolean"):
		return r.IntN(2) == 0
	case s.Format == "uuid" && r.IntN(4) == 0:
		return uuid.NewString()
	case s.Format == "uuid":
		return o.id(r)
	}
	if r.IntN(6) == 0 { // as a path of an operation
		request := o.requests[r.IntN(len(o.requests))]
		return []any{request[0], strings.NewReplacer("{id}", o.id(r)).Replace(request[1])}[r.IntN(2)]
	}
	return oddTexts[r.IntN(len(oddTexts))]
}

// mangle writes a value as JSON, or nearly.
func (o *oddClients) mangle(r *rand.Rand, value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	at := r.IntN(len(text) + 1)
	switch r.IntN(40) {
	case 0:
		text = text[:at]
	case 1:
		text = slices.Insert(text, at, []byte(`\ud800`)...)
	case 2:
		text = slices.Insert(text, at, 0xff)
	case 3:
		text = bytes.Repeat([]byte("["), 20_000)
	case 4:
		text = append(text, text...)
	case 5:
		text = bytes.Replace(text, []byte(`{`), []byte(`{"name":"a","name":"b",`), 1)
	}
	return string(text)
}
