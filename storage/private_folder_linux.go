package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A cluster is what Postgres calls a folder with its databases, and here also who runs it with which programs.
type cluster struct {
	data  string              // the folder
	bin   string              // the folder with postgres and initdb
	user  string              // owner's name; empty: as limn itself runs
	owner *syscall.Credential // nil likewise
}

// command is one of Postgres's programs in a folder. It sees nothing of limn's environment, which has secrets, nor
// PGPORT and its kin, and speaks English, which cause reads.
func (c *cluster) command(ctx context.Context, folder, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, program), args...)
	cmd.Dir = folder
	cmd.Env = []string{"LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner}
	return cmd
}

// checkReach has Postgres's user enter the data folder, because only the kernel knows all that permissions depend on.
func (c *cluster) checkReach() error {
	dir := filepath.Dir(c.data)
	if c.owner == nil || c.enter(dir) == nil {
		return nil
	}
	if err := c.enter("/"); err != nil {
		return fmt.Errorf("run Postgres as the user %s: %w", c.user, err)
	}
	for c.enter(filepath.Dir(dir)) != nil {
		dir = filepath.Dir(dir)
	}
	return fmt.Errorf("the user %s, as whom Postgres has to run, may not enter %s: set LIMN_DATA_DIR to another folder, "+
		"such as /var/lib/limn, or allow it with chmod o+x %[2]s", c.user, dir)
}

func (c *cluster) enter(folder string) error {
	return c.command(context.Background(), folder, "postgres", "--version").Run()
}

// create makes the database's folder beside its place and moves it there whole, so that a start that was cut off
// leaves nothing that looks like a database.
func (c *cluster) create(ctx context.Context) error {
	making := c.making()
	if err := os.RemoveAll(making); err != nil {
		return unusable(err)
	}
	if err := os.Mkdir(making, 0o700); err != nil {
		return unusable(err)
	}
	if c.owner != nil {
		if err := os.Chown(making, int(c.owner.Uid), int(c.owner.Gid)); err != nil {
			return unusable(err)
		}
	}
	runtime.LockOSThread() // Pdeathsig fires when the thread ends
	defer runtime.UnlockOSThread()
	cmd := c.command(ctx, making, "initdb", "-D", making, "-U", "limn", "--auth=trust", "--no-sync",
		"--no-instructions", "--encoding=UTF8", "--locale=C.UTF-8")
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make the database in %s: %w: %s", c.data, err, cause(string(out)))
	}
	if err := os.Rename(making, c.data); err != nil {
		return unusable(err)
	}
	return nil
}

func (c *cluster) making() string { return c.data + ".tmp" }

// awaitPrevious waits until the folder's last Postgres has ended, which may outlive a killed limn by a moment. No
// other limn keeps it alive, because this one has the folder's lock.
func (c *cluster) awaitPrevious(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		pid := findPostgresIn(c.data, c.making())
		if pid == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("another Postgres (process %d) is using %s: stop it and start limn again", pid, c.data)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// findPostgresIn finds a process of Postgres that works in one of the folders; 0: none does. The pid file cannot tell:
// its process may be another one by now, and the server's children are not in it.
func findPostgresIn(folders ...string) (pid int) {
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, process := range processes {
		name, _ := os.ReadFile(filepath.Join(process, "comm"))
		if !slices.Contains([]string{"postgres", "initdb"}, strings.TrimSpace(string(name))) {
			continue
		}
		for _, folder := range folders {
			if isSameFile(filepath.Join(process, "cwd"), folder) {
				pid, _ = strconv.Atoi(filepath.Base(process))
				return pid
			}
		}
	}
	return 0
}

func isSameFile(a, b string) bool {
	one, err1 := os.Stat(a)
	other, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(one, other)
}

// removeStale removes what a killed Postgres left to say that it runs. The next would refuse to start if the process
// numbers in it belonged to anybody by now. Nothing runs there any more: see awaitPrevious.
func (c *cluster) removeStale() error {
	for _, name := range []string{"postmaster.pid", ".s.PGSQL.5432", ".s.PGSQL.5432.lock"} {
		if err := os.Remove(filepath.Join(c.data, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// makeFolder makes the data folder. It is open to others, whatever the umask, because Postgres's user has to get to
// the database in it, which is not. Where there is no Postgres, as in a container of limn's, there need be no folder either.
func makeFolder(dir string) error {
	err := os.MkdirAll(filepath.Dir(dir), 0o755)
	if err == nil {
		err = os.Mkdir(dir, 0o755)
	}
	switch {
	case err == nil:
		err = os.Chmod(dir, 0o755)
	case errors.Is(err, fs.ErrExist):
		return nil
	case len(findPrograms()) == 0:
		return ErrNoPostgres
	}
	if err != nil {
		return unusable(err)
	}
	return nil
}

// lockFolder keeps a second limn from the same folder for as long as the file is open.
func lockFolder(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, "limn.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, unusable(err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return file, nil
	}
	file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%w %s: stop it, or set LIMN_DATA_DIR to another folder", errInUse, dir)
	}
	return nil, unusable(fmt.Errorf("lock %s: %w", file.Name(), err))
}

var errInUse = errors.New("another limn is using")

// lockFile opens a file and locks it, as soon as those let it who hold it, for as long as it is open.
func lockFile(ctx context.Context, name string, how int) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return file, nil
		case !errors.Is(err, syscall.EWOULDBLOCK):
			file.Close()
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// awaitGuests waits until nobody else shares the file, and keeps it from being shared until it is closed.
func awaitGuests(guests *os.File) {
	for errors.Is(syscall.Flock(int(guests.Fd()), syscall.LOCK_EX), syscall.EINTR) {
	}
}

// unusable is for what only the one who chose the folder can set right.
func unusable(err error) error {
	return fmt.Errorf("the data folder cannot be used: %w; set LIMN_DATA_DIR to a folder that limn may write to", err)
}
