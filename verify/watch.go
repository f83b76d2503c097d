package verify

import (
	"time"

	"limn/storage"
)

// How often a page is read again by itself, to see whether it has changed.
const (
	firstInterval = 6 * time.Hour // of a page that nothing is known of yet
	minInterval   = time.Hour
	maxInterval   = 14 * 24 * time.Hour
)

// retries are the pauses before a page is read again that could not be read for a reason that may pass.
var retries = []time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour}

// maxRetry bounds how long a server may tell us to stay away.
const maxRetry = 24 * time.Hour

// A glance is what one reading of a page says about when to read it next.
type glance struct {
	at      time.Time
	since   time.Duration // the reading before; long after an outage, a moment where many highlights are made
	changed bool          // it held something else then
	failure *failure      // why it could not be read; nil: it could
	early   bool          // it was not due, but somebody has marked something
}

// follow is the pace at which a page is read after a glance. Changed, it is read twice as often; unchanged, half as
// often. One that cannot be read is tried again after the retries, and then ever more seldom. jitter, from 0 to 1,
// lets pages that were first read together drift apart.
func follow(p storage.Pace, g glance, jitter float64) storage.Pace {
	if p.Interval == 0 {
		p.Interval = firstInterval
	}
	slower := max(p.Interval, 2*min(p.Interval, g.since)) // only by time that has really passed
	pause := time.Duration(0)
	switch {
	case g.failure == nil:
		switch {
		case p.Failures > 0: // nobody knows what it did meanwhile
			p.Interval = min(p.Interval, firstInterval)
		case g.changed:
			p.Interval /= 2
		default:
			p.Interval = slower
		}
		p.Failures = 0
	case g.early && p.Failures > 0: // the next attempt is planned already
		return p
	case g.failure.mayPass() && p.Failures < len(retries):
		pause = retries[p.Failures]
		p.Failures++
	default:
		p.Interval = slower
		p.Failures++
	}
	p.Interval = min(max(p.Interval, minInterval), maxInterval)
	if pause == 0 {
		pause = p.Interval
	}
	if g.failure != nil {
		pause = max(pause, min(g.failure.retryAfter, maxRetry))
	}
	p.DueAt = new(g.at.Add(pause + time.Duration(jitter*float64(pause)/4)))
	return p
}
