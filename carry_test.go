package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"limn/storage/storagetest"
)

// What limn export writes and limn import reads is the same there, whether limn runs or not.
func TestCommandsCarryEverything(t *testing.T) {
	from, to := storagetest.URL(t), storagetest.URL(t)
	p := startLimn(t, "LIMN_DATABASE_URL="+from)
	token, _ := p.post("/accounts", "", `{"name":"Ada"}`)["token"].(string)
	made := p.post("/highlights", token, `{"url":"http://example.invalid/","note":"for me alone","tags":["x"]}`)
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first.ndjson"), filepath.Join(dir, "second.ndjson")
	run := func(database string, args ...string) string {
		t.Helper()
		out, err := command(t, args, "LIMN_DATABASE_URL="+database).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
		return string(out)
	}

	run(from, "export", first, "--format", "ndjson", "--account", "Ada")
	if said := run(to, "import", first); !strings.Contains(said, "1 taken in, 0 were here already, 0 refused.") {
		t.Errorf("it says %s", said)
	}
	run(to, "export", second, "--format", "ndjson")

	before, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(second)
	if err != nil || string(before) != string(after) || !strings.Contains(string(before), made["id"].(string)) {
		t.Errorf("%v: before %s after %s", err, before, after)
	}
}

// What cannot be taken in is named, and scripts can tell.
func TestImportCommandNamesWhatItRefuses(t *testing.T) {
	database := storagetest.URL(t)
	file := filepath.Join(t.TempDir(), "file.csv")
	if err := os.WriteFile(file, []byte("url,color\nhttps://example.org/,mauve\nhttps://example.org/,red\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := command(t, []string{"import", file}, "LIMN_DATABASE_URL="+database).CombinedOutput(); err == nil || !strings.Contains(string(out), "--account is missing") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := command(t, []string{"account", "Ada"}, "LIMN_DATABASE_URL="+database).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}

	out, err := command(t, []string{"import", file, "--account", "Ada"}, "LIMN_DATABASE_URL="+database).CombinedOutput()

	if err == nil || !strings.Contains(string(out), "line 2 /color: the color must be one of") || !strings.Contains(string(out), "1 taken in, 0 were here already, 1 refused.") {
		t.Errorf("%v: %s", err, out)
	}
}
