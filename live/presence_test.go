package live

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"limn/storage"
)

func TestPresenceSaysWhatIsDifferent(t *testing.T) {
	ada, bob, eve := uuid.New(), uuid.New(), uuid.New()
	before := presenceEvent{Viewers: []storage.Account{{ID: ada, Name: "Ada"}, {ID: bob, Name: "Bob"}}}
	now := presenceEvent{Viewers: []storage.Account{{ID: eve, Name: "Eve"}, {ID: bob, Name: "Robert"}}}

	got := now.since(before)

	want := now
	want.Joined = []storage.Account{{ID: eve, Name: "Eve"}}
	want.Left = []storage.Account{{ID: ada, Name: "Ada"}}
	want.Renamed = []renamed{{storage.Account{ID: bob, Name: "Robert"}, "Bob"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
