package storage

import (
	"context"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"
)

// A file that is restored is written by two connections at once, a span each: Postgres has a process for each of them. The second has
// temporary tables of its own, into which the rows of its spans are copied. Their pages are others, so neither waits for the other one.

// second makes the staging of another connection; nil: there is none, because one writes.
func (st *staging) second(ctx context.Context) (*staging, error) {
	if !st.in.Restore || st.staged["intake"] <= writtenTogether || st.staged["intake_files"] > 0 {
		return nil, nil
	}
	conn, err := st.store.Connect(ctx)
	if err != nil {
		return nil, err
	}
	other := *st
	other.conn = conn
	_, err = conn.Exec(ctx, stagingMemory+stagingTables+`;
		CREATE TEMP TABLE intake_ready AS SELECT 0::bigint AS place, i.* FROM intake i;
		CREATE UNIQUE INDEX ON intake_ready (place);
		CREATE INDEX ON intake_history (highlight_id)`)
	if err != nil {
		other.close(ctx)
		return nil, err
	}
	return &other, nil
}

// close ends a staging's connection, and its tables with it.
func (st *staging) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), gatherLimit)
	defer cancel()
	st.conn.Close(ctx)
}

// take copies a span's rows from another connection.
func (st *staging) take(ctx context.Context, from *staging, first, last int64) error {
	if _, err := st.conn.Exec(ctx, `TRUNCATE intake_ready, intake_history`); err != nil {
		return err
	}
	span := fmt.Sprintf(`i.place > %d AND i.place <= %d`, first, last)
	if err := st.copyRows(ctx, from, `intake_ready`, `SELECT i.* FROM intake_ready i WHERE `+span); err != nil {
		return err
	}
	if st.staged["intake_history"] > 0 {
		err := st.copyRows(ctx, from, `intake_history`, `SELECT e.* FROM intake_ready i JOIN intake_history e ON e.highlight_id = i.id WHERE i.kind = 0 AND `+span)
		if err != nil {
			return err
		}
	}
	return st.exec(ctx, `ANALYZE intake_ready (place, `+judgedBy+`)`)
}

func (st *staging) copyRows(ctx context.Context, from *staging, table, query string) error {
	in, out := io.Pipe()
	var both errgroup.Group
	both.Go(func() error {
		_, err := from.conn.PgConn().CopyTo(ctx, out, `COPY (`+query+`) TO STDOUT (FORMAT binary)`)
		out.CloseWithError(err)
		return err
	})
	both.Go(func() error {
		_, err := st.conn.PgConn().CopyFrom(ctx, in, `COPY `+table+` FROM STDIN (FORMAT binary)`)
		in.CloseWithError(err)
		return err
	})
	return both.Wait()
}
