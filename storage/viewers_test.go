package storage_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"limn/storage"
	"limn/storage/storagetest"
)

func TestViewersAreThoseOfAllInstancesAndOfOnePageAlone(t *testing.T) {
	s, ctx := storagetest.Open(t), t.Context()
	ada, bob := mustReader(t, s, "Ada").Account, mustReader(t, s, "Bob").Account
	one, other := uuid.New(), uuid.New()
	page, quiet := uuid.New(), uuid.New()
	for _, instance := range []uuid.UUID{one, other} {
		if _, _, err := s.KeepInstance(ctx, instance); err != nil {
			t.Fatal(err)
		}
	}
	put := func(instance uuid.UUID, pages map[uuid.UUID]storage.Streams) {
		t.Helper()
		if err := s.PutViewers(ctx, instance, pages); err != nil {
			t.Fatal(err)
		}
	}
	put(one, map[uuid.UUID]storage.Streams{page: {ada.ID: 2, uuid.Nil: 3}, quiet: {bob.ID: 1}})
	put(other, map[uuid.UUID]storage.Streams{page: {ada.ID: 1, bob.ID: 1, uuid.Nil: 4}})

	put(one, map[uuid.UUID]storage.Streams{page: {uuid.Nil: 1}, quiet: {}})

	got, err := s.ListViewers(ctx, []uuid.UUID{page, quiet}, 1)
	want := map[uuid.UUID]storage.Viewers{
		page:  {Named: []storage.Account{ada}, Anonymous: 6}, // Bob is beyond the limit
		quiet: {Named: []storage.Account{}},
	}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v, %s", err, cmp.Diff(want, got))
	}
}
