package live

import "testing"

// A crowd shares one query, but nobody is answered by one that began before they came.
func TestReplayIsSharedByThoseWhoCameBeforeItBegan(t *testing.T) {
	all := replays{running: map[int64]bool{}, next: map[int64]*replay{}}
	var begun []*replay
	join := func() *replay { return all.join(7, func(r *replay) { begun = append(begun, r) }) }

	first := join()
	second, third := join(), join() // while the first is running
	if len(begun) != 1 || begun[0] != first || second == first || third != second {
		t.Fatalf("%d began; the second shares with the first: %v, the third with the second: %v", len(begun), second == first, third == second)
	}
	if next := all.take(7); next != second {
		t.Fatal("those who waited are not next")
	}
	fourth := join() // while the second is running
	if fourth == second || all.take(7) != fourth || all.take(7) != nil {
		t.Fatal("who comes while the second runs is not in a third")
	}
	if join(); len(begun) != 2 {
		t.Error("with nothing running, one who comes is not read for at once")
	}
}
