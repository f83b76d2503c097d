package server

import (
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"limn/export"
)

// export streams what the filter chooses. An answer that breaks off half-way ends the connection, so that nobody
// takes a part for the whole.
func (s *Server) export(c *gin.Context) error {
	q := readQuery(c, append([]string{"format"}, filterParameters...)...)
	filter := q.filter()
	name := q.text("format")
	if !q.has("format") {
		name = export.Formats[0].Name
	}
	format, known := export.Find(name)
	if !known {
		q.fail("the parameter format", "is none that can be written")
	}
	if q.err != nil {
		return q.err
	}
	reader, err := s.readerIn(c, q.values["group"])
	if err != nil {
		return err
	}
	release, err := s.limits.export(c)
	if err != nil {
		return err
	}
	defer release()
	c.Header("Content-Type", format.MediaType)
	c.Header("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "limn-"+time.Now().UTC().Format(time.DateOnly)+"."+format.Extension))
	c.Status(http.StatusOK)
	err = format.Write(patientWriter{c.Writer}, s.origin(c), paced(s, c, s.store.Threads(c, reader, filter, format.Whole)))
	return s.finishExport(c, format.Name, err)
}

const (
	portion = 100                    // of an export's items
	maxRest = 100 * time.Millisecond // after one
)

// paced rests after each portion for as long as that took, if other addresses have asked for something meanwhile: they get
// half of what an export can take of the machine.
func paced[T any](s *Server, c *gin.Context, items iter.Seq2[T, error]) iter.Seq2[T, error] {
	if !s.limits.on {
		return items
	}
	return func(yield func(T, error) bool) {
		n, others, began := 0, s.limits.others(c), time.Now()
		for item, err := range items {
			if !yield(item, err) {
				return
			}
			if n++; n%portion != 0 {
				continue
			}
			if now := s.limits.others(c); now != others {
				time.Sleep(min(time.Since(began), maxRest))
				others = now
			}
			began = time.Now()
		}
	}
}

func (s *Server) finishExport(c *gin.Context, format string, err error) error {
	switch {
	case err == nil:
		return nil
	case !c.Writer.Written():
		c.Writer.Header().Del("Content-Disposition")
		return err
	case !errors.Is(err, c.Request.Context().Err()):
		s.log.ErrorContext(c, "an export broke off", "format", format, "error", err)
	}
	panic(http.ErrAbortHandler)
}

// A patientWriter gives each write its own time: an export may take long, a reader who has stopped may not.
type patientWriter struct{ gin.ResponseWriter }

func (w patientWriter) Write(b []byte) (int, error) {
	if err := http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(answerTimeout)); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(b)
}
