package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A KafkaTopic is where hints are exchanged over the Kafka protocol.
type KafkaTopic struct {
	Brokers []string // host and port of those that are asked for all the others
	Name    string
}

// Kafka allows 249 characters; some are left for topics beside this one.
var topicName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,239}$`)

// ParseKafkaTopic reads kafka://host:port,host:port/topic. The error says what it has to be like.
func ParseKafkaTopic(s string) (KafkaTopic, error) {
	wrong := errors.New("like kafka://host:9092,host2:9092/topic")
	rest, ok := strings.CutPrefix(s, "kafka://")
	brokers, name, both := strings.Cut(rest, "/")
	if !ok || !both || !topicName.MatchString(name) {
		return KafkaTopic{}, wrong
	}
	topic := KafkaTopic{Brokers: strings.Split(brokers, ","), Name: name}
	for _, b := range topic.Brokers {
		host, port, err := net.SplitHostPort(b)
		number, notNumber := strconv.ParseUint(port, 10, 16)
		if err != nil || host == "" || strings.ContainsAny(host, " @?#") || notNumber != nil || number == 0 {
			return KafkaTopic{}, wrong
		}
	}
	return topic, nil
}

// KafkaBus carries hints over a topic, those of one page in one partition. Every instance reads all partitions from
// their ends, without a consumer group: an instance that was away asks Postgres, which knows better than old hints.
type KafkaBus struct {
	topic   KafkaTopic
	origin  string // this instance, so that it does not listen to itself
	waiting *outbox
	log     *slog.Logger
}

// NewKafkaBus makes a bus over a topic. Run creates it if it is missing.
func NewKafkaBus(topic KafkaTopic, log *slog.Logger) *KafkaBus {
	return &KafkaBus{topic: topic, origin: string(appendID(nil, uuid.New())), waiting: newOutbox(), log: log}
}

const (
	kafkaTimeout = 5 * time.Second // for one request, and for hints to be taken
	lookAfter    = 5 * time.Second // how often a reader asks whether the broker lives and the partitions are the same
	maxRecords   = 1000            // sent at once
)

// hintsSettings are what the topic is made with; nobody reads old hints.
var hintsSettings = map[string]string{"retention.ms": milliseconds(time.Hour)}

// Publish implements Bus.
func (b *KafkaBus) Publish(h Hint) { b.waiting.put(h) }

// Run implements Bus.
func (b *KafkaBus) Run(ctx context.Context, receive func(Hint), missed func()) {
	var both sync.WaitGroup
	both.Go(func() { keep(ctx, b.log, "read", func() error { return b.read(ctx, receive, missed) }) })
	both.Go(func() { keep(ctx, b.log, "write", func() error { return b.write(ctx) }) })
	both.Wait()
}

// read passes on what others send, from now on. A broker that is away for a moment is waited for, and nothing is
// missed; one that does not answer is asked anew, and who listens is told.
func (b *KafkaBus) read(ctx context.Context, receive func(Hint), missed func()) error {
	client, err := b.connect()
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if err := b.topic.create(ctx, admin, hintsSettings); err != nil {
		return err
	}
	ends, err := b.ends(ctx, admin)
	if err != nil {
		return err
	}
	client.AddConsumePartitions(ends.KOffsets())
	missed()
	look := time.NewTicker(lookAfter)
	defer look.Stop()
	for {
		waiting, cancel := context.WithTimeout(ctx, lookAfter)
		fetches := client.PollFetches(waiting)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, failed := range fetches.Errors() {
			if !errors.Is(failed.Err, context.DeadlineExceeded) {
				return fmt.Errorf("read the topic: %w", failed.Err)
			}
		}
		fetches.EachRecord(func(r *kgo.Record) { b.readRecord(r, receive) })
		select {
		case <-look.C:
			now, err := b.ends(ctx, admin)
			if err != nil {
				return err
			}
			if len(now[b.topic.Name]) != len(ends[b.topic.Name]) {
				return errors.New("the topic has got other partitions")
			}
		default:
		}
	}
}

// ends are the ends of all partitions.
func (b *KafkaBus) ends(ctx context.Context, admin *kadm.Client) (kadm.ListedOffsets, error) {
	ctx, cancel := context.WithTimeout(ctx, kafkaTimeout)
	defer cancel()
	ends, err := admin.ListEndOffsets(ctx, b.topic.Name)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("look for the topic's ends: %w", err)
	}
	return ends, nil
}

// write sends what is waiting whenever there is something, and once more when ctx ends.
func (b *KafkaBus) write(ctx context.Context) error {
	client, err := b.connect()
	if err != nil {
		return err
	}
	defer client.Close()
	if err := b.topic.create(ctx, kadm.NewClient(client), hintsSettings); err != nil && ctx.Err() == nil {
		return err
	}
	for {
		select {
		case <-b.waiting.wake:
			if err := b.send(client); err != nil {
				return err
			}
		case <-ctx.Done():
			return b.send(client)
		}
	}
}

// send sends what is waiting, also when the bus is about to end: those are the farewells.
func (b *KafkaBus) send(client *kgo.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), kafkaTimeout)
	defer cancel()
	for {
		hints := b.waiting.take(maxRecords)
		if len(hints) == 0 {
			return nil
		}
		records := make([]*kgo.Record, len(hints))
		for i, h := range hints {
			records[i] = b.record(h)
		}
		if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
			b.waiting.put(hints...)
			return fmt.Errorf("write to the topic: %w", err)
		}
	}
}

// record is a hint in the topic. Its key is the page's id as text, its value the id of the instance that sends it and
// the letter of the kind.
func (b *KafkaBus) record(h Hint) *kgo.Record {
	return &kgo.Record{Topic: b.topic.Name, Key: []byte(h.Page.String()), Value: append([]byte(b.origin), h.kind())}
}

// readRecord takes a record apart, and passes over what another version of limn might have put there.
func (b *KafkaBus) readRecord(r *kgo.Record, receive func(Hint)) {
	if len(r.Value) != idLength+1 || string(r.Value[:idLength]) == b.origin {
		return
	}
	if page, err := uuid.ParseBytes(r.Key); err == nil {
		if h, ok := hintOf(r.Value[idLength], page); ok {
			receive(h)
		}
	}
}

// connect makes a client for hints. One is not worth more than one broker's word, and must be given up in time, which
// Kafka allows only for writes that it does not number.
func (b *KafkaBus) connect() (*kgo.Client, error) {
	return b.topic.connect(
		kgo.RecordDeliveryTimeout(kafkaTimeout),
		kgo.DisableIdempotentWrite(),
		kgo.RequiredAcks(kgo.LeaderAck()),
		kgo.ProducerLinger(0),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()),
	)
}

// connect makes a client. It connects when it is first needed.
func (t KafkaTopic) connect(options ...kgo.Opt) (*kgo.Client, error) {
	client, err := kgo.NewClient(append(options,
		kgo.SeedBrokers(t.Brokers...), kgo.ClientID("limn"), kgo.DialTimeout(kafkaTimeout))...)
	if err != nil {
		return nil, fmt.Errorf("make a Kafka client: %w", err)
	}
	return client, nil
}

// create makes the topic unless it is there, with as many partitions and copies as the broker gives by itself. Who may
// not create topics may still use one.
func (t KafkaTopic) create(ctx context.Context, admin *kadm.Client, settings map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, kafkaTimeout)
	defer cancel()
	configs := make(map[string]*string, len(settings))
	for name, value := range settings {
		configs[name] = &value
	}
	_, err := admin.CreateTopic(ctx, -1, -1, configs, t.Name)
	if errors.Is(err, kerr.TopicAlreadyExists) || isForbidden(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create the topic: %w", err)
	}
	return nil
}

// describe finds the topic and its settings, if those can be seen.
func (t KafkaTopic) describe(ctx context.Context, admin *kadm.Client) (topic kadm.TopicDetail, settings map[string]string, err error) {
	topics, err := admin.ListTopics(ctx, t.Name)
	if err == nil {
		err = topics[t.Name].Err
	}
	if err != nil {
		return kadm.TopicDetail{}, nil, fmt.Errorf("look for the topic: %w", err)
	}
	configs, err := admin.DescribeTopicConfigs(ctx, t.Name)
	if err == nil {
		_, err = configs.On(t.Name, func(c *kadm.ResourceConfig) error { return c.Err })
	}
	switch {
	case isForbidden(err):
		return topics[t.Name], nil, nil
	case err != nil:
		return kadm.TopicDetail{}, nil, fmt.Errorf("look at the topic's settings: %w", err)
	}
	settings = map[string]string{}
	for _, c := range configs[0].Configs {
		settings[c.Key] = c.MaybeValue()
	}
	return topics[t.Name], settings, nil
}

func isForbidden(err error) bool {
	return errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.ClusterAuthorizationFailed)
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
