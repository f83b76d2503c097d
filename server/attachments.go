package server

import (
	"context"
	"encoding/hex"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"limn/storage"
)

// arrivalTimeout is for a whole file to arrive: 10 MB at 35 KB a second.
const arrivalTimeout = 5 * time.Minute

// shownTypes are what a browser may show as what it is. Everything else is bytes to it.
var shownTypes = []string{"image/gif", "image/jpeg", "image/png", "image/webp"}

func (s *Server) attachToHighlight(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	return s.attach(c, storage.Attached{Highlight: id})
}

func (s *Server) attachToReply(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	return s.attach(c, storage.Attached{Reply: id})
}

// attach stores the request's body, whatever it is, as it arrives.
func (s *Server) attach(c *gin.Context, on storage.Attached) error {
	q := readQuery(c, "id", "name")
	n := storage.NewAttachment{ID: q.id("id"), On: on, Name: q.text("name"), Size: c.Request.ContentLength}
	if q.err != nil {
		return q.err
	}
	if n.Size < 0 { // it is not said
		n.Size = storage.MaxAttachment
	}
	if n.Size > storage.MaxAttachment {
		return storage.ErrTooLarge
	}
	if err := s.limits.costly(c); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c, arrivalTimeout)
	defer cancel()
	if err := http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(arrivalTimeout)); err != nil {
		return err
	}
	body := &arrival{Reader: http.MaxBytesReader(c.Writer, c.Request.Body, storage.MaxAttachment)}
	a, page, created, err := s.store.CreateAttachment(ctx, readerOf(c), n, body)
	if body.err != nil {
		return bodyError(body.err)
	}
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		s.hub.Changed(page)
		status = http.StatusCreated
		c.Header("Location", apiBase+"/attachments/"+a.ID.String())
	}
	c.JSON(status, a)
	return nil
}

// An arrival is a request's body, and why it did not arrive.
type arrival struct {
	io.Reader
	err error
}

func (a *arrival) Read(b []byte) (int, error) {
	n, err := a.Reader.Read(b)
	if err != nil && err != io.EOF {
		a.err = err
	}
	return n, err
}

// getAttachment serves a file so that nothing in it acts: not in this origin, and, unless it is a picture, not in a
// browser at all.
func (s *Server) getAttachment(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	f, err := s.store.OpenAttachment(c, readerOf(c), id)
	if err != nil {
		return err
	}
	kind, disposition := "application/octet-stream", "attachment"
	if slices.Contains(shownTypes, f.Type) {
		kind, disposition = f.Type, "inline"
	}
	header := c.Writer.Header()
	header.Set("Content-Type", kind)
	header.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": f.Name}))
	header.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	header.Set("Cross-Origin-Resource-Policy", "same-origin") // who may fetch it may have it; nobody shows it unasked
	header.Set("Cache-Control", "private, no-cache")
	header.Set("ETag", `"`+hex.EncodeToString(f.Hash)+`"`)
	http.ServeContent(patientWriter{c.Writer}, c.Request, "", f.StoredAt, f)
	return nil
}

func (s *Server) deleteAttachment(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	page, err := s.store.DeleteAttachment(c, readerOf(c), id)
	if err != nil {
		return err
	}
	s.hub.Changed(page)
	c.Status(http.StatusNoContent)
	return nil
}
