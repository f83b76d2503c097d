//go:build !linux

package live

import (
	"io"
	"log/slog"
	"sync"
)

// hangups tells when readers hang up: by a goroutine for each, where there is no epoll.
type hangups struct {
	gone    func(id uint64)
	reading sync.WaitGroup
}

// watchHangups calls gone with the id of each connection that was watched and whose reader has hung up.
func watchHangups(_ *slog.Logger, gone func(id uint64)) (*hangups, error) {
	return &hangups{gone: gone}, nil
}

func (h *hangups) watch(c *connection, id uint64) error {
	h.reading.Go(func() {
		_, _ = io.Copy(io.Discard, c.Conn) // ends when either side does; why does not matter
		h.gone(id)
	})
	return nil
}

func (h *hangups) close() { h.reading.Wait() }
