package live

import (
	"fmt"
	"net"
	"syscall"
	"time"
)

const (
	writeTimeout = 10 * time.Second // for a reader to take a piece of what it is sent
	piece        = 64 << 10         // bytes
)

// A connection is what a stream is written to, taken over from the HTTP server: the server would keep two buffers and
// a goroutine for each.
type connection struct {
	net.Conn
	raw syscall.RawConn // for writes that do not wait; nil: the connection has none
}

func newConnection(conn net.Conn) (*connection, error) {
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("take the connection over: %w", err)
	}
	c := &connection{Conn: conn}
	if s, ok := conn.(syscall.Conn); ok {
		raw, err := s.SyscallConn()
		if err != nil {
			return nil, fmt.Errorf("take the connection over: %w", err)
		}
		c.raw = raw
	}
	return c, nil
}

// write waits until everything is written, as long as the reader takes a piece from time to time.
func (c *connection) write(b []byte) error {
	for len(b) > 0 {
		n := min(len(b), piece)
		if err := c.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return fmt.Errorf("set the stream's write deadline: %w", err)
		}
		if _, err := c.Conn.Write(b[:n]); err != nil {
			return fmt.Errorf("write the stream: %w", err)
		}
		b = b[n:]
	}
	return c.SetWriteDeadline(time.Time{}) // writes that do not wait fail after a deadline, too
}

func (c *connection) close() { c.Conn.Close() }

// A writer is what one goroutine needs to write to many viewers, one after the other.
type writer struct {
	messages  []message
	scratch   []byte
	delivered int // changes, since metrics took them over

	data    []byte // what attempt writes
	written int
	err     error
	attempt func(fd uintptr) bool
}

func newWriter() *writer {
	w := &writer{}
	w.attempt = func(fd uintptr) bool {
		w.written, w.err = writeNow(fd, w.data)
		return true // also when nothing was written: others are waiting
	}
	return w
}

// write writes what can be written without waiting, and returns the rest.
func (w *writer) write(c *connection, data []byte) (rest []byte, err error) {
	if c.raw == nil {
		return data, nil
	}
	w.data, w.written, w.err = data, 0, nil
	if err := c.raw.Write(w.attempt); err != nil {
		return nil, err
	}
	return data[w.written:], w.err
}
