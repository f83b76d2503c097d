package storage

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A Damage is a promise that the database does not keep.
type Damage struct {
	What    string
	Count   int64     // how many break it
	Example uuid.UUID // one of them
}

// promises are what always holds of the tables, whatever is written meanwhile: each with the ids of those that break it.
// What Postgres keeps by itself, such as unique ids, is not among them.
var promises = []struct{ broken, ids string }{
	{"something stands on no page, or is nobody's", `
		SELECT c.id FROM (SELECT page_id, id, author_id FROM highlights UNION ALL SELECT page_id, id, author_id FROM replies) c
		WHERE NOT EXISTS (SELECT FROM pages p WHERE p.id = c.page_id) OR NOT EXISTS (SELECT FROM accounts a WHERE a.id = c.author_id)`},
	{"a change has a number that its page has not come to", `
		SELECT c.id FROM (SELECT page_id, id, seq FROM highlights UNION ALL SELECT page_id, id, seq FROM replies) c
		JOIN pages p ON p.id = c.page_id WHERE c.seq > p.seq`},
	{"a highlight and a reply have the same number of their page", `
		SELECT r.id FROM replies r JOIN highlights h USING (page_id, seq)`},
	{"a page's last change is missing", `
		SELECT p.id FROM pages p WHERE p.seq > p.swept_seq
		  AND NOT EXISTS (SELECT FROM highlights h WHERE h.page_id = p.id AND h.seq = p.seq)
		  AND NOT EXISTS (SELECT FROM replies r WHERE r.page_id = p.id AND r.seq = p.seq)`},
	{"a highlight counts other replies than it has", `
		SELECT h.id FROM highlights h
		LEFT JOIN (SELECT page_id, highlight_id, count(*) AS n FROM replies WHERE deleted_at IS NULL GROUP BY page_id, highlight_id) r
		       ON r.page_id = h.page_id AND r.highlight_id = h.id
		WHERE h.deleted_at IS NULL AND h.replies <> coalesce(r.n, 0)`},
	{"a reply is not where its highlight is", `
		SELECT r.id FROM replies r JOIN highlights h ON h.page_id = r.page_id AND h.id = r.highlight_id
		WHERE r.deleted_at IS NULL AND (h.deleted_at IS NOT NULL OR h.group_id <> r.group_id)`},
	{"what was deleted is still there", `
		SELECT id FROM highlights WHERE deleted_at IS NOT NULL AND (note, title, tags, ranges, attachments) IS DISTINCT FROM ('', '', '{}', '[]', '[]')
		UNION ALL SELECT id FROM replies WHERE deleted_at IS NOT NULL AND (note, attachments) IS DISTINCT FROM ('', '[]')
		UNION ALL SELECT h.id FROM highlights h WHERE h.deleted_at IS NOT NULL AND (
		      EXISTS (SELECT FROM history x WHERE x.page_id = h.page_id AND x.highlight_id = h.id)
		   OR EXISTS (SELECT FROM flags x WHERE x.page_id = h.page_id AND x.highlight_id = h.id)
		   OR EXISTS (SELECT FROM attachments x WHERE x.page_id = h.page_id AND x.highlight_id = h.id)
		   OR EXISTS (SELECT FROM search x WHERE x.page_id = h.page_id AND x.id = h.id))`},
	{"a highlight cannot be found by its words", `
		SELECT h.id FROM highlights h
		WHERE h.deleted_at IS NULL AND NOT EXISTS (SELECT FROM search s WHERE s.page_id = h.page_id AND s.id = h.id)
		  AND NOT EXISTS (SELECT FROM search_due d WHERE d.page_id = h.page_id AND d.id = h.id)`},
	{"a file is not what was stored", `
		SELECT a.id FROM attachments a
		LEFT JOIN LATERAL (
			SELECT sum(length(content)) AS size, sha256(string_agg(content, '' ORDER BY place)) AS hash
			FROM attachment_pieces p WHERE p.page_id = a.page_id AND p.attachment_id = a.id
		) is_now ON true
		WHERE a.stored_at IS NOT NULL AND (coalesce(is_now.size, 0), coalesce(is_now.hash, sha256(''))) IS DISTINCT FROM (a.size, a.hash)`},
}

// Damages looks through all that the database holds for what breaks a promise, at one moment of it, while it is in use.
func (s *Store) Damages(ctx context.Context) (found []Damage, highlights int64, err error) {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, s.pool, options, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
			return err
		}
		for _, p := range promises {
			d := Damage{What: p.broken}
			row := tx.QueryRow(ctx, `SELECT count(*), coalesce((array_agg(id))[1], '00000000-0000-0000-0000-000000000000') FROM (`+p.ids+`) broken (id)`)
			if err := row.Scan(&d.Count, &d.Example); err != nil {
				return err
			}
			if d.Count > 0 {
				found = append(found, d)
			}
		}
		return tx.QueryRow(ctx, `SELECT count(*) FROM highlights WHERE deleted_at IS NULL`).Scan(&highlights)
	})
	return found, highlights, translate(err, "look for damage")
}
