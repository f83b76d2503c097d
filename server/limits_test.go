package server

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"limn/verify"
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
	log := slog.New(slog.DiscardHandler)
	checker := verify.New(nil, verify.NewFetcher(verify.Allow{}, nil), nil, log)
	service := &http.Server{Handler: New(Config{}, nil, nil, checker, web, log)}
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

// The limit ends what waits, and the one who asks is told to come again.
func TestAnswerThatIsNotFoundIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := gin.CreateTestContext(httptest.NewRecorder())
		c.Request = httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)

		err := inTime(func(c *gin.Context) error {
			<-c.Request.Context().Done()
			return c.Request.Context().Err()
		})(c)

		if p := problemOf(err); p.Status != http.StatusServiceUnavailable {
			t.Errorf("answered %d", p.Status)
		}
	})
}

// One account, from wherever it comes, has so many streams and no more; who releases one may have another.
func TestStreamsOfAnAccountAreLimited(t *testing.T) {
	l, ada, bob := newLimits(true), uuid.New(), uuid.New()
	release := func() {}
	for i := range maxAccountStreams {
		var err error
		if release, err = l.stream(requestFrom(i), ada); err != nil {
			t.Fatal(err)
		}
	}

	c := requestFrom(maxAccountStreams)
	_, err := l.stream(c, ada)

	if p := problemOf(err); p.Status != http.StatusTooManyRequests || c.Writer.Header().Get("Retry-After") == "" {
		t.Errorf("one too many: answered %d, %v", p.Status, c.Writer.Header())
	}
	for _, account := range []uuid.UUID{bob, uuid.Nil} {
		if _, err := l.stream(c, account); err != nil {
			t.Errorf("others are refused, too: %v", err)
		}
	}
	release()
	if _, err := l.stream(c, ada); err != nil {
		t.Errorf("after one was released: %v", err)
	}
}

// A process that holds as many streams as its files allow refuses more, whatever other limits there are, and spreads
// those who come again.
func TestFullProcessSaysWhenToComeAgain(t *testing.T) {
	l := newLimits(false)
	l.room = 1
	release, err := l.stream(requestFrom(0), uuid.Nil)
	if err != nil {
		t.Fatal(err)
	}

	waits := map[string]bool{}
	for i := range 100 {
		c := requestFrom(i)
		_, err := l.stream(c, uuid.Nil)
		if p := problemOf(err); p.Status != http.StatusServiceUnavailable || p.Code != "full" {
			t.Fatalf("answered %d %s", p.Status, p.Code)
		}
		wait := c.Writer.Header().Get("Retry-After")
		if seconds, err := strconv.Atoi(wait); err != nil || seconds < 5 || seconds > 30 {
			t.Errorf("told to wait %q seconds", wait)
		}
		waits[wait] = true
	}
	if len(waits) < 5 {
		t.Errorf("a hundred readers are told to wait %v", waits)
	}
	release()
	if _, err := l.stream(requestFrom(0), uuid.Nil); err != nil {
		t.Errorf("there is room again, but: %v", err)
	}
}

func TestRoomLeavesFilesForOtherThings(t *testing.T) {
	for files, want := range map[uint64]int{100: 50, 1024: 524, 1 << 20: 1<<20 - keptFiles, math.MaxUint64: math.MaxInt32} {
		if got := roomFor(files); got != want {
			t.Errorf("of %d files, %d are for streams, want %d", files, got, want)
		}
	}
}

// requestFrom is a request from the i-th address.
func requestFrom(i int) *gin.Context {
	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	c.Request = httptest.NewRequest(http.MethodGet, "/", nil)
	c.Request.RemoteAddr = fmt.Sprintf("10.0.%d.%d:1", i/256, i%256)
	return c
}
