//go:build unix

package live

import "syscall"

// writeNow writes what the kernel takes at once.
func writeNow(fd uintptr, data []byte) (written int, err error) {
	for {
		n, err := syscall.Write(int(fd), data)
		switch err {
		case nil:
			return n, nil
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return 0, nil
		}
		return 0, err
	}
}
