package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"limn/storage"
	"limn/verify"
)

// answerTo serves a connection on which a client sends text and nothing more, and returns what it is answered.
func answerTo(t *testing.T, text string) *http.Response {
	t.Helper()
	web, err := NewWeb(nil, Manual{Papers: os.DirFS("..")})
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
		if release, err = l.stream(requestFrom(i), ada, 1); err != nil {
			t.Fatal(err)
		}
	}

	c := requestFrom(maxAccountStreams)
	_, err := l.stream(c, ada, 1)

	if p := problemOf(err); p.Status != http.StatusTooManyRequests || c.Writer.Header().Get("Retry-After") == "" {
		t.Errorf("one too many: answered %d, %v", p.Status, c.Writer.Header())
	}
	for _, account := range []uuid.UUID{bob, uuid.Nil} {
		if _, err := l.stream(c, account, 1); err != nil {
			t.Errorf("others are refused, too: %v", err)
		}
	}
	release()
	if _, err := l.stream(c, ada, 1); err != nil {
		t.Errorf("after one was released: %v", err)
	}
}

// A process that holds as many streams as its files allow refuses more, whatever other limits there are, and spreads
// those who come again.
func TestFullProcessSaysWhenToComeAgain(t *testing.T) {
	l := newLimits(false)
	l.room = 1
	release, err := l.stream(requestFrom(0), uuid.Nil, 1)
	if err != nil {
		t.Fatal(err)
	}

	waits := map[string]bool{}
	for i := range 100 {
		c := requestFrom(i)
		_, err := l.stream(c, uuid.Nil, 1)
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
	if _, err := l.stream(requestFrom(0), uuid.Nil, 1); err != nil {
		t.Errorf("there is room again, but: %v", err)
	}
}

// One address works on a few requests at once, and others wait their turn: those of other addresses do not. One that only
// waits itself makes room.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{limits: newLimits(true), log: slog.New(slog.DiscardHandler)}
		begun, leave := make(chan int, 100), make(chan struct{})
		engine := gin.New()
		engine.GET("/:n", s.takeTurns, func(c *gin.Context) {
			n, _ := strconv.Atoi(c.Param("n"))
			begun <- n
			<-leave
		})
		ask := func(address, n int) {
			request := requestFrom(address).Request
			request.URL.Path = "/" + strconv.Itoa(n)
			go engine.ServeHTTP(httptest.NewRecorder(), request)
			synctest.Wait()
		}
		for n := range maxTurns + 1 {
			ask(1, n)
		}
		ask(2, 50)
		if len(begun) != maxTurns+1 {
			t.Errorf("%d have begun, want %d of one address and one of another", len(begun), maxTurns)
		}
		time.Sleep(turnTime)
		synctest.Wait()
		if len(begun) != maxTurns+2 {
			t.Errorf("%d have begun once those before only waited, want %d", len(begun), maxTurns+2)
		}
		close(leave)
		synctest.Wait()
	})
}

// Large bodies of one address leave the others half of the processors, and are read only as many at once as have room.
func TestLargeBodiesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{limits: newLimits(true), log: slog.New(slog.DiscardHandler)}
		begun, leave := make(chan struct{}, 100), make(chan struct{})
		engine := gin.New()
		engine.POST("/", s.takeTurns, func(c *gin.Context) {
			readBody(c) // some have nothing in them
			begun <- struct{}{}
			<-leave
		})
		post := func(body io.Reader) {
			request := requestFrom(1).Request
			request.Method, request.ContentLength, request.Body = http.MethodPost, maxBody, io.NopCloser(body)
			go engine.ServeHTTP(timeless{httptest.NewRecorder()}, request)
			synctest.Wait()
		}
		atOnce := maxTurns / int(allTurns)
		for range atOnce + 1 {
			post(strings.NewReader(strings.Repeat("x", maxBody)))
		}
		if len(begun) != atOnce || atOnce > max(1, runtime.GOMAXPROCS(0)/2) {
			t.Errorf("%d are worked on at once, want %d", len(begun), atOnce)
		}
		close(leave)
		time.Sleep(time.Minute)
		slow, send := io.Pipe()
		for range maxBodies / maxBody {
			post(io.MultiReader(strings.NewReader(strings.Repeat("x", bodyShare)), slow))
		}
		post(strings.NewReader(strings.Repeat("x", maxBody)))
		time.Sleep(turnTimeout / 2)
		synctest.Wait()
		if len(begun) != atOnce+1 {
			t.Errorf("%d have begun though there is no room to read another one, want %d", len(begun), atOnce+1)
		}
		send.CloseWithError(io.EOF)
		synctest.Wait()
		if len(begun) != atOnce+2+maxBodies/maxBody {
			t.Errorf("%d have begun once there was room", len(begun))
		}
	})
}

// Large bodies of one address are read at a rate. Who comes in time waits, who comes too often is refused; another address does
// not notice.
func TestLargeBodiesAreReadAtARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{limits: newLimits(true), log: slog.New(slog.DiscardHandler)}
		engine := gin.New()
		engine.POST("/", s.takeTurns, s.handle(func(c *gin.Context) error {
			_, err := readBody(c)
			return err
		}))
		var mu sync.Mutex
		statuses := map[int]int{}
		post := func(address int) {
			request := requestFrom(address).Request
			request.Method, request.ContentLength = http.MethodPost, -1
			request.Body = io.NopCloser(strings.NewReader(strings.Repeat("x", bodyShare+1)))
			answer := timeless{httptest.NewRecorder()}
			go func() {
				engine.ServeHTTP(answer, request)
				mu.Lock()
				defer mu.Unlock()
				statuses[answer.Code]++
			}()
			synctest.Wait()
		}
		answered := func(want map[int]int) {
			t.Helper()
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(want, statuses); diff != "" {
				t.Errorf("answers by status:\n%s", diff)
			}
		}
		for range bodyBurst/maxBody + 3 {
			post(1)
		}
		answered(map[int]int{http.StatusOK: bodyBurst / maxBody})
		post(2)
		answered(map[int]int{http.StatusOK: bodyBurst/maxBody + 1})
		time.Sleep(turnTimeout)
		synctest.Wait()
		answered(map[int]int{http.StatusOK: bodyBurst/maxBody + 3, http.StatusTooManyRequests: 1})
	})
}

