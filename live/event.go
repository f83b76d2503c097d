package live

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"limn/storage"
)

// An event is one change of a page as bytes of the stream, made once for all who read the page. Its bytes begin
// with the id line of a stream of this page alone; a stream of several pages puts its own in that place.
type event struct {
	change storage.Change
	put    []byte // empty when the change is a removal
	remove []byte // empty when it can be none for anybody
	idLine int    // how long the id line is, in both
}

// newEvent encodes a change.
func newEvent(epoch, page uuid.UUID, c storage.Change) (*event, error) {
	id := appendPage(appendHead(nil, epoch), page, c.Seq)
	id = append(id, '\n')
	e := &event{change: c, idLine: len(id)}
	var thing any = c.Highlight
	if c.Kind == "reply" {
		thing = c.Reply
	}
	var err error
	if !c.Removed {
		if e.put, err = appendEvent(id[:len(id):len(id)], c.Kind, thing); err != nil {
			return nil, err
		}
	}
	if c.MayRemove() {
		e.remove, err = appendEvent(id[:len(id):len(id)], "removed", removed{c.ID, page, c.Kind})
	}
	e.change.Highlight, e.change.Reply = nil, nil // the bytes say it, and readers who are slow hold them long enough
	return e, err
}

// headLength is how long the part of an id line is that names the database's life, before it may name groups.
const headLength = len("id: ") + idLength

// appendHead adds the beginning of an id line.
func appendHead(b []byte, epoch uuid.UUID) []byte { return appendID(append(b, "id: "...), epoch) }

// bytes is what a reader is sent whom the change concerns in this way.
func (e *event) bytes(effect storage.Effect) []byte {
	switch effect {
	case storage.Put:
		return e.put
	case storage.Remove:
		return e.remove
	}
	return nil
}

type removed struct {
	ID   uuid.UUID `json:"id"`
	Page uuid.UUID `json:"page"`
	Kind string    `json:"kind"` // "highlight" or "reply"
}

type liveSince struct {
	Page uuid.UUID `json:"page"`
	Seq  int64     `json:"seq"`
}

type resync struct {
	Page   uuid.UUID `json:"page"`
	Reason string    `json:"reason"`
}

// appendEvent adds an event and its end. JSON has no line breaks of its own, so no field can be forged through data.
func appendEvent(b []byte, name string, data any) ([]byte, error) {
	encoded, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("encode the event %s: %w", name, err)
	}
	b = append(b, "event: "...)
	b = append(b, name...)
	b = append(b, "\ndata: "...)
	b = append(b, encoded...)
	return append(b, "\n\n"...), nil
}

// retryLine tells the reader how long to wait before it comes back, in milliseconds.
func retryLine(milliseconds int) []byte {
	return append(strconv.AppendInt([]byte("retry: "), int64(milliseconds), 10), "\n\n"...)
}

var pingEvent = []byte("event: ping\ndata: {}\n\n")
