package live

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"limn/storage"
	"limn/storage/storagetest"
)

// A broker is a Kafka broker within the process that can go away and come back.
type broker struct {
	t       testing.TB
	dir     string
	port    int
	cluster *kfake.Cluster
}

func startBroker(t testing.TB) *broker {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &broker{t: t, dir: t.TempDir(), port: listener.Addr().(*net.TCPAddr).Port}
	listener.Close()
	b.start()
	t.Cleanup(func() { b.cluster.Close() })
	return b
}

func (b *broker) start() {
	b.t.Helper()
	var err error
	b.cluster, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(b.port), kfake.DataDir(b.dir), kfake.DefaultNumPartitions(3))
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *broker) topic() KafkaTopic {
	return KafkaTopic{Brokers: []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(b.port))}, Name: "limn"}
}

// startKafkaBus runs a bus until the test ends; see startBus.
func startKafkaBus(t *testing.T, topic KafkaTopic) (bus *KafkaBus, hints chan Hint, missed chan struct{}) {
	t.Helper()
	bus = NewKafkaBus(topic, slog.New(slog.NewTextHandler(t.Output(), nil)))
	hints, missed = make(chan Hint, 10_000), make(chan struct{}, 100)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		bus.Run(ctx, func(h Hint) { hints <- h }, func() { missed <- struct{}{} })
	})
	t.Cleanup(func() { stop(); running.Wait() })
	return bus, hints, missed
}

// Hints reach the other instances, from all partitions, and not the one that sent them.
func TestKafkaCarriesHintsToTheOthers(t *testing.T) {
	topic := startBroker(t).topic()
	here, own, ready := startKafkaBus(t, topic)
	_, there, otherReady := startKafkaBus(t, topic)
	<-ready
	<-otherReady

	want := map[Hint]bool{}
	for i := range 2 * maxRecords {
		h := Hint{Page: uuid.New(), Presence: i%2 == 0}
		want[h] = true
		here.Publish(h)
	}

	for len(want) > 0 {
		delete(want, <-there)
	}
	if len(own) > 0 {
		t.Errorf("the sender hears itself: %v", <-own)
	}
}

// What is said of one page stays in one partition, so that it stays in order.
func TestKafkaKeepsAPageInOnePartition(t *testing.T) {
	broker := startBroker(t)
	bus, _, ready := startKafkaBus(t, broker.topic())
	<-ready
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.topic().Brokers...), kgo.ConsumeTopics("limn"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	pages := []uuid.UUID{uuid.New(), uuid.New(), uuid.New(), uuid.New()}

	for _, page := range pages {
		bus.Publish(Hint{Page: page})
		bus.Publish(Hint{Page: page, Presence: true})
	}

	partitions := map[string]int32{}
	for read := 0; read < 2*len(pages); {
		fetches := client.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			read++
			if other, known := partitions[string(r.Key)]; known && other != r.Partition {
				t.Errorf("page %s is in the partitions %d and %d", r.Key, other, r.Partition)
			}
			partitions[string(r.Key)] = r.Partition
		})
	}
	if len(partitions) != len(pages) {
		t.Errorf("%d pages have keys of their own, want %d", len(partitions), len(pages))
	}
}

// While the broker is away nobody who publishes waits, and what was published is sent once it is back.
func TestKafkaBusComesBack(t *testing.T) {
	broker := startBroker(t)
	here, _, hereReady := startKafkaBus(t, broker.topic())
	_, there, thereReady := startKafkaBus(t, broker.topic())
	<-hereReady
	<-thereReady

	broker.cluster.Close()
	h := Hint{Page: uuid.New()}
	here.Publish(h)
	here.Publish(h)
	broker.start()

	for got := range there {
		if got == h {
			return
		}
	}
}

// A reader hears of what was written through another instance, with the broker there, away, and back again.
func TestReadersAreToldThroughKafka(t *testing.T) {
	broker := startBroker(t)
	store := storagetest.Open(t)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	here, _ := startHub(t, store, NewKafkaBus(broker.topic(), log))
	_, url := startHub(t, store, NewKafkaBus(broker.topic(), log))
	ada := signUp(t, store)
	next := follow(t, url)
	for name := ""; name != "live"; name, _ = next() {
	}
	tell := func(when string) {
		h, _, err := store.CreateHighlight(t.Context(), ada, storage.NewHighlight{URL: address, Group: "public", Note: when})
		if err != nil {
			t.Fatal(err)
		}
		here.Changed(h.Page.ID)
		for {
			name, data := next()
			if name != "highlight" {
				continue
			}
			if id := data[len(`{"id":"`):][:36]; id != h.ID.String() {
				t.Fatalf("%s: the reader is told of %s, want %s", when, id, h.ID)
			}
			return
		}
	}

	tell("the broker is there")
	broker.cluster.Close()
	tell("the broker is away")
	broker.start()
	tell("the broker is back")
}

// Hints in another order, again, and what else stands in the topic do no harm.
func TestForeignRecordsArePassedOver(t *testing.T) {
	bus, other := NewKafkaBus(KafkaTopic{}, nil), NewKafkaBus(KafkaTopic{}, nil)
	first, second := Hint{Page: uuid.New()}, Hint{Page: uuid.New(), Presence: true}
	value := other.record(first).Value
	records := []*kgo.Record{
		other.record(second), other.record(first), other.record(second),
		bus.record(first), // its own
		{},                // a tombstone
		{Key: []byte("page"), Value: value},
		{Key: []byte(first.Page.String()), Value: value[:idLength]},
		{Key: []byte(first.Page.String()), Value: append(value[:idLength:idLength], '?')},
	}

	var got []Hint
	for _, r := range records {
		bus.readRecord(r, func(h Hint) { got = append(got, h) })
	}

	if want := []Hint{second, first, second}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What waits for a bus that is away is one hint for a thing, and not without bounds.
func TestWaitingHintsAreBounded(t *testing.T) {
	o := newOutbox()
	page := uuid.New()
	o.put(Hint{Page: page}, Hint{Page: page})
	if hints := o.take(10); len(hints) != 1 {
		t.Errorf("one hint, given twice, waits %d times", len(hints))
	}
	for range maxWaiting + 10 {
		o.put(Hint{Page: uuid.New()})
	}
	if hints := o.take(2 * maxWaiting); len(hints) != maxWaiting {
		t.Errorf("%d hints wait, want %d", len(hints), maxWaiting)
	}
}

// Config and tests elsewhere say what is refused; whatever is taken has brokers and a name.
func FuzzParseKafkaTopic(f *testing.F) {
	f.Add("kafka://host:9092,host2:9092/topic")
	f.Add("kafka://[::1]:1/t")
	f.Fuzz(func(t *testing.T, s string) {
		topic, err := ParseKafkaTopic(s)
		if err != nil {
			return
		}
		for _, b := range topic.Brokers {
			if host, port, err := net.SplitHostPort(b); err != nil || host == "" || port == "" {
				t.Errorf("%q names the broker %q", s, b)
			}
		}
		if topic.Name == "" || len(topic.Name) > 240 {
			t.Errorf("%q names the topic %q", s, topic.Name)
		}
	})
}
