package storage

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// EraseLeft erases what groups that were deleted have left, page by page, and calls changed for each. What is not erased
// because ctx ends is when it is called again.
func (s *Store) EraseLeft(ctx context.Context, changed func(page uuid.UUID)) error {
	rows, _ := s.pool.Query(ctx, `SELECT id FROM groups WHERE deleted_at IS NOT NULL AND erased_at IS NULL`)
	groups, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return translate(err, "list what is to be erased")
	}
	for _, group := range groups {
		if err := s.eraseGroup(ctx, group, changed); err != nil {
			return translate(err, "erase a group")
		}
	}
	return nil
}

func (s *Store) eraseGroup(ctx context.Context, group uuid.UUID, changed func(page uuid.UUID)) error {
	places := []uuid.UUID{group, hiddenIn(group)}
	const inGroup = `group_id = ANY($1) AND deleted_at IS NULL AND group_id <> '00000000-0000-0000-0000-000000000000'`
	rows, _ := s.pool.Query(ctx, `SELECT DISTINCT page_id FROM highlights WHERE `+inGroup, places)
	pages, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	for _, page := range pages {
		err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			if err := lockPage(ctx, tx, page); err != nil {
				return err
			}
			rows, _ := tx.Query(ctx, `SELECT id FROM highlights WHERE page_id = $2 AND `+inGroup+` ORDER BY seq`, places, page)
			ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := eraseHighlight(ctx, tx, heldHighlight{page: page, id: id}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		changed(page)
	}
	_, err = s.pool.Exec(ctx, `UPDATE groups SET erased_at = now() WHERE id = $1`, group)
	return err
}
