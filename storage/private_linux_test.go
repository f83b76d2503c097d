package storage_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"limn/storage"
)

// With this variable the test binary is a limn that only runs the private Postgres of a folder, to be killed.
const asLimn = "LIMN_TEST_RUN_PRIVATE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asLimn); dir != "" {
		runPrivate(dir)
	}
	m.Run()
	if original != "" {
		os.RemoveAll(original)
	}
}

func runPrivate(dir string) {
	if _, err := storage.StartPrivate(context.Background(), dir, fast...); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin) // until the test ends
	os.Exit(0)
}

var fast = []string{"fsync=off"}

func TestAPrivatePostgresOutlivesItsLimnByNothingButItsData(t *testing.T) {
	adoptOrphans(t)
	dir := usedFolder(t)
	limn := startLimn(t, dir)
	execSQL(t, url(dir), "CREATE TABLE kept AS SELECT 42 AS answer")
	postmaster := postmasterOf(t, dir)

	limn.Process.Kill()
	limn.Wait()
	awaitEnd(t, postmaster)
	private := startPrivate(t, dir)

	if got := queryInt(t, private.URL(), "SELECT answer FROM kept"); got != 42 {
		t.Errorf("after the kill the table holds %d", got)
	}
}

func TestAPrivatePostgresWaitsForTheOneThatIsStillEnding(t *testing.T) {
	adoptOrphans(t)
	dir := usedFolder(t)
	limn := startLimn(t, dir)
	postmaster := postmasterOf(t, dir)
	syscall.Kill(postmaster, syscall.SIGSTOP) // it will not notice that limn is gone
	limn.Process.Kill()
	limn.Wait()

	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err := storage.StartPrivate(ctx, dir, fast...)
	wantError(t, err, fmt.Sprintf("another Postgres (process %d) is using %s/postgres", postmaster, dir))

	syscall.Kill(postmaster, syscall.SIGCONT)
	private := startPrivate(t, dir)
	if got := queryInt(t, private.URL(), "SELECT 1"); got != 1 {
		t.Errorf("SELECT 1 is %d", got)
	}
	awaitEnd(t, postmaster)
}

func TestAPrivatePostgresThatIsKilledIsReportedAndStartsAgainWithItsData(t *testing.T) {
	dir := usedFolder(t)
	private := startPrivate(t, dir)
	execSQL(t, private.URL(), "CREATE TABLE kept AS SELECT 42 AS answer")

	killPostmaster(t, dir)
	select {
	case <-private.Done():
	case <-time.After(time.Minute):
		t.Fatal("Done is not closed after the kill")
	}
	private.Close()

	again := startPrivate(t, dir)
	if got := queryInt(t, again.URL(), "SELECT answer FROM kept"); got != 42 {
		t.Errorf("after the kill the table holds %d", got)
	}
}

func TestAStalePidThatBelongsToAnotherProcessByNowIsNoHindrance(t *testing.T) {
	dir := usedFolder(t)
	other := exec.Command("cat") // as the same user: of others Postgres knows that they are not Postgres
	other.SysProcAttr = &syscall.SysProcAttr{Credential: ownerOf(t, filepath.Join(dir, "postgres"))}
	stdin, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer other.Wait()
	defer stdin.Close()
	stale := fmt.Sprintf("%d\n%s/postgres\n1700000000\n5432\n.\n\n  0  0\nready   \n", other.Process.Pid, dir)
	for _, name := range []string{"postmaster.pid", ".s.PGSQL.5432.lock"} {
		writeFile(t, filepath.Join(dir, "postgres", name), stale)
	}

	private := startPrivate(t, dir)

	if got := queryInt(t, private.URL(), "SELECT 1"); got != 1 {
		t.Errorf("SELECT 1 is %d", got)
	}
}

