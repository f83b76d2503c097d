package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"limn/live"
	"limn/server"
	"limn/storage"
	"limn/verify"
)

const (
	headerTimeout   = 10 * time.Second  // for a request's header to arrive
	idleTimeout     = 120 * time.Second // between two requests on one connection
	shutdownTimeout = 10 * time.Second  // for requests that are being answered when the server stops
	tracesTimeout   = 5 * time.Second   // for the last traces to be sent
	maxHeader       = 32 << 10          // bytes
)

// serve runs the server until a signal says stop or something that it needs has ended.
func serve(c config, out io.Writer, log *slog.Logger) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("LIMN_LISTEN cannot be listened on: %w", err)
	}
	defer listener.Close()
	listening := listener.Addr().(*net.TCPAddr)
	database, err := openDatabase(ctx, c, storage.StartPrivate)
	if err != nil {
		return err
	}
	defer database.close()

	manual, err := manual()
	if err != nil {
		return err
	}
	web, err := server.NewWeb(origins(listening, c.PublicURL), manual)
	if err != nil {
		return err
	}
	if c.Traces {
		end, err := startTraces(ctx, log)
		if err != nil {
			return err
		}
		defer func() {
			patience, cancel := context.WithTimeout(context.Background(), tracesTimeout)
			defer cancel()
			if err := end(patience); err != nil {
				log.Warn("the last traces are not sent", "error", err)
			}
		}()
	}
	store := database.store
	if !store.SearchesParts() {
		log.Warn("the database has no extension pg_trgm and lets us make none: searches find words, and not parts of them")
	}
	bus, feed := newBus(c, store, log)
	hub, err := live.NewHub(store, bus, log)
	if err != nil {
		return err
	}
	checker := verify.New(store, verify.NewFetcher(c.FetchAllow, web.Own), hub.Changed, log)
	parts := []prometheus.Collector{hub, checker}
	if feed != nil {
		parts = append(parts, feed)
	}
	handler := server.New(server.Config{
		PublicURL: c.PublicURL, Signup: c.Signup, OIDC: c.OIDC, Limits: c.Limits, Proxies: c.Proxies, Retention: c.Retention, Traces: c.Traces, Metrics: metricsOf(parts...), Version: versionName(),
	}, store, hub, checker, web, log)
	service := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}

	var running sync.WaitGroup
	failed := make(chan error, 1)
	life, end := context.WithCancel(ctx)
	running.Go(func() { hub.Run(life) })
	running.Go(func() { checker.Run(life) })
	running.Go(func() { handler.Run(life) })
	if feed != nil {
		running.Go(func() { feed.Run(life) })
	}
	running.Go(func() {
		if err := service.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve: %w", err)
		}
	})
	here := address(listening, c.PublicURL)
	fmt.Fprintf(out, "limn is at %s\nTry it: open %s/demo in two windows.\n", here, here)

	select {
	case <-ctx.Done():
	case err = <-failed:
	case <-hub.Replaced():
		err = storage.ErrReplaced
	case <-database.ended():
		err = errors.New("the private Postgres has ended; its log is in the data folder")
	}
	stop() // a second signal ends the process at once
	end()  // ends the streams, so that Shutdown does not wait for them
	patience, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := service.Shutdown(patience); err != nil {
		service.Close()
	}
	running.Wait()
	return err
}

// metricsOf is what /metrics tells of the parts and of the process.
func metricsOf(parts ...prometheus.Collector) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(parts...)
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// newBus makes the bus, and over Kafka the feed beside it; else there is none.
func newBus(c config, store *storage.Store, log *slog.Logger) (live.Bus, *live.Feed) {
	if len(c.Kafka.Brokers) == 0 {
		return live.NewPostgresBus(store.Connect, log), nil
	}
	feed := live.NewFeed(store, c.Kafka, log)
	return feed.Overhear(live.NewKafkaBus(c.Kafka, log)), feed
}

// A database is the store, and the private Postgres under it if there is one.
type database struct {
	store   *storage.Store
	private *storage.Private
}

// openDatabase opens the database. private is how one of limn's own is found: the server starts it, and a command joins what
// runs.
func openDatabase(ctx context.Context, c config, private func(context.Context, string, ...string) (*storage.Private, error)) (d database, err error) {
	url := c.DatabaseURL
	if url == "" {
		if d.private, err = private(ctx, c.DataDir, storage.PrivateMemory()); err != nil {
			return database{}, err
		}
		url = d.private.URL()
	}
	var options []storage.Option
	if c.Traces {
		options = append(options, storage.Traced)
	}
	if d.store, err = storage.Open(ctx, url, options...); err == nil {
		return d, nil
	}
	if d.private == nil {
		return database{}, fmt.Errorf("LIMN_DATABASE_URL names a database that cannot be used: %w", err)
	}
	d.private.Close()
	return database{}, err
}

// ended is closed when the private Postgres has; without one it never is.
func (d database) ended() <-chan struct{} {
	if d.private == nil {
		return nil
	}
	return d.private.Done()
}

func (d database) close() {
	d.store.Close()
	if d.private != nil {
		d.private.Close()
	}
}

// address is where a person on this machine finds the server.
func address(listening *net.TCPAddr, publicURL string) string {
	if publicURL != "" {
		return publicURL
	}
	host := listening.IP.String()
	if listening.IP.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, fmt.Sprint(listening.Port))
}

// origins are the addresses that lead to the server, so that it knows its own pages.
func origins(listening *net.TCPAddr, publicURL string) []string {
	hosts := []string{"localhost", listening.IP.String()}
	if listening.IP.IsUnspecified() {
		hosts = append(hosts, "127.0.0.1", "::1")
		addresses, _ := net.InterfaceAddrs() // without them the server only knows itself by fewer names
		for _, a := range addresses {
			if network, ok := a.(*net.IPNet); ok {
				hosts = append(hosts, network.IP.String())
			}
		}
	}
	list := []string{strings.ToLower(publicURL)}
	for _, host := range hosts {
		origin := "http://" + net.JoinHostPort(host, fmt.Sprint(listening.Port))
		list = append(list, strings.TrimSuffix(origin, ":80"))
	}
	return list
}
