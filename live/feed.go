package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"limn/storage"
)

// A Feed writes every change of what everybody may read to a Kafka topic, for other programs; docs/feed.md says how
// they read it. Of all instances one writes at a time. How far the topic has each page is kept in Postgres, after it
// is so: what an instance has not written when it ends, or not noted, the next one writes.
type Feed struct {
	store    *storage.Store
	topic    KafkaTopic
	instance uuid.UUID
	changed  *outbox // pages that hints name, while this instance writes
	leading  atomic.Bool
	failed   string // what the last attempt failed of; empty: it did not
	metrics  feedMetrics
	log      *slog.Logger
}

const (
	feedTopic  = ".changes"       // after the name of the topic of hints
	feedLease  = 10 * time.Second // after which an instance that says nothing does not write any more
	feedRenew  = 3 * time.Second
	feedLook   = 2 * time.Second // between attempts to write
	sweepEvery = time.Second
	sweepPages = 10_000  // looked at every second: all pages of most servers
	feedPages  = 500     // read at once
	feedAtOnce = 2000    // changes in one transaction
	feedRecord = 8 << 20 // bytes
)

// feedSettings are what the topic is made with. A removal stays for a week, so that who was away for less is told of it;
// what was removed is gone from the broker's disk within a day or two.
var feedSettings = map[string]string{
	"cleanup.policy":        "compact",
	"delete.retention.ms":   milliseconds(7 * 24 * time.Hour),
	"max.compaction.lag.ms": milliseconds(24 * time.Hour),
	"max.message.bytes":     strconv.Itoa(feedRecord), // a highlight full of control characters is 3.5 MB of JSON
}

// checkFeedSettings refuses a topic in which something would be lost, or could not be written. For how long something is
// kept is up to who has made it.
func checkFeedSettings(settings map[string]string) error {
	if policy, ok := settings["cleanup.policy"]; ok && policy != "compact" {
		return fmt.Errorf("must have cleanup.policy=compact, and has %s", policy)
	}
	if bytes, err := strconv.Atoi(settings["max.message.bytes"]); err == nil && bytes < feedRecord {
		return fmt.Errorf("must have max.message.bytes=%d or more, and has %d", feedRecord, bytes)
	}
	return nil
}

// NewFeed makes a feed beside the topic of a bus. Its Run does the work.
func NewFeed(store *storage.Store, bus KafkaTopic, log *slog.Logger) *Feed {
	topic := KafkaTopic{Brokers: bus.Brokers, Name: bus.Name + feedTopic}
	f := &Feed{store: store, topic: topic, instance: uuid.New(), changed: newOutbox(), log: log}
	f.metrics = newFeedMetrics(f)
	return f
}

// Overhear is a bus like another one, whose hints the feed hears, too.
func (f *Feed) Overhear(bus Bus) Bus { return overheard{bus, f} }

type overheard struct {
	Bus
	feed *Feed
}

func (b overheard) Publish(h Hint) {
	b.feed.hear(h)
	b.Bus.Publish(h)
}

func (b overheard) Run(ctx context.Context, receive func(Hint), missed func()) {
	b.Bus.Run(ctx, func(h Hint) {
		b.feed.hear(h)
		receive(h)
	}, missed)
}

func (f *Feed) hear(h Hint) {
	if h == (Hint{Page: h.Page}) && f.leading.Load() {
		f.changed.put(h)
	}
}

// Run writes whenever no other instance does, until ctx ends.
func (f *Feed) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := f.lead(ctx); err != nil && ctx.Err() == nil && err.Error() != f.failed { // an hour without a broker is one line
			f.failed = err.Error()
			f.log.Warn("the feed cannot be written and is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(feedLook):
		}
	}
}

// lead writes for as long as nothing fails, unless another instance writes.
func (f *Feed) lead(ctx context.Context) error {
	leads, err := f.store.LeadFeed(ctx, f.instance, feedLease)
	if err != nil || !leads {
		return err
	}
	defer func() {
		leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellLimit)
		defer cancel()
		if err := f.store.LeaveFeed(leaving, f.instance); err != nil {
			f.log.Warn("another instance will write the feed only after some seconds", "error", err)
		}
	}()
	client, err := f.connect()
	if err != nil {
		return err
	}
	defer client.Close()
	w := &feedWriter{Feed: f, client: client, renewed: time.Now()}
	if err := w.begin(ctx); err != nil {
		return err
	}
	f.failed = ""
	f.leading.Store(true)
	defer func() {
		f.leading.Store(false)
		f.changed.take(maxWaiting)
	}()
	return w.run(ctx)
}

func (f *Feed) connect() (*kgo.Client, error) {
	return f.topic.connect(
		kgo.TransactionalID("limn-"+f.topic.Name), kgo.TransactionTimeout(feedLease),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(feedRecord), kgo.ProducerLinger(0))
}

// A feedWriter is the one that writes.
type feedWriter struct {
	*Feed
	client  *kgo.Client
	edition storage.FeedEdition
	renewed time.Time
}

// begin finds out what is to be written. From then on the broker takes nothing any more from an instance that was
// the writer before and does not know yet that it is not (KIP-98): what is read from here on is newer than all that
// was written.
func (w *feedWriter) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, kafkaTimeout)
	defer cancel()
	admin := kadm.NewClient(w.client)
	if err := w.topic.create(ctx, admin, feedSettings); err != nil {
		return err
	}
	topic, settings, err := w.topic.describe(ctx, admin)
	if err != nil {
		return err
	}
	if err := checkFeedSettings(settings); err != nil {
		return fmt.Errorf("the topic %s %w", w.topic.Name, err)
	}
	if _, _, err := w.client.ProducerID(ctx); err != nil {
		return fmt.Errorf("become the topic's only writer: %w", err)
	}
	w.edition, err = w.store.GetFeedEdition(ctx, uuid.UUID(topic.ID))
	if !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	w.edition = storage.FeedEdition{ID: uuid.New(), Partitions: int32(len(topic.Partitions))}
	records, err := w.resync()
	if err != nil {
		return err
	}
	if err := w.send(ctx, records); err != nil {
		return err
	}
	return w.store.CreateFeedEdition(ctx, w.instance, uuid.UUID(topic.ID), w.edition)
}

