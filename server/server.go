package server

import (
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"limn/live"
	"limn/storage"
	"limn/verify"
)

// Config is what the operator decides.
type Config struct {
	Version   string               // of the program, for its operator
	PublicURL string               // without a slash at its end, for absolute links; empty: as each request names it
	Signup    string               // who may sign up: SignupOpen, SignupInvite or SignupClosed
	OIDC      OIDC                 // whom people may sign in with besides
	Proxies   []netip.Prefix       // that are believed about who the client is, besides those on this machine
	Limits    bool                 // whether there are limits on rates; those on sizes and times always hold
	Retention time.Duration        // how long what was removed, or done once, is remembered; 0: for ever
	Traces    bool                 // whether a span is made of each request
	Metrics   *prometheus.Registry // what /metrics answers with; nil: there is no such address
}

// A Server answers HTTP requests.
type Server struct {
	config    Config
	store     *storage.Store
	hub       *live.Hub
	checker   *verify.Checker
	web       *Web
	limits    *limits
	proxies   []netip.Prefix // that are believed about who the client is
	noticed   atomic.Bool    // that somebody else names clients
	provider  *provider      // nil: there is none
	log       *slog.Logger
	queue     *gin.Engine // the routes that operations are for
	boards    *boards
	webhooks  *live.Webhooks
	counted   atomic.Pointer[counted]
	ending    chan struct{} // closed when Run ends
	left      chan struct{} // holds one token while there may be something to erase
	uncounted chan struct{} // likewise, while somebody waits for the board of the start
	handler   http.Handler
	began     time.Time
}

// New wires a server. The hub, the checker and its own Run have to be running for what they do to happen.
func New(config Config, store *storage.Store, hub *live.Hub, checker *verify.Checker, web *Web, log *slog.Logger) *Server {
	s := &Server{
		config: config, store: store, hub: hub, checker: checker, web: web, limits: newLimits(config.Limits), provider: newProvider(config.OIDC), log: log,
		boards: newBoards(store, hub.Pulse), webhooks: live.NewWebhooks(store, hub, checker.Client(), log),
		ending: make(chan struct{}), left: make(chan struct{}, 1), uncounted: make(chan struct{}, 1), began: time.Now(),
	}
	s.counted.Store(&counted{next: make(chan struct{})})
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	engine.ContextWithFallback = true // a gin.Context is its request's context, too
	if err := s.believe(engine, config.Proxies); err != nil {
		panic(err) // a prefix is always a network
	}
	if config.Traces {
		engine.Use(traceRequest)
	}
	metrics := newMetrics()
	engine.Use(metrics.measure, s.recoverPanics, s.noticeProxies, s.limitTimes, secure, allowOtherOrigins)
	engine.NoRoute(s.handle(func(*gin.Context) error { return errNoRoute }))
	engine.NoMethod(s.handle(func(*gin.Context) error { return errNoMethod }))
	s.addRoutes(engine)
	s.queue = s.newQueue()
	if config.Metrics != nil {
		metrics.serve(config.Metrics, engine)
	}
	s.handler = engine
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// secure sets what every answer needs; pages allow themselves more.
func secure(c *gin.Context) {
	header := c.Writer.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
}
