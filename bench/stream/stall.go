//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

const (
	stallViewers = 200
	stallRate    = 100
	stallSize    = 8 << 10
	stallLimit   = 40 * time.Second
)

// stall has one viewer of a page stop reading, and looks at what becomes of it and of the others.
func stall(limn string) error {
	s, err := start("limn", limn)
	if err != nil {
		return err
	}
	defer s.stop()
	c, err := connect(s, stallViewers, 1)
	if err != nil {
		return err
	}
	defer c.close()
	without, err := c.run(load{posts: 5 * stallRate, rate: stallRate, size: stallSize})
	if err != nil {
		return err
	}
	stalled, err := dial(s, 0)
	if err != nil {
		return err
	}
	defer stalled.file.Close()
	conn, err := net.FileConn(stalled.file)
	if err != nil {
		return err
	}
	defer conn.Close()
	memory, begin := s.memory(), time.Now()
	with := result{}
	for isHeld(conn) && time.Since(begin) < stallLimit {
		r, err := c.run(load{posts: stallRate, rate: stallRate, size: stallSize})
		if err != nil {
			return err
		}
		with.p99, with.lost, with.repeated = max(with.p99, r.p99), with.lost+r.lost, with.repeated+r.repeated
	}
	fate := fmt.Sprintf("let go after %.0f s", time.Since(begin).Seconds())
	if isHeld(conn) {
		fate = fmt.Sprintf("still held after %.0f s", stallLimit.Seconds())
	}
	during := s.memory()
	if _, err := c.run(load{posts: 5 * stallRate, rate: stallRate, size: stallSize}); err != nil {
		return err
	}
	fmt.Printf("one of %d viewers stops reading, %d KB at %d/s: %s; the others' p99 %.0f ms, before %.0f; %d lost, %d repeated, %d ended; memory %d MB, before %d, after %d\n",
		stallViewers, stallSize>>10, stallRate, fate, milliseconds(with.p99), milliseconds(without.p99),
		with.lost, with.repeated, c.gone.Load(), during>>10, memory>>10, s.memory()>>10)
	return nil
}

// isHeld tells whether the server's end of a connection is open. The viewer itself is not told while its window is
// closed, so the kernel's table is asked.
func isHeld(conn net.Conn) bool {
	table, _ := os.ReadFile("/proc/net/tcp")
	end := func(a net.Addr) string {
		tcp := a.(*net.TCPAddr)
		ip := tcp.IP.To4()
		return fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], tcp.Port)
	}
	return strings.Contains(string(table), end(conn.RemoteAddr())+" "+end(conn.LocalAddr())+" 01 ") // established
}
