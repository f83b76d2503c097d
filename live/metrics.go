package live

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what a hub counts of itself. They name neither pages nor people, and have few values for each label.
type metrics struct {
	viewers    prometheus.GaugeFunc
	pages      prometheus.GaugeFunc
	opened     prometheus.Counter
	ended      *prometheus.CounterVec // by reason
	deliveries prometheus.Counter
	lag        prometheus.Histogram
	catchUps   *prometheus.CounterVec // by where they begin
	sent       *prometheus.CounterVec // hints, by kind
	received   *prometheus.CounterVec
	found      prometheus.Counter
}

// Why a stream has ended.
const (
	hungUp   = "hung_up"  // the reader
	slow     = "slow"     // it did not take in time what it was sent
	failed   = "failed"   // it could not be brought up to date
	lifetime = "lifetime" // it has lived long enough
	revoked  = "revoked"  // its token is no longer good, or what the reader may read is something else
	stopping = "stopping" // the hub
)

func newMetrics(h *Hub) metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	vector := func(name, help, label string, values ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
		for _, value := range values { // so that each is there, at zero, before it happens
			v.WithLabelValues(value)
		}
		return v
	}
	return metrics{
		viewers: prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "limn_viewers", Help: "Streams that are open."},
			func() float64 { return float64(h.viewers.count()) }),
		pages: prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "limn_pages_read", Help: "Pages that somebody reads through this instance."},
			func() float64 { return float64(len(h.watched())) }),
		opened: counter("limn_streams_opened_total", "Streams that were opened."),
		ended: vector("limn_streams_ended_total", "Streams that have ended, by reason; slow: the reader was let go.", "reason",
			hungUp, slow, failed, lifetime, revoked, stopping),
		deliveries: counter("limn_deliveries_total", "Changes that were written to a reader, replays included."),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "limn_delivery_lag_seconds", Help: "From a page's newest change, by the database's clock, until it was handed to all its readers here.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14), // 1 ms to 8 s
		}),
		catchUps: vector("limn_catch_ups_total", "Replays to a reader: of a page from its beginning, after a cursor, or because it fell behind.", "from",
			"beginning", "cursor", "behind"),
		sent:     vector("limn_hints_sent_total", "Hints given to the bus.", "kind", "changes", "presence", "rights"),
		received: vector("limn_hints_received_total", "Hints of other instances.", "kind", "changes", "presence", "rights"),
		found:    counter("limn_changes_found_by_comparing_total", "Pages with changes of which no hint had arrived."),
	}
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.viewers, m.pages, m.opened, m.ended, m.deliveries, m.lag, m.catchUps, m.sent, m.received, m.found}
}

// Describe implements prometheus.Collector.
func (h *Hub) Describe(descriptions chan<- *prometheus.Desc) {
	for _, c := range h.metrics.all() {
		c.Describe(descriptions)
	}
}

// Collect implements prometheus.Collector.
func (h *Hub) Collect(metrics chan<- prometheus.Metric) {
	for _, c := range h.metrics.all() {
		c.Collect(metrics)
	}
}

// delivered takes over what a writer has counted.
func (m *metrics) delivered(out *writer) {
	m.deliveries.Add(float64(out.delivered))
	out.delivered = 0
}

// lagOf notes how long the newest of some events took. Older ones of the same moment may have been there before: a reply
// is also a change of its highlight, whose own time stays.
func (m *metrics) lagOf(events []*event) {
	var newest time.Time
	for _, e := range events {
		if e.change.At.After(newest) {
			newest = e.change.At
		}
	}
	if !newest.IsZero() {
		m.lag.Observe(max(0, time.Since(newest).Seconds()))
	}
}

func (h Hint) name() string {
	switch {
	case h.Presence:
		return "presence"
	case h.Rights:
		return "rights"
	}
	return "changes"
}
