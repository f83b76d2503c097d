package server

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
)

// answerTo serves a connection on which a client sends text and nothing more, and returns what it is answered.
func answerTo(t *testing.T, text string) *http.Response {
	t.Helper()
	web, err := NewWeb(nil)
	if err != nil {
		t.Fatal(err)
	}
	client, connection := net.Pipe()
	listener := &oneConnection{accept: make(chan net.Conn, 1)}
	listener.accept <- connection
	service := &http.Server{Handler: New(Config{}, nil, nil, nil, web, slog.New(slog.DiscardHandler))}
	served := make(chan struct{})
	go func() {
		defer close(served)
		service.Serve(listener)
	}()
	t.Cleanup(func() {
		client.Close()
		service.Close()
		<-served
	})
	if _, err := io.WriteString(client, text); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(client), nil)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// A oneConnection is a listener for a single connection.
type oneConnection struct{ accept chan net.Conn }

func (l *oneConnection) Accept() (net.Conn, error) {
	if c, open := <-l.accept; open {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l *oneConnection) Close() error { close(l.accept); return nil }

func (l *oneConnection) Addr() net.Addr { return &net.TCPAddr{} }

// Nobody reads these bodies, but net/http waits for them before it answers. The clock is a test's own.
func TestBodyThatDoesNotComeIsNotWaitedForLong(t *testing.T) {
	for request, status := range map[string]int{
		"GET /healthz HTTP/1.1\r\nHost: limn\r\nContent-Length: 5\r\n\r\n":                        http.StatusOK,
		"GET /healthz HTTP/1.1\r\nHost: limn\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab":        http.StatusOK,
		"GET /nowhere HTTP/1.1\r\nHost: limn\r\nContent-Length: 5\r\n\r\n":                        http.StatusNotFound,
		"POST /api/v1/highlights HTTP/1.1\r\nHost: limn\r\nContent-Length: 5\r\n\r\n":             http.StatusUnauthorized,
		"POST /api/v1/accounts HTTP/1.1\r\nHost: limn\r\nContent-Length: 50\r\n\r\n{\"name\":":    http.StatusRequestTimeout,
		"POST /api/v1/verify HTTP/1.1\r\nHost: limn\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab": http.StatusRequestTimeout,
	} {
		synctest.Test(t, func(t *testing.T) {
			if answer := answerTo(t, request); answer.StatusCode != status || !answer.Close {
				t.Errorf("%.40q: answered %d, closed %v; want %d and the connection closed", request, answer.StatusCode, answer.Close, status)
			}
		})
	}
}
