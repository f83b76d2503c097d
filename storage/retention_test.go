package storage_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"limn/storage"
	"limn/storage/storagetest"
)

const month = 30 * 24 * time.Hour

func mustSweep(t *testing.T, s *storage.Store) {
	t.Helper()
	if err := s.Sweep(t.Context(), month); err != nil {
		t.Fatal(err)
	}
}

func mustDelete(t *testing.T, s *storage.Store, author storage.Reader, id uuid.UUID) {
	t.Helper()
	if _, err := s.DeleteHighlight(t.Context(), author, id, nil); err != nil {
		t.Fatal(err)
	}
}

// age makes all tombstones as old as said.
func age(t *testing.T, url string, days int) {
	t.Helper()
	for _, table := range []string{"highlights", "replies"} {
		execSQL(t, url, fmt.Sprintf(`UPDATE %s SET deleted_at = now() - interval '%d days' WHERE deleted_at IS NOT NULL`, table, days))
	}
}

func TestOldTombstonesAreSweptAndYoungOnesStay(t *testing.T) {
	url := storagetest.URL(t)
	s := mustOpen(t, url)
	ada := mustReader(t, s, "Ada")
	kept, old, young := mustHighlight(t, s, ada, "public"), mustHighlight(t, s, ada, "public"), mustHighlight(t, s, ada, "public")
	if _, _, _, err := s.CreateReply(t.Context(), ada, storage.NewReply{Highlight: old.ID, Note: "with its thread"}); err != nil {
		t.Fatal(err)
	}
	mustDelete(t, s, ada, old.ID)
	age(t, url, 31)
	mustDelete(t, s, ada, young.ID)

	mustSweep(t, s)

	left := queryTexts(t, mustConnect(t, s), `SELECT id::text FROM highlights UNION ALL SELECT id::text FROM replies ORDER BY 1`)
	if diff := cmp.Diff([]string{kept.ID.String(), young.ID.String()}, left); diff != "" {
		t.Errorf("other rows are left (- want):\n%s", diff)
	}
	changes, reached, err := s.Changes(t.Context(), kept.Page.ID, 0, 10)
	if err != nil || len(changes) != 2 || reached.Swept <= old.Seq || reached.Swept >= reached.Seq {
		t.Errorf("%d changes up to %+v, %v; want 2, and that it was swept beyond %d", len(changes), reached, err, old.Seq)
	}
}

// A reader who comes back after any time, with the number that it has got to, ends with what there is: whatever was made, removed
// and swept meanwhile, and also while it reads.
func TestNoReaderKeepsWhatWasSwept(t *testing.T) {
	url := storagetest.URL(t)
	s := mustOpen(t, url)
	ada := mustReader(t, s, "Ada")
	random := rand.New(rand.NewPCG(1, 2))
	type reader struct {
		holds map[uuid.UUID]bool
		after int64
	}
	readers := make([]reader, 5)
	there := map[uuid.UUID]bool{}
	resyncs := 0
	// come reads as a stream does: up to chunks times, after which it is broken off; 0: to the end.
	come := func(r *reader, chunks int) {
		swept := int64(-1)
		for n := 1; ; n++ {
			changes, reached, err := s.Changes(t.Context(), storage.PageID(pageURL), r.after, 2)
			if err != nil {
				t.Fatal(err)
			}
			if r.after > 0 && r.after < reached.Swept && reached.Swept != swept {
				resyncs++
				*r = reader{holds: map[uuid.UUID]bool{}}
				continue
			}
			for _, c := range changes {
				if c.Removed {
					delete(r.holds, c.ID)
				} else {
					r.holds[c.ID] = true
				}
			}
			r.after, swept = reached.Seq, reached.Swept
			if !reached.More || n == chunks {
				return
			}
		}
	}
	for i := range readers {
		readers[i].holds = map[uuid.UUID]bool{}
	}
	for step := range 400 {
		switch action := random.IntN(10); {
		case action < 4 || len(there) == 0:
			there[mustHighlight(t, s, ada, "public").ID] = true
		case action < 7:
			for id := range there {
				mustDelete(t, s, ada, id)
				delete(there, id)
				break
			}
		case action < 8:
			age(t, url, 31)
			mustSweep(t, s)
		default:
			come(&readers[random.IntN(len(readers))], 1+random.IntN(3))
		}
		if step%20 == 19 {
			r := &readers[random.IntN(len(readers))]
			come(r, 0)
			if !maps.Equal(r.holds, there) {
				t.Fatalf("after %d steps a reader holds %d highlights, and there are %d", step+1, len(r.holds), len(there))
			}
		}
	}
	if resyncs < 5 {
		t.Errorf("only %d readers had to begin anew: the test tries too little", resyncs)
	}
}

