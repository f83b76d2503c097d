package live

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"limn/storage"
)

// A feedEvent is a CloudEvent 1.0 as docs/feed.schema.json describes it. Its key in the topic is the id of what it is
// about, so that compaction keeps of each thing what it is now.
type feedEvent struct {
	SpecVersion string     `json:"specversion"`
	ID          string     `json:"id"`     // the page and its number: written again, it is the same
	Source      string     `json:"source"` // the epoch; with the id, what CloudEvents tells events apart by
	Type        string     `json:"type"`
	Subject     string     `json:"subject"`
	Page        *uuid.UUID `json:"page,omitempty"`
	Seq         int64      `json:"seq,omitempty"`
	DataType    string     `json:"datacontenttype"`
	Data        any        `json:"data"`
}

// record is a change in the topic. What is gone for the readers of the feed is a record without a value, as compaction
// wants it, with what is to be said of it in the headers: CloudEvents calls the one structured, the other binary mode.
func (w *feedWriter) record(page uuid.UUID, c storage.Change) (*kgo.Record, error) {
	e := feedEvent{
		SpecVersion: "1.0", ID: page.String() + "." + strconv.FormatInt(c.Seq, 10), Source: w.source(),
		Type: "limn." + c.Kind, Subject: c.ID.String(), Page: &page, Seq: c.Seq, DataType: "application/json",
	}
	if c.Effect(isPublic) != storage.Put {
		return &kgo.Record{
			Topic: w.topic.Name, Partition: w.partition(page), Key: []byte(e.Subject),
			Headers: []kgo.RecordHeader{
				{Key: "ce_specversion", Value: []byte(e.SpecVersion)}, {Key: "ce_id", Value: []byte(e.ID)},
				{Key: "ce_source", Value: []byte(e.Source)}, {Key: "ce_type", Value: []byte("limn.removed")},
				{Key: "ce_subject", Value: []byte(e.Subject)}, {Key: "ce_page", Value: []byte(page.String())},
				{Key: "ce_seq", Value: []byte(strconv.FormatInt(c.Seq, 10))},
			},
		}, nil
	}
	if e.Data = c.Highlight; c.Reply != nil {
		e.Data = c.Reply
	}
	return w.structured(e, w.partition(page))
}

// resyncKey is that of the record with which an edition begins in each partition.
const resyncKey = "resync"

// resync says to the readers of each partition that all is written anew from there on.
func (w *feedWriter) resync() (records []*kgo.Record, err error) {
	for partition := range w.edition.Partitions {
		r, err := w.structured(feedEvent{
			SpecVersion: "1.0", ID: fmt.Sprintf("%s.%d", w.edition.ID, partition), Source: w.source(), Type: "limn.resync",
			Subject: resyncKey, DataType: "application/json", Data: struct{}{},
		}, partition)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

func (w *feedWriter) structured(e feedEvent, partition int32) (*kgo.Record, error) {
	value, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode the event %s: %w", e.ID, err)
	}
	return &kgo.Record{
		Topic: w.topic.Name, Partition: partition, Key: []byte(e.Subject), Value: value,
		Headers: []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/cloudevents+json; charset=UTF-8")}},
	}, nil
}

func (w *feedWriter) source() string { return w.store.Epoch().URN() }

// partition is where a page is: where Kafka's clients put what has its id as the key, so that other topics by page can
// be read beside it.
func (w *feedWriter) partition(page uuid.UUID) int32 {
	return int32(byKey.Partition(&kgo.Record{Key: []byte(page.String())}, int(w.edition.Partitions)))
}

var byKey = kgo.StickyKeyPartitioner(nil).ForTopic("")

func isPublic(group uuid.UUID) bool { return group == storage.Public }
