package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3/lock"
)

// What keeps a backup from being restored, and what an instance is told that was missed.
var (
	ErrNotEmpty = errors.New("there is something in the database already")
	ErrServed   = errors.New("limn is running on this database")
	ErrReplaced = errors.New("a backup was restored into the database while limn was running: start it again")
)

// Restore puts a backup in the place of what the database holds, which is nothing unless replace says that something may be
// lost. Either all of it is restored or nothing has changed, whenever the process ends. The database begins another life
// with it: its epoch is a new one. An older limn's backup is brought up to date on the way.
func (s *Store) Restore(ctx context.Context, b *Backup, replace bool) error {
	newest := s.steps[len(s.steps)-1].version
	if b.Schema > newest {
		return fmt.Errorf("restore: the backup is of a newer limn (its schema is %d, this limn knows %d)", b.Schema, newest)
	}
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if err := beginRestore(ctx, tx, replace); err != nil {
			return err
		}
		if b.Schema == newest {
			err = refill(ctx, tx, func(tables []BackupTable) error { return b.fill(ctx, tx, tables) })
		} else {
			err = b.upgrade(ctx, tx, s.steps)
		}
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, `UPDATE server SET epoch = gen_random_uuid() RETURNING epoch`).Scan(&s.epoch)
	})
	s.pages.Purge()
	s.popular.Purge()
	return translate(err, "restore")
}

