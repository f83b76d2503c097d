package storage_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"limn/storage"
	"limn/storage/storagetest"
	"limn/xpath"
)

// judge saves a visit that has found one thing of a highlight.
func judge(tb testing.TB, s *storage.Store, h storage.Highlight, check storage.Check) (changed bool) {
	tb.Helper()
	ctx := context.Background()
	if err := s.CheckPageAgain(ctx, h.Page.ID); err != nil {
		tb.Fatal(err)
	}
	due, err := s.ClaimDuePages(ctx, 1, time.Minute)
	if err != nil || len(due) != 1 {
		tb.Fatalf("claimed %v, %v", due, err)
	}
	changed, err = s.SaveVisit(ctx, storage.Visit{
		Page: due[0], ReadAt: time.Now(), JudgedAt: time.Now(), Pace: due[0].Pace,
		Verdicts: []storage.Verdict{{Highlight: h.ID, Ranges: h.Ranges, Check: check}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return changed
}

// rows counts what a table holds.
func rows(tb testing.TB, s *storage.Store, table string) (n int) {
	tb.Helper()
	ctx := context.Background()
	conn, err := s.Connect(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close(ctx)
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		tb.Fatal(err)
	}
	return n
}

func TestMostHighlightsHaveAHistoryWithoutARow(t *testing.T) {
	s, ctx := storagetest.Open(t), context.Background()
	ada := mustReader(t, s, "Ada")
	h := mustHighlight(t, s, ada, "public")

	judge(t, s, h, storage.Check{State: xpath.Verified})

	entries, next, err := s.ListHistory(ctx, ada, h.ID, storage.Paging{Limit: 10})
	if err != nil || next != "" || len(entries) != 2 || entries[0].Kind != "checked" || entries[1].Kind != "created" {
		t.Fatalf("the history is %+v, %q, %v; want created and checked", entries, next, err)
	}
	if entries[0].By != nil || *entries[0].State != xpath.Verified || entries[1].By.Name != "Ada" || !entries[0].At.After(entries[1].At) {
		t.Errorf("the history is %+v", entries)
	}
	if n := rows(t, s, "history"); n != 0 {
		t.Errorf("it takes %d rows; want none", n)
	}
}

// A page that is another one each time does not fill the table, and what people did is not pushed out by it.
func TestOnlyTheLastVerdictsAreKept(t *testing.T) {
	s, ctx := storagetest.Open(t), context.Background()
	ada := mustReader(t, s, "Ada")
	h := mustHighlight(t, s, ada, "public")
	color := "green"
	if _, err := s.UpdateHighlight(ctx, ada, h.ID, storage.HighlightEdit{Color: &color}); err != nil {
		t.Fatal(err)
	}
	for i := range 130 {
		judge(t, s, h, storage.Check{State: xpath.Unverifiable, Reason: fmt.Sprint("status_", i)})
	}

	entries, _, err := s.ListHistory(ctx, ada, h.ID, storage.Paging{Limit: 200})
	if err != nil || len(entries) != 102 {
		t.Fatalf("%d entries, %v; want 100 verdicts, the edit and the creation", len(entries), err)
	}
	if entries[0].Reason != "status_129" || entries[99].Reason != "status_30" || entries[100].Kind != "edited" || entries[101].Kind != "created" {
		t.Errorf("the history ends with %+v", entries[98:])
	}
	if _, err := s.DeleteHighlight(ctx, ada, h.ID, nil); err != nil {
		t.Fatal(err)
	}
	if n := rows(t, s, "history"); n != 0 {
		t.Errorf("%d entries are left of a deleted highlight", n)
	}
}

// What a visit found of the place that a highlight has left meanwhile says nothing about the place where it is.
func TestAVerdictOnTheOldPlaceIsDropped(t *testing.T) {
	s, ctx := storagetest.Open(t), context.Background()
	ada := mustReader(t, s, "Ada")
	h := mustHighlight(t, s, ada, "public")
	due, err := s.ClaimDuePages(ctx, 1, time.Minute)
	if err != nil || len(due) != 1 {
		t.Fatalf("claimed %v, %v", due, err)
	}
	there := h.Ranges[0]
	there.Quote = &xpath.Quote{Exact: "another passage between the same ends"}
	if _, err := s.ReanchorHighlight(ctx, ada, h.ID, storage.Reanchoring{Ranges: []xpath.Range{there}}); err != nil {
		t.Fatal(err)
	}

	found := h.Ranges[0]
	found.Quote = &xpath.Quote{Exact: "what stood there"}
	changed, err := s.SaveVisit(ctx, storage.Visit{Page: due[0], ReadAt: time.Now(), JudgedAt: time.Now(), Verdicts: []storage.Verdict{{
		Highlight: h.ID, Ranges: []xpath.Range{found}, Check: storage.Check{State: xpath.Verified},
	}}})

	if err != nil || changed {
		t.Errorf("it was saved: %v, %v", changed, err)
	}
	got, err := s.GetHighlight(ctx, ada, h.ID)
	if err != nil || got.Check.State != xpath.Pending || got.Ranges[0].Quote.Exact != there.Quote.Exact {
		t.Errorf("it is %+v, %v; want it as it was put", got, err)
	}
	if again, err := s.ClaimDuePages(ctx, 1, time.Minute); err != nil || len(again) != 1 {
		t.Errorf("due are %v, %v; want the page, at once", again, err)
	}
}
