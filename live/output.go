package live

import (
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"limn/storage"
)

// An output writes one stream to its connection.
type output struct {
	w       http.ResponseWriter
	control *http.ResponseController
	epoch   uuid.UUID
	watches []*watch // the pages that a cursor names
	id      []byte   // scratch for the id lines of a stream of several pages
}

func newOutput(w http.ResponseWriter, epoch uuid.UUID, watches []*watch) *output {
	return &output{w: w, control: http.NewResponseController(w), epoch: epoch, watches: watches}
}

// open sends the header. Proxies are told to pass on what they get, when they get it, as it is.
func (o *output) open() error {
	header := o.w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache, no-transform")
	header.Set("X-Accel-Buffering", "no")
	header.Set("Connection", "close") // when the stream ends: its reader may be gone
	o.w.WriteHeader(http.StatusOK)
	return o.write(retryLine(retryAfter()))
}

// write sends bytes that are events already.
func (o *output) write(data []byte) error {
	if err := o.begin(); err != nil {
		return err
	}
	if _, err := o.w.Write(data); err != nil {
		return fmt.Errorf("write the stream: %w", err)
	}
	return o.flush()
}

func (o *output) begin() error {
	if err := o.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return fmt.Errorf("set the stream's write deadline: %w", err)
	}
	return nil
}

func (o *output) flush() error {
	if err := o.control.Flush(); err != nil {
		return fmt.Errorf("write the stream: %w", err)
	}
	return nil
}

// drain writes all that waits for the viewer.
func (o *output) drain(v *viewer) error {
	messages, ok := v.take()
	if !ok {
		return errBehind
	}
	if len(messages) == 0 {
		return nil
	}
	if err := o.begin(); err != nil {
		return err
	}
	for _, m := range messages {
		if err := o.message(m); err != nil {
			return err
		}
	}
	return o.flush()
}

// replay writes changes of a page. To a reader who starts fresh, what is gone was never there.
func (o *output) replay(w *watch, events []*event, fresh bool) error {
	for _, e := range events {
		effect := e.change.Effect(w.viewer.reads)
		if effect == storage.Nothing || fresh && effect == storage.Remove {
			continue
		}
		if err := o.begin(); err != nil { // for each: a slow reader who reads is waited for
			return err
		}
		if err := o.message(message{watch: w, seq: e.change.Seq, idLine: e.idLine, data: e.bytes(effect)}); err != nil {
			return err
		}
	}
	return o.flush()
}

func (o *output) message(m message) error {
	if m.watch == nil {
		_, err := o.w.Write(m.data)
		return err
	}
	m.watch.sent, m.watch.begun = m.seq, true
	if len(o.watches) > 1 {
		if _, err := o.w.Write(o.idLine()); err != nil {
			return err
		}
		m.data = m.data[m.idLine:]
	}
	_, err := o.w.Write(m.data)
	return err
}

// live tells the reader that it holds everything of a page up to a number.
func (o *output) live(w *watch, seq int64) error {
	w.sent, w.begun = seq, true
	return o.event(o.idLine(), "live", liveSince{w.page.id, seq})
}

// resync tells the reader to forget a page, of which it holds nothing then.
func (o *output) resync(w *watch, reason string) error {
	w.sent, w.begun = 0, false
	return o.event(nil, "resync", resync{w.page.id, reason})
}

func (o *output) event(idLine []byte, name string, data any) error {
	b, err := appendEvent(idLine, name, data)
	if err != nil {
		return err
	}
	return o.write(b)
}

// idLine is the cursor after what was written so far. It leaves out a page of which nothing was written.
func (o *output) idLine() []byte {
	o.id = appendID(append(o.id[:0], "id: "...), o.epoch)
	for _, w := range o.watches {
		if w.begun {
			o.id = appendPage(o.id, w.page.id, w.sent)
		}
	}
	o.id = append(o.id, '\n')
	return o.id
}
