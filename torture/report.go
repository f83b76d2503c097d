//go:build linux

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// An anomaly is what must never be; its name is what a planted fault is found by.
type anomaly string

const (
	lostWrite     anomaly = "an acknowledged change is missing"
	seenFailure   anomaly = "a refused change is seen"
	numberGap     anomaly = "a number is missing"
	numberTwice   anomaly = "a row changed without a number of its own"
	numberOrder   anomaly = "numbers are not in the order of the commits"
	cameBack      anomaly = "a deleted thing came back"
	disordered    anomaly = "an event was repeated or out of order"
	skipped       anomaly = "an event was skipped"
	unlikeRow     anomaly = "an event is not what the row was at its number"
	unlikeOthers  anomaly = "one number has different bytes for different readers"
	leaked        anomaly = "a reader saw what it may not see"
	wrongState    anomaly = "a reader holds something else than the database"
	wrongList     anomaly = "a list shows something else than the database"
	staleRead     anomaly = "a read after an acknowledgement does not show it"
	staleLive     anomaly = "a stream said live before it had what was acknowledged"
	noResync      anomaly = "a cursor that means nothing was not answered with resync"
	replayRefused anomaly = "a repeated request was refused"
	accepted      anomaly = "a request that has to be refused was not"
	serverFault   anomaly = "an answer was 500"
	noRetryAfter  anomaly = "an answer 503 does not say when to come again"
	instanceEnded anomaly = "an instance ended by itself"
)

// A finding is one anomaly and where it was seen.
type finding struct {
	anomaly anomaly
	detail  string
}

// A report is what happened, and what must not have.
type report struct {
	mu        sync.Mutex
	counts    map[string]int // operations by outcome, faults by name, and the like
	anomalies []finding
}

func newReport() *report { return &report{counts: map[string]int{}} }

func (r *report) count(what string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[what] += n
}

func (r *report) find(a anomaly, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.anomalies = append(r.anomalies, finding{a, fmt.Sprintf(format, args...)})
}

func (r *report) add(other *report) {
	other.mu.Lock() // a proxy may still be counting
	defer other.mu.Unlock()
	for what, n := range other.counts {
		r.counts[what] += n
	}
	r.anomalies = append(r.anomalies, other.anomalies...)
}

// found tells whether an anomaly is among the findings.
func (r *report) found(a anomaly) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.anomalies, func(f finding) bool { return f.anomaly == a })
}

// line is the report in short.
func (r *report) line() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("%d ok, %d failed, %d unknown, %d events, %d connections, %d anomalies",
		r.counts["operation ok"], r.counts["operation failed"], r.counts["operation unknown"],
		r.counts["event"], r.counts["connection"], len(r.anomalies))
}

// maxShown is how many findings of one anomaly are printed; the first say what the others would.
const maxShown = 5

// findings are the anomalies, each with where it was seen first.
func (r *report) findings() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	seen := map[anomaly]int{}
	for _, f := range r.anomalies {
		if seen[f.anomaly]++; seen[f.anomaly] <= maxShown {
			fmt.Fprintf(&b, "%s: %s\n", f.anomaly, f.detail)
		}
	}
	for _, a := range slices.Sorted(maps.Keys(seen)) {
		if seen[a] > maxShown {
			fmt.Fprintf(&b, "%s: %d times\n", a, seen[a])
		}
	}
	return b.String()
}

// String is the whole report.
func (r *report) String() string {
	findings := r.findings()
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, what := range slices.Sorted(maps.Keys(r.counts)) {
		fmt.Fprintf(&b, "%9d  %s\n", r.counts[what], what)
	}
	fmt.Fprintf(&b, "%9d  anomalies\n%s", len(r.anomalies), findings)
	return b.String()
}
