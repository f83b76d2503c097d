package verify

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// serve asks a handler of this process for a page, as a server would after reading the request from a connection.
func serve(handler http.Handler, request *http.Request) (answer *http.Response, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			answer, err = nil, fmt.Errorf("%w: %v", errPanicked, cause)
		}
	}()
	inside := request.Clone(request.Context())
	inside.Host, inside.RequestURI, inside.RemoteAddr = request.URL.Host, request.URL.RequestURI(), "127.0.0.1:0"
	inside.Body = http.NoBody
	page := &recorder{header: http.Header{}, status: http.StatusOK}
	handler.ServeHTTP(page, inside)
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{
		Status: strconv.Itoa(page.status) + " " + http.StatusText(page.status), StatusCode: page.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: page.header, Body: io.NopCloser(&page.body), ContentLength: int64(page.body.Len()), Request: request,
	}, nil
}

// A recorder keeps what a handler writes, up to one byte more than a page may have.
type recorder struct {
	header http.Header
	status int
	begun  bool
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if !r.begun && status >= 200 {
		r.status, r.begun = status, true
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if r.body.Len()+len(b) > maxPage+1 {
		r.body.Write(b[:maxPage+1-r.body.Len()])
		return 0, errors.New("the page is too large")
	}
	return r.body.Write(b)
}
