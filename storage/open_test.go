package storage_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"limn/storage"
	"limn/storage/storagetest"
)

func TestInstancesThatOpenADatabaseAtOnceMigrateItOnce(t *testing.T) {
	url := storagetest.EmptyURL(t)

	const instances = 4
	epochs := make([]string, instances)
	var group errgroup.Group
	for i := range instances {
		group.Go(func() error {
			store, err := storage.Open(context.Background(), url)
			if err != nil {
				return err
			}
			defer store.Close()
			epochs[i] = store.Epoch().String()
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}

	if twice := queryInt(t, url, `SELECT count(*) - count(DISTINCT version_id) FROM goose_db_version`); twice != 0 {
		t.Errorf("%d migrations ran more than once", twice)
	}
	for _, epoch := range epochs {
		if epoch != epochs[0] {
			t.Errorf("instances on one database see the epochs %v", epochs)
		}
	}
}

func execSQL(t *testing.T, url, query string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), query); err != nil {
		t.Fatal(err)
	}
}

func queryInt(t *testing.T, url, query string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(context.Background(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
