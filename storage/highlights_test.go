package storage_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"limn/storage"
	"limn/storage/storagetest"
	"limn/xpath"
)

const pageURL = "https://example.org/a"

func mustReader(tb testing.TB, s *storage.Store, name string) storage.Reader {
	tb.Helper()
	account, err := s.CreateAccount(context.Background(), storage.NewAccount{Name: name})
	if err != nil {
		tb.Fatal(err)
	}
	token, _, err := s.CreateSession(context.Background(), account.ID)
	if err != nil {
		tb.Fatal(err)
	}
	reader, err := s.Authenticate(context.Background(), token)
	if err != nil {
		tb.Fatal(err)
	}
	return reader
}

func mustHighlight(tb testing.TB, s *storage.Store, author storage.Reader, group string) storage.Highlight {
	tb.Helper()
	h, created, err := s.CreateHighlight(context.Background(), author, newHighlight(group))
	if err != nil || !created {
		tb.Fatalf("create highlight: created %v, %v", created, err)
	}
	return h
}

func newHighlight(group string) storage.NewHighlight {
	return storage.NewHighlight{
		URL: pageURL, Title: "A", Group: group, Note: "why?", Tags: []string{"x"},
		Ranges: []xpath.Range{{
			Anchor: xpath.Point{XPath: "/html[1]/body[1]/p[1]/text()[1]", Offset: 4},
			Focus:  xpath.Point{XPath: "/html[1]/body[1]/p[1]/text()[1]", Offset: 1},
		}},
	}
}

// effects reads all changes after a number as one reader sees them: "+" what is put, "-" what is removed.
func effects(tb testing.TB, s *storage.Store, reader storage.Reader, after int64) (seen []string, seq int64) {
	tb.Helper()
	changes, reached, err := s.Changes(context.Background(), storage.PageID(pageURL), after, 1000)
	if err != nil {
		tb.Fatal(err)
	}
	for _, c := range changes {
		switch c.Effect(func(g uuid.UUID) bool { return slices.Contains(reader.Groups, g) }) {
		case storage.Put:
			seen = append(seen, "+"+c.Kind)
		case storage.Remove:
			seen = append(seen, "-"+c.Kind)
		}
	}
	return seen, reached.Seq
}

func wantEffects(tb testing.TB, s *storage.Store, reader storage.Reader, after int64, want ...string) (seq int64) {
	tb.Helper()
	seen, seq := effects(tb, s, reader, after)
	if len(seen) != len(want) {
		tb.Fatalf("changes after %d: %v; want %v", after, seen, want)
	}
	for i := range want {
		if seen[i] != want[i] {
			tb.Fatalf("changes after %d: %v; want %v", after, seen, want)
		}
	}
	return seq
}

func TestAHighlightsLifeIsToldToThoseWhoMayReadIt(t *testing.T) {
	s, ctx := storagetest.Open(t), context.Background()
	ada, bob := mustReader(t, s, "Ada"), mustReader(t, s, "Bob")

	h := mustHighlight(t, s, ada, "public")
	if got, err := s.GetHighlight(ctx, bob, h.ID); err != nil || got.Author.Name != "Ada" || got.Ranges[0].Anchor.Offset != 4 || got.Seq != 1 {
		t.Fatalf("Bob reads %+v, %v", got, err)
	}
	wantEffects(t, s, bob, 0, "+highlight")

	reply, _, _, err := s.CreateReply(ctx, bob, storage.NewReply{Highlight: h.ID, Note: "because"})
	if err != nil {
		t.Fatal(err)
	}
	seq := wantEffects(t, s, ada, 1, "+reply", "+highlight")
	if got, _ := s.GetHighlight(ctx, ada, h.ID); got.Replies != 1 || got.Version != 1 {
		t.Fatalf("after a reply: replies %d, version %d", got.Replies, got.Version)
	}

	me := "me"
	if _, err := s.UpdateHighlight(ctx, ada, h.ID, storage.HighlightEdit{Group: &me}); err != nil {
		t.Fatal(err)
	}
	wantEffects(t, s, bob, seq, "-reply", "-highlight")
	seq = wantEffects(t, s, ada, seq, "+reply", "+highlight")
	if _, err := s.GetHighlight(ctx, bob, h.ID); !errors.Is(err, storage.ErrNotFound) {
		t.Fatalf("Bob reads Ada's own highlight: %v", err)
	}
	if _, _, err := s.UpdateReply(ctx, bob, reply.ID, storage.ReplyEdit{Note: "no"}); !errors.Is(err, storage.ErrNotFound) {
		t.Fatalf("Bob writes into Ada's own thread: %v", err)
	}

	if _, err := s.DeleteHighlight(ctx, ada, h.ID, nil); err != nil {
		t.Fatal(err)
	}
	wantEffects(t, s, ada, seq, "-reply", "-highlight")
	if list, _, _, err := s.ListHighlights(ctx, ada, storage.Filter{}, storage.Paging{Limit: 10}); err != nil || len(list) != 0 {
		t.Fatalf("after the deletion: %v, %v", list, err)
	}
}

