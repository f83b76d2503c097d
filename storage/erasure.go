package storage

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// EraseLeft erases what groups and accounts that were deleted have left, page by page, and calls changed for each. What is
// not erased because ctx ends is when it is called again.
func (s *Store) EraseLeft(ctx context.Context, changed func(page uuid.UUID)) error {
	for _, left := range []leaving{leftByGroups, leftByAccounts} {
		rows, _ := s.pool.Query(ctx, `SELECT id FROM `+left.table+` WHERE deleted_at IS NOT NULL AND erased_at IS NULL`)
		ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return translate(err, "list what is to be erased")
		}
		for _, id := range ids {
			if err := s.erase(ctx, left, id, changed); err != nil {
				return translate(err, "erase what was left")
			}
		}
	}
	return nil
}

// listLeft lists the accounts and the places of groups that were deleted, and have left something that is to be erased.
func (s *Store) listLeft(ctx context.Context) (left []uuid.UUID, err error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT id FROM accounts WHERE deleted_at IS NOT NULL AND erased_at IS NULL
		UNION ALL SELECT id FROM groups WHERE deleted_at IS NOT NULL AND erased_at IS NULL`)
	var id uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		left = append(left, id, hiddenIn(id))
		return nil
	})
	return left, translate(err, "list what is to be erased")
}

// A leaving is what those of a table leave when they are deleted: the highlights, and the replies under others' highlights,
// that conditions choose. Their parameter $1 are the ids that it goes by.
type leaving struct {
	table, highlights, replies string
	ids                        func(id uuid.UUID) []uuid.UUID
}

var leftByGroups = leaving{
	table:      "groups",
	highlights: `group_id = ANY($1) AND group_id <> '00000000-0000-0000-0000-000000000000'`, // as their index says
	replies:    `false AND id = ANY($1)`,                                                    // which go with their highlights
	ids:        func(id uuid.UUID) []uuid.UUID { return []uuid.UUID{id, hiddenIn(id)} },
}

var leftByAccounts = leaving{
	table:      "accounts",
	highlights: `author_id = ANY($1)`,
	replies:    `author_id = ANY($1)`,
	ids:        func(id uuid.UUID) []uuid.UUID { return []uuid.UUID{id} },
}

func (s *Store) erase(ctx context.Context, left leaving, id uuid.UUID, changed func(page uuid.UUID)) error {
	ids := left.ids(id)
	rows, _ := s.pool.Query(ctx, `
		SELECT page_id FROM highlights WHERE deleted_at IS NULL AND `+left.highlights+`
		UNION SELECT page_id FROM replies WHERE deleted_at IS NULL AND `+left.replies, ids)
	pages, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	for _, page := range pages {
		err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return erasePage(ctx, tx, left, ids, page) })
		if err != nil {
			return err
		}
		changed(page)
	}
	// A request that began before the deletion may still be writing: so it is looked at once more, later.
	_, err = s.pool.Exec(ctx, `UPDATE `+left.table+` SET erased_at = now() WHERE id = $1 AND deleted_at < now() - interval '2 minutes'`, id)
	return err
}

func erasePage(ctx context.Context, tx pgx.Tx, left leaving, ids []uuid.UUID, page uuid.UUID) error {
	if err := lockPage(ctx, tx, page); err != nil {
		return err
	}
	rows, _ := tx.Query(ctx, `
		SELECT id FROM highlights WHERE page_id = $2 AND deleted_at IS NULL AND `+left.highlights+` ORDER BY seq`, ids, page)
	highlights, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	for _, id := range highlights {
		if err := eraseHighlight(ctx, tx, heldHighlight{page: page, id: id}); err != nil {
			return err
		}
	}
	rows, _ = tx.Query(ctx, `
		SELECT id, highlight_id FROM replies WHERE page_id = $2 AND deleted_at IS NULL AND `+left.replies+` ORDER BY seq`, ids, page)
	type reply struct{ id, highlight uuid.UUID }
	replies, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r reply, err error) {
		err = row.Scan(&r.id, &r.highlight)
		return r, err
	})
	if err != nil {
		return err
	}
	for _, r := range replies {
		if err := eraseReply(ctx, tx, heldHighlight{page: page, id: r.highlight}, r.id); err != nil {
			return err
		}
	}
	return nil
}
