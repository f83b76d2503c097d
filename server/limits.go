package server

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"limn/storage"
)

// How much one address may ask for. A class behind one router is one address, too.
const (
	requestRate, requestBurst = 100, 1000            // any requests, a second
	costlyRate, costlyBurst   = 10, 500              // what signs up, exports, or reads a page elsewhere
	hashRate, hashBurst       = 2, 60                // what hashes a password: a class signs in at once, and who guesses is slow
	guessRate, guessBurst     = 0.1, 20              // for one account's password
	bodyShare                 = 64 << 10             // bytes of a body that count as one request more
	bodyRate, bodyBurst       = 1 << 20, 2 * maxBody // bytes of larger bodies, which are parsed whole; a queue of 1,000 operations has one or two million
	maxBodies                 = 2 * maxBody          // bytes of large bodies that are read at once
	maxExports                = 8                    // that are written, one at once, or wait
	openRate, openBurst       = 10, 300              // pages that streams begin with
	maxStreams                = 500                  // at once
	maxAccountStreams         = 100                  // at once, of one account from wherever
	maxAddresses              = 100_000              // remembered
	maxIntakes                = 3                    // at once, one for each account: each has a connection to the database
)

const (
	bodyTimeout   = 30 * time.Second       // for a request's body to arrive
	answerTimeout = 60 * time.Second       // for a client to read an answer, or one piece of a long one
	refusalTime   = 500 * time.Millisecond // that one waits for being told to wait
	handleTimeout = 30 * time.Second       // for the server to find one
)

// limits keeps one address or account from taking what is there for all. An IPv6 network of 64 bits counts as one.
type limits struct {
	on        bool // otherwise only what the process has room for counts
	addresses *lru.Cache[netip.Prefix, *address]
	people    *lru.Cache[uuid.UUID, *rate.Limiter] // by account, from wherever
	guesses   *lru.Cache[guess, *rate.Limiter]
	room      int          // for streams at once
	asked     atomic.Int64 // requests, of all addresses

	mu       sync.Mutex
	streams  int               // all that are open
	accounts map[uuid.UUID]int // and by account
	intakes  []uuid.UUID       // the accounts that take in a file
}

type address struct {
	requests, costly, hashes, openings *rate.Limiter
	parsed                             *rate.Limiter // bytes of large bodies
	turns                              *semaphore.Weighted
	waiting                            atomic.Int32        // for a turn
	bodies                             *semaphore.Weighted // bytes of large ones that are being read
	writing                            *semaphore.Weighted // of an export
	exports                            atomic.Int32        // that are written or wait
	asked                              atomic.Int64        // requests
	streams                            int                 // guarded by the limits' lock
}

// A guess is whose password is tried, and from where. Who guesses elsewhere does not keep the account's own person out.
type guess struct {
	network netip.Prefix
	account string
}

func newLimits(on bool) *limits {
	addresses, err := lru.New[netip.Prefix, *address](maxAddresses)
	people, err2 := lru.New[uuid.UUID, *rate.Limiter](maxAddresses)
	guesses, err3 := lru.New[guess, *rate.Limiter](maxAddresses)
	if err := errors.Join(err, err2, err3); err != nil {
		panic(err) // the sizes are constants
	}
	return &limits{on: on, addresses: addresses, people: people, guesses: guesses, room: roomFor(openFiles()), accounts: map[uuid.UUID]int{}}
}

func (l *limits) of(c *gin.Context) *address {
	return orAdd(l.addresses, networkOf(c), func() *address {
		return &address{
			requests: rate.NewLimiter(requestRate, requestBurst), costly: rate.NewLimiter(costlyRate, costlyBurst),
			hashes: rate.NewLimiter(hashRate, hashBurst), openings: rate.NewLimiter(openRate, openBurst),
			parsed: rate.NewLimiter(bodyRate, bodyBurst), turns: newTurns(), bodies: semaphore.NewWeighted(maxBodies), writing: semaphore.NewWeighted(1),
		}
	})
}

// orAdd is what is remembered under a key, or what is made and remembered then.
func orAdd[K comparable, V any](known *lru.Cache[K, V], key K, make func() V) V {
	if v, ok := known.Get(key); ok {
		return v
	}
	fresh := make()
	if v, ok, _ := known.PeekOrAdd(key, fresh); ok {
		return v
	}
	return fresh
}

// networkOf is where a request comes from, as far as one can tell who that is.
func networkOf(c *gin.Context) netip.Prefix {
	ip, err := netip.ParseAddr(c.ClientIP())
	if err != nil {
		ip = netip.IPv6Unspecified()
	}
	ip = ip.Unmap().WithZone("")
	network := netip.PrefixFrom(ip, ip.BitLen())
	if ip.Is6() {
		network, _ = ip.Prefix(64)
	}
	return network
}

// limitTimes bounds how long a request's body may take to arrive, even one that nobody reads: net/http waits for it
// before it answers. And it bounds how long the answer may take to be read. A request without a body has no first
// deadline, which would end a stream.
func (s *Server) limitTimes(c *gin.Context) {
	control := http.NewResponseController(c.Writer)
	err := control.SetWriteDeadline(time.Now().Add(answerTimeout))
	if c.Request.ContentLength != 0 {
		err = errors.Join(err, control.SetReadDeadline(time.Now().Add(bodyTimeout)))
	}
	if err != nil {
		s.fail(c, fmt.Errorf("set a request's deadlines: %w", err))
	}
}

