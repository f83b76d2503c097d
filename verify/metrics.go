package verify

import (
	"github.com/prometheus/client_golang/prometheus"

	"limn/storage"
)

// How a visit has ended.
const (
	news       = "news"       // verdicts are new
	nothingNew = "nothing"    // all is as it was
	unreadable = "unreadable" // the page, whatever the reason
	busy       = "busy"       // there was no room to parse it; another visit follows
	failed     = "failed"     // the database, or a fault of ours
)

func newVisits() *prometheus.CounterVec {
	visits := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "limn_visits_total", Help: "Visits of pages to check their highlights, by result.",
	}, []string{"result"})
	for _, result := range []string{news, nothingNew, unreadable, busy, failed} { // there, at zero, before it happens
		visits.WithLabelValues(result)
	}
	return visits
}

func resultOf(visit storage.Visit, changed bool) string {
	switch {
	case visit.Reason != "":
		return unreadable
	case changed:
		return news
	}
	return nothingNew
}

// Describe implements prometheus.Collector.
func (c *Checker) Describe(descriptions chan<- *prometheus.Desc) { c.visits.Describe(descriptions) }

// Collect implements prometheus.Collector.
func (c *Checker) Collect(metrics chan<- prometheus.Metric) { c.visits.Collect(metrics) }
