package server

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"limn/intake"
	"limn/storage"
)

const (
	maxIntake    = 8 << 30         // bytes of a file that is taken in
	intakeLimit  = 6 * time.Hour   // for all of it
	flushOutcome = 1 * time.Second // how late a client hears of what became of an item
)

// takeIn reads the request's body to its end, item by item, and then answers with what became of each: a browser that sends
// a file reads no answer before.
func (s *Server) takeIn(c *gin.Context) error {
	q := readQuery(c, "format", "group")
	name := q.text("format")
	if !q.has("format") {
		name = intake.Formats[0].Name
	}
	format, known := intake.Find(name)
	if !known {
		q.fail("the parameter format", "is none that can be read")
	}
	group := q.text("group")
	if q.err != nil {
		return q.err
	}
	if c.Request.ContentLength == 0 {
		return &unreadableError{"the request's body", "is empty"}
	}
	out := &outcomes{c: c, buffer: bufio.NewWriter(patientWriter{c.Writer})}
	tally, err := s.takeFile(c, format, group, http.MaxBytesReader(c.Writer, patientReader{c}, maxIntake), out.tell)
	switch {
	case err == nil:
		return out.end(tally)
	case !c.Writer.Written():
		return err
	}
	s.log.ErrorContext(c, "taking in a file broke off", "format", format.Name, "error", err)
	panic(http.ErrAbortHandler)
}

// takeFile reads a file to its end, and stores what is in it for the one who asks.
func (s *Server) takeFile(c *gin.Context, format intake.Format, group string, file io.Reader, told func(storage.Outcome) error) (tally storage.Tally, err error) {
	if group != "" {
		if err := s.mayTakeInto(c, group); err != nil {
			return tally, err
		}
	}
	if err := s.limits.costly(c); err != nil {
		return tally, err
	}
	release, err := s.limits.intake(c, readerOf(c).Account.ID)
	if err != nil {
		return tally, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(c, intakeLimit)
	defer cancel()
	body := &arrival{Reader: file}
	tally, err = s.store.TakeIn(ctx, storage.Intake{
		Author: readerOf(c), Group: group, Changed: func(page uuid.UUID) { s.hub.Changed(page) }, Told: told,
	}, format.Read(body))
	switch {
	case body.err != nil:
		err = bodyError(body.err)
	case err == nil:
		s.checker.Wake()
	}
	return tally, err
}

// mayTakeInto refuses a group that the account may not write to, before a file is sent for nothing.
func (s *Server) mayTakeInto(c *gin.Context, group string) error {
	reader, err := s.store.Only(c, readerOf(c), group)
	if err == nil && !reader.MayWrite() {
		err = storage.ErrForbidden
	}
	return err
}

// A patientReader gives each piece of a request's body its own time.
type patientReader struct{ *gin.Context }

func (r patientReader) Read(b []byte) (int, error) {
	if err := http.NewResponseController(r.Writer).SetReadDeadline(time.Now().Add(bodyTimeout)); err != nil {
		return 0, err
	}
	return r.Request.Body.Read(b)
}

// Close implements io.Closer.
func (r patientReader) Close() error { return r.Request.Body.Close() }

// outcomes is an answer with an outcome a line, and how many there were of each kind in the last.
type outcomes struct {
	c       *gin.Context
	buffer  *bufio.Writer
	flushed time.Time
}

func (o *outcomes) tell(outcome storage.Outcome) error {
	if err := o.line(outcome); err != nil {
		return err
	}
	if time.Since(o.flushed) < flushOutcome {
		return nil
	}
	o.flushed = time.Now()
	if err := o.buffer.Flush(); err != nil {
		return err
	}
	return http.NewResponseController(o.c.Writer).Flush()
}

func (o *outcomes) end(tally storage.Tally) error {
	if err := o.line(tally); err != nil {
		return err
	}
	return o.buffer.Flush()
}

func (o *outcomes) line(v any) error {
	if o.flushed.IsZero() {
		o.c.Header("Content-Type", "application/x-ndjson")
		o.c.Status(http.StatusOK)
		o.flushed = time.Now()
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = o.buffer.Write(append(text, '\n'))
	return err
}
