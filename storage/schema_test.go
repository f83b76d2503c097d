package storage_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"limn/migrations"
	"limn/storage"
	"limn/storage/storagetest"
)

// nextSteps are the migrations and one more, which changes rows, adds to a table and makes another one.
func nextSteps(t *testing.T) fs.FS {
	t.Helper()
	steps := fstest.MapFS{"9999_next.sql": {Data: []byte(`-- +goose Up
		ALTER TABLE pages ADD words bigint NOT NULL DEFAULT 7;
		CREATE INDEX pages_words ON pages (words, id);
		UPDATE pages SET words = length(title);
		CREATE TABLE marks (page_id uuid PRIMARY KEY REFERENCES pages, words bigint NOT NULL);
-- +goose StatementBegin
		DO $$ BEGIN INSERT INTO marks SELECT id, words FROM pages; END $$;
-- +goose StatementEnd
	`)}}
	names, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := fs.ReadFile(migrations.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		steps[name] = &fstest.MapFile{Data: content}
	}
	return steps
}

func mustOpenWith(t *testing.T, url string, steps fs.FS) *storage.Store {
	t.Helper()
	s, err := storage.OpenWith(t.Context(), url, steps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Several instances of a new version start on a database that is in use: it is brought up to date once, and keeps what is in it.
func TestInstancesUpgradeADatabaseOnce(t *testing.T) {
	url := storagetest.URL(t)
	before := mustOpen(t, url)
	fillStore(t, before)
	want, steps := contents(t, before), nextSteps(t)

	var group errgroup.Group
	for range 3 {
		group.Go(func() error {
			s, err := storage.OpenWith(t.Context(), url, steps)
			if err == nil {
				s.Close()
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}

	if n := queryInt(t, url, `SELECT count(*) FROM goose_db_version WHERE version_id = 9999`); n != 1 {
		t.Errorf("the step was taken %d times", n)
	}
	if n := queryInt(t, url, `SELECT count(*) FROM pages JOIN marks ON page_id = id WHERE pages.words = 1 AND marks.words = 1`); n != 1 {
		t.Errorf("%d pages were brought up to date, want 1", n)
	}
	after := contents(t, before)
	delete(after, "marks")
	delete(after, "pages")
	delete(want, "pages")
	if diff := cmp.Diff(want, after); diff != "" {
		t.Errorf("other rows have changed (- want):\n%s", diff)
	}
	mustHighlight(t, before, mustReader(t, before, "Cem"), "public") // the version before goes on beside it
}

func TestADatabaseOfANewerLimnIsRefused(t *testing.T) {
	url := storagetest.URL(t)
	mustOpenWith(t, url, nextSteps(t))

	_, err := storage.Open(t.Context(), url)

	if err == nil || !strings.Contains(err.Error(), "a newer limn has used this database") {
		t.Errorf("it is opened: %v", err)
	}
}

// A backup of an older limn ends as its database would have, had that been brought up to date.
func TestAnOlderBackupIsBroughtUpToDate(t *testing.T) {
	url, steps := storagetest.URL(t), nextSteps(t)
	old := mustOpen(t, url)
	fillStore(t, old)
	file := mustBackup(t, old)
	upgraded := mustOpenWith(t, url, steps)
	s := mustOpenWith(t, storagetest.URL(t), steps)
	mustReader(t, s, "Dora")

	if err := s.Restore(t.Context(), mustOpenBackup(t, file), true); err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(contents(t, upgraded), contents(t, s)); diff != "" {
		t.Errorf("other rows were restored (- want):\n%s", diff)
	}
	if diff := cmp.Diff(shape(t, upgraded), shape(t, s)); diff != "" {
		t.Errorf("the schema is another one (- want):\n%s", diff)
	}
	if err := old.Restore(t.Context(), mustOpenBackup(t, mustBackup(t, upgraded)), true); err == nil || !strings.Contains(err.Error(), "newer limn") {
		t.Errorf("a newer limn's backup is restored: %v", err)
	}
}
