// Package storagetest gives a test a database of its own on a real Postgres.
package storagetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"limn/storage"
)

// server is this test process's Postgres, started by the first test that needs it; it ends with the process.
var server = sync.OnceValues(func() (*storage.Private, error) {
	sweep()
	dir, err := os.MkdirTemp("", "limn-test-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // Postgres's user has to reach it
		return nil, err
	}
	return storage.StartPrivate(context.Background(), dir, "fsync=off", "synchronous_commit=off", "full_page_writes=off")
})

// sweep removes the folders of test processes that have ended: nobody holds their lock any more.
func sweep() {
	old, _ := filepath.Glob(filepath.Join(os.TempDir(), "limn-test-*"))
	for _, dir := range old {
		lock, err := os.Open(filepath.Join(dir, "limn.lock"))
		if err != nil {
			continue // just being made
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			os.RemoveAll(dir)
		}
		lock.Close()
	}
}

var databases atomic.Int64

// URL makes an empty database that lasts as long as the test.
func URL(tb testing.TB) string {
	tb.Helper()
	private, err := server()
	if err != nil {
		tb.Fatalf("start Postgres: %v", err)
	}
	ctx := context.Background()
	name := fmt.Sprintf("test%d", databases.Add(1))
	exec := func(query string) {
		tb.Helper()
		conn, err := pgx.Connect(ctx, private.URL())
		if err != nil {
			tb.Fatalf("connect to Postgres: %v", err)
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, query); err != nil {
			tb.Fatal(err)
		}
	}
	exec("CREATE DATABASE " + name)
	tb.Cleanup(func() { exec("DROP DATABASE " + name + " WITH (FORCE)") })
	return strings.Replace(private.URL(), "database=postgres", "database="+name, 1)
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
