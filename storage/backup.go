package storage

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Backup is everything that a database holds, as of one moment. Its file is a zip: of each table an entry NAME.tsv, as
// Postgres's COPY writes it in its text format, which every version of Postgres reads; and at last manifest.json, which is
// the JSON of this type.
type Backup struct {
	Format  int           `json:"format"` // of the file: backupFormat
	Schema  int64         `json:"schema"` // the number of the last migration
	TakenAt time.Time     `json:"taken_at"`
	Tables  []BackupTable `json:"tables"`

	file *zip.Reader
}

// A BackupTable is one table of a backup.
type BackupTable struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Rows    int64    `json:"rows"`
	SHA256  string   `json:"sha256"` // of its entry, in hexadecimal
}

func (t BackupTable) entry() string { return t.Name + ".tsv" }

const (
	backupFormat   = 1
	manifestEntry  = "manifest.json"
	maxManifest    = 1 << 20 // bytes
	maxBackupParts = 1000    // entries
)

// Rows are how many of them a table has.
func (b *Backup) Rows(table string) int64 {
	for _, t := range b.Tables {
		if t.Name == table {
			return t.Rows
		}
	}
	return 0
}

// Backup writes a backup. It reads one snapshot, beside whatever is written meanwhile: all that was acknowledged before it
// began is in it, and nothing that is half done.
func (s *Store) Backup(ctx context.Context, w io.Writer) (*Backup, error) {
	file := zip.NewWriter(w)
	file.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	b := &Backup{Format: backupFormat}
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) (err error) {
		if _, err := tx.Exec(ctx, plainText); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT now()`).Scan(&b.TakenAt); err != nil {
			return err
		}
		if b.Schema, err = schemaVersion(ctx, tx); err != nil {
			return err
		}
		if b.Tables, err = listTables(ctx, tx, "p"); err != nil {
			return err
		}
		for i := range b.Tables {
			if err := b.Tables[i].write(ctx, tx, file); err != nil {
				return fmt.Errorf("write the table %s: %w", b.Tables[i].Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, translate(err, "back up")
	}
	manifest, err := file.Create(manifestEntry)
	if err == nil {
		err = json.NewEncoder(manifest).Encode(b)
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("back up: %w", err)
	}
	return b, nil
}

// plainText has values written, and read, as any Postgres understands them, whatever the settings of this one.
const plainText = `SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = postgres; SET LOCAL timezone = 'UTC';
	SET LOCAL bytea_output = hex; SET LOCAL extra_float_digits = 1; SET LOCAL statement_timeout = 0`

// listTables lists limn's tables in the current schema with their columns: those of a persistence (p: logged, u: not), or all
// if it is empty.
func listTables(ctx context.Context, tx pgx.Tx, persistence string) ([]BackupTable, error) {
	rows, _ := tx.Query(ctx, `
		SELECT c.relname, array_agg(a.attname ORDER BY a.attnum)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname <> 'goose_db_version'
		  AND (c.relpersistence = $1 OR $1 = '')
		  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
		GROUP BY c.relname ORDER BY c.relname`, persistence)
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t BackupTable, err error) {
		err = row.Scan(&t.Name, &t.Columns)
		return t, err
	})
}

// write writes the table's entry, and notes what it has written.
func (t *BackupTable) write(ctx context.Context, tx pgx.Tx, file *zip.Writer) error {
	entry, err := file.Create(t.entry())
	if err != nil {
		return err
	}
	content := newContent()
	if _, err := tx.Conn().PgConn().CopyTo(ctx, io.MultiWriter(entry, content), `COPY `+t.target()+` TO STDOUT`); err != nil {
		return err
	}
	t.Rows, t.SHA256 = content.lines, content.sum()
	return nil
}

// target is the table with its columns, for COPY.
func (t BackupTable) target() string {
	columns := ""
	for i, column := range t.Columns {
		if i > 0 {
			columns += ", "
		}
		columns += pgx.Identifier{column}.Sanitize()
	}
	return pgx.Identifier{t.Name}.Sanitize() + ` (` + columns + `)`
}

// OpenBackup reads a backup's file to its end. The error says why it is none, or what is damaged.
func OpenBackup(r io.ReaderAt, size int64) (*Backup, error) {
	file, err := zip.NewReader(r, size)
	if err != nil {
		return nil, errors.New("it is not a backup of limn, or its end is missing")
	}
	if len(file.File) > maxBackupParts {
		return nil, errors.New("it is not a backup of limn")
	}
	manifest, err := file.Open(manifestEntry)
	if err != nil {
		return nil, errors.New("it is not a backup of limn")
	}
	defer manifest.Close()
	b := &Backup{file: file}
	content, err := io.ReadAll(io.LimitReader(manifest, maxManifest))
	if err == nil {
		err = json.Unmarshal(content, b)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("it is damaged: what is in it cannot be read: %w", err)
	case b.Format != backupFormat:
		return nil, fmt.Errorf("it was made by a newer limn, in the format %d", b.Format)
	case len(b.Tables) != len(file.File)-1:
		return nil, fmt.Errorf("it is damaged: it has %d tables, not %d", len(file.File)-1, len(b.Tables))
	}
	for _, t := range b.Tables {
		if err := b.check(t); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// check reads one table to its end.
func (b *Backup) check(t BackupTable) error {
	entry, err := b.file.Open(t.entry())
	if err != nil {
		return fmt.Errorf("it is damaged: the table %s is missing", t.Name)
	}
	defer entry.Close()
	content := newContent()
	if _, err := io.Copy(content, entry); err != nil || content.sum() != t.SHA256 || content.lines != t.Rows {
		return fmt.Errorf("it is damaged: the table %s is not what was written", t.Name)
	}
	return nil
}

// content is what passes by of a table: its checksum, and its lines, each of which is a row (COPY writes other line ends
// as \n).
type content struct {
	hash  hash.Hash
	lines int64
}

func newContent() *content { return &content{hash: sha256.New()} }

// Write implements io.Writer.
func (c *content) Write(b []byte) (int, error) {
	c.lines += int64(bytes.Count(b, []byte{'\n'}))
	return c.hash.Write(b)
}

func (c *content) sum() string { return hex.EncodeToString(c.hash.Sum(nil)) }
