package storage

import (
	"context"
	"iter"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A Thread is a highlight with the replies under it, oldest first.
type Thread struct {
	Highlight Highlight
	Replies   []Reply
}

// exportChunk is how many highlights are held at once while all are walked through.
const exportChunk = 500

// Threads walks through all that the filter chooses, a chunk at a time.
func (s *Store) Threads(ctx context.Context, reader Reader, filter Filter) iter.Seq2[Thread, error] {
	return func(yield func(Thread, error) bool) {
		paging := Paging{Limit: exportChunk}
		for {
			list, next, _, err := s.ListHighlights(ctx, reader, filter, paging)
			if err != nil {
				yield(Thread{}, err)
				return
			}
			threads, err := s.threadsOf(ctx, reader, list)
			if err != nil {
				yield(Thread{}, err)
				return
			}
			for _, h := range list {
				if !yield(Thread{h, threads[h.ID]}, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			paging.After = next
		}
	}
}

func (s *Store) threadsOf(ctx context.Context, reader Reader, list []Highlight) (map[uuid.UUID][]Reply, error) {
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
	rows, _ := s.pool.Query(ctx, replyQuery+`
		WHERE r.page_id = ANY($1) AND r.highlight_id = ANY($2) AND r.group_id = ANY($3) AND r.deleted_at IS NULL
		ORDER BY r.created_at, r.id`, pages, ids, reader.Groups)
	replies, err := pgx.CollectRows(rows, scanReply)
	if err != nil {
		return nil, translate(err, "list threads")
	}
	for _, r := range replies {
		threads[r.Highlight] = append(threads[r.Highlight], r)
	}
	return threads, nil
}
