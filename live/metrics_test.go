package live

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"limn/storage"
)

// What nobody gave a hint of is delivered, and counted as found by comparing.
func TestLostHintsAreCounted(t *testing.T) {
	hub, store, url := startStream(t)
	ada := signUp(t, store)
	next := follow(t, url)
	until := func(wanted string) {
		for name := ""; name != wanted; name, _ = next() {
		}
	}
	until("live")
	write := func() { // and nobody calls hub.Changed
		t.Helper()
		if _, _, err := store.CreateHighlight(t.Context(), ada, storage.NewHighlight{URL: address, Group: "public"}); err != nil {
			t.Fatal(err)
		}
		until("highlight")
	}
	write() // this one may be read because somebody has just come
	before := testutil.ToFloat64(hub.metrics.found)

	write()

	if found := testutil.ToFloat64(hub.metrics.found) - before; found != 1 {
		t.Errorf("%v changes were found by comparing, want 1", found)
	}
}

// The lag is that of the newest change; what has no time is not taken for an old one.
func TestLagIsMeasuredOncePerDelivery(t *testing.T) {
	hub, store, url := startStream(t)
	ada := signUp(t, store)
	next := follow(t, url)
	for name := ""; name != "live"; name, _ = next() {
	}
	h, _, err := store.CreateHighlight(t.Context(), ada, storage.NewHighlight{URL: address, Group: "public"})
	if err != nil {
		t.Fatal(err)
	}
	hub.Changed(h.Page.ID)
	if _, err := hub.AwaitChange(t.Context(), h.Page.ID, h.Seq-1); err != nil {
		t.Fatal(err)
	}

	registry := prometheus.NewRegistry()
	registry.MustRegister(hub)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "limn_delivery_lag_seconds" {
			if lag := family.GetMetric()[0].GetHistogram(); lag.GetSampleCount() != 1 || lag.GetSampleSum() > 5 {
				t.Errorf("%d deliveries took %v s", lag.GetSampleCount(), lag.GetSampleSum())
			}
			return
		}
	}
	t.Error("there is no lag")
}
