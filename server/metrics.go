package server

import (
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics count requests by their route, never by their path: what names somebody's page is nobody else's business,
// and would be without end.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newMetrics() metrics {
	return metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "limn_http_requests_total", Help: "Requests that were answered, by route, method and status.",
		}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "limn_http_request_seconds", Help: "Until a request was answered; a stream's until it was live.",
			Buckets: []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10},
		}, []string{"route"}),
	}
}

// serve answers at /metrics with all that a registry holds, these among it.
func (m metrics) serve(registry *prometheus.Registry, engine *gin.Engine) {
	registry.MustRegister(m.requests, m.duration)
	engine.GET("/metrics", gin.WrapH(promhttp.HandlerFor(registry, promhttp.HandlerOpts{})))
}

// measure counts a request.
func (m metrics) measure(c *gin.Context) {
	start := time.Now()
	defer func() { // also for an answer that is broken off
		route, method := c.FullPath(), c.Request.Method
		if route == "" { // anybody may make up paths and methods
			route, method = "none", "any"
		}
		m.requests.WithLabelValues(route, method, strconv.Itoa(c.Writer.Status())).Inc()
		m.duration.WithLabelValues(route).Observe(time.Since(start).Seconds())
	}()
	c.Next()
}
