package live

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// startViewer makes a viewer that follows over a real connection, and the reader's end of it. ended is closed when
// the viewer has been let go.
func startViewer(t *testing.T) (v *viewer, reader net.Conn, ended chan struct{}) {
	t.Helper()
	hub, err := NewHub(nil, nil, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	reader, err = net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := newConnection(accepted)
	if err != nil {
		t.Fatal(err)
	}
	ended = make(chan struct{})
	v = &viewer{hub: hub, account: uuid.New(), conn: conn, phase: following, done: func() { close(ended) }}
	hub.viewers.add(v)
	if err := hub.hangups.watch(conn, v.id); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		v.stop(stopping)
		<-ended
		hub.tails.Wait()
		hub.hangups.close()
		reader.Close()
	})
	return v, reader, ended
}

// A reader who does not read costs no more than a bounded queue, and whoever publishes never waits.
func TestQueueIsBounded(t *testing.T) {
	v, _, _ := startViewer(t)
	out := newWriter()
	event := make([]byte, maxQueued/4)
	for lost := false; !lost; { // the kernel takes some megabytes first
		v.push(event, out)
		v.mu.Lock()
		if v.queued > maxQueued {
			t.Errorf("%d bytes wait", v.queued)
		}
		lost = v.lost
		v.mu.Unlock()
	}
}

// A reader who is slow for a while gets everything, in order, and follows again.
func TestViewerThatFellBehindFollowsAgain(t *testing.T) {
	v, reader, _ := startViewer(t)
	out := newWriter()
	var sent bytes.Buffer
	event := func() []byte {
		data := bytes.Repeat([]byte{byte('a' + sent.Len()%26)}, 100_001)
		sent.Write(data)
		return data
	}
	for { // until the kernel takes no more
		v.push(event(), out)
		v.mu.Lock()
		phase := v.phase
		v.mu.Unlock()
		if phase == behind {
			break
		}
	}
	v.push(event(), out)

	got := make([]byte, sent.Len())
	if _, err := io.ReadFull(reader, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, sent.Bytes()) {
		t.Error("what was read is not what was sent")
	}
	for phase := behind; phase != following; {
		v.mu.Lock()
		phase = v.phase
		v.mu.Unlock()
	}
	v.push([]byte("again"), out)
	if _, err := io.ReadFull(reader, got[:5]); err != nil || string(got[:5]) != "again" {
		t.Errorf("afterwards it reads %q (%v)", got[:5], err)
	}
}

// One event larger than the queue is still delivered: nobody could ever get past it otherwise.
func TestLargeEventPasses(t *testing.T) {
	v, reader, _ := startViewer(t)
	event := bytes.Repeat([]byte("x"), 20*maxQueued)
	v.push(event, newWriter())
	got := make([]byte, len(event))
	if _, err := io.ReadFull(reader, got); err != nil {
		t.Fatal(err)
	}
}

// A reader who hangs up is noticed without a write.
func TestHangUpIsNoticed(t *testing.T) {
	_, reader, ended := startViewer(t)
	reader.Close()
	<-ended
}

// What the kernel took half of is no event until its other half follows, though all that waits behind it is thrown away.
func TestEventThatWasBegunIsFinished(t *testing.T) {
	v, reader, _ := startViewer(t)
	const half = "ond half\n\n"
	v.mu.Lock()
	v.phase, v.rest = behind, []byte(half)
	v.mu.Unlock()
	out := newWriter()
	for range 2 {
		v.push(make([]byte, maxQueued), out)
	}

	again, err := v.writeQueue(out, following)

	if !again || err != nil {
		t.Errorf("what was thrown away is not read again: %v, %v", again, err)
	}
	got := make([]byte, len(half))
	if _, err := io.ReadFull(reader, got); err != nil || string(got) != half {
		t.Errorf("the reader gets %q, %v", got, err)
	}
}

// When the hub stops, few streams end at once; many end bit by bit, within some seconds.
func TestManyStreamsEndInSlices(t *testing.T) {
	for n, want := range map[int]time.Duration{1: 0, manyViewers - 1: 0, manyViewers: (drainSlices - 1) * drainPause, 12_345: (drainSlices - 1) * drainPause} {
		synctest.Test(t, func(t *testing.T) {
			hub := &Hub{}
			hub.metrics = newMetrics(hub)
			start := time.Now()
			slices := map[time.Duration]int{}
			var mu sync.Mutex
			viewers := make([]*viewer, n)
			for i := range viewers {
				ours, _ := net.Pipe()
				viewers[i] = &viewer{hub: hub, conn: &connection{Conn: ours}, done: func() {
					mu.Lock()
					defer mu.Unlock()
					slices[time.Since(start)]++
				}}
			}

			drain(viewers)
			took := time.Since(start)
			hub.tails.Wait()

			if took != want {
				t.Errorf("%d streams took %v to end, want %v", n, took, want)
			}
			for at, ended := range slices {
				if n >= manyViewers && ended > n/drainSlices+1 {
					t.Errorf("%d of %d streams ended together after %v", ended, n, at)
				}
			}
		})
	}
}

// pipeViewer is a viewer that follows over a pipe, which holds nothing: what is written waits until it is read.
func pipeViewer(hub *Hub) (v *viewer, reader net.Conn, ended chan struct{}) {
	ours, reader := net.Pipe()
	ended = make(chan struct{})
	v = &viewer{hub: hub, conn: &connection{Conn: ours}, phase: following, done: func() { close(ended) }}
	hub.viewers.add(v)
	return v, reader, ended
}

// Who takes nothing is let go at the deadline, and no sooner; who reads beside them is sent each event at once.
func TestStalledReaderIsLetGoAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := &Hub{log: slog.New(slog.DiscardHandler)}
		hub.metrics = newMetrics(hub)
		stalled, _, ended := pipeViewer(hub)
		other, reader, _ := pipeViewer(hub)
		begin, out := time.Now(), newWriter()

		for open := true; open; {
			stalled.push([]byte("event"), out)
			other.push([]byte("event"), out)
			at := time.Now()
			if _, err := io.ReadFull(reader, make([]byte, len("event"))); err != nil || time.Since(at) > 0 {
				t.Fatalf("after %v the other waits for %v, %v", at.Sub(begin), time.Since(at), err)
			}
			select {
			case <-ended:
				open = false
			case <-time.After(100 * time.Millisecond):
			}
		}

		if took := time.Since(begin); took != writeTimeout {
			t.Errorf("it was let go after %v", took)
		}
		if n := testutil.ToFloat64(hub.metrics.ended.WithLabelValues(slow)); n != 1 {
			t.Errorf("%v readers were let go because they are slow", n)
		}
		other.stop(stopping)
		hub.tails.Wait()
	})
}
