//go:build linux

package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A feed is what a program reads of limn's feed that began with its first record.
type feed struct {
	client *kgo.Client
	next   map[int32]int64 // offset, by partition
}

func newFeed(b *broker) (*feed, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.address), kgo.ConsumeTopics(feedTopic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), // they count, too, in how far it has come
		kgo.FetchMaxWait(100*time.Millisecond))
	return &feed{client, map[int32]int64{}}, err
}

// catchUp has a reader take what is committed by now.
func (f *feed) catchUp(ctx context.Context, r *reader) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	ends, err := kadm.NewClient(f.client).ListCommittedOffsets(ctx, feedTopic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("look for the feed's end: %w", err)
	}
	behind := func() (some bool) {
		ends.Each(func(o kadm.ListedOffset) { some = some || f.next[o.Partition] < o.Offset })
		return some
	}
	for behind() {
		fetches := f.client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return fmt.Errorf("read the feed: %w", err)
		}
		fetches.EachRecord(func(record *kgo.Record) {
			f.next[record.Partition] = record.Offset + 1
			if !record.Attrs.IsControl() {
				r.takeRecord(record)
			}
		})
	}
	return nil
}

// takeRecord does what a record of the feed says, as if it were an event of a stream.
func (r *reader) takeRecord(record *kgo.Record) {
	e, page, err := eventOf(record)
	switch {
	case err != nil:
		r.report.find(unlikeRow, "the feed: %v", err)
	case r.follows(page): // others are of rounds before
		r.take(e)
	}
}

// eventOf is a record as the event of a stream.
func eventOf(record *kgo.Record) (e event, page uuid.UUID, err error) {
	var said struct {
		Type, Subject string
		Page          uuid.UUID
		Seq           int64
		Data          json.RawMessage
	}
	if record.Value == nil {
		for _, h := range record.Headers {
			switch h.Key {
			case "ce_type":
				said.Type = string(h.Value)
			case "ce_subject":
				said.Subject = string(h.Value)
			case "ce_page":
				said.Page, err = uuid.ParseBytes(h.Value)
			case "ce_seq":
				_, err = fmt.Sscan(string(h.Value), &said.Seq)
			}
			if err != nil {
				return event{}, page, fmt.Errorf("%s: %w", h.Key, err)
			}
		}
		said.Data, err = json.Marshal(map[string]any{"id": said.Subject, "page": said.Page})
	} else {
		err = json.Unmarshal(record.Value, &said)
	}
	if err == nil && said.Subject != string(record.Key) {
		err = errors.New("its key is not what it is about")
	}
	if err != nil {
		return event{}, page, fmt.Errorf("record %d of partition %d: %w", record.Offset, record.Partition, err)
	}
	cursor := fmt.Sprintf("feed.%s-%d", base64.RawURLEncoding.EncodeToString(said.Page[:]), said.Seq)
	return event{name: strings.TrimPrefix(said.Type, "limn."), id: cursor, data: string(said.Data)}, said.Page, nil
}

// judgeFeed holds what the feed said to be the rows of what anybody may read, and nothing old to come after what is new.
// After an instance was killed, something may be there twice.
func (r *reader) judgeFeed(h history, bytes map[place]uint64) {
	reached := map[uuid.UUID]int64{} // by thing
	removals := map[place]uint64{}   // they say less than those of a stream
	for _, e := range r.log {
		if e.seq < reached[e.what.id] {
			r.report.find(disordered, "%s: %s %s, number %d after %d", r.name, e.name, e.what.id, e.seq, reached[e.what.id])
		}
		reached[e.what.id] = e.seq
		if e.name == "removed" {
			r.judgeEvent(h, e, time.Time{}, removals)
		} else {
			r.judgeEvent(h, e, time.Time{}, bytes)
		}
	}
	r.report.count("record of the feed", len(r.log))
}