func TestAnUnfinishedDatabaseIsMadeAnew(t *testing.T) {
	dir := dataFolder(t)
	if err := os.Mkdir(filepath.Join(dir, "postgres.tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "postgres.tmp", "PG_VERSION"), "15\n")

	startPrivate(t, dir)
}

func TestAFolderServesOneLimn(t *testing.T) {
	dir := usedFolder(t)
	startPrivate(t, dir)

	_, err := storage.StartPrivate(context.Background(), dir)

	wantError(t, err, "another limn is using "+dir+": stop it, or set LIMN_DATA_DIR")
}

func TestACommandJoinsThePostgresThatRuns(t *testing.T) {
	dir := usedFolder(t)
	startLimn(t, dir)

	joined := joinPrivate(t, dir)
	execSQL(t, joined.URL(), "CREATE TABLE joined ()")
	joined.Close()

	if got := queryInt(t, url(dir), "SELECT count(*) FROM pg_tables WHERE tablename = 'joined'"); got != 1 {
		t.Errorf("the Postgres that runs has %d such tables", got)
	}
}

func TestACommandStartsAPostgresIfNoneRuns(t *testing.T) {
	dir := usedFolder(t)

	first, second := joinPrivate(t, dir), joinPrivate(t, dir)
	ended := make(chan struct{})
	go func() {
		first.Close()
		close(ended)
	}()

	if got := queryInt(t, second.URL(), "SELECT 1"); got != 1 {
		t.Errorf("SELECT 1 is %d", got)
	}
	select {
	case <-ended:
		t.Error("the first command has ended what the second one uses")
	default:
	}
	second.Close()
	<-ended
	startPrivate(t, dir)
}

func TestACommandWaitsForALimnThatStarts(t *testing.T) {
	dir := usedFolder(t)
	lock, err := os.OpenFile(filepath.Join(dir, "limn.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err = storage.JoinPrivate(ctx, dir, fast...)
	wantError(t, err, "another limn is using "+dir)
	wantError(t, err, "its Postgres does not answer")

	lock.Close()
	joinPrivate(t, dir).Close()
}

func joinPrivate(t *testing.T, dir string) *storage.Private {
	t.Helper()
	private, err := storage.JoinPrivate(context.Background(), dir, fast...)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func TestAFolderMayHaveAnyName(t *testing.T) {
	for _, name := range []string{"limn's data, all of it", strings.Repeat("long", 50)} {
		dir := filepath.Join(dataFolder(t), name)

		private := startPrivate(t, dir)

		if got := queryInt(t, private.URL(), "SELECT 1"); got != 1 {
			t.Errorf("%s: SELECT 1 is %d", name, got)
		}
		private.Close()
	}
}

func TestAFolderThatCannotBeUsedIsRefusedWithASentence(t *testing.T) {
	file := filepath.Join(dataFolder(t), "file")
	writeFile(t, file, "")
	foreign := dataFolder(t)
	if err := os.Mkdir(filepath.Join(foreign, "postgres"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(foreign, "postgres", "letter.txt"), "")

	for _, c := range []struct{ behaviour, dir, words string }{
		{"a file where the folder should be", file, file},
		{"a file where its parent should be", filepath.Join(file, "limn"), file},
		{"a place where nothing can be made", "/sys/limn", "mkdir /sys/limn"},
		{"something else where the database should be", foreign, foreign + "/postgres holds something other than a database"},
	} {
		t.Run(c.behaviour, func(t *testing.T) {
			_, err := storage.StartPrivate(context.Background(), c.dir)
			wantError(t, err, c.words)
			wantError(t, err, "the data folder cannot be used")
			wantError(t, err, "set LIMN_DATA_DIR")
		})
	}
}

// Root runs Postgres as another user, who has to get to the folder; everybody else runs it as they are.
func TestAFolderBehindAClosedDoorIsNamedBeforeAnythingIsMade(t *testing.T) {
	closed := filepath.Join(dataFolder(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(closed, "a", "limn")

	private, err := storage.StartPrivate(context.Background(), dir, fast...)

	if os.Geteuid() != 0 {
		if err != nil {
			t.Fatal(err)
		}
		private.Close()
		return
	}
	wantError(t, err, "may not enter "+closed+": set LIMN_DATA_DIR")
	if _, err := os.Stat(filepath.Join(dir, "postgres.tmp")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the database was begun: %v", err)
	}
}

func TestADatabaseOfAVersionThatIsNotInstalledIsRefusedWithASentence(t *testing.T) {
	dir := databaseOf(t, "12")

	_, err := storage.StartPrivate(context.Background(), dir)

	wantError(t, err, "was made by Postgres 12")
	wantError(t, err, "apt install postgresql-12")
}

func TestADatabaseIsRunByTheVersionThatMadeIt(t *testing.T) {
	dir := databaseOf(t, "12")
	bin := dataFolder(t)
	writeFile(t, filepath.Join(bin, "initdb"), "")
	writeFile(t, filepath.Join(bin, "postgres"), `#!/bin/sh
case $1 in
--version) echo 'postgres (PostgreSQL) 12.22 (Debian 12.22-1)' ;;
*) echo 'FATAL:  this is the one' >&2; exit 1 ;;
esac
`)
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))

	_, err := storage.StartPrivate(context.Background(), dir)

	wantError(t, err, "start Postgres, whose log is "+dir+"/postgres.log: this is the one")
}

// original is the data folder that usedFolder copies: to make a database takes a second, to copy it a moment.
var original string

// usedFolder is a data folder that a limn has used before.
func usedFolder(t *testing.T) string {
	t.Helper()
	if original == "" {
		dir, err := os.MkdirTemp("", "limn-private-")
		if err != nil {
			t.Fatal(err)
		}
		original = dir
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		startPrivate(t, dir).Close()
	}
	dir := dataFolder(t)
	if out, err := exec.Command("cp", "-a", original+"/.", dir).CombinedOutput(); err != nil {
		t.Fatalf("copy the data folder: %v: %s", err, out)
	}
	return dir
}

// dataFolder is a new folder that Postgres's user can reach, unlike t.TempDir.
func dataFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "limn-private-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// databaseOf is a data folder whose database was made by a version of Postgres.
func databaseOf(t *testing.T, version string) string {
	t.Helper()
	dir := dataFolder(t)
	if err := os.Mkdir(filepath.Join(dir, "postgres"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "postgres", "PG_VERSION"), version+"\n")
	return dir
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func startPrivate(t *testing.T, dir string) *storage.Private {
	t.Helper()
	private, err := storage.StartPrivate(context.Background(), dir, fast...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(private.Close)
	return private
}

// startLimn starts a limn of its own on the folder, with a Postgres that is ready.
func startLimn(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asLimn+"="+dir)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	if line, _ := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Fatalf("limn did not start: %s", line)
	}
	return cmd
}

// url is how another process than limn reaches the Postgres of a folder.
func url(dir string) string { return "host=" + dir + "/postgres user=limn database=postgres" }

// adoptOrphans makes this process the parent of those whose own parent ends, so that it can wait for them.
func adoptOrphans(t *testing.T) {
	t.Helper()
	const setChildSubreaper = 36 // prctl(2)
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0); errno != 0 {
		t.Fatal(errno)
	}
}

// awaitEnd returns when an adopted process has ended, and fails when it goes on.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	ended := make(chan error, 1)
	go func() {
		_, err := syscall.Wait4(pid, nil, 0, nil)
		ended <- err
	}()
	select {
	case err := <-ended:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatalf("process %d goes on", pid)
	}
}

func postmasterOf(t *testing.T, dir string) (pid int) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(dir, "postgres", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(file), &pid); err != nil {
		t.Fatal(err)
	}
	return pid
}

func killPostmaster(t *testing.T, dir string) {
	t.Helper()
	if err := syscall.Kill(postmasterOf(t, dir), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func ownerOf(t *testing.T, name string) *syscall.Credential {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		return nil
	}
	stat := info.Sys().(*syscall.Stat_t)
	return &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}
}

func wantError(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("the error is %v, not %q", err, words)
	}
}
