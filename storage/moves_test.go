package storage_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"limn/storage"
	"limn/storage/storagetest"
	"limn/xpath"
)

// What was made or answered last comes first, for who is in its group; what is public is not among it.
func TestMovesAreTheLastFirst(t *testing.T) {
	s := storagetest.Open(t)
	ada, bob := mustReader(t, s, "Ada"), mustReader(t, s, "Bob")
	g, _, err := s.CreateGroup(t.Context(), ada, storage.NewGroup{Name: "Circle", Kind: "open"})
	if err != nil {
		t.Fatal(err)
	}
	ada, err = s.Only(t.Context(), mustReaderAgain(t, s, ada), "me", "public", g.ID.String())
	if err != nil {
		t.Fatal(err)
	}
	first := mustHighlight(t, s, ada, g.ID.String())
	second := mustHighlight(t, s, ada, "me")
	mustHighlight(t, s, ada, "public")
	for _, note := range []string{"one", "two", "three"} {
		if _, _, _, err := s.CreateReply(t.Context(), ada, storage.NewReply{Highlight: first.ID, Note: note}); err != nil {
			t.Fatal(err)
		}
	}

	for reader, want := range map[*storage.Reader][]uuid.UUID{&ada: {first.ID, second.ID}, &bob: nil} {
		moves, err := s.ListMoves(t.Context(), *reader, 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []uuid.UUID
		for _, h := range moves {
			got = append(got, h.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s sees %v, want %v", reader.Account.Name, got, want)
		}
	}
	moves, _ := s.ListMoves(t.Context(), ada, 10)
	threads, err := s.LatestReplies(t.Context(), ada, moves, 2)
	if err != nil {
		t.Fatal(err)
	}
	if latest := threads[first.ID]; len(latest) != 2 || latest[0].Note != "two" || latest[1].Note != "three" {
		t.Errorf("the latest replies are %v", latest)
	}
}

// The highlights of a page come in the order of its text, a part of the list at a time, wherever a part ends.
func TestHighlightsInThePagesOrder(t *testing.T) {
	s := storagetest.Open(t)
	ada := mustReader(t, s, "Ada")
	var want []uuid.UUID
	for _, start := range []int{50, 10, 30, 10, 0, -1} {
		n := newHighlight("me")
		if start >= 0 {
			n.Ranges[0].Position = &xpath.Position{Start: start, End: start + 3}
		}
		h, _, err := s.CreateHighlight(t.Context(), ada, n)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, h.ID)
	}
	want = []uuid.UUID{want[4], want[1], want[3], want[2], want[0], want[5]} // that which says no place is the last
	note := newHighlight("me")
	note.Ranges = nil
	about, _, err := s.CreateHighlight(t.Context(), ada, note)
	if err != nil {
		t.Fatal(err)
	}

	filter := storage.Filter{Page: about.Page.ID, Part: storage.Marks, Sort: storage.ByPlace}
	for limit := 1; limit <= len(want); limit++ {
		var got []uuid.UUID
		for paging := (storage.Paging{Limit: limit}); ; {
			list, next, _, err := s.ListHighlights(t.Context(), ada, filter, paging)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range list {
				got = append(got, h.ID)
			}
			if next == "" {
				break
			}
			paging.After = next
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %d: %v, want %v", limit, got, want)
		}
	}
	notes, _, _, err := s.ListHighlights(t.Context(), ada, storage.Filter{Page: about.Page.ID, Part: storage.Notes}, storage.Paging{Limit: 10})
	if err != nil || len(notes) != 1 || notes[0].ID != about.ID {
		t.Errorf("the notes on the page are %v, %v", notes, err)
	}
	page, err := s.GetPage(t.Context(), ada, about.Page.ID)
	if err != nil || page.Counts.Marks() != 6 || page.Counts.Notes != 1 {
		t.Errorf("the page counts %+v, %v", page.Counts, err)
	}
}
