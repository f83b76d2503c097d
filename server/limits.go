package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// How much one address may ask for. A class behind one router is one address, too.
const (
	requestRate, requestBurst = 100, 1000 // any requests, a second
	costlyRate, costlyBurst   = 10, 500   // what hashes a password, signs up or reads a page elsewhere
	maxStreams                = 500       // at once
	maxAddresses              = 100_000   // remembered
)

const (
	bodyTimeout   = 30 * time.Second // for a request's body to arrive
	answerTimeout = 60 * time.Second // for a client to read an answer, or one piece of a long one
)

// limits keeps one address from taking what is there for all. An IPv6 network of 64 bits counts as one.
type limits struct {
	on        bool
	addresses *lru.Cache[netip.Prefix, *address]
}

type address struct {
	requests, costly *rate.Limiter

	mu      sync.Mutex
	streams int
}

func newLimits(on bool) *limits {
	addresses, err := lru.New[netip.Prefix, *address](maxAddresses)
	if err != nil {
		panic(err) // the size is a constant
	}
	return &limits{on: on, addresses: addresses}
}

func (l *limits) of(c *gin.Context) *address {
	ip, err := netip.ParseAddr(c.ClientIP())
	if err != nil {
		ip = netip.IPv6Unspecified()
	}
	ip = ip.Unmap().WithZone("")
	network := netip.PrefixFrom(ip, ip.BitLen())
	if ip.Is6() {
		network, _ = ip.Prefix(64)
	}
	if a, known := l.addresses.Get(network); known {
		return a
	}
	fresh := &address{requests: rate.NewLimiter(requestRate, requestBurst), costly: rate.NewLimiter(costlyRate, costlyBurst)}
	if a, known, _ := l.addresses.PeekOrAdd(network, fresh); known {
		return a
	}
	return fresh
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

// limitRequests is the limit of all requests.
func (s *Server) limitRequests(c *gin.Context) {
	if s.limits.on && !s.limits.of(c).requests.Allow() {
		c.Header("Retry-After", "1")
		s.fail(c, errTooMany)
	}
}

// costly is the limit of requests that cost more than a look into the database.
func (l *limits) costly(c *gin.Context) error {
	if l.on && !l.of(c).costly.Allow() {
		c.Header("Retry-After", "1")
		return errTooMany
	}
	return nil
}

// stream counts a stream until release is called.
func (l *limits) stream(c *gin.Context) (release func(), err error) {
	if !l.on {
		return func() {}, nil
	}
	a := l.of(c)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.streams >= maxStreams {
		c.Header("Retry-After", "30")
		return nil, errTooMany
	}
	a.streams++
	return func() {
		a.mu.Lock()
		a.streams--
		a.mu.Unlock()
	}, nil
}
