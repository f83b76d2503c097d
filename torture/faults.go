//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A fault is something that happens to limn and that it has to survive. It returns when it is over.
type fault struct {
	name string
	do   func(*round, context.Context) error
}

var faults = []fault{
	{"an instance is killed", func(r *round, ctx context.Context) error {
		i := r.anyInstance()
		i.end(syscall.SIGKILL)
		pause(ctx, time.Second)
		return i.start()
	}},
	{"an instance is stopped in order", func(r *round, _ context.Context) error {
		i := r.anyInstance()
		i.end(syscall.SIGTERM)
		return i.start()
	}},
	{"an instance is paused", func(r *round, ctx context.Context) error {
		i := r.anyInstance()
		if err := i.signal(syscall.SIGSTOP); err != nil {
			return err
		}
		pause(ctx, 3*time.Second)
		return i.signal(syscall.SIGCONT)
	}},
	{"the bus is cut", func(r *round, ctx context.Context) error {
		return r.terminate(ctx, `query LIKE 'LISTEN%' OR query LIKE '%pg_notify%'`)
	}},
	{"connections to Postgres are cut", func(r *round, ctx context.Context) error {
		return r.terminate(ctx, `random() < 0.5`)
	}},
	{"Postgres is restarted", func(r *round, ctx context.Context) error { return r.postgres.restart(ctx) }},
	{"Postgres is killed", func(r *round, ctx context.Context) error { return r.postgres.crash(ctx) }},
	{"a transaction holds a page for 5 s", (*round).holdPage},
}

// torment has every fault happen, and then any, one after the other and with pauses, until ctx ends. A fault that
// has begun is brought to its end.
func (r *round) torment(ctx context.Context) error {
	order := rand.Perm(len(faults))
	for n := 0; ctx.Err() == nil; n++ {
		f := faults[rand.IntN(len(faults))]
		if n < len(order) {
			f = faults[order[n]]
		}
		if err := f.do(r, context.WithoutCancel(ctx)); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		r.report.count("fault: "+f.name, 1)
		pause(ctx, time.Duration(rand.Int64N(int64(time.Second))))
	}
	return nil
}

// pause lets a fault last.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (r *round) terminate(ctx context.Context, which string) error {
	_, err := r.postgres.pool.Exec(ctx, `
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'limn' AND (`+which+`)`)
	return err
}

// holdPage makes a change as limn does, past all instances and without a hint, and takes 5 s over it.
func (r *round) holdPage(ctx context.Context) error {
	page := r.pages[rand.IntN(len(r.pages))]
	err := pgx.BeginFunc(ctx, r.postgres.pool, func(tx pgx.Tx) error {
		var id uuid.UUID
		var seq int64
		if err := tx.QueryRow(ctx, `UPDATE pages SET seq = seq + 1 WHERE id = $1 RETURNING seq`, page).Scan(&seq); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, `
			UPDATE highlights SET seq = $2, color = 'red' WHERE page_id = $1 AND id =
				(SELECT id FROM highlights WHERE page_id = $1 AND deleted_at IS NULL ORDER BY seq LIMIT 1)
			RETURNING id`, page, seq).Scan(&id)
		if err != nil {
			return err
		}
		pause(ctx, 5*time.Second)
		return nil
	})
	if err == pgx.ErrNoRows { // nothing stands there yet
		return nil
	}
	return err
}
