package storage

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const (
	sweptAtOnce = 500          // rows in one transaction
	sweepLock   = 763214980617 // of Postgres's advisory ones: held by the one instance that sweeps
)

// Sweep erases what nobody needs any more: tombstones and marks of operations that are older than keep, and tokens, invitations and codes
// that have expired. It does so in small transactions, and not while another instance does. What is left when ctx ends is
// swept the next time.
func (s *Store) Sweep(ctx context.Context, keep time.Duration) error {
	for _, sweep := range []func(context.Context, pgx.Tx, time.Duration) (int64, error){
		sweepReplies, sweepHighlights, sweepOperations, sweepExpired,
	} {
		for more := true; more; {
			err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
				if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, sweepLock).Scan(&more); err != nil || !more {
					return err
				}
				swept, err := sweep(ctx, tx, keep)
				more = swept > 0
				return err
			})
			if err != nil {
				return translate(err, "sweep")
			}
		}
	}
	return nil
}

func sweepReplies(ctx context.Context, tx pgx.Tx, keep time.Duration) (int64, error) {
	return sweepTombstones(ctx, tx, keep, "replies", "true")
}

// sweepHighlights leaves those under which a reply's tombstone still stands.
func sweepHighlights(ctx context.Context, tx pgx.Tx, keep time.Duration) (int64, error) {
	return sweepTombstones(ctx, tx, keep, "highlights",
		`NOT EXISTS (SELECT FROM replies r WHERE r.page_id = t.page_id AND r.highlight_id = t.id)`)
}

// sweepTombstones erases tombstones and notes on each page up to which number that was done: a cursor from before is answered
// with resync from then on. The feed's topic would keep what it is not told of, so it is told first.
func sweepTombstones(ctx context.Context, tx pgx.Tx, keep time.Duration, table, condition string) (int64, error) {
	rows, _ := tx.Query(ctx, `
		SELECT t.page_id, t.id FROM `+table+` t
		WHERE t.deleted_at < now() - $1::interval AND `+condition+` AND NOT EXISTS (
			SELECT FROM server JOIN feed USING (epoch) LEFT JOIN feed_pages f ON f.page_id = t.page_id AND f.edition = feed.edition
			WHERE feed.edition IS NOT NULL AND coalesce(f.seq, 0) < t.seq)
		ORDER BY t.deleted_at LIMIT $2`, keep, sweptAtOnce)
	var pages, ids []uuid.UUID
	var page, id uuid.UUID
	_, err := pgx.ForEachRow(rows, []any{&page, &id}, func() error {
		pages, ids = append(pages, page), append(ids, id)
		return nil
	})
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	if _, err := tx.Exec(ctx, `SELECT FROM pages WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE`, pages); err != nil {
		return 0, err
	}
	swept, err := tx.Exec(ctx, `
		WITH gone AS (
			DELETE FROM `+table+` t USING unnest($1::uuid[], $2::uuid[]) AS old (page_id, id)
			WHERE t.page_id = old.page_id AND t.id = old.id RETURNING t.page_id, t.seq
		)
		UPDATE pages SET swept_seq = greatest(swept_seq, last.seq)
		FROM (SELECT page_id, max(seq) AS seq FROM gone GROUP BY page_id) last WHERE id = last.page_id`, pages, ids)
	return swept.RowsAffected(), err
}

func sweepOperations(ctx context.Context, tx pgx.Tx, keep time.Duration) (int64, error) {
	swept, err := tx.Exec(ctx, `
		DELETE FROM operations WHERE (account_id, id) IN (
			SELECT account_id, id FROM operations WHERE done_at < now() - $1::interval LIMIT $2)`, keep, sweptAtOnce)
	return swept.RowsAffected(), err
}

// sweepExpired leaves what has just expired, so that the clocks of instances may differ.
func sweepExpired(ctx context.Context, tx pgx.Tx, _ time.Duration) (swept int64, err error) {
	for _, table := range []string{"tokens", "invites", "codes"} {
		tag, err := tx.Exec(ctx, `
			DELETE FROM `+table+` WHERE ctid = ANY (ARRAY(
				SELECT ctid FROM `+table+` WHERE expires_at < now() - interval '1 hour' LIMIT $1))`, sweptAtOnce)
		if err != nil {
			return 0, err
		}
		swept += tag.RowsAffected()
	}
	return swept, nil
}
