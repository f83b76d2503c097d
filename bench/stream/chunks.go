//go:build linux

package main

import (
	"bytes"
	"strconv"
	"strings"
)

// chunks takes the chunked coding of RFC 9112, section 7.1, away from what arrives piece by piece.
type chunks struct {
	chunked bool
	left    int    // bytes of the chunk that are still to come
	size    []byte // of a line that is not whole yet
}

// next is the data that received begins with, without a copy, and what follows it.
func (c *chunks) next(received []byte) (data, rest []byte) {
	if !c.chunked {
		return received, nil
	}
	if c.left > 0 {
		n := min(c.left, len(received))
		c.left -= n
		return received[:n], received[n:]
	}
	line, rest, whole := bytes.Cut(received, []byte("\n"))
	c.size = append(c.size, line...)
	if whole {
		size, _ := strconv.ParseInt(strings.TrimSpace(string(c.size)), 16, 32) // empty after each chunk
		c.left, c.size = int(size), c.size[:0]
	}
	return nil, rest
}
