//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	stallViewers   = 200
	stallRate      = 100
	stallSize      = 8 << 10
	stalledViewers = 20
	stallCalm      = 15 * time.Second
	stallLimit     = time.Minute
)

// stall has some viewers of a page stop reading, and looks at what becomes of them, of the others and of the memory,
// beside what it is when all read.
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
	fmt.Printf("%d viewers, and %d who stop reading; %d notes of %d KB a second\n", stallViewers, stalledViewers, stallRate, stallSize>>10)
	fmt.Printf("%-14s  %7s  %13s  %4s  %8s  %5s  %s\n", "", "seconds", "others' p99 ms", "lost", "repeated", "ended", "memory MB, least and most")
	calm := func(d time.Duration) bool { return d < stallCalm }
	if err := follow(s, c, "all read", calm); err != nil {
		return err
	}
	var stalled []net.Conn
	for range stalledViewers {
		v, err := dial(s, 0)
		if err != nil {
			return err
		}
		defer v.file.Close()
		conn, err := net.FileConn(v.file)
		if err != nil {
			return err
		}
		defer conn.Close()
		stalled = append(stalled, conn)
	}
	begin := time.Now()
	anyHeld := func() bool { return slices.ContainsFunc(stalled, isHeld) }
	if err := follow(s, c, "some do not", func(d time.Duration) bool { return anyHeld() && d < stallLimit }); err != nil {
		return err
	}
	if anyHeld() {
		fmt.Printf("not all were let go in %.0f s\n", time.Since(begin).Seconds())
	}
	return follow(s, c, "they are gone", calm)
}

// follow sends events as long as it is to go on, and prints what came of them.
func follow(s *system, c *crowd, when string, goesOn func(time.Duration) bool) error {
	begin, all := time.Now(), result{}
	least, most := s.memory(), 0
	for goesOn(time.Since(begin)) {
		r, err := c.run(load{posts: stallRate, rate: stallRate, size: stallSize})
		if err != nil {
			return err
		}
		all.p99, all.lost, all.repeated = max(all.p99, r.p99), all.lost+r.lost, all.repeated+r.repeated
		least, most = min(least, s.memory()), max(most, s.memory())
	}
	fmt.Printf("%-14s  %7.0f  %13.0f  %4d  %8d  %5d  %.1f–%.1f\n",
		when, time.Since(begin).Seconds(), milliseconds(all.p99), all.lost, all.repeated, c.gone.Load(), float64(least)/1024, float64(most)/1024)
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
