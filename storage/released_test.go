package storage_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"limn/migrations"
	"limn/storage"
	"limn/storage/storagetest"
)

var freeze = flag.String("freeze", "", "a version whose schema is kept in testdata/released from now on, with something in it")

// A release is what is kept of a released version: the steps of its schema, a backup of a database that it has
// filled, and what its readers were sent of a page there.
type release struct {
	dir string
}

const (
	releaseBackup = "limn.backup"
	releaseSent   = "sent.json"
)

// makeRelease makes a folder of what the limn of today is.
func makeRelease(t *testing.T, dir string) release {
	t.Helper()
	r := release{dir}
	s := storagetest.Open(t)
	fillStore(t, s)
	files := map[string][]byte{releaseBackup: mustBackup(t, s), releaseSent: sent(t, s)}
	for _, name := range stepNames(t, migrations.Files) {
		files[name] = mustRead(t, migrations.Files, name)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func stepNames(t *testing.T, files fs.FS) []string {
	t.Helper()
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("there are no steps: %v", err)
	}
	return names
}

func mustRead(t *testing.T, files fs.FS, name string) []byte {
	t.Helper()
	content, err := fs.ReadFile(files, name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// sent is what readers of everything are sent of the page that fillStore fills.
func sent(t *testing.T, s *storage.Store) []byte {
	t.Helper()
	changes, reached, err := s.Changes(t.Context(), storage.PageID(pageURL), 0, 100)
	if err != nil || reached.More || len(changes) == 0 {
		t.Fatalf("%d changes, more %v, %v", len(changes), reached.More, err)
	}
	text, err := json.MarshalIndent(changes, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// Every version that was ever released can be replaced by this one: its steps were not edited, its database gets the schema that
// a new one has, and its readers are sent what they were sent before. The version of today is among them, as it would be released.
func TestReleasedVersionsCanBeUpgraded(t *testing.T) {
	if *freeze != "" {
		makeRelease(t, filepath.Join("testdata", "released", *freeze))
	}
	releases := []release{makeRelease(t, t.TempDir())}
	dirs, err := filepath.Glob("testdata/released/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		releases = append(releases, release{dir})
	}
	fresh := shape(t, storagetest.Open(t))
	for _, r := range releases {
		steps := os.DirFS(r.dir)
		for _, name := range stepNames(t, steps) {
			if !bytes.Equal(mustRead(t, steps, name), mustRead(t, migrations.Files, name)) {
				t.Errorf("%s: %s was released and must stay as it was: correct it with another step", r.dir, name)
			}
		}
		url := storagetest.EmptyURL(t)
		old := mustOpenWith(t, url, steps)
		if err := old.Restore(t.Context(), mustOpenBackup(t, mustRead(t, steps, releaseBackup)), false); err != nil {
			t.Fatalf("%s: %v", r.dir, err)
		}
		old.Close()

		s := mustOpen(t, url)

		if diff := cmp.Diff(fresh, shape(t, s)); diff != "" {
			t.Errorf("%s: the schema is not that of a new database (- want):\n%s", r.dir, diff)
		}
		if missing := lost(t, mustRead(t, steps, releaseSent), sent(t, s)); missing != "" {
			t.Errorf("%s: readers are not sent %s any more", r.dir, missing)
		}
		mustHighlight(t, s, mustReader(t, s, "Cem"), "public")
	}
}

// lost finds something in one JSON text that is not in another; the other may say more.
func lost(t *testing.T, before, after []byte) string {
	t.Helper()
	var a, b any
	if err := json.Unmarshal(before, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(after, &b); err != nil {
		t.Fatal(err)
	}
	return missing("", a, b)
}

func missing(at string, before, after any) string {
	switch before := before.(type) {
	case map[string]any:
		object, _ := after.(map[string]any)
		for name, value := range before {
			if m := missing(at+"/"+name, value, object[name]); m != "" {
				return m
			}
		}
	case []any:
		array, _ := after.([]any)
		if len(array) != len(before) {
			return fmt.Sprintf("%s: %d of %d", at, len(array), len(before))
		}
		for i, value := range before {
			if m := missing(fmt.Sprint(at, "/", i), value, array[i]); m != "" {
				return m
			}
		}
	default:
		if before != after {
			return fmt.Sprintf("%s: %v (but %v)", at, before, after)
		}
	}
	return ""
}
