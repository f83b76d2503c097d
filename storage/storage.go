// Package storage keeps everything in Postgres: types and their SQL, one file a noun.
//
// Postgres is the truth. Every change of a page takes the page's next number inside its own statement or
// transaction, by updating the page's row, so numbers are free of gaps and in commit order. Whoever wants
// to know what changed asks for the rows with a higher number (see Changes): there is no event table.
package storage

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/semaphore"

	"limn/migrations"
)

// A Store is a database with limn's schema in it. It is safe for concurrent use; Close releases it.
type Store struct {
	pool      *pgxpool.Pool
	epoch     uuid.UUID
	steps     []step // that make the schema
	gathering gathering
	pages     *lru.Cache[uuid.UUID, PageRef] // see ensurePage
	passwords *semaphore.Weighted            // how many may be hashed at once
	popular   *lru.Cache[markedPage, marked] // what busy pages came to

	searchesParts bool // whether parts of words can be searched for, too
}

// minConnections is how many connections to Postgres there may be even on a small machine: most of them wait for a flush.
const minConnections = 16

// Open connects to the Postgres at url, brings its schema up to date and returns it as a Store.
// Any number of instances may open one database at once: an advisory lock lets one of them migrate.
func Open(ctx context.Context, url string, options ...Option) (*Store, error) {
	return open(ctx, url, migrations.Files, options...)
}

// open is Open with the steps that make the schema.
func open(ctx context.Context, url string, steps fs.FS, options ...Option) (*Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database's URL: %w", err)
	}
	config.ConnConfig.RuntimeParams["application_name"] = "limn"
	config.AfterConnect = scanTimesAsUTC
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = max(config.MaxConns, minConnections)
	}
	for _, option := range options {
		option(config)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	pages, err := lru.New[uuid.UUID, PageRef](maxKnownPages)
	if err != nil {
		return nil, fmt.Errorf("remember pages: %w", err)
	}
	popular, err := lru.New[markedPage, marked](popularKnown)
	if err != nil {
		return nil, fmt.Errorf("remember what is popular: %w", err)
	}
	s := &Store{
		pool: pool, passwords: semaphore.NewWeighted(passwordWorkers), pages: pages, popular: popular,
		gathering: gathering{free: statements, writing: map[uuid.UUID]bool{}},
	}
	if err := s.migrate(ctx, steps); err != nil {
		pool.Close()
		return nil, err
	}
	if s.searchesParts, err = indexParts(ctx, pool); err != nil {
		pool.Close()
		return nil, fmt.Errorf("prepare the search: %w", err)
	}
	if err := pool.QueryRow(ctx, `SELECT epoch FROM server`).Scan(&s.epoch); err != nil {
		pool.Close()
		return nil, fmt.Errorf("read the database's epoch: %w", err)
	}
	return s, nil
}

// Close ends the store's connections, once those in use are given back.
func (s *Store) Close() { s.pool.Close() }

// Connect opens a connection of the caller's own, beside those of the store: for what has to hold one, as LISTEN has.
func (s *Store) Connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	return conn, translate(err, "connect to the database")
}

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	return translate(s.pool.Ping(ctx), "ping the database")
}

// Epoch names this life of the database; a restored backup has another one.
func (s *Store) Epoch() uuid.UUID { return s.epoch }

func scanTimesAsUTC(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}

// newID makes a UUIDv7: ids made later sort later, which keeps indexes dense.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// number takes the page's next n numbers for the changes that this transaction is about to write, and
// returns the first. It holds the page's row until the transaction ends, so that numbers appear in commit
// order; call it once the writes are certain, because a number taken and not used would be a gap.
func number(ctx context.Context, tx pgx.Tx, page uuid.UUID, n int64) (first int64, err error) {
	err = tx.QueryRow(ctx, `UPDATE pages SET seq = seq + $2 WHERE id = $1 RETURNING seq - $2 + 1`, page, n).Scan(&first)
	return first, err
}

// lockPage holds the page's row until the transaction ends: nobody else changes anything on the page meanwhile.
func lockPage(ctx context.Context, tx pgx.Tx, page uuid.UUID) error {
	var locked bool
	return tx.QueryRow(ctx, `SELECT true FROM pages WHERE id = $1 FOR NO KEY UPDATE`, page).Scan(&locked)
}
