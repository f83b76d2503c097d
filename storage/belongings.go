package storage

import (
	"context"
	"iter"
	"time"

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

// An OwnFlag is what an account wants those who moderate to look at.
type OwnFlag struct {
	Highlight uuid.UUID `json:"highlight"`
	Reason    string    `json:"reason"`
	At        time.Time `json:"at"`

	id uuid.UUID
}

// OwnFlags walks likewise through all its flags.
func (s *Store) OwnFlags(ctx context.Context, account uuid.UUID) iter.Seq2[OwnFlag, error] {
	return walk(ctx, s, `
		SELECT highlight_id, reason, at, id FROM flags WHERE account_id = $1 AND (at, id) > ($2, $3) ORDER BY at, id LIMIT $4`,
		account, func(row pgx.CollectableRow) (f OwnFlag, err error) {
			err = row.Scan(&f.Highlight, &f.Reason, &f.At, &f.id)
			return f, err
		}, func(f OwnFlag) cursor { return cursor{f.At, f.id} })
}

// OwnFiles walks likewise through all its attachments, which can be read until ctx ends.
func (s *Store) OwnFiles(ctx context.Context, account uuid.UUID) iter.Seq2[*AttachedFile, error] {
	return walk(ctx, s, `
		SELECT page_id, highlight_id, coalesce(reply_id, '00000000-0000-0000-0000-000000000000'), id, name, type, size, hash, stored_at FROM attachments
		WHERE account_id = $1 AND stored_at IS NOT NULL AND (stored_at, id) > ($2, $3) ORDER BY stored_at, id LIMIT $4`,
		account, s.scanFile(ctx), func(f *AttachedFile) cursor { return cursor{f.StoredAt, f.ID} })
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