func TestOnlyItsAuthorChangesAHighlight(t *testing.T) {
	s, ctx := storagetest.Open(t), context.Background()
	ada, bob := mustReader(t, s, "Ada"), mustReader(t, s, "Bob")
	h := mustHighlight(t, s, ada, "public")
	note, stale := "mine", int64(7)
	if _, err := s.UpdateHighlight(ctx, bob, h.ID, storage.HighlightEdit{Note: &note}); !errors.Is(err, storage.ErrForbidden) {
		t.Errorf("Bob's edit: %v", err)
	}
	if _, err := s.DeleteHighlight(ctx, bob, h.ID, nil); !errors.Is(err, storage.ErrForbidden) {
		t.Errorf("Bob's deletion: %v", err)
	}
	if _, err := s.UpdateHighlight(ctx, ada, h.ID, storage.HighlightEdit{Note: &note, Version: &stale}); !errors.Is(err, storage.ErrStale) {
		t.Errorf("an edit of another version: %v", err)
	}
	wantEffects(t, s, bob, 1)
}

func TestTheSameIDIsAReplayOrAConflict(t *testing.T) {
	s, ctx := storagetest.Open(t), context.Background()
	ada := mustReader(t, s, "Ada")
	n := newHighlight("public")
	n.ID = uuid.New()

	var wait sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for range 8 {
		wait.Go(func() {
			_, created, err := s.CreateHighlight(ctx, ada, n)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if created {
				made++
			}
		})
	}
	wait.Wait()
	if made != 1 {
		t.Fatalf("eight requests with one id made %d highlights", made)
	}
	if seq := wantEffects(t, s, ada, 0, "+highlight"); seq != 1 {
		t.Fatalf("eight requests took %d numbers", seq)
	}
	n.Note = "other"
	if _, _, err := s.CreateHighlight(ctx, ada, n); !errors.Is(err, storage.ErrConflict) {
		t.Fatalf("another body under the id: %v", err)
	}
}

