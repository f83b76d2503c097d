//go:build linux

package main

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// A proxy passes connections on to an instance and cuts each after a random time, wherever it is in what it says.
type proxy struct {
	listener net.Listener
	target   string
	cut      func() // is told of each cut
	running  sync.WaitGroup
	closed   chan struct{}
}

func startProxy(target string, cut func()) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, target: target, cut: cut, closed: make(chan struct{})}
	p.running.Go(p.accept)
	return p, nil
}

func (p *proxy) url() string { return "http://" + p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.pass(conn) })
	}
}

// pass carries both directions until one ends or it is time for the cut.
func (p *proxy) pass(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer far.Close()
	var copies sync.WaitGroup
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		copies.Go(func() {
			io.Copy(way[0], way[1])
			done <- struct{}{}
		})
	}
	select {
	case <-time.After(time.Duration(rand.ExpFloat64() * float64(2*time.Second))):
		p.cut()
		for _, conn := range []net.Conn{near, far} {
			conn.(*net.TCPConn).SetLinger(0) // what is on its way is lost
		}
	case <-done:
	case <-p.closed:
	}
	near.Close()
	far.Close()
	copies.Wait()
}

func (p *proxy) close() {
	close(p.closed)
	p.listener.Close()
	p.running.Wait()
}
