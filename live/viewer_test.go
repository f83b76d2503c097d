package live

import (
	"testing"

	"limn/storage"
)

// A reader who does not read costs no more than a bounded queue.
func TestSlowViewerFallsBehind(t *testing.T) {
	v := newViewer(storage.Anonymous)
	event := make([]byte, maxQueued/4)
	for range 4 {
		v.push(event)
	}
	if messages, ok := v.take(); !ok || len(messages) != 4 {
		t.Fatalf("a viewer who reads in time gets %d messages, %v", len(messages), ok)
	}
	for range 5 {
		v.push(event)
	}
	if messages, ok := v.take(); ok || len(messages) != 0 {
		t.Errorf("a viewer who does not gets %d messages, and is not behind", len(messages))
	}
}

// One event larger than the queue is still delivered: nobody could ever get past it otherwise.
func TestLargeEventPasses(t *testing.T) {
	v := newViewer(storage.Anonymous)
	v.push(make([]byte, 2*maxQueued))
	if messages, ok := v.take(); !ok || len(messages) != 1 {
		t.Errorf("the viewer gets %d messages, %v", len(messages), ok)
	}
}
