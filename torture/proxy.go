//go:build linux

package main

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// A proxy passes connections on to an instance and cuts each after a random time, wherever it is in what it says. Then,
// now and then, it asks once more what was asked over the connection.
type proxy struct {
	listener net.Listener
	target   string
	count    func(what string) // is told what it does
	running  sync.WaitGroup
	closed   chan struct{}
}

func startProxy(target string, count func(what string)) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, target: target, count: count, closed: make(chan struct{})}
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
	var asked bytes.Buffer
	done := make(chan struct{}, 2)
	copies.Go(func() {
		io.Copy(near, far)
		done <- struct{}{}
	})
	copies.Go(func() {
		io.Copy(far, io.TeeReader(near, &asked))
		done <- struct{}{}
	})
	cut := false
	select {
	case <-time.After(time.Duration(rand.ExpFloat64() * float64(2*time.Second))):
		cut = true
		p.count("cut by a proxy")
		for _, conn := range []net.Conn{near, far} {
			conn.(*net.TCPConn).SetLinger(0) // what is on its way is lost
		}
	case <-done:
	case <-p.closed:
	}
	near.Close()
	far.Close()
	copies.Wait()
	if cut && rand.IntN(4) == 0 {
		p.repeat(asked.Bytes())
	}
}

// repeat asks again. Nobody waits for the answer any more.
func (p *proxy) repeat(asked []byte) {
	far, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer far.Close()
	p.count("repeated by a proxy")
	far.SetDeadline(time.Now().Add(time.Second))
	if _, err := far.Write(asked); err == nil {
		io.Copy(io.Discard, far)
	}
}

func (p *proxy) close() {
	close(p.closed)
	p.listener.Close()
	p.running.Wait()
}
