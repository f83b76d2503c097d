//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"
)

// serve is one of the servers to compare with. A GET follows a path, a POST sends its body to all who do.
func serve(name string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", l.Addr())
	switch name {
	case "floor":
		return serveFloor(l)
	case "gin":
		return serveGin(l)
	}
	return fmt.Errorf("there is no server %q", name)
}

const streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\nevent: live\ndata: {}\n\n"

// A floor does the least that a broadcaster can: one write for each viewer, of bytes that are the same for all.
type floor struct {
	mu    sync.Mutex
	sent  int // events, which is the number of the last
	paths map[string][]*connection
}

type connection struct {
	net.Conn
	fd int
}

func serveFloor(l net.Listener) error {
	f := &floor{paths: map[string][]*connection{}}
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go f.answer(conn)
	}
}

// answer reads requests. A viewer's connection is left to the floor: no goroutine stays with it.
func (f *floor) answer(conn net.Conn) {
	lines := bufio.NewReader(conn)
	for {
		request, err := http.ReadRequest(lines)
		if err != nil {
			conn.Close()
			return
		}
		if request.Method == "GET" {
			f.add(request.URL.Path, conn)
			return
		}
		body, err := io.ReadAll(request.Body)
		if err != nil {
			conn.Close()
			return
		}
		f.send(request.URL.Path, body)
		io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
	}
}

func (f *floor) add(path string, conn net.Conn) {
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		conn.Close()
		return
	}
	c := &connection{Conn: conn}
	raw.Control(func(fd uintptr) { c.fd = int(fd) })
	io.WriteString(conn, streamHead)
	f.mu.Lock()
	f.paths[path] = append(f.paths[path], c)
	f.mu.Unlock()
}

func (f *floor) send(path string, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent++
	event := fmt.Appendf(nil, "id: %d\nevent: highlight\ndata: %s\n\n", f.sent, body)
	f.paths[path] = slices.DeleteFunc(f.paths[path], func(c *connection) bool {
		n, err := syscall.Write(c.fd, event)
		if n == len(event) {
			return false
		}
		if err == nil || err == syscall.EAGAIN { // the rest has to wait for the viewer
			c.SetWriteDeadline(time.Now().Add(10 * time.Second))
			_, err = c.Write(event[max(n, 0):])
		}
		if err != nil {
			c.Close()
		}
		return err != nil
	})
}

// serveGin is what one writes first: a channel for each viewer, and an event rendered for each delivery.
func serveGin(l net.Listener) error {
	var mu sync.Mutex
	paths := map[string]map[chan string]bool{}
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/pages/:page", func(c *gin.Context) {
		path, events := c.Request.URL.Path, make(chan string, 64)
		mu.Lock()
		if paths[path] == nil {
			paths[path] = map[chan string]bool{}
		}
		paths[path][events] = true
		mu.Unlock()
		defer func() {
			mu.Lock()
			delete(paths[path], events)
			mu.Unlock()
		}()
		c.SSEvent("live", "{}")
		c.Writer.Flush()
		c.Stream(func(io.Writer) bool {
			select {
			case e := <-events:
				c.SSEvent("highlight", e)
				return true
			case <-c.Request.Context().Done():
				return false
			}
		})
	})
	engine.POST("/pages/:page", func(c *gin.Context) {
		body, err := io.ReadAll(c.Request.Body)
		if err != nil {
			c.Status(http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for events := range paths[c.Request.URL.Path] {
			select {
			case events <- string(body):
			case <-time.After(time.Second): // it has gone, or does not read
			}
		}
		c.Status(http.StatusNoContent)
	})
	return http.Serve(l, engine)
}
