package storage_test

import (
	"testing"

	"limn/storage"
	"limn/storage/storagetest"
)

func TestDamageIsFound(t *testing.T) {
	for _, c := range []struct{ damage, want string }{
		{`SELECT FROM server`, ""}, // none
		{`SET session_replication_role = replica; UPDATE replies SET author_id = id`, "something stands on no page, or is nobody's"}, // behind the back of all triggers
		{`SET session_replication_role = replica; UPDATE highlights SET page_id = id WHERE deleted_at IS NOT NULL`, "something stands on no page, or is nobody's"},
		{`UPDATE replies SET seq = 1000`, "a change has a number that its page has not come to"},
		{`UPDATE replies r SET seq = h.seq FROM highlights h WHERE h.page_id = r.page_id AND h.id = r.highlight_id`, "a highlight and a reply have the same number of their page"},
		{`UPDATE pages SET seq = seq + 1`, "a page's last change is missing"},
		{`UPDATE highlights SET replies = replies + 1 WHERE deleted_at IS NULL`, "a highlight counts other replies than it has"},
		{`UPDATE replies SET group_id = author_id`, "a reply is not where its highlight is"},
		{`UPDATE highlights SET note = 'again' WHERE deleted_at IS NOT NULL`, "what was deleted is still there"},
		{`INSERT INTO history (page_id, highlight_id, at, id, kind) SELECT page_id, id, now(), id, 'edited' FROM highlights WHERE deleted_at IS NOT NULL`, "what was deleted is still there"},
		{`DELETE FROM search_due`, "a highlight cannot be found by its words"},
		{`UPDATE attachment_pieces SET content = set_byte(content, 17, 99) WHERE place = 0`, "a file is not what was stored"},
		{`DELETE FROM attachment_pieces`, "a file is not what was stored"},
	} {
		t.Run(c.damage, func(t *testing.T) {
			s := storagetest.Open(t)
			fillStore(t, s)
			if tag, err := mustConnect(t, s).Exec(t.Context(), c.damage); err != nil || tag.RowsAffected() == 0 {
				t.Fatalf("nothing is damaged: %v, %v", tag, err)
			}

			found, highlights, err := s.Damages(t.Context())

			if err != nil || highlights != 2 {
				t.Fatalf("%d highlights, %v", highlights, err)
			}
			if c.want == "" && found != nil {
				t.Errorf("what nobody has damaged is %v", found)
			}
			if c.want != "" && !has(found, c.want) {
				t.Errorf("found is %v, want %q", found, c.want)
			}
		})
	}
}

func has(found []storage.Damage, what string) bool {
	for _, d := range found {
		if d.What == what && d.Count > 0 {
			return true
		}
	}
	return false
}
