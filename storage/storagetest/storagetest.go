// Package storagetest gives a test a database of its own on a real Postgres.
package storagetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"limn/storage"
)

// server is this test process's Postgres, started by the first test that needs it; it ends with the process. What
// it keeps need not survive anything.
var server = sync.OnceValues(func() (*storage.Private, error) {
	dir, err := newFolder()
	if err != nil {
		return nil, err
	}
	private, err := storage.StartPrivate(context.Background(), dir,
		"fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=64MB", "min_wal_size=32MB")
	if err != nil {
		return nil, err
	}
	return private, makeTemplate(private)
})

// makeTemplate migrates a database once, for the others to be copies of.
func makeTemplate(private *storage.Private) error {
	ctx := context.Background()
	if err := run(ctx, private.URL(), `CREATE DATABASE template_limn`); err != nil {
		return err
	}
	store, err := storage.Open(ctx, urlOf(private, "template_limn"))
	if err != nil {
		return err
	}
	store.Close()
	return nil
}

// URL makes a database with limn's schema that lasts as long as the test.
func URL(tb testing.TB) string {
	tb.Helper()
	url := create(tb, "TEMPLATE template_limn STRATEGY file_copy")
	// The template's epoch is not this database's.
	if err := run(context.Background(), url, `UPDATE server SET epoch = gen_random_uuid()`); err != nil {
		tb.Fatal(err)
	}
	return url
}

// EmptyURL makes a database without anything in it that lasts as long as the test.
func EmptyURL(tb testing.TB) string {
	tb.Helper()
	return create(tb, "STRATEGY file_copy")
}

// Open opens a new database as a Store, closed at the end of the test.
func Open(tb testing.TB) *storage.Store {
	tb.Helper()
	store, err := storage.Open(context.Background(), URL(tb))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(store.Close)
	return store
}

var databases atomic.Int64

func create(tb testing.TB, how string) (url string) {
	tb.Helper()
	private, err := server()
	if err != nil {
		tb.Fatalf("start Postgres: %v", err)
	}
	ctx := context.Background()
	name := fmt.Sprintf("test%d", databases.Add(1))
	if err := run(ctx, private.URL(), "CREATE DATABASE "+name+" "+how); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := run(ctx, private.URL(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			tb.Error(err)
		}
	})
	return urlOf(private, name)
}

func urlOf(private *storage.Private, database string) string {
	return strings.Replace(private.URL(), "database=postgres", "database="+database, 1)
}

func run(ctx context.Context, url, query string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect to Postgres: %w", err)
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, query)
	return err
}
