package storage_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"limn/storage"
)

func TestWhilePostgresRestartsEveryQuerySaysUnavailableAndThenWorks(t *testing.T) {
	dir := usedFolder(t)
	private := startPrivate(t, dir)
	store, err := storage.Open(context.Background(), private.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	author := mustReader(t, store, "Ada")
	old := mustHighlight(t, store, author, "public")
	queries := map[string]func(context.Context) error{
		"ping": store.Ping,
		"a read": func(ctx context.Context) error {
			_, err := store.GetHighlight(ctx, author, old.ID)
			return err
		},
		"a list": func(ctx context.Context) error {
			_, _, err := store.Changes(ctx, storage.PageID(pageURL), 0, 10)
			return err
		},
		"a write in a transaction": func(ctx context.Context) error {
			_, _, err := store.CreateHighlight(ctx, author, newHighlight("public"))
			return err
		},
		"a write in a statement": func(ctx context.Context) error {
			_, err := store.CreateAccount(ctx, storage.NewAccount{Name: uuid.NewString()})
			return err
		},
	}

	for _, stop := range []struct {
		how string
		do  func()
	}{
		{"its backends are terminated", func() {
			execSQL(t, private.URL(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'limn'`)
		}},
		{"it is stopped", func() {
			private.Close()
			private = startPrivate(t, dir)
		}},
		{"it is killed", func() {
			killPostmaster(t, dir)
			<-private.Done()
			private.Close()
			private = startPrivate(t, dir)
		}},
	} {
		t.Run(stop.how, func(t *testing.T) {
			restarted := make(chan struct{})
			var loops errgroup.Group
			for name, query := range queries {
				loops.Go(func() error {
					if err := repeat(query, restarted); err != nil {
						return fmt.Errorf("%s: %w", name, err)
					}
					return nil
				})
			}
			stop.do()
			close(restarted)
			if err := loops.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// repeat asks until the query has worked after the restart, and returns the first error that is not ErrUnavailable.
func repeat(query func(context.Context) error, restarted <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		late := false
		select {
		case <-restarted:
			late = true
		default:
		}
		err := query(ctx)
		if err != nil && !errors.Is(err, storage.ErrUnavailable) {
			return err
		}
		if err == nil && late {
			return nil
		}
	}
}
