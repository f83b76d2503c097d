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

	created := 0.0
	for testutil.ToFloat64(hub.metrics.found) == 0 { // the first may be read because the stream has just begun
		if _, _, err := store.CreateHighlight(t.Context(), ada, storage.NewHighlight{URL: address, Group: "public"}); err != nil {
			t.Fatal(err)
		}
		created++ // and nobody calls hub.Changed
		until("highlight")
	}

	if delivered := testutil.ToFloat64(hub.metrics.deliveries); delivered > created { // the last may be counted a moment later
		t.Errorf("%v changes were delivered, of %v", delivered, created)
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
