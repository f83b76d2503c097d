package live

import (
	"io"
	"testing"
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
