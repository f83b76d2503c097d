package storage_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"limn/storage"
	"limn/storage/storagetest"
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
