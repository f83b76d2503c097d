package live

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// In a turn of pings, one a second, each viewer has one: often enough for proxies that give up after 60 s.
func TestEveryViewerIsPinged(t *testing.T) {
	v, reader, _ := startViewer(t)
	out := newWriter()
	for range int(pingEvery / time.Second) {
		v.hub.ping(out)
	}
	v.push([]byte("end"), out)

	want := string(pingEvent) + "end"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(reader, got); err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("the viewer reads %q", got)
	}
}

// A stream that has lived long enough ends, so that readers spread over the instances there are.
func TestLongLivedStreamEnds(t *testing.T) {
	v, _, ended := startViewer(t)
	if life := time.Until(v.ends); life < minLife-time.Minute || life > maxLife {
		t.Errorf("the stream is to live for %v", life)
	}
	v.ends = time.Now().Add(-time.Second)
	for range int(pingEvery / time.Second) {
		v.hub.ping(newWriter())
	}
	<-ended
}

// Whoever watches a page on which nothing happens stays connected through a proxy that gives up after 60 s of silence.
func TestQuietStreamOutlivesAProxysPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := &Hub{log: slog.New(slog.DiscardHandler)}
		hub.metrics = newMetrics(hub)
		v, proxy, _ := pipeViewer(hub)
		v.ends = time.Now().Add(time.Hour)
		ctx, stop := context.WithCancel(t.Context())
		var pinging sync.WaitGroup
		pinging.Go(func() { hub.pingInTurns(ctx) })

		for begin := time.Now(); time.Since(begin) < 10*time.Minute; {
			proxy.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := io.ReadFull(proxy, make([]byte, len(pingEvent))); err != nil {
				t.Fatalf("after %v: %v", time.Since(begin), err)
			}
		}

		stop()
		pinging.Wait()
		v.stop(stopping)
		hub.tails.Wait()
	})
}
