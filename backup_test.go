package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"limn/storage/storagetest"
)

// mustRun runs a command of limn to its end.
func mustRun(t *testing.T, environment []string, args ...string) (out string) {
	t.Helper()
	text, err := command(t, args, environment...).CombinedOutput()
	if err != nil {
		t.Fatalf("limn %s: %v: %s", strings.Join(args, " "), err, text)
	}
	return string(text)
}

// Who follows a page when the server goes back to a backup is told to forget what the backup does not have, and gets
// all that it has.
func TestReadersStartAnewAfterARestore(t *testing.T) {
	environment := []string{"LIMN_DATA_DIR=" + dataDir(t)}
	file := filepath.Join(t.TempDir(), "limn.backup")
	p := startLimn(t, environment...)
	token, _ := p.post("/accounts", "", `{"name":"Ada"}`)["token"].(string)
	mark := func(p *process, note string) {
		p.post("/highlights", token, `{"url":"https://example.org/","group":"public","note":"`+note+`"}`)
	}
	mark(p, "first")
	mark(p, "second")
	mustRun(t, environment, "backup", file) // while limn runs
	mark(p, "after the backup")
	last := untilEvent(t, p.follow(t, ""), "live", "", map[string]bool{})

	if out, err := command(t, []string{"restore", "--replace", file}, environment...).CombinedOutput(); err == nil {
		t.Errorf("it is restored under a limn that runs: %s", out)
	}
	p.stop(syscall.SIGTERM)
	if out, err := command(t, []string{"restore", file}, environment...).CombinedOutput(); err == nil || !strings.Contains(string(out), "--replace") {
		t.Errorf("what is there is lost without a word: %v: %s", err, out)
	}
	mustRun(t, environment, "restore", "--replace", file)
	again := startLimn(t, environment...)
	mark(again, "after the restore")

	stream, seen := again.follow(t, last), map[string]bool{}
	untilEvent(t, stream, "resync", `"other_epoch"`, seen)
	untilEvent(t, stream, "live", "", seen)
	var notes string
	for event := range seen {
		notes += event
	}
	for note, want := range map[string]bool{"first": true, "second": true, "after the restore": true, "after the backup": false} {
		if strings.Contains(notes, `"note":"`+note+`"`) != want {
			t.Errorf("%q is there: %v; want %v", note, !want, want)
		}
	}
}

// A restore that is killed, even when all rows are written, has changed nothing; the next one works.
func TestAKilledRestoreLeavesNothingHalf(t *testing.T) {
	ctx := t.Context()
	file := filepath.Join(t.TempDir(), "limn.backup")
	from, url := storagetest.URL(t), storagetest.URL(t)
	mustRun(t, []string{"LIMN_DATABASE_URL=" + from}, "account", "Ada")
	mustRun(t, []string{"LIMN_DATABASE_URL=" + from}, "backup", file)
	environment := []string{"LIMN_DATABASE_URL=" + url}
	mustRun(t, environment, "account", "Dora")
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	// An index that the restore makes anew once the rows are there, and that waits for the lock 7.
	if _, err := conn.Exec(ctx, `
		CREATE FUNCTION wait(uuid) RETURNS uuid IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN $1; END $$;
		CREATE INDEX ON accounts (wait(id)); SELECT pg_advisory_lock(7)`); err != nil {
		t.Fatal(err)
	}

	restore := command(t, []string{"restore", "--replace", file}, environment...)
	if err := restore.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, conn, `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted)`)
	if err := restore.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	restore.Wait()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_unlock(7)`); err != nil {
		t.Fatal(err)
	}

	names := func() (list string) {
		if err := conn.QueryRow(ctx, `SELECT string_agg(name, ' ') FROM accounts`).Scan(&list); err != nil {
			t.Fatal(err)
		}
		return list
	}
	if got := names(); got != "Dora" { // as soon as Postgres has let go of the tables
		t.Errorf("after the kill there is %s, want Dora", got)
	}
	mustRun(t, environment, "restore", "--replace", file)
	if got := names(); got != "Ada" {
		t.Errorf("after the next restore there is %s, want Ada", got)
	}
}

// await asks until the answer is yes.
func await(t *testing.T, conn *pgx.Conn, question string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for yes := false; !yes; {
		if err := conn.QueryRow(ctx, question).Scan(&yes); err != nil {
			t.Fatalf("%s: %v", question, err)
		}
	}
}

// What is no backup, or half of one, does not come near the database; and a backup that fails leaves the one before.
func TestOnlyAWholeBackupIsTaken(t *testing.T) {
	dir, environment := t.TempDir(), []string{"LIMN_DATABASE_URL=" + storagetest.URL(t)}
	file := filepath.Join(dir, "limn.backup")
	mustRun(t, environment, "account", "Ada")
	mustRun(t, environment, "backup", file)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(dir, "half.backup")
	if err := os.WriteFile(half, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}

	out, err := command(t, []string{"restore", "--replace", half}, "LIMN_DATABASE_URL=postgres://127.0.0.1:1/nowhere").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "half.backup cannot be restored") {
		t.Errorf("half a backup: %v: %s", err, out)
	}
	if out, err := command(t, []string{"backup", file}, "LIMN_DATABASE_URL=postgres://127.0.0.1:1/nowhere").CombinedOutput(); err == nil {
		t.Errorf("a backup of nothing: %s", out)
	}
	if still, err := os.ReadFile(file); err != nil || string(still) != string(whole) {
		t.Errorf("the backup before is not there any more: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup's rights are %v, %v", info.Mode(), err)
	}
}

// A limn under which the database has begun another life ends, so that whoever keeps it running starts it anew.
func TestLimnEndsWhenItsDatabaseIsAnother(t *testing.T) {
	url := storagetest.URL(t)
	p := startLimn(t, "LIMN_DATABASE_URL="+url)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())

	if _, err := conn.Exec(t.Context(), `UPDATE server SET epoch = gen_random_uuid()`); err != nil {
		t.Fatal(err)
	}

	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		t.Fatal("it goes on")
	}
	if state := p.cmd.ProcessState; state.ExitCode() != 1 || !strings.Contains(p.log.String(), "start it again") {
		t.Errorf("it ended with %v: %s", state, p.log)
	}
}
