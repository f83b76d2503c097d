//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
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

// faultsOf are all that there are, with those of the bus.
func faultsOf(kafka bool) []fault {
	if kafka {
		return append(slices.Clone(faults), kafkaFaults...)
	}
	return append(slices.Clone(faults), postgresFaults...)
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
	{"connections to Postgres are cut", func(r *round, ctx context.Context) error {
		return r.terminate(ctx, `random() < 0.5`)
	}},
	{"Postgres is restarted", func(r *round, ctx context.Context) error { return r.postgres.restart(ctx) }},
	{"Postgres is killed", func(r *round, ctx context.Context) error { return r.postgres.crash(ctx) }},
	{"a transaction holds a page for 5 s", (*round).holdPage},
	{"changes are taken back", (*round).takeBack},
}

var postgresFaults = []fault{
	{"the bus is cut", func(r *round, ctx context.Context) error {
		return r.terminate(ctx, `query LIKE 'LISTEN%' OR query LIKE '%pg_notify%'`)
	}},
}

var kafkaFaults = []fault{
	{"the bus is killed", func(r *round, ctx context.Context) error {
		r.broker.end(syscall.SIGKILL)
		pause(ctx, 2*time.Second)
		return r.broker.start()
	}},
	{"the bus is paused", func(r *round, ctx context.Context) error {
		if err := r.broker.signal(syscall.SIGSTOP); err != nil {
			return err
		}
		pause(ctx, brokerPause)
		return r.broker.signal(syscall.SIGCONT)
	}},
	{"the bus repeats itself", func(r *round, ctx context.Context) error { return r.broker.repeatHints(ctx) }},
	{"an instance is paused until others have its work", func(r *round, ctx context.Context) error {
		i := r.anyInstance()
		if err := i.signal(syscall.SIGSTOP); err != nil {
			return err
		}
		pause(ctx, 15*time.Second) // the lease of who writes the feed is 10 s
		return i.signal(syscall.SIGCONT)
	}},
}

// torment has every fault happen, and then any, one after the other and with pauses, until ctx ends. A fault that
// has begun is brought to its end.
func (r *round) torment(ctx context.Context) error {
	order := rand.Perm(len(r.faults))
	for n := 0; ctx.Err() == nil; n++ {
		f := r.faults[rand.IntN(len(r.faults))]
		if n < len(order) {
			f = r.faults[order[n]]
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
	err := pgx.BeginFunc(ctx, r.postgres.pool, func(tx pgx.Tx) error {
		if err := r.change(ctx, tx); err != nil {
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

// takeBack makes changes and never commits them.
func (r *round) takeBack(ctx context.Context) error {
	for range 20 {
		err := pgx.BeginFunc(ctx, r.postgres.pool, func(tx pgx.Tx) error {
			if err := r.change(ctx, tx); err != nil {
				return err
			}
			pause(ctx, 20*time.Millisecond)
			return errTakenBack
		})
		if err != errTakenBack && err != pgx.ErrNoRows {
			return err
		}
	}
	return nil
}

var errTakenBack = errors.New("taken back")

// change changes the oldest thing of any page.
func (r *round) change(ctx context.Context, tx pgx.Tx) error {
	page := r.pages[rand.IntN(len(r.pages))]
	var id uuid.UUID
	var seq int64
	if err := tx.QueryRow(ctx, `UPDATE pages SET seq = seq + 1 WHERE id = $1 RETURNING seq`, page).Scan(&seq); err != nil {
		return err
	}
	return tx.QueryRow(ctx, `
		UPDATE highlights SET seq = $2, color = 'red' WHERE page_id = $1 AND id =
			(SELECT id FROM highlights WHERE page_id = $1 AND deleted_at IS NULL ORDER BY seq LIMIT 1)
		RETURNING id`, page, seq).Scan(&id)
}