// The feed's topic keeps what it is not told to remove.
func TestATombstoneWaitsForTheFeed(t *testing.T) {
	url := storagetest.URL(t)
	s := mustOpen(t, url)
	ada, instance, topic := mustReader(t, s, "Ada"), uuid.New(), uuid.New()
	h := mustHighlight(t, s, ada, "public")
	if _, err := s.LeadFeed(t.Context(), instance, time.Minute); err != nil {
		t.Fatal(err)
	}
	edition := storage.FeedEdition{ID: uuid.New(), Partitions: 1}
	if err := s.CreateFeedEdition(t.Context(), instance, topic, edition); err != nil {
		t.Fatal(err)
	}
	put := func(seq int64) {
		t.Helper()
		if err := s.PutFeedPages(t.Context(), edition.ID, []storage.FeedChanges{{Page: h.Page.ID, Reached: seq}}); err != nil {
			t.Fatal(err)
		}
	}
	put(h.Seq)
	mustDelete(t, s, ada, h.ID)
	age(t, url, 31)

	mustSweep(t, s)
	before := rows(t, s, "highlights")
	put(h.Seq + 1)
	mustSweep(t, s)

	if after := rows(t, s, "highlights"); before != 1 || after != 0 {
		t.Errorf("%d tombstones are there before the feed has it, %d after; want 1 and 0", before, after)
	}
}

func TestWhatHasExpiredIsSwept(t *testing.T) {
	url := storagetest.URL(t)
	s := mustOpen(t, url)
	fillStore(t, s)
	want := rows(t, s, "tokens") - 1
	execSQL(t, url, `
		UPDATE tokens SET expires_at = now() - interval '2 hours' WHERE kind = 'token';
		UPDATE invites SET expires_at = now() - interval '2 hours';
		INSERT INTO operations (account_id, id, hash, thing_id, done_at)
		SELECT id, gen_random_uuid(), '', id, now() - n * interval '1 hour' FROM accounts, generate_series(1, 1440) n`)

	mustSweep(t, s)

	if n := rows(t, s, "tokens"); n != want {
		t.Errorf("%d tokens are left, want %d", n, want)
	}
	if n := rows(t, s, "invites"); n != 0 {
		t.Errorf("%d invites are left", n)
	}
	if n := rows(t, s, "operations"); n != 2*719 {
		t.Errorf("%d operations are left, want those of 30 days: %d", n, 2*719)
	}
}

func TestOneInstanceSweepsAtATime(t *testing.T) {
	url := storagetest.URL(t)
	s := mustOpen(t, url)
	ada := mustReader(t, s, "Ada")
	mustDelete(t, s, ada, mustHighlight(t, s, ada, "public").ID)
	age(t, url, 31)
	other := mustConnect(t, s)
	if _, err := other.Exec(t.Context(), `SELECT pg_advisory_lock($1)`, storage.SweepLock); err != nil {
		t.Fatal(err)
	}

	mustSweep(t, s)
	before := rows(t, s, "highlights")
	if _, err := other.Exec(t.Context(), `SELECT pg_advisory_unlock($1)`, storage.SweepLock); err != nil {
		t.Fatal(err)
	}
	mustSweep(t, s)

	if after := rows(t, s, "highlights"); before != 1 || after != 0 {
		t.Errorf("%d tombstones while another sweeps, %d afterwards; want 1 and 0", before, after)
	}
}