// run writes what hints name, and what a sweep over all pages finds: at first what was left by whoever wrote before, and
// later that of which no hint came.
func (w *feedWriter) run(ctx context.Context) error {
	var swept uuid.UUID // the sweep is after this page
	due, whole := true, false
	again := time.NewTicker(sweepEvery)
	defer again.Stop()
	for {
		hints := w.changed.take(feedPages)
		pages := make([]uuid.UUID, len(hints))
		for i, h := range hints {
			pages[i] = h.Page
		}
		if due || !whole {
			behind, last, err := w.store.PagesBehindFeed(ctx, w.edition.ID, swept, sweepPages)
			if err != nil {
				return err
			}
			pages, swept = append(pages, behind...), last
			due, whole = false, whole || last == uuid.Nil
		}
		for some := range slices.Chunk(pages, feedPages) {
			if err := w.write(ctx, some); err != nil {
				return err
			}
		}
		if err := w.renew(ctx); err != nil {
			return err
		}
		more := w.changed.wake
		if !whole || len(hints) == feedPages {
			more = always
		}
		select {
		case <-more:
		case <-again.C:
			due = true
		case <-ctx.Done():
			return nil
		}
	}
}

// always is ready.
var always = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// renew says that this instance is alive. It is no fence, that is the broker's: if it comes too late, two may be at
// work for a moment, and only one of them can write.
func (w *feedWriter) renew(ctx context.Context) error {
	if time.Since(w.renewed) < feedRenew {
		return nil
	}
	w.renewed = time.Now()
	leads, err := w.store.LeadFeed(ctx, w.instance, feedLease)
	if err == nil && !leads {
		err = errors.New("another instance has begun to write it")
	}
	return err
}

// write writes all that the topic does not have of some pages, and then that it has.
func (w *feedWriter) write(ctx context.Context, pages []uuid.UUID) error {
	for more := true; more; {
		if err := w.renew(ctx); err != nil {
			return err
		}
		var list []storage.FeedChanges
		var err error
		if list, more, err = w.store.ListFeedChanges(ctx, w.edition.ID, pages, feedAtOnce); err != nil {
			return err
		}
		var records []*kgo.Record
		for _, of := range list {
			for _, c := range of.Changes {
				r, err := w.record(of.Page, c)
				if err != nil {
					return err
				}
				records = append(records, r)
			}
		}
		if err := w.send(ctx, records); err != nil {
			return err
		}
		if err := w.store.PutFeedPages(ctx, w.edition.ID, list); err != nil {
			return err
		}
		w.metrics.wrote(list)
	}
	return nil
}

// send writes records in one transaction: all of them, or none that a reader of what is committed would see. After an
// error the client is of no more use; the next one makes an end of what it began.
func (w *feedWriter) send(ctx context.Context, records []*kgo.Record) error {
	if len(records) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, feedLease)
	defer cancel()
	if err := w.client.BeginTransaction(); err != nil {
		return fmt.Errorf("begin to write to the topic: %w", err)
	}
	answers := make(chan error, len(records))
	for _, r := range records {
		w.client.Produce(ctx, r, func(_ *kgo.Record, err error) { answers <- err })
	}
	for range records {
		select { // the client itself would wait for a broker that is away
		case err := <-answers:
			if err != nil {
				return fmt.Errorf("write to the topic: %w", err)
			}
		case <-ctx.Done():
			return fmt.Errorf("write to the topic: %w", ctx.Err())
		}
	}
	if err := w.client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("commit to the topic: %w", err)
	}
	return nil
}

// feedMetrics are what a feed counts of itself.
type feedMetrics struct {
	leading prometheus.GaugeFunc
	records prometheus.Counter
	lag     prometheus.Histogram
}

func newFeedMetrics(f *Feed) feedMetrics {
	return feedMetrics{
		leading: prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "limn_feed_writes", Help: "Whether this instance writes the feed."},
			func() float64 {
				if f.leading.Load() {
					return 1
				}
				return 0
			}),
		records: prometheus.NewCounter(prometheus.CounterOpts{Name: "limn_feed_records_total", Help: "Changes that were written to the feed."}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "limn_feed_lag_seconds", Help: "From a change, by the database's clock, until it was in the feed.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 18), // 1 ms to 2 min
		}),
	}
}

// wrote counts what was written.
func (m *feedMetrics) wrote(list []storage.FeedChanges) {
	for _, of := range list {
		m.records.Add(float64(len(of.Changes)))
		for _, c := range of.Changes {
			if !c.At.IsZero() {
				m.lag.Observe(max(0, time.Since(c.At).Seconds()))
			}
		}
	}
}

// Describe implements prometheus.Collector.
func (f *Feed) Describe(descriptions chan<- *prometheus.Desc) {
	f.metrics.leading.Describe(descriptions)
	f.metrics.records.Describe(descriptions)
	f.metrics.lag.Describe(descriptions)
}

// Collect implements prometheus.Collector.
func (f *Feed) Collect(metrics chan<- prometheus.Metric) {
	f.metrics.leading.Collect(metrics)
	f.metrics.records.Collect(metrics)
	f.metrics.lag.Collect(metrics)
}
