package live

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/google/uuid"
)

// A hint from one instance to another, over a broker within the process, whose work is counted, too.
func BenchmarkKafkaHint(b *testing.B) {
	topic := startBroker(b).topic()
	ready, arrived := make(chan struct{}, 2), make(chan struct{}, maxRecords)
	here, there := NewKafkaBus(topic, slog.New(slog.DiscardHandler)), NewKafkaBus(topic, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { here.Run(ctx, func(Hint) {}, func() { ready <- struct{}{} }) })
	running.Go(func() {
		there.Run(ctx, func(Hint) { arrived <- struct{}{} }, func() { ready <- struct{}{} })
	})
	defer running.Wait()
	defer stop()
	<-ready
	<-ready

	for b.Loop() {
		for range maxRecords {
			here.Publish(Hint{Page: uuid.New()})
		}
		for range maxRecords {
			<-arrived
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/maxRecords, "ns/hint")
}

// What every instance does with each hint of a page that nobody reads through it.
func BenchmarkHintForOthers(b *testing.B) {
	hub := &Hub{pages: map[uuid.UUID]*page{}}
	hub.metrics = newMetrics(hub)
	bus, other := NewKafkaBus(KafkaTopic{}, nil), NewKafkaBus(KafkaTopic{}, nil)
	r := other.record(Hint{Page: uuid.New()})
	for b.Loop() {
		bus.readRecord(r, hub.hear)
	}
}