// One export of an address is written at a time; others of it wait, those of other addresses do not.
func TestExportsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, begun := newLimits(true), make(chan func(), 10)
		export := func(from int) {
			go func() {
				release, err := l.export(requestFrom(from))
				if err != nil {
					t.Error(err)
				}
				begun <- release
			}()
			synctest.Wait()
		}
		export(1)
		export(1)
		export(2)
		if len(begun) != 2 {
			t.Errorf("%d exports have begun, want one of each address", len(begun))
		}
		(<-begun)()
		synctest.Wait()
		if len(begun) != 2 {
			t.Errorf("the next one does not begin when the first has ended")
		}
		(<-begun)()
		(<-begun)()
	})
}

// While others ask, an export rests as long as it works; while nobody does, it does not.
func TestExportsRestForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // whose clock stands, but for those who sleep
		s := &Server{limits: newLimits(true), log: slog.New(slog.DiscardHandler)}
		exports := func(other int) time.Duration {
			began, n := time.Now(), 0
			items := func(yield func(int, error) bool) {
				for yield(n, nil) && n < 2*portion-1 {
					time.Sleep(time.Microsecond)
					s.limitRequests(requestFrom(other))
					n++
				}
			}
			for range paced(s, requestFrom(1), items) {
			}
			return time.Since(began)
		}
		alone, beside := exports(1), exports(2)
		if work := (2*portion - 1) * time.Microsecond; alone != work || beside < work*3/2 || beside > work*2 {
			t.Errorf("%v of work takes %v alone and %v beside others", work, alone, beside)
		}
	})
}

// Whoever guesses one account's password from one address is slow, and keeps nobody else out.
func TestGuessesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // whose clock stands
		l := newLimits(true)
		names := []string{"Ada", "ADA", " ada ", "A\u200dda"}
		for i := range guessBurst {
			if err := l.hash(requestFrom(1), names[i%len(names)]); err != nil {
				t.Fatal(err)
			}
		}
		if p := problemOf(l.hash(requestFrom(1), "Ada")); p.Status != http.StatusTooManyRequests {
			t.Errorf("one more guess is answered %d", p.Status)
		}
		if err := errors.Join(l.hash(requestFrom(1), "Bob"), l.hash(requestFrom(2), "Ada")); err != nil {
			t.Errorf("others are kept out: %v", err)
		}
	})
}

// Hosts of one IPv6 network are one address, those of another are not.
func TestNetworksOfIPv6CountAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // whose clock stands
		l := newLimits(true)
		from := func(address string) *gin.Context {
			c := requestFrom(0)
			c.Request.RemoteAddr = "[" + address + "]:1"
			return c
		}
		for i := range requestBurst {
			if err := l.more(from(fmt.Sprintf("2001:db8:0:1:%x::%x", i, i)), 1); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.more(from("2001:db8:0:1:ffff::"), 1); err == nil {
			t.Error("one host goes on by rotating through its network")
		}
		if err := l.more(from("2001:db8:0:2::1"), 1); err != nil {
			t.Errorf("another network is limited, too: %v", err)
		}
	})
}

// An account that asks from many addresses is limited as one.
func TestAccountIsLimitedWhereverItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // whose clock stands
		s := &Server{limits: newLimits(true), log: slog.New(slog.DiscardHandler)}
		asks := func(i int, account uuid.UUID) int {
			c := requestFrom(i)
			c.Set(readerKey, storage.Reader{Account: storage.Account{ID: account}})
			s.limitPeople(c)
			return c.Writer.Status()
		}
		ada := uuid.New()
		for i := range requestBurst {
			if status := asks(i, ada); status != http.StatusOK {
				t.Fatalf("request %d is answered %d", i, status)
			}
		}
		if status := asks(5000, ada); status != http.StatusTooManyRequests {
			t.Errorf("one more is answered %d", status)
		}
		if status := asks(5000, uuid.New()); status != http.StatusOK {
			t.Errorf("another account is answered %d", status)
		}
	})
}

// A large body counts as several requests, also one that does not say how large it is.
func TestBodiesCountBySize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // whose clock stands
		for size, count := range map[int64]int{0: requestBurst, 1000: requestBurst, maxBody: requestBurst / (maxBody/bodyShare + 1), -1: requestBurst / (maxBody/bodyShare + 1), math.MaxInt64: requestBurst / (maxBody/bodyShare + 1)} {
			s, let := &Server{limits: newLimits(true), log: slog.New(slog.DiscardHandler)}, 0
			for range requestBurst + 1 {
				c := requestFrom(0)
				c.Request.ContentLength = size
				if s.limitRequests(c); c.Writer.Status() != http.StatusOK {
					break // which took its time
				}
				let++
			}
			if let != count {
				t.Errorf("%d bodies of %d bytes are let through, want %d", let, size, count)
			}
		}
	})
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
