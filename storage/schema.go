package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// A step is one migration.
type step struct {
	version int64
	name    string
	sql     string // goose's marks in it are comments
}

// readSteps reads the migrations in their order.
func readSteps(files fs.FS) (steps []step, err error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return nil, err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		steps = append(steps, step{version, name, string(content)})
	}
	slices.SortFunc(steps, func(a, b step) int { return int(a.version - b.version) })
	return steps, nil
}

// migrate brings the schema up to date. A database that is ahead of the steps is refused: this limn would not know what it
// writes into it.
func (s *Store) migrate(ctx context.Context, files fs.FS) (err error) {
	if s.steps, err = readSteps(files); err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	db := stdlib.OpenDBFromPool(s.pool)
	defer db.Close()
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120))
	if err != nil {
		return fmt.Errorf("make the migration lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	has, err := schemaVersion(ctx, s.pool)
	if newest := s.steps[len(s.steps)-1].version; err == nil && has > newest {
		return fmt.Errorf("a newer limn has used this database (its schema is %d, this limn knows %d): start that one, or restore a backup from before into another database",
			has, newest)
	}
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

// schemaVersion is the number of the last step that was done; 0: none was.
func schemaVersion(ctx context.Context, db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}) (version int64, err error) {
	err = db.QueryRow(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&version)
	var postgres *pgconn.PgError
	if errors.As(err, &postgres) && postgres.Code == "42P01" { // there is no such table yet
		return 0, nil
	}
	return version, err
}
