package storage

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ListMoves lists the highlights outside the public that were made or answered last, as far as a reader sees them: the last
// of them first. Each group gives no more than the limit, however much there is in it.
func (s *Store) ListMoves(ctx context.Context, reader Reader, limit int) ([]Highlight, error) {
	rows, _ := s.pool.Query(ctx, `
		WITH moved AS (
			SELECT page_id, id, max(at) AS at FROM unnest(@groups::uuid[]) AS g (id_of), LATERAL (
				(SELECT page_id, id, created_at AS at FROM highlights
				 WHERE group_id = g.id_of AND group_id <> '00000000-0000-0000-0000-000000000000' AND deleted_at IS NULL
				 ORDER BY created_at DESC LIMIT @limit)
				UNION ALL
				(SELECT page_id, highlight_id, created_at FROM replies
				 WHERE group_id = g.id_of AND group_id <> '00000000-0000-0000-0000-000000000000' AND deleted_at IS NULL
				 ORDER BY created_at DESC LIMIT @limit)
			) AS newest GROUP BY page_id, id ORDER BY at DESC LIMIT @limit
		)
		SELECT `+highlightColumns+`
		FROM moved m JOIN highlights h ON h.page_id = m.page_id AND h.id = m.id
		JOIN pages p ON p.id = h.page_id JOIN accounts a ON a.id = h.author_id
		WHERE h.deleted_at IS NULL AND h.group_id = ANY(@groups)
		ORDER BY m.at DESC, h.id`,
		pgx.NamedArgs{"groups": reader.Groups, "limit": limit})
	list, _, err := collectSome(rows, scanHighlight)
	return list, translate(err, "list what moves")
}

// LatestReplies are the newest replies to some highlights, at most so many to each, oldest first. The highlights have been
// read for the same reader.
func (s *Store) LatestReplies(ctx context.Context, reader Reader, list []Highlight, most int) (map[uuid.UUID][]Reply, error) {
	var pages, ids []uuid.UUID
	for _, h := range list {
		if h.Replies > 0 {
			pages, ids = append(pages, h.Page.ID), append(ids, h.ID)
		}
	}
	threads := make(map[uuid.UUID][]Reply, len(ids))
	if len(ids) == 0 {
		return threads, nil
	}
	rows, _ := s.pool.Query(ctx, `
		WITH latest AS (
			SELECT r.* FROM unnest(@pages::uuid[], @ids::uuid[]) AS of (page, highlight), LATERAL (
				SELECT * FROM replies
				WHERE page_id = of.page AND highlight_id = of.highlight AND group_id = ANY(@groups) AND deleted_at IS NULL
				ORDER BY created_at DESC, id DESC LIMIT @most
			) AS r
		)
		SELECT r.id, r.highlight_id, r.in_reply_to, r.author_id, a.name, r.note, r.attachments, r.seq, r.version, r.created_at, r.updated_at
		FROM latest r JOIN accounts a ON a.id = r.author_id ORDER BY r.created_at, r.id`,
		pgx.NamedArgs{"pages": pages, "ids": ids, "groups": reader.Groups, "most": most})
	replies, _, err := collectSome(rows, scanReply)
	if err != nil {
		return nil, translate(err, "list the latest replies")
	}
	for _, r := range replies {
		threads[r.Highlight] = append(threads[r.Highlight], r)
	}
	return threads, nil
}
