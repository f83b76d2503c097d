//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"
)

const api = "/api/v1"

// requestTimeout is when a writer gives up on an answer: longer than the lock that a fault holds.
const requestTimeout = 8 * time.Second

// An account is somebody who writes and reads.
type account struct {
	ID    uuid.UUID
	name  string
	token string
}

// owns tells whether somebody reads a place whatever happens; a nil account: nobody is signed in.
func (a *account) owns(place uuid.UUID) bool {
	return place == uuid.Nil || a != nil && place == a.ID
}

// An answer is what a request came to. Without a status there was none.
type answer struct {
	status int
	body   []byte
	header http.Header
}

func (a answer) ok() bool { return a.status >= 200 && a.status < 300 }

// refused tells whether it is certain that nothing was done.
func (a answer) refused() bool { return a.status >= 400 && a.status < 500 }

func (a answer) into(v any) error { return json.Unmarshal(a.body, v) }

var web = &http.Client{Timeout: requestTimeout, Transport: &http.Transport{
	MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second,
	DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
}}

// ask sends a request to an instance, or to a proxy before it.
func (a *account) ask(ctx context.Context, base, method, path string, body any, headers ...string) answer {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			panic(err) // the checker's own
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, base+api+path, content)
	if err != nil {
		panic(err)
	}
	if a != nil {
		request.Header.Set("Authorization", "Bearer "+a.token)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := web.Do(request)
	if err != nil {
		return answer{}
	}
	defer response.Body.Close()
	received, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}
	}
	return answer{response.StatusCode, received, response.Header}
}
