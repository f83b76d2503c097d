package storage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"limn/storage"
	"limn/storage/storagetest"
	"limn/xpath"
)

// However many write to one page at once, each gets a number of its own, without gaps, and what is refused takes none.
func TestWritesToOnePageAtOnce(t *testing.T) {
	s := storagetest.Open(t)
	ada, bob := mustReader(t, s, "Ada"), mustReader(t, s, "Bob")
	taken := uuid.Must(uuid.NewV7())
	const writers, each = 24, 8
	var mu sync.Mutex
	var seqs []int64
	created := map[uuid.UUID]int{}
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				n := storage.NewHighlight{URL: "https://example.org/hot", Group: "public", Note: fmt.Sprint(w, i), Tags: []string{"a", fmt.Sprint(i)}[:1+i%2]}
				author := ada
				if i == 3 { // the same request by all
					n.ID, n.Note, n.Tags = taken, "once", nil
				}
				if i == 5 { // somebody else's id
					n.ID, author = taken, bob
				}
				h, made, err := s.CreateHighlight(t.Context(), author, n)
				if i == 5 && errors.Is(err, storage.ErrConflict) {
					continue
				}
				if err != nil && i != 5 {
					t.Errorf("writer %d: %v", w, err)
					continue
				}
				mu.Lock()
				if made {
					seqs = append(seqs, h.Seq)
					created[h.ID]++
				}
				mu.Unlock()
				if stored, err := s.GetHighlight(t.Context(), author, h.ID); err != nil || stored.Seq != h.Seq || stored.Note != n.Note || !slices.Equal(stored.Tags, h.Tags) {
					t.Errorf("answered %+v, stored %+v (%v)", h, stored, err)
				}
			}
		})
	}
	all.Wait()
	slices.Sort(seqs)
	for i, seq := range seqs {
		if seq != int64(i+1) {
			t.Fatalf("the numbers are %v", seqs)
		}
	}
	if created[taken] != 1 {
		t.Errorf("the same request made %d", created[taken])
	}
}

// Those who write to other pages go together as well, and each page keeps its own numbers.
func TestWritesToManyPagesAtOnce(t *testing.T) {
	s := storagetest.Open(t)
	ada := mustReader(t, s, "Ada")
	const writers, each, pages = 24, 8, 5
	var mu sync.Mutex
	seqs := map[uuid.UUID][]int64{}
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				url := fmt.Sprintf("https://example.org/%d", (w+i)%pages)
				h, _, err := s.CreateHighlight(t.Context(), ada, storage.NewHighlight{URL: url, Group: "public", Note: fmt.Sprint(w, i)})
				if err != nil || h.Page.URL != url {
					t.Errorf("writer %d made %+v, %v", w, h, err)
				}
				mu.Lock()
				seqs[h.Page.ID] = append(seqs[h.Page.ID], h.Seq)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	written := 0
	for page, numbers := range seqs {
		slices.Sort(numbers)
		written += len(numbers)
		if numbers[0] != 1 || numbers[len(numbers)-1] != int64(len(numbers)) || len(slices.Compact(numbers)) != len(numbers) {
			t.Errorf("the numbers of %s are %v", page, numbers)
		}
	}
	if written != writers*each || len(seqs) != pages {
		t.Errorf("%d were written on %d pages", written, len(seqs))
	}
}

func TestAPageThatSomebodyHoldsKeepsOnlyItsOwnWritersWaiting(t *testing.T) {
	s, ctx := storagetest.Open(t), t.Context()
	ada := mustReader(t, s, "Ada")
	create := func(page string) error {
		_, _, err := s.CreateHighlight(ctx, ada, storage.NewHighlight{URL: "https://example.org/" + page, Title: page, Group: "public"})
		return err
	}
	if err := create("held"); err != nil {
		t.Fatal(err)
	}
	conn, err := s.Connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, `SELECT FROM pages WHERE url = 'https://example.org/held' FOR UPDATE`); err != nil {
		t.Fatal(err)
	}

	const writers = 8
	held, others := make(chan error, writers), make(chan error, writers)
	for n := range writers {
		go func() { held <- create("held") }()
		go func() { others <- create(fmt.Sprint(n)) }()
	}

	for range writers {
		if err := <-others; err != nil {
			t.Error(err)
		}
	}
	if len(held) > 0 {
		t.Error("somebody has written to the page that is held")
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	for range writers {
		if err := <-held; err != nil {
			t.Error(err)
		}
	}
}

func TestOnAPageThatWasNotReadableAMomentAgoNothingIsPending(t *testing.T) {
	s, ctx := storagetest.Open(t), t.Context()
	ada := mustReader(t, s, "Ada")
	h := mustHighlight(t, s, ada, "public")
	due, err := s.ClaimDuePages(ctx, 1, time.Minute)
	if err != nil || len(due) != 1 {
		t.Fatalf("claimed %v, %v", due, err)
	}
	visit := storage.Visit{Page: due[0], ReadAt: time.Now(), Reason: "status_503", Pace: due[0].Pace}
	if _, err := s.SaveVisit(ctx, visit); err != nil {
		t.Fatal(err)
	}

	second := mustHighlight(t, s, ada, "public")

	if c := second.Check; second.Page.ID != h.Page.ID || c.State != xpath.Unverifiable || c.Reason != "status_503" || c.CheckedAt == nil {
		t.Errorf("it is %+v", second)
	}
	stored, err := s.GetHighlight(ctx, ada, second.ID)
	if err != nil || stored.Check.State != xpath.Unverifiable || !stored.Check.CheckedAt.Equal(*second.Check.CheckedAt) {
		t.Errorf("stored is %+v, %v", stored, err)
	}
	entries, _, err := s.ListHistory(ctx, ada, second.ID, storage.Paging{Limit: 10})
	if err != nil || len(entries) != 2 || entries[0].Kind != "checked" || entries[0].Reason != "status_503" {
		t.Errorf("its history is %+v, %v", entries, err)
	}
}

// A page that is known to this instance, but was taken away behind its back, is made anew by the next request.
func TestAPageThatIsGoneIsNotWaitedForAndMadeAgain(t *testing.T) {
	s, ctx := storagetest.Open(t), t.Context()
	ada := mustReader(t, s, "Ada")
	n := storage.NewHighlight{URL: "https://example.org/gone", Title: "A page", Group: "public"}
	if _, _, err := s.CreateHighlight(ctx, ada, n); err != nil {
		t.Fatal(err)
	}
	conn, err := s.Connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `TRUNCATE pages, highlights CASCADE`); err != nil {
		t.Fatal(err)
	}

	_, _, err = s.CreateHighlight(ctx, ada, n)

	if !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("%v, want that it is not available", err)
	}
	if h, made, err := s.CreateHighlight(ctx, ada, n); err != nil || !made || h.Seq != 1 {
		t.Errorf("then it is %+v, %v, %v", h, made, err)
	}
}
