package storage

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"limn/xpath"
)

// An Overview is what an operator wants to know of a server. It names pages, and nobody.
type Overview struct {
	Postgres string // its version
	Schema   int64  // the number of the last migration
	Size     int64  // bytes of the database
	Tables   []TableSize
	States   map[xpath.State]int64 // highlights by the state of their check
	Accounts int64
	Groups   int64
	Pages    int64
	Due      int64         // pages that are to be visited now
	Late     time.Duration // how long the first of them has waited
	Failing  int64         // pages that could not be read the last time
	Lost     []LostPage
	Running  []Instance
}

// A TableSize is how much room a table takes with its indexes, and about how many rows it has.
type TableSize struct {
	Name  string
	Bytes int64
	Rows  int64
}

// A LostPage is a public page with highlights that have lost their place.
type LostPage struct {
	Page  PageRef
	Count int64
}

// An Instance is a process that serves this database, and what it has to do.
type Instance struct {
	ID      uuid.UUID
	SeenAt  time.Time
	Pages   int64 // that are read through it
	Streams int64
}

const (
	maxLostPages = 10
	maxTables    = 10
)

// GetOverview looks at all there is. It counts, which takes its time where there is much.
func (s *Store) GetOverview(ctx context.Context) (o Overview, err error) {
	o.States = map[xpath.State]int64{}
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			SELECT current_setting('server_version'), pg_database_size(current_database()),
			       (SELECT max(version_id) FROM goose_db_version WHERE is_applied),
			       (SELECT count(*) FROM accounts WHERE deleted_at IS NULL),
			       (SELECT count(*) FROM groups WHERE deleted_at IS NULL),
			       (SELECT count(*) FROM pages),
			       count(*) FILTER (WHERE check_due_at <= now()),
			       coalesce(now() - min(check_due_at) FILTER (WHERE check_due_at <= now()), '0')
			FROM pages WHERE check_due_at IS NOT NULL`).
			Scan(&o.Postgres, &o.Size, &o.Schema, &o.Accounts, &o.Groups, &o.Pages, &o.Due, &o.Late)
		if err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM pages WHERE read_failures > 0`).Scan(&o.Failing); err != nil {
			return err
		}
		var state xpath.State
		var count int64
		rows, _ := tx.Query(ctx, `SELECT check_state, count(*) FROM highlights WHERE deleted_at IS NULL GROUP BY check_state`)
		if _, err := pgx.ForEachRow(rows, []any{&state, &count}, func() error { o.States[state] = count; return nil }); err != nil {
			return err
		}
		rows, _ = tx.Query(ctx, `
			SELECT relname, pg_total_relation_size(oid), pg_stat_get_live_tuples(oid) FROM pg_class
			WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY 2 DESC, 1 LIMIT $1`, maxTables)
		if o.Tables, err = pgx.CollectRows(rows, pgx.RowToStructByPos[TableSize]); err != nil {
			return err
		}
		rows, _ = tx.Query(ctx, `
			SELECT p.id, p.url, p.title, lost.count FROM (
				SELECT page_id, count(*) AS count FROM highlights
				WHERE deleted_at IS NULL AND check_state = 'orphaned' AND group_id = $1
				GROUP BY page_id ORDER BY count DESC, page_id LIMIT $2
			) AS lost JOIN pages p ON p.id = lost.page_id ORDER BY lost.count DESC, p.id`, Public, maxLostPages)
		o.Lost, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (l LostPage, err error) {
			err = row.Scan(&l.Page.ID, &l.Page.URL, &l.Page.Title, &l.Count)
			return l, err
		})
		if err != nil {
			return err
		}
		rows, _ = tx.Query(ctx, `
			SELECT i.id, i.seen_at, count(DISTINCT v.page_id), coalesce(sum(v.streams), 0)::bigint
			FROM instances i LEFT JOIN viewers v ON v.instance_id = i.id GROUP BY i.id ORDER BY i.id`)
		o.Running, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Instance])
		return err
	})
	return o, translate(err, "look at all there is")
}