// beginRestore keeps other instances from starting until the end of the transaction, and refuses what must not be lost.
func beginRestore(ctx context.Context, tx pgx.Tx, replace bool) error {
	if _, err := tx.Exec(ctx, plainText+`; SET LOCAL maintenance_work_mem = '256MB'`); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, lock.DefaultLockID); err != nil { // which migrate takes
		return err
	}
	var served, empty bool
	err := tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM instances WHERE seen_at > now() - $1::interval),
		       NOT EXISTS (SELECT FROM accounts) AND NOT EXISTS (SELECT FROM pages)`, instanceLife).Scan(&served, &empty)
	switch {
	case err != nil:
		return err
	case served:
		return ErrServed
	case !empty && !replace:
		return ErrNotEmpty
	}
	return nil
}

// refill empties all tables of the current schema and has them filled. What is derived of the rows, or looks at each of
// them, waits until all are there; triggers do not see them.
func refill(ctx context.Context, tx pgx.Tx, fill func(tables []BackupTable) error) error {
	tables, err := listTables(ctx, tx, "")
	if err != nil {
		return err
	}
	names := make([]string, len(tables))
	all := ""
	for i, t := range tables {
		names[i] = t.Name
		if i > 0 {
			all += ", "
		}
		all += pgx.Identifier{t.Name}.Sanitize()
	}
	waiting, err := setAside(ctx, tx, names)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `TRUNCATE `+all); err != nil {
		return err
	}
	if err := fill(tables); err != nil {
		return err
	}
	for _, statement := range waiting {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	if err := checkOwners(ctx, tx); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `ANALYZE `+all)
	return err
}

// checkOwners refuses rows whose page or author is not there, which no foreign key sees to.
func checkOwners(ctx context.Context, tx pgx.Tx) error {
	for _, table := range []string{"highlights", "replies"} {
		var lost int64
		err := tx.QueryRow(ctx, `
			SELECT count(*) FROM `+table+` t LEFT JOIN pages p ON p.id = t.page_id LEFT JOIN accounts a ON a.id = t.author_id
			WHERE p.id IS NULL OR a.id IS NULL`).Scan(&lost)
		if err != nil {
			return err
		}
		if lost > 0 {
			return fmt.Errorf("%d rows of %s have no page or no author", lost, table)
		}
	}
	return nil
}

// setAside takes away the foreign keys, the indexes that are no constraints and the triggers of some tables, and returns the
// statements that bring them back.
func setAside(ctx context.Context, tx pgx.Tx, tables []string) (back []string, err error) {
	rows, _ := tx.Query(ctx, `
		WITH ours AS (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = ANY($1))
		SELECT 1, format('ALTER TABLE %s DISABLE TRIGGER USER', oid::regclass), format('ALTER TABLE %s ENABLE TRIGGER USER', oid::regclass)
		FROM ours
		UNION ALL
		SELECT 2, format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
		       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
		FROM pg_constraint WHERE contype = 'f' AND conrelid IN (SELECT oid FROM ours)
		UNION ALL
		SELECT 3, format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
		FROM pg_index i WHERE indrelid IN (SELECT oid FROM ours)
		  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype <> 'f')
		ORDER BY 1, 2`, tables)
	var away []string
	var order int
	var drop, make string
	_, err = pgx.ForEachRow(rows, []any{&order, &drop, &make}, func() error {
		away = append(away, drop)
		back = append([]string{make}, back...) // the last first: foreign keys look into indexes
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, statement := range away {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return nil, err
		}
	}
	return back, nil
}

// fill writes a backup's rows into empty tables, which have to be those that it was made of.
func (b *Backup) fill(ctx context.Context, tx pgx.Tx, tables []BackupTable) error {
	columns := map[string]map[string]bool{}
	for _, t := range tables {
		columns[t.Name] = map[string]bool{}
		for _, column := range t.Columns {
			columns[t.Name][column] = true
		}
	}
	for _, t := range b.Tables {
		for _, column := range t.Columns {
			if !columns[t.Name][column] {
				return fmt.Errorf("the database has no place for %s.%s, which is in the backup", t.Name, column)
			}
		}
		if err := b.fillTable(ctx, tx, t); err != nil {
			return fmt.Errorf("fill the table %s: %w", t.Name, err)
		}
	}
	return nil
}

func (b *Backup) fillTable(ctx context.Context, tx pgx.Tx, t BackupTable) error {
	entry, err := b.file.Open(t.entry())
	if err != nil {
		return err
	}
	defer entry.Close()
	// Frozen: nobody sees the table before the commit, so its rows need no second look by vacuum.
	written, err := tx.Conn().PgConn().CopyFrom(ctx, entry, `COPY `+t.target()+` FROM STDIN (FREEZE)`)
	if err == nil && written.RowsAffected() != t.Rows {
		err = fmt.Errorf("%d rows of %d were written", written.RowsAffected(), t.Rows)
	}
	return err
}

// upgrade restores an older backup: beside the tables, as the limn had them that made it, and through the migrations since.
func (b *Backup) upgrade(ctx context.Context, tx pgx.Tx, steps []step) error {
	const aside = "limn_restore"
	var here string
	if err := tx.QueryRow(ctx, `SELECT quote_ident(current_schema())`).Scan(&here); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `CREATE SCHEMA `+aside+`; SET LOCAL search_path = `+aside+`, `+here); err != nil {
		return err
	}
	filled := false
	for _, step := range steps {
		if step.version > b.Schema && !filled {
			filled = true
			if err := refill(ctx, tx, func(tables []BackupTable) error { return b.fill(ctx, tx, tables) }); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, step.sql); err != nil {
			return fmt.Errorf("bring the backup up to date with %s: %w", step.name, err)
		}
	}
	if _, err := tx.Exec(ctx, `SET LOCAL search_path = `+here); err != nil {
		return err
	}
	err := refill(ctx, tx, func(tables []BackupTable) error {
		for _, t := range tables {
			target := t.target()
			columns := target[len(pgx.Identifier{t.Name}.Sanitize())+2 : len(target)-1]
			_, err := tx.Exec(ctx, `INSERT INTO `+target+` SELECT `+columns+` FROM `+aside+`.`+pgx.Identifier{t.Name}.Sanitize())
			if err != nil {
				return fmt.Errorf("fill the table %s: %w", t.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DROP SCHEMA `+aside+` CASCADE`)
	return err
}