// inTime gives a request up when the server does not find its answer, as when the database holds still.
func inTime(handle func(*gin.Context) error) func(*gin.Context) error {
	return func(c *gin.Context) error {
		request := c.Request
		ctx, cancel := context.WithTimeout(request.Context(), handleTimeout)
		defer func() {
			cancel()
			c.Request = request
		}()
		c.Request = request.WithContext(ctx)
		return handle(c)
	}
}

// limitRequests is the limit of all requests of an address. A large body counts as several, before it is read; one whose size
// is not said, as the largest.
func (s *Server) limitRequests(c *gin.Context) {
	size := c.Request.ContentLength
	if size < 0 || size > maxBody {
		size = maxBody
	}
	s.limits.asked.Add(1)
	s.limits.of(c).asked.Add(1)
	if err := s.limits.more(c, 1+int(size/bodyShare)); err != nil {
		holdUp(c)
		s.fail(c, err)
	}
}

// holdUp makes a refusal take its time: who asks again at once would have refusals as fast as the machine makes them.
func holdUp(c *gin.Context) {
	select {
	case <-time.After(refusalTime):
	case <-c.Request.Context().Done():
	}
}

// others is how many requests of other addresses there were.
func (l *limits) others(c *gin.Context) int64 { return l.asked.Load() - l.of(c).asked.Load() }

// limitPeople is the limit of all requests of an account, from wherever they come.
func (s *Server) limitPeople(c *gin.Context) {
	account := readerOf(c).Account.ID
	if !s.limits.on || account == uuid.Nil {
		return
	}
	limiter := orAdd(s.limits.people, account, func() *rate.Limiter { return rate.NewLimiter(requestRate, requestBurst) })
	if !limiter.Allow() {
		c.Header("Retry-After", "1")
		s.fail(c, errTooManyOfAccount)
	}
}

// more counts n more requests, which came in one.
func (l *limits) more(c *gin.Context, n int) error {
	if l.on && n > 0 && !l.of(c).requests.AllowN(time.Now(), n) {
		c.Header("Retry-After", "1")
		return errTooMany
	}
	return nil
}

// costly is the limit of requests that cost more than a look into the database.
func (l *limits) costly(c *gin.Context) error {
	if l.on && !l.of(c).costly.Allow() {
		c.Header("Retry-After", "1")
		return errTooMany
	}
	return nil
}

// hash is the limit of requests that hash a password, one that somebody has, or guesses, or chooses.
func (l *limits) hash(c *gin.Context, account string) error {
	if !l.on {
		return nil
	}
	limiter := orAdd(l.guesses, guess{networkOf(c), storage.NameKey(account)}, func() *rate.Limiter { return rate.NewLimiter(guessRate, guessBurst) })
	if !limiter.Allow() || !l.of(c).hashes.Allow() {
		c.Header("Retry-After", "10")
		return errTooMany
	}
	return nil
}

// export waits until no other export of the address is being written, which this one then is until release is called.
func (l *limits) export(c *gin.Context) (release func(), err error) {
	if err := l.costly(c); err != nil || !l.on {
		return func() {}, err
	}
	a := l.of(c)
	if a.exports.Add(1) > maxExports {
		a.exports.Add(-1)
		holdUp(c)
		c.Header("Retry-After", "5")
		return nil, errTooMany
	}
	end, err := wait(c, a.writing, 1)
	if err != nil {
		a.exports.Add(-1)
		return nil, err
	}
	return func() {
		end()
		a.exports.Add(-1)
	}, nil
}

// keptFiles is how many files and connections are left for everything but streams, where the system allows that many.
const keptFiles = 500

// roomFor is how many streams a process may hold that may have so many files open.
func roomFor(files uint64) int {
	return int(min(files-min(keptFiles, files/2), math.MaxInt32))
}

// stream counts a stream until release is called. Those who come when the process is full are told to come
// again at random times, so that they do not come together.
func (l *limits) stream(c *gin.Context, account uuid.UUID, pages int) (release func(), err error) {
	a := l.of(c)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.streams >= l.room:
		c.Header("Retry-After", strconv.Itoa(5+rand.IntN(26)))
		return nil, errFull
	case l.on && a.streams >= maxStreams:
		c.Header("Retry-After", "30")
		return nil, errTooMany
	case l.on && account != uuid.Nil && l.accounts[account] >= maxAccountStreams:
		c.Header("Retry-After", "30")
		return nil, errTooManyStreams
	case l.on && !a.openings.AllowN(time.Now(), pages):
		c.Header("Retry-After", strconv.Itoa(5+rand.IntN(26)))
		return nil, errTooMany
	}
	l.streams++
	a.streams++
	l.accounts[account]++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.streams--
		a.streams--
		if l.accounts[account]--; l.accounts[account] == 0 {
			delete(l.accounts, account)
		}
	}, nil
}

// intake counts a file that is taken in until release is called.
func (l *limits) intake(c *gin.Context, account uuid.UUID) (release func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.intakes) >= maxIntakes || slices.Contains(l.intakes, account) {
		c.Header("Retry-After", "30")
		return nil, errTooManyIntakes
	}
	l.intakes = append(l.intakes, account)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		at := slices.Index(l.intakes, account)
		l.intakes = slices.Delete(l.intakes, at, at+1)
	}, nil
}
