package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"limn/storage"
	"limn/storage/storagetest"
)

// What is being told when its instance is killed is told by the next one, once the turn has run out; what changes during a
// turn is another one.
func TestATurnAtAWebhookIsOneAtATimeAndOutlivesWhoHasIt(t *testing.T) {
	s, ctx := storagetest.Open(t), t.Context()
	ada := mustReader(t, s, "Ada")
	mustHighlight(t, s, ada, "public")
	w, err := s.CreateWebhook(ctx, ada, storage.Webhook{URL: "https://example.org/"})
	if err != nil {
		t.Fatal(err)
	}
	take := func(want int) (turn storage.WebhookTurn) {
		t.Helper()
		if _, err := s.DealOut(ctx); err != nil {
			t.Fatal(err)
		}
		turns, err := s.TakeWebhookTurns(ctx, 10)
		if err != nil || len(turns) != want {
			t.Fatalf("%d turns are taken, %v; want %d", len(turns), err, want)
		}
		if want > 0 {
			turn = turns[0]
		}
		return turn
	}
	end := func(turn storage.WebhookTurn, seq int64) {
		t.Helper()
		if kept, err := s.Told(ctx, turn, seq); err != nil || !kept {
			t.Fatalf("the turn is kept: %v, %v", kept, err)
		}
		if err := s.EndTurn(ctx, turn, true); err != nil {
			t.Fatal(err)
		}
	}

	take(0) // what was there before is not told
	mustHighlight(t, s, ada, "public")
	first := take(1)
	if first.Webhook.ID != w.ID || first.Webhook.Secret != w.Secret || first.Seq != 1 || first.Page != storage.PageID(pageURL) {
		t.Errorf("the turn is %+v", first)
	}
	take(0) // somebody has it

	conn, err := s.Connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(ctx, `UPDATE webhook_pages SET leased_until = now() - interval '1 second'`); err != nil {
		t.Fatal(err)
	}
	second := take(1)
	if second.Seq != 1 {
		t.Errorf("it goes on after %d", second.Seq)
	}
	if kept, err := s.Told(ctx, first, 2); err != nil || kept {
		t.Errorf("who has lost the turn tells: %v, %v", kept, err)
	}
	mustHighlight(t, s, ada, "public")
	if _, err := s.DealOut(ctx); err != nil {
		t.Fatal(err)
	}
	end(second, 2)
	third := take(1) // for what has changed meanwhile
	if third.Seq != 2 {
		t.Errorf("it goes on after %d", third.Seq)
	}
	end(third, 3)
	take(0)

	failed := storage.Delivery{ID: uuid.New(), Type: "highlight", Status: 500, Reason: "answered with the status 500"}
	if err := s.RecordDelivery(ctx, w.ID, failed, time.Now().Add(time.Hour), false); err != nil {
		t.Fatal(err)
	}
	mustHighlight(t, s, ada, "public")
	take(0) // it is left alone for an hour
	if err := s.DeleteWebhook(ctx, ada, w.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.RecordDelivery(ctx, w.ID, failed, time.Now(), false); err != nil {
		t.Errorf("of one that is deleted: %v", err)
	}
}

func TestAnAccountsWebhooksGoWithIt(t *testing.T) {
	s, ctx := storagetest.Open(t), t.Context()
	ada := mustReader(t, s, "Ada")
	if _, err := s.CreateWebhook(ctx, ada, storage.Webhook{URL: "https://example.org/"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DeleteAccount(ctx, ada); err != nil {
		t.Fatal(err)
	}
	if list, err := s.ListWebhooks(ctx, ada); err != nil || len(list) > 0 {
		t.Errorf("left are %v, %v", list, err)
	}
}
