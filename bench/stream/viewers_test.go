//go:build linux

package main

import (
	"fmt"
	"testing"
	"time"
)

// What is lost or repeated is seen, whether events have numbers or not.
func TestCrowdCountsWhatArrives(t *testing.T) {
	numbered := func(note string, number int) string {
		return fmt.Sprintf("id: epoch.page-%d\nevent: highlight\ndata: {\"note\":%q}\n\n", number, note)
	}
	plain := func(note string, _ int) string {
		return fmt.Sprintf("event:highlight\ndata:{\"note\":%q}\n\n", note)
	}
	for name, c := range map[string]struct {
		event                 func(note string, number int) string
		notes, numbers        []int
		events, news, repeats int64
	}{
		"numbered, each once":          {numbered, []int{0, 1, 2}, []int{4, 5, 6}, 3, 3, 0},
		"numbered, changed later":      {numbered, []int{0, 1, 0}, []int{4, 5, 6}, 3, 2, 0},
		"numbered, sent again":         {numbered, []int{0, 1, 1}, []int{4, 5, 5}, 3, 2, 1},
		"numbered, in the wrong order": {numbered, []int{1, 0}, []int{5, 4}, 2, 2, 1},
		"without numbers, sent again":  {plain, []int{0, 1, 0}, []int{0, 0, 0}, 3, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			crowd, v := &crowd{pages: 1, posts: make([]post, 3)}, &viewer{}
			for n := range c.notes {
				for _, b := range []byte(c.event(note(c.notes[n], 100), c.numbers[n])) {
					crowd.feed(v, []byte{b}, time.Now())
				}
			}
			if e, n, r := crowd.events.Load(), crowd.news.Load(), crowd.repeats.Load(); e != c.events || n != c.news || r != c.repeats {
				t.Errorf("%d events, %d new, %d repeated; want %d, %d, %d", e, n, r, c.events, c.news, c.repeats)
			}
		})
	}
}
