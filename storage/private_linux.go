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
	"strconv"
	"strings"
	"syscall"
	"time"
)

// StartPrivate starts the Postgres that belongs to a folder, making the folder and its database first when
// there are none. settings are further ones for postgres, as name=value. Close stops it.
func StartPrivate(ctx context.Context, dir string, settings ...string) (*Private, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, unusable(err)
	}
	if err := makeFolder(dir); err != nil {
		return nil, err
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	return startLocked(ctx, dir, lock, settings)
}

// JoinPrivate is StartPrivate for a command that may run beside limn: if another limn is using the folder, its Postgres is
// used.
func JoinPrivate(ctx context.Context, dir string, settings ...string) (*Private, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, unusable(err)
	}
	if err := makeFolder(dir); err != nil {
		return nil, err
	}
	guests, err := lockFile(ctx, filepath.Join(dir, "limn.guests"), syscall.LOCK_SH) // first, so that it does not end meanwhile
	if err != nil {
		return nil, unusable(err)
	}
	p := &Private{guests: guests}
	data := filepath.Join(dir, "postgres")
	for {
		lock, err := lockFolder(dir)
		switch {
		case err == nil:
			started, err := startLocked(ctx, dir, lock, settings)
			if err != nil {
				guests.Close()
				return nil, err
			}
			started.guests = guests
			return started, nil
		case !errors.Is(err, errInUse):
			guests.Close()
			return nil, err
		case isServed(data):
			if err := p.findHost(data); err != nil {
				guests.Close()
				return nil, unusable(err)
			}
			return p, nil
		}
		select { // it is starting, or ending
		case <-ctx.Done():
			guests.Close()
			return nil, fmt.Errorf("%w, and its Postgres does not answer: %w", err, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func startLocked(ctx context.Context, dir string, lock *os.File, settings []string) (*Private, error) {
	p := &Private{lock: lock, done: make(chan struct{})}
	if err := p.start(ctx, dir, settings); err != nil {
		p.folder.Close()
		lock.Close()
		return nil, err
	}
	return p, nil
}

// start does what needs the folder's lock.
func (p *Private) start(ctx context.Context, dir string, settings []string) error {
	c := &cluster{data: filepath.Join(dir, "postgres")}
	made, err := dataVersion(c.data)
	if err != nil {
		return unusable(err)
	}
	if c.bin, err = choosePrograms(c.data, made); err != nil {
		return err
	}
	if c.user, c.owner, err = findUser(c.data); err != nil {
		return err
	}
	if err := c.checkReach(); err != nil {
		return err
	}
	if err := c.awaitPrevious(ctx); err != nil {
		return err
	}
	if made == 0 {
		if err := c.create(ctx); err != nil {
			return err
		}
	}
	if err := c.removeStale(); err != nil {
		return unusable(err)
	}
	if err := p.findHost(c.data); err != nil {
		return unusable(err)
	}
	return p.launch(ctx, c, settings)
}

// findHost chooses how the socket's folder is named. The path of a socket has at most 107 bytes, and a connection
// string its own meaning for some signs; a folder whose name does not suit is reached through its open file.
func (p *Private) findHost(data string) error {
	p.host = data
	if len(data)+len("/.s.PGSQL.5432") <= 107 && !strings.ContainsAny(data, ` ,'\`) {
		return nil
	}
	folder, err := os.Open(data)
	if err != nil {
		return err
	}
	p.folder = folder
	p.host = fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), folder.Fd())
	return nil
}

// launch starts the program and waits until it takes connections.
func (p *Private) launch(ctx context.Context, c *cluster, settings []string) error {
	log, err := newLog(c.data)
	if err != nil {
		return unusable(err)
	}
	defer log.Close()
	args := []string{"-D", c.data, "-p", "5432", "-k", ".", "-c", "listen_addresses=", "-c", "unix_socket_permissions=0700"}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	life, stop := context.WithCancel(context.Background()) // longer than the start's, which is ctx
	p.stop = stop
	cmd := c.command(life, c.data, "postgres", args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr.Pdeathsig = syscall.SIGINT // as Cancel below
	cmd.SysProcAttr.Setpgid = true             // Ctrl-C in a terminal reaches limn alone, which then stops Postgres in order
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 10 * time.Second // then it is killed, and the next start recovers

	started := make(chan error, 1)
	go p.run(cmd, started)
	if err := <-started; err != nil {
		stop()
		return fmt.Errorf("start Postgres: %w", err)
	}
	if err := p.awaitReady(ctx, c.data, cmd.Process.Pid); err != nil {
		stop()
		<-p.done
		return fmt.Errorf("start Postgres, whose log is %s: %w", log.Name(), err)
	}
	return nil
}

// run owns Postgres for all its life, on one thread: Pdeathsig fires when the thread that forked ends.
func (p *Private) run(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	err := cmd.Start()
	started <- err
	if err == nil {
		p.end = cmd.Wait()
	}
}

// awaitReady waits until Postgres takes connections. A database that was not shut down is recovered first, which
// takes as long as it takes.
func (p *Private) awaitReady(ctx context.Context, data string, pid int) error {
	for !isReady(data, pid) {
		select {
		case <-p.done:
			log, _ := os.ReadFile(logName(data))
			if words := cause(string(log)); words != "" {
				return errors.New(words)
			}
			return fmt.Errorf("it wrote nothing, as on a full disk: %w", p.end)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// isReady reads Postgres's pid file, where it says so in the eighth line. Connecting to find out would fill its log.
func isReady(data string, pid int) bool {
	of, ready := readPidFile(data)
	return ready && of == strconv.Itoa(pid)
}

// isServed tells whether a Postgres of another limn takes connections. One that was killed has left its file.
func isServed(data string) bool {
	pid, ready := readPidFile(data)
	return ready && isSameFile(filepath.Join("/proc", pid, "cwd"), data)
}

func readPidFile(data string) (pid string, ready bool) {
	file, _ := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	lines := strings.Split(string(file), "\n")
	return lines[0], len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready"
}

// newLog opens a log for this start, and keeps the one before.
func newLog(data string) (*os.File, error) {
	name := logName(data)
	if err := os.Rename(name, name+".1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}

func logName(data string) string { return filepath.Join(filepath.Dir(data), "postgres.log") }

// cause finds in what Postgres printed the line that says why it ended: the first fatal one, else the last.
func cause(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	for _, line := range lines {
		for _, mark := range []string{"FATAL: ", "PANIC: ", "error: "} {
			if _, words, found := strings.Cut(line, mark); found {
				return strings.TrimSpace(words)
			}
		}
	}
	return strings.TrimSpace(lines[len(lines)-1])
}
