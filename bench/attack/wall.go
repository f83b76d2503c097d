//go:build linux

package main

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// wallTime is how long the wall takes to refuse: as long as limn does, so that attackers come as often.
const wallTime = 500 * time.Millisecond

// wall refuses everything and looks at nothing, until it is killed. It says where it is when it has begun.
func wall() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", listener.Addr())
	refuse := func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(wallTime)
		w.WriteHeader(http.StatusTooManyRequests)
	}
	server := http.Server{Handler: http.HandlerFunc(refuse), ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(listener)
}

// startWall starts a wall as a process of its own.
func startWall() (url string, end func(), err error) { return beside("-wall") }