func TestNumbersHaveNoGapsUnderManyWriters(t *testing.T) {
	s, ctx := storagetest.Open(t), context.Background()
	ada := mustReader(t, s, "Ada")
	const writers, each = 8, 20
	var wait sync.WaitGroup
	for range writers {
		wait.Go(func() {
			for range each {
				if _, _, err := s.CreateHighlight(ctx, ada, newHighlight("public")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	changes, reached, err := s.Changes(ctx, storage.PageID(pageURL), 0, writers*each+1)
	if err != nil || reached.Seq != writers*each || len(changes) != writers*each {
		t.Fatalf("%d changes up to %d, %v; want %d", len(changes), reached.Seq, err, writers*each)
	}
	for i, c := range changes {
		if c.Seq != int64(i+1) {
			t.Fatalf("change %d has the number %d", i, c.Seq)
		}
	}
}

func TestListsAreWalkedByCursor(t *testing.T) {
	s, ctx := storagetest.Open(t), context.Background()
	ada := mustReader(t, s, "Ada")
	for range 5 {
		mustHighlight(t, s, ada, "me")
	}
	for _, sort := range storage.Sorts {
		seen := map[uuid.UUID]bool{}
		paging := storage.Paging{Limit: 2}
		for {
			list, next, seq, err := s.ListHighlights(ctx, ada, storage.Filter{Page: storage.PageID(pageURL), Sort: sort, Tag: "x", Text: "WHY"}, paging)
			if err != nil || seq != 5 {
				t.Fatalf("%s: seq %d, %v", sort, seq, err)
			}
			for _, h := range list {
				seen[h.ID] = true
			}
			if next == "" {
				break
			}
			paging.After = next
		}
		if len(seen) != 5 {
			t.Errorf("%s: %d of 5 seen", sort, len(seen))
		}
	}
	if _, _, _, err := s.ListHighlights(ctx, ada, storage.Filter{}, storage.Paging{Limit: 2, After: "forged"}); !errors.Is(err, storage.ErrCursor) {
		t.Errorf("a forged cursor: %v", err)
	}
}

func TestAVisitsVerdictIsAChange(t *testing.T) {
	s, ctx := storagetest.Open(t), context.Background()
	ada := mustReader(t, s, "Ada")
	h := mustHighlight(t, s, ada, "public")
	due, err := s.ClaimDuePages(ctx, 10, time.Minute)
	if err != nil || len(due) != 1 {
		t.Fatalf("claimed %v, %v", due, err)
	}
	if again, err := s.ClaimDuePages(ctx, 10, time.Minute); err != nil || len(again) != 0 {
		t.Fatalf("claimed twice: %v, %v", again, err)
	}
	unjudged, _, err := s.Unjudged(ctx, h.Page.ID)
	if err != nil || len(unjudged) != 1 {
		t.Fatalf("unjudged %v, %v", unjudged, err)
	}
	visit := storage.Visit{Page: due[0], ReadAt: time.Now(), JudgedAt: time.Now(), ETag: "\"\xff\"", LastModified: "\xfe", Verdicts: []storage.Verdict{{
		Highlight: h.ID, Ranges: h.Ranges, Check: storage.Check{State: xpath.Verified},
	}}}
	if changed, err := s.SaveVisit(ctx, visit); err != nil || !changed {
		t.Fatalf("first verdict: changed %v, %v", changed, err)
	}
	if changed, err := s.SaveVisit(ctx, visit); err != nil || changed {
		t.Fatalf("the same verdict again: changed %v, %v", changed, err)
	}
	got, err := s.GetHighlight(ctx, ada, h.ID)
	if err != nil || got.Check.State != xpath.Verified || got.Seq != 2 || got.Version != 1 {
		t.Fatalf("after the visit: %+v, %v", got, err)
	}
}

// How much is read at once does not depend on how much people write, and nothing is left out for it.
func TestLargeHighlightsAreReadFewAtATime(t *testing.T) {
	s, ctx := storagetest.Open(t), context.Background()
	ada := mustReader(t, s, "Ada")
	const count, size = 40, 192 << 10
	n := newHighlight("public")
	n.Ranges[0].Quote = &xpath.Quote{Exact: strings.Repeat("x", size/3)}
	n.Ranges = []xpath.Range{n.Ranges[0], n.Ranges[0], n.Ranges[0]}
	for range count {
		if _, _, err := s.CreateHighlight(ctx, ada, n); err != nil {
			t.Fatal(err)
		}
	}
	const most = 5 << 20 / size

	if list, more, err := s.Unjudged(ctx, storage.PageID(pageURL)); err != nil || len(list) > most || !more {
		t.Errorf("%d highlights to be judged at once, more: %v, %v", len(list), more, err)
	}
	listed := 0
	for after := ""; listed == 0 || after != ""; {
		list, next, _, err := s.ListHighlights(ctx, ada, storage.Filter{}, storage.Paging{Limit: 200, After: after})
		if err != nil || len(list) > most {
			t.Fatalf("%d highlights listed at once, %v", len(list), err)
		}
		listed, after = listed+len(list), next
	}
	var seqs []int64
	for at := (storage.Reached{More: true}); at.More; {
		var changes []storage.Change
		var err error
		changes, at, err = s.Changes(ctx, storage.PageID(pageURL), at.Seq, 500)
		if err != nil || len(changes) > most {
			t.Fatalf("%d changes read at once, %v", len(changes), err)
		}
		for _, c := range changes {
			seqs = append(seqs, c.Seq)
		}
	}
	if listed != count || len(seqs) != count || seqs[0] != 1 || seqs[count-1] != count {
		t.Errorf("%d listed, changes %v; want %d each", listed, seqs, count)
	}
}
