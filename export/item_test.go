package export

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"limn/storage"
)

// What is written by hand is what encoding/json would write.
func FuzzItem(f *testing.F) {
	f.Add("a <note>", "\u2028&", "ümlaut\x00\xff")
	f.Fuzz(func(t *testing.T, note, title, tag string) {
		thread := ink()
		h := &thread.Highlight
		h.Note, h.Page.Title, h.Tags, h.Author.Name = note, title, []string{tag, note}, tag
		thread.VerifiedAt, thread.Group = &created, &storage.GroupDetails{ID: id, Name: tag}
		thread.History = []storage.Event{{At: created, Kind: "edited", Fields: []string{"note"}}}
		want, err := json.Marshal(itemOf(thread))
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range [][]byte{nil, mustJSON(t, h.Ranges)} {
			thread.Ranges = raw
			got, err := appendItem(nil, thread)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("(-encoding/json +by hand):\n%s", diff)
			}
		}
	})
}

func itemOf(t storage.Thread) any {
	return struct {
		storage.Highlight
		VerifiedAt   any             `json:"verified_at,omitempty"`
		GroupDetails any             `json:"group_details,omitempty"`
		History      []storage.Event `json:"history,omitempty"`
		Thread       []storage.Reply `json:"thread"`
	}{t.Highlight, t.VerifiedAt, t.Group, t.History, t.Replies}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
