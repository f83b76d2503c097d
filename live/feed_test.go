package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"limn/storage"
	"limn/storage/storagetest"
)

// A feedTest is a store, a broker, and somebody who writes.
type feedTest struct {
	t      *testing.T
	url    string
	store  *storage.Store
	broker *broker
	ada    storage.Reader
}

func newFeedTest(t *testing.T) feedTest {
	t.Helper()
	t.Parallel() // they wait for most of the time
	url := storagetest.URL(t)
	store, err := storage.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return feedTest{t, url, store, startBroker(t), signUp(t, store)}
}

func (f feedTest) feed() *Feed {
	return NewFeed(f.store, f.broker.topic(), slog.New(slog.NewTextHandler(f.t.Output(), nil)))
}

// run runs a feed until the test ends, or stop is called.
func (f feedTest) run(feed *Feed) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { feed.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	f.t.Cleanup(stop)
	return stop
}

func (f feedTest) client() *kgo.Client {
	f.t.Helper()
	client, err := f.feed().connect()
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(client.Close)
	return client
}

// writer is a feed that has become the one that writes.
func (f feedTest) writer() *feedWriter {
	f.t.Helper()
	feed, client := f.feed(), f.client()
	if _, err := f.store.LeadFeed(f.t.Context(), feed.instance, 0); err != nil { // whoever leads does so for no time
		f.t.Fatal(err)
	}
	w := &feedWriter{Feed: feed, client: client, renewed: time.Now()}
	if err := w.begin(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	return w
}

func (f feedTest) create(page int, group, note string) storage.Highlight {
	f.t.Helper()
	h, _, err := f.store.CreateHighlight(f.t.Context(), f.ada, storage.NewHighlight{
		URL: address + strconv.Itoa(page), Group: group, Note: note,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return h
}

func (f feedTest) edit(h storage.Highlight, edit storage.HighlightEdit) {
	f.t.Helper()
	if _, err := f.store.UpdateHighlight(f.t.Context(), f.ada, h.ID, edit); err != nil {
		f.t.Fatal(err)
	}
}

func (f feedTest) reply(h storage.Highlight, note string) storage.Reply {
	f.t.Helper()
	r, _, _, err := f.store.CreateReply(f.t.Context(), f.ada, storage.NewReply{Highlight: h.ID, Note: note})
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

func (f feedTest) remove(h storage.Highlight) {
	f.t.Helper()
	if _, err := f.store.DeleteHighlight(f.t.Context(), f.ada, h.ID, nil); err != nil {
		f.t.Fatal(err)
	}
}

// public is what the API shows to anybody, by id.
func (f feedTest) public() map[string]string {
	f.t.Helper()
	state := map[string]string{}
	put := func(id uuid.UUID, thing any) {
		encoded, err := json.Marshal(thing)
		if err != nil {
			f.t.Fatal(err)
		}
		state[id.String()] = string(encoded)
	}
	list, next, _, err := f.store.ListHighlights(f.t.Context(), storage.Anonymous, storage.Filter{}, storage.Paging{Limit: 1000})
	if err != nil || next != "" {
		f.t.Fatal(next, err)
	}
	for _, h := range list {
		put(h.ID, h)
		replies, _, err := f.store.ListReplies(f.t.Context(), storage.Anonymous, h.ID, storage.Paging{Limit: 1000})
		if err != nil {
			f.t.Fatal(err)
		}
		for _, r := range replies {
			put(r.ID, r)
		}
	}
	return state
}

// read is all that is in the topic, by partition, for a reader of what is committed.
func (f feedTest) read() map[int32][]*kgo.Record {
	f.t.Helper()
	topic := f.feed().topic
	client, err := kgo.NewClient(kgo.SeedBrokers(topic.Brokers...), kgo.ConsumeTopics(topic.Name),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		f.t.Fatal(err)
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListCommittedOffsets(f.t.Context(), topic.Name)
	if err != nil {
		f.t.Fatal(err)
	}
	left := map[int32]bool{}
	ends.Each(func(o kadm.ListedOffset) { left[o.Partition] = o.Offset > 0 })
	records := map[int32][]*kgo.Record{}
	for partition, some := range left {
		if !some {
			delete(left, partition)
		}
	}
	for len(left) > 0 {
		client.PollFetches(f.t.Context()).EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				records[r.Partition] = append(records[r.Partition], r)
			}
			if end, _ := ends.Lookup(topic.Name, r.Partition); r.Offset+1 >= end.Offset {
				delete(left, r.Partition)
			}
		})
		if err := f.t.Context().Err(); err != nil {
			f.t.Fatal(err)
		}
	}
	return records
}

// rebuilt is what a program holds that has read the whole topic, as docs/feed.md tells it to.
func (f feedTest) rebuilt() map[string]string {
	f.t.Helper()
	state := map[string]string{}
	for _, records := range f.read() {
		held := map[string]string{}
		for _, r := range records {
			switch {
			case string(r.Key) == resyncKey:
				clear(held)
			case r.Value == nil:
				delete(held, string(r.Key))
			default:
				var e struct{ Data json.RawMessage }
				if err := json.Unmarshal(r.Value, &e); err != nil {
					f.t.Fatal(err)
				}
				held[string(r.Key)] = string(e.Data)
			}
		}
		for id, thing := range held {
			state[id] = thing
		}
	}
	return state
}

// arrives waits until who reads the topic holds what the API shows.
func (f feedTest) arrives(when string) {
	f.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		difference := cmp.Diff(f.public(), f.rebuilt())
		if difference == "" {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%s: the topic holds something else than the API shows (-API +topic):\n%s", when, difference)
		}
	}
}

// Whatever is done, from before the feed began on: who reads the topic holds what anybody may read, however much of it
// has been compacted, and nothing else was ever in it.
func TestFeedHoldsWhatIsPublic(t *testing.T) {
	f := newFeedTest(t)
	early := f.create(0, "public", "early")
	f.remove(f.create(0, "public", "early and gone"))
	f.create(0, "me", "SECRET from the beginning")
	f.run(f.feed())
	f.arrives("what was there before")

	for page := range 20 {
		h := f.create(page, "public", "first")
		r := f.reply(h, "an answer")
		note := "second"
		f.edit(h, storage.HighlightEdit{Note: &note})
		f.remove(f.create(page, "public", "gone"))
		f.create(page, "me", "SECRET")
		if _, err := f.store.DeleteReply(t.Context(), f.ada, f.reply(h, "gone, too").ID, nil); err != nil {
			t.Fatal(err)
		}
		if page%2 == 0 {
			if _, _, err := f.store.UpdateReply(t.Context(), f.ada, r.ID, storage.ReplyEdit{Note: "another answer"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	f.arrives("changes")
	me, public, secret, note := "me", "public", "SECRET now", "no longer"
	f.edit(early, storage.HighlightEdit{Group: &me})
	f.edit(early, storage.HighlightEdit{Note: &secret})
	f.arrives("what is private now")
	f.edit(early, storage.HighlightEdit{Note: &note})
	f.edit(early, storage.HighlightEdit{Group: &public})
	f.arrives("what is public again")
	for _, records := range f.read() {
		for _, r := range records {
			if strings.Contains(string(r.Value), "SECRET") {
				t.Errorf("the topic tells: %s", r.Value)
			}
		}
	}
	f.broker.cluster.Compact()
	f.arrives("all, compacted")
}

// A page is in one partition, and its numbers rise there.
func TestFeedKeepsAPageInOrder(t *testing.T) {
	f := newFeedTest(t)
	f.run(f.feed())
	for n := range 100 {
		f.reply(f.create(n%5, "public", "n"), "an answer")
	}
	f.arrives("all")

	reached, partitions := map[string]int64{}, map[string]int32{}
	for partition, records := range f.read() {
		for _, r := range records {
			var e struct {
				Page string
				Seq  int64
			}
			if string(r.Key) == resyncKey {
				continue
			}
			if err := json.Unmarshal(r.Value, &e); err != nil {
				t.Fatal(err)
			}
			if other, known := partitions[e.Page]; known && other != partition {
				t.Errorf("page %s is in the partitions %d and %d", e.Page, other, partition)
			}
			if e.Seq <= reached[e.Page] {
				t.Errorf("page %s: %d after %d", e.Page, e.Seq, reached[e.Page])
			}
			reached[e.Page], partitions[e.Page] = e.Seq, partition
		}
	}
	if len(reached) != 5 {
		t.Errorf("%d pages are in the topic", len(reached))
	}
}

// An instance that is killed after a commit to Postgres, or after one to the topic, leaves it to the next one.
func TestFeedOfAKilledInstanceIsGoneOnWith(t *testing.T) {
	f := newFeedTest(t)
	killed := f.writer()
	h := f.create(0, "public", "written, but not noted")
	f.create(1, "public", "not written")
	list, _, err := f.store.ListFeedChanges(t.Context(), killed.edition.ID, []uuid.UUID{h.Page.ID}, 10)
	if err != nil {
		t.Fatal(err)
	}
	r, err := killed.record(h.Page.ID, list[0].Changes[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := killed.send(t.Context(), []*kgo.Record{r}); err != nil {
		t.Fatal(err)
	}
	killed.client.Close()

	f.run(f.feed())
	f.arrives("after the takeover")

	times := 0
	for _, records := range f.read() {
		for _, again := range records {
			if string(again.Key) == h.ID.String() {
				times++
				if string(again.Value) != string(r.Value) {
					t.Errorf("written again it is %s, and was %s", again.Value, r.Value)
				}
			}
		}
	}
	if times != 2 {
		t.Errorf("it is written %d times", times)
	}
}

// An instance that was paused and does not know that another one writes cannot put an old state after a new one.
func TestFeedOfAPausedInstanceIsRefused(t *testing.T) {
	f := newFeedTest(t)
	h := f.create(0, "public", "old")
	paused := f.writer()
	list, _, err := f.store.ListFeedChanges(t.Context(), paused.edition.ID, []uuid.UUID{h.Page.ID}, 10)
	if err != nil {
		t.Fatal(err)
	}
	old, err := paused.record(h.Page.ID, list[0].Changes[0])
	if err != nil {
		t.Fatal(err)
	}

	other := f.writer()
	note := "new"
	f.edit(h, storage.HighlightEdit{Note: &note})
	if err := other.write(t.Context(), []uuid.UUID{h.Page.ID}); err != nil {
		t.Fatal(err)
	}
	if err := paused.send(t.Context(), []*kgo.Record{old}); err == nil {
		t.Error("the old state is taken")
	}

	f.arrives("after both")
}

// Of several instances one writes, and when it ends another does.
func TestOneInstanceWritesTheFeed(t *testing.T) {
	f := newFeedTest(t)
	feeds := []*Feed{f.feed(), f.feed(), f.feed()}
	var stops []func()
	for _, feed := range feeds {
		stops = append(stops, f.run(feed))
	}
	for round := range feeds {
		for n := range 20 {
			f.create(n, "public", fmt.Sprint(round))
		}
		f.arrives(fmt.Sprintf("round %d", round))
		leading := -1
		for i, feed := range feeds {
			if feed.leading.Load() {
				if leading >= 0 {
					t.Fatal("two write")
				}
				leading = i
			}
		}
		stops[leading]()
	}
	seen := map[string]bool{}
	for _, records := range f.read() {
		for _, r := range records {
			if e := string(r.Value); seen[e] {
				t.Errorf("written twice, though all ended in order: %s", e)
			} else {
				seen[e] = true
			}
		}
	}
}

// What changes without a hint, before, while and after the broker is away, arrives nevertheless.
func TestFeedOutlivesItsBroker(t *testing.T) {
	f := newFeedTest(t)
	f.run(f.feed())
	f.create(0, "public", "before")
	f.arrives("before")

	f.broker.cluster.Close()
	f.create(0, "public", "while it is away")
	f.broker.start()
	f.arrives("after it has come back")
	f.create(0, "public", "after")
	f.arrives("after")
}

// A hint has a change written at once, and not at the next sweep.
func TestFeedHearsHints(t *testing.T) {
	f := newFeedTest(t)
	feed := f.feed()
	var bus Bus = feed.Overhear(NewKafkaBus(f.broker.topic(), nil))
	feed.leading.Store(true)

	page := uuid.New()
	bus.Publish(Hint{Page: page})
	bus.Publish(Hint{Page: uuid.New(), Presence: true})
	bus.Publish(Hint{Page: uuid.New(), Rights: true})

	if got := feed.changed.take(10); len(got) != 1 || got[0].Page != page {
		t.Errorf("it has heard %v", got)
	}
}

// A topic that is deleted is made and filled anew.
func TestFeedFillsANewTopic(t *testing.T) {
	f := newFeedTest(t)
	f.run(f.feed())
	f.create(0, "public", "before")
	f.arrives("before")

	if err := f.broker.cluster.DeleteTopic(f.feed().topic.Name); err != nil {
		t.Fatal(err)
	}
	f.create(1, "public", "after")

	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if f.broker.cluster.TopicInfo(f.feed().topic.Name) != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it is not made again")
		}
	}
	f.arrives("after")
}

// When a topic gets more partitions pages stay in theirs: what is written of them elsewhere would not be after, and
// would not take the place of, what is there already.
func TestFeedStaysInItsPartitions(t *testing.T) {
	f := newFeedTest(t)
	stop := f.run(f.feed())
	for page := range 20 {
		f.create(page, "public", "before")
	}
	f.arrives("before")
	stop()
	topic := f.feed().topic
	client, err := topic.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreatePartitions(t.Context(), 4, topic.Name); err != nil {
		t.Fatal(err)
	}

	f.run(f.feed())
	for page := range 20 {
		f.create(page, "public", "after")
	}
	f.arrives("after")

	for partition := range f.read() {
		if partition >= 3 {
			t.Errorf("there is something in partition %d", partition)
		}
	}
}

// A restored backup numbers pages again and knows nothing of the time that was lost: readers begin anew.
func TestFeedOfARestoredBackupBeginsAnew(t *testing.T) {
	f := newFeedTest(t)
	stop := f.run(f.feed())
	kept := f.create(0, "public", "kept")
	lost := f.create(1, "public", "lost")
	f.arrives("before")
	stop()
	conn, err := pgx.Connect(t.Context(), f.url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, sql := range []string{
		`DELETE FROM highlights WHERE id = '` + lost.ID.String() + `'`, `UPDATE pages SET seq = 0 WHERE id = '` + lost.Page.ID.String() + `'`,
		`UPDATE server SET epoch = gen_random_uuid()`,
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}

	restored, err := storage.Open(t.Context(), f.url)
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	f.store = restored
	stop = f.run(f.feed())
	defer stop()

	f.arrives("after")
	if len(f.public()) != 1 || f.rebuilt()[kept.ID.String()] == "" {
		t.Errorf("who reads the topic holds %v", f.rebuilt())
	}
}

// A topic that somebody made is refused if something would be lost in it, or has no room; how long it keeps removals is theirs to say.
func TestFeedRefusesAnotherKindOfTopic(t *testing.T) {
	for _, c := range []struct {
		settings map[string]string
		lacks    string
	}{
		{nil, "cleanup.policy=compact"},
		{map[string]string{"cleanup.policy": "compact,delete", "max.message.bytes": "8388608"}, "cleanup.policy=compact"},
		{map[string]string{"cleanup.policy": "compact"}, "max.message.bytes"},
		{map[string]string{"cleanup.policy": "compact", "max.message.bytes": "8388608", "delete.retention.ms": "1000"}, ""},
	} {
		t.Run(c.lacks, func(t *testing.T) {
			f := newFeedTest(t)
			if err := f.broker.cluster.CreateTopic(f.feed().topic.Name, 1, c.settings); err != nil {
				t.Fatal(err)
			}

			err := (&feedWriter{Feed: f.feed(), client: f.client()}).begin(t.Context())

			switch {
			case c.lacks != "" && (err == nil || !strings.Contains(err.Error(), c.lacks)):
				t.Errorf("%v: it says %v", c.settings, err)
			case c.lacks == "" && !errors.Is(err, storage.ErrNotFound): // it leads nothing
				t.Errorf("%v: it says %v", c.settings, err)
			}
		})
	}
}

// What is in the topic is as docs/feed.schema.json says.
func TestFeedIsAsItsSchemaSays(t *testing.T) {
	f := newFeedTest(t)
	schema := feedSchema(t)
	h := f.create(0, "public", "with\r\nlines, <html> & \x01")
	f.reply(h, "an answer")
	f.remove(f.create(0, "public", "removed"))
	f.run(f.feed())
	f.arrives("all")

	kinds := map[string]int{}
	for _, records := range f.read() {
		for _, r := range records {
			if r.Value == nil {
				kinds["removal"]++
				checkRemoval(t, r)
				continue
			}
			value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(r.Value)))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(value); err != nil {
				t.Errorf("%s: %v", r.Value, err)
			}
			e := value.(map[string]any)
			if e["subject"] != string(r.Key) {
				t.Errorf("the key is %s: %s", r.Key, r.Value)
			}
			kinds[e["type"].(string)]++
		}
	}
	if diff := cmp.Diff(map[string]int{"limn.resync": 3, "limn.highlight": 1, "limn.reply": 1, "removal": 1}, kinds); diff != "" {
		t.Errorf("the topic has (-want +got):\n%s", diff)
	}
}

func feedSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	file, err := os.Open("../docs/feed.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	parsed, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("feed.json", parsed); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("feed.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// checkRemoval holds a removal's headers to be a CloudEvent in the binary mode.
func checkRemoval(t *testing.T, r *kgo.Record) {
	t.Helper()
	headers := map[string]string{}
	for _, h := range r.Headers {
		headers[h.Key] = string(h.Value)
	}
	if headers["ce_specversion"] != "1.0" || headers["ce_type"] != "limn.removed" || headers["ce_subject"] != string(r.Key) ||
		headers["ce_id"] != headers["ce_page"]+"."+headers["ce_seq"] || headers["ce_source"] == "" {
		t.Errorf("the removal of %s says %v", r.Key, headers)
	}
}
