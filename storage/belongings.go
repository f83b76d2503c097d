package storage

import (
	"context"
	"iter"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// OwnHighlights walks through all highlights of an account, oldest first, also those in groups that it has left.
func (s *Store) OwnHighlights(ctx context.Context, account uuid.UUID) iter.Seq2[Highlight, error] {
	return walk(ctx, s, highlightQuery+`
		WHERE h.author_id = $1 AND h.deleted_at IS NULL AND (h.created_at, h.id) > ($2, $3) ORDER BY h.created_at, h.id LIMIT $4`,
		account, scanHighlight, func(h Highlight) cursor { return cursor{h.CreatedAt, h.ID} })
}

// OwnReplies walks likewise through all its replies.
func (s *Store) OwnReplies(ctx context.Context, account uuid.UUID) iter.Seq2[Reply, error] {
	return walk(ctx, s, replyQuery+`
		WHERE r.author_id = $1 AND r.deleted_at IS NULL AND (r.created_at, r.id) > ($2, $3) ORDER BY r.created_at, r.id LIMIT $4`,
		account, scanReply, func(r Reply) cursor { return cursor{r.CreatedAt, r.ID} })
}

// walk goes through what a query gives for an account, a chunk at a time.
func walk[T any](ctx context.Context, s *Store, query string, account uuid.UUID, scan pgx.RowToFunc[T], at func(T) cursor) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var after cursor
		for {
			rows, _ := s.pool.Query(ctx, query, account, after.Time, after.ID, exportChunk)
			list, cut, err := collectSome(rows, scan)
			if err != nil {
				var none T
				yield(none, translate(err, "walk through what is an account's"))
				return
			}
			for _, item := range list {
				if !yield(item, nil) {
					return
				}
				after = at(item)
			}
			if len(list) < exportChunk && !cut {
				return
			}
		}
	}
}
