package live

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"golang.org/x/sys/unix"
)

// hangups tells when readers hang up, which a stream that is only written to would learn at its next ping. A
// goroutine for each that waits for it in Read would take more memory than all else that a stream needs.
type hangups struct {
	epoll int
	wake  int // an eventfd that ends the wait
	done  sync.WaitGroup
}

// watchHangups calls gone with the id of each connection that was watched and whose reader has hung up, until
// close.
func watchHangups(log *slog.Logger, gone func(id uint64)) (*hangups, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("watch connections: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(epoll)
		return nil, fmt.Errorf("watch connections: %w", err)
	}
	h := &hangups{epoll: epoll, wake: wake}
	if err := h.add(wake, unix.EPOLLIN, 0); err != nil {
		unix.Close(epoll)
		unix.Close(wake)
		return nil, err
	}
	h.done.Go(func() { h.run(log, gone) })
	return h, nil
}

func (h *hangups) run(log *slog.Logger, gone func(id uint64)) {
	events := make([]unix.EpollEvent, 128)
	for {
		n, err := unix.EpollWait(h.epoll, events, -1)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			log.Error("readers who hang up are not noticed any more before their next ping", "error", err)
			return
		}
		for _, e := range events[:n] {
			id := uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32
			if id == 0 {
				return
			}
			gone(id)
		}
	}
}

// watch has a hang-up of the connection told under an id above 0. It is forgotten when the connection is closed.
func (h *hangups) watch(c *connection, id uint64) error {
	if c.raw == nil {
		return nil
	}
	var err error
	if failed := c.raw.Control(func(fd uintptr) { err = h.add(int(fd), unix.EPOLLRDHUP|unix.EPOLLET, id) }); failed != nil {
		return failed
	}
	return err
}

// add uses all the 64 bits of an event's data for the id.
func (h *hangups) add(fd int, events uint32, id uint64) error {
	event := unix.EpollEvent{Events: events, Fd: int32(uint32(id)), Pad: int32(uint32(id >> 32))}
	if err := unix.EpollCtl(h.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return fmt.Errorf("watch a connection: %w", err)
	}
	return nil
}

func (h *hangups) close() {
	if _, err := unix.Write(h.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}); err == nil {
		h.done.Wait()
	}
	unix.Close(h.epoll)
	unix.Close(h.wake)
}
