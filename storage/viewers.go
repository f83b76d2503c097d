package storage

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// instanceLife is how long an instance that says nothing is believed to be alive.
const instanceLife = 15 * time.Second

// KeepInstance says that an instance is alive, and forgets those that have not said so for long, with their
// viewers. It returns the pages that these have left, and whether the instance itself was not known, and with it
// none of its viewers: because it is new, was believed dead, or Postgres crashed.
func (s *Store) KeepInstance(ctx context.Context, instance uuid.UUID) (left []uuid.UUID, unknown bool, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			INSERT INTO instances (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET seen_at = now()
			RETURNING xmax = 0`, instance).Scan(&unknown) // no row was there to be locked
		if err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, `
			WITH dead AS (DELETE FROM instances WHERE seen_at < now() - $1::interval RETURNING id)
			SELECT DISTINCT v.page_id FROM viewers v JOIN dead ON dead.id = v.instance_id`, instanceLife)
		left, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	return left, unknown, translate(err, "keep the instance")
}

// DeleteInstance forgets an instance that stops, with its viewers.
func (s *Store) DeleteInstance(ctx context.Context, instance uuid.UUID) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM instances WHERE id = $1`, instance)
	return translate(err, "delete the instance")
}

// PutViewers says who reads a page through an instance: how many streams each account holds, those of
// nobody in particular under the nil UUID.
func (s *Store) PutViewers(ctx context.Context, instance, page uuid.UUID, streams map[uuid.UUID]int64) error {
	accounts := make([]uuid.UUID, 0, len(streams))
	counts := make([]int64, 0, len(streams))
	for account, count := range streams {
		accounts, counts = append(accounts, account), append(counts, count)
	}
	_, err := s.pool.Exec(ctx, `
		WITH gone AS (
			DELETE FROM viewers WHERE page_id = $1 AND instance_id = $2 AND NOT account_id = ANY($3)
		)
		INSERT INTO viewers (page_id, instance_id, account_id, streams)
		SELECT $1, $2, account, count FROM unnest($3::uuid[], $4::bigint[]) AS v (account, count)
		ON CONFLICT (page_id, instance_id, account_id) DO UPDATE SET streams = excluded.streams`,
		page, instance, accounts, counts)
	return translate(err, "put viewers")
}

// Viewers says who reads a page through any instance, by name, and how many streams are nobody's in particular.
// At most limit accounts are named; the others are counted as anonymous.
func (s *Store) Viewers(ctx context.Context, page uuid.UUID, limit int) (viewers []Account, anonymous int64, err error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT v.account_id, coalesce(a.name, ''), sum(v.streams)::bigint
		FROM viewers v LEFT JOIN accounts a ON a.id = v.account_id
		WHERE v.page_id = $1 GROUP BY v.account_id, a.name ORDER BY a.name, v.account_id`, page)
	var account Account
	var streams int64
	viewers = []Account{}
	_, err = pgx.ForEachRow(rows, []any{&account.ID, &account.Name, &streams}, func() error {
		switch {
		case account.ID == uuid.Nil:
			anonymous += streams
		case len(viewers) < limit:
			viewers = append(viewers, account)
		default:
			anonymous++
		}
		return nil
	})
	return viewers, anonymous, translate(err, "list viewers")
}

// PagesViewedBy lists the pages that an account reads right now.
func (s *Store) PagesViewedBy(ctx context.Context, account uuid.UUID) ([]uuid.UUID, error) {
	rows, _ := s.pool.Query(ctx, `SELECT DISTINCT page_id FROM viewers WHERE account_id = $1`, account)
	pages, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return pages, translate(err, "list the pages an account reads")
}
