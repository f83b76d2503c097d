package storage

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// instanceLife is how long an instance that says nothing is believed to be alive.
const instanceLife = 15 * time.Second

// KeepInstance says that an instance is alive, and forgets those that have not said so for long, with their
// viewers. It returns the pages that these have left, and whether the instance itself was not known, and with it
// none of its viewers: because it is new, was believed dead, or Postgres crashed. ErrReplaced: the database has begun another
// life since the store was opened.
func (s *Store) KeepInstance(ctx context.Context, instance uuid.UUID) (left []uuid.UUID, unknown bool, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			INSERT INTO instances (id) SELECT $1 FROM server WHERE epoch = $2
			ON CONFLICT (id) DO UPDATE SET seen_at = now()
			RETURNING xmax = 0`, instance, s.epoch).Scan(&unknown) // no row was there to be locked
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrReplaced
		}
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

// Streams are how many streams of a page each account holds; those of nobody in particular are under the nil UUID.
type Streams map[uuid.UUID]int64

// PutViewers says who reads some pages through an instance.
func (s *Store) PutViewers(ctx context.Context, instance uuid.UUID, pages map[uuid.UUID]Streams) error {
	var all, of, accounts []uuid.UUID
	var counts []int64
	for page, streams := range pages {
		all = append(all, page)
		for account, count := range streams {
			of, accounts, counts = append(of, page), append(accounts, account), append(counts, count)
		}
	}
	_, err := s.pool.Exec(ctx, `
		WITH now AS (
			SELECT * FROM unnest(@of::uuid[], @accounts::uuid[], @counts::bigint[]) AS v (page, account, streams)
		), gone AS (
			DELETE FROM viewers v WHERE page_id = ANY(@all) AND instance_id = @instance
			AND NOT EXISTS (SELECT FROM now WHERE now.page = v.page_id AND now.account = v.account_id)
		)
		INSERT INTO viewers (page_id, instance_id, account_id, streams)
		SELECT page, @instance, account, streams FROM now
		ON CONFLICT (page_id, instance_id, account_id) DO UPDATE SET streams = excluded.streams
		WHERE viewers.streams <> excluded.streams`,
		pgx.NamedArgs{"instance": instance, "all": all, "of": of, "accounts": accounts, "counts": counts})
	return translate(err, "put viewers")
}

// Viewers are those who read a page.
type Viewers struct {
	Named     []Account // by name
	Anonymous int64     // the streams of nobody in particular, and the accounts beyond those that are named
}

// ListViewers says who reads some pages through any instance. At most limit accounts of each are named.
func (s *Store) ListViewers(ctx context.Context, pages []uuid.UUID, limit int) (map[uuid.UUID]Viewers, error) {
	all := make(map[uuid.UUID]Viewers, len(pages))
	for _, page := range pages {
		all[page] = Viewers{Named: []Account{}}
	}
	rows, _ := s.pool.Query(ctx, `
		SELECT v.page_id, v.account_id, coalesce(a.name, ''), sum(v.streams)::bigint
		FROM viewers v LEFT JOIN accounts a ON a.id = v.account_id
		WHERE v.page_id = ANY($1) GROUP BY v.page_id, v.account_id, a.name ORDER BY a.name, v.account_id`, pages)
	var page uuid.UUID
	var account Account
	var streams int64
	_, err := pgx.ForEachRow(rows, []any{&page, &account.ID, &account.Name, &streams}, func() error {
		v := all[page]
		switch {
		case account.ID == uuid.Nil:
			v.Anonymous += streams
		case len(v.Named) < limit:
			v.Named = append(v.Named, account)
		default:
			v.Anonymous++
		}
		all[page] = v
		return nil
	})
	return all, translate(err, "list viewers")
}

// PagesViewedBy lists the pages that an account reads right now.
func (s *Store) PagesViewedBy(ctx context.Context, account uuid.UUID) ([]uuid.UUID, error) {
	rows, _ := s.pool.Query(ctx, `SELECT DISTINCT page_id FROM viewers WHERE account_id = $1`, account)
	pages, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return pages, translate(err, "list the pages an account reads")
}
