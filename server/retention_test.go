package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Who comes back after what was removed is forgotten is told to begin anew, and then holds what there is; who follows
// meanwhile is not disturbed. The page is longer than what is read at once.
func TestAReaderWhoComesBackTooLateBeginsAnew(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	first := ada.mark("removed", "public").text("id")
	for n := range 150 {
		ada.mark(fmt.Sprint("kept ", n), "public")
	}
	begun := ada.follow("/stream?url=" + streamed).until("live")
	cursor := begun[len(begun)-1].id
	follower := ada.settled("/stream?url=" + streamed)
	ada.do("DELETE", "/highlights/"+first, "").is(http.StatusNoContent)
	follower.awaits(t, "removed", func(e event) bool { return e.data.text("id") == first })
	conn, err := s.store.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `UPDATE highlights SET deleted_at = now() - interval '3 days' WHERE deleted_at IS NOT NULL`); err != nil {
		t.Fatal(err)
	}

	if err := s.store.Sweep(t.Context(), 48*time.Hour); err != nil {
		t.Fatal(err)
	}

	events := ada.follow("/stream?url="+streamed, "Last-Event-ID", cursor).until("live")
	if events[0].name != "resync" || events[0].data.text("reason") != "old_cursor" {
		t.Fatalf("the first event is %s: %s", events[0].name, events[0].data.body)
	}
	if all := notes(events); strings.Count(all, "kept") != 150 || strings.Contains(all, "removed") {
		t.Errorf("it is sent %s", all)
	}
	newest := events[len(events)-1].id
	ada.mark("after", "public")
	for _, e := range follower.untilNote("after") {
		if e.name == "resync" {
			t.Errorf("who follows is told to begin anew: %s", e.data.body)
		}
	}
	for _, e := range ada.follow("/stream?url="+streamed, "Last-Event-ID", newest).until("live") {
		if e.name == "resync" {
			t.Errorf("who came back once is told so again: %s", e.data.body)
		}
	}
}
