//go:build unix

package server

import (
	"math"
	"syscall"
)

// openFiles is how many files and connections the process may have open. Go raises that as far as it may by itself.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt32
	}
	return uint64(limit.Cur) // signed on some systems
}
