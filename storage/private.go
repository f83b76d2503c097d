//go:build linux

package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrNoPostgres says that the machine has no Postgres to start, and the three ways out.
var ErrNoPostgres = errors.New("no Postgres server is installed here: install one (Debian: apt install postgresql), " +
	"or set LIMN_DATABASE_URL to one that runs elsewhere, or start limn with docker compose up")

// Private is a Postgres of limn's own, reachable by a unix socket alone. It ends with this process, however that ends.
type Private struct {
	socket string
	lock   *os.File
	stop   chan struct{} // closed by Close
	done   chan struct{} // closed when Postgres has ended
}

// StartPrivate starts the Postgres that belongs to a folder, making its database first when there is none.
// settings are further ones for postgres, as name=value. Close stops it.
func StartPrivate(ctx context.Context, dir string, settings ...string) (*Private, error) {
	bin, err := findPostgres()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	owner, err := postgresUser()
	if err != nil {
		return nil, err
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	p := &Private{lock: lock, stop: make(chan struct{}), done: make(chan struct{})}
	if err := p.start(ctx, bin, dir, owner, settings); err != nil {
		lock.Close()
		return nil, err
	}
	return p, nil
}

// URL is the database's, for Open.
func (p *Private) URL() string { return "host=" + p.socket + " user=limn database=postgres" }

// Done is closed when Postgres has ended, by Close or by itself.
func (p *Private) Done() <-chan struct{} { return p.done }

// Close stops Postgres and waits until it has ended.
func (p *Private) Close() {
	close(p.stop)
	<-p.done
	os.RemoveAll(p.socket)
	p.lock.Close()
}

func (p *Private) start(ctx context.Context, bin, dir string, owner *syscall.Credential, settings []string) error {
	data := filepath.Join(dir, "postgres")
	if err := initPrivate(ctx, bin, data, owner); err != nil {
		return err
	}
	socket, err := os.MkdirTemp("", "limn-pg-") // short: a socket's path has at most 107 bytes
	if err != nil {
		return fmt.Errorf("make the socket's folder: %w", err)
	}
	p.socket = socket
	if err := give(socket, owner); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "postgres.log"))
	if err != nil {
		return fmt.Errorf("make Postgres's log: %w", err)
	}
	defer log.Close()
	args := []string{"-D", data, "-k", socket, "-c", "listen_addresses=", "-c", "unix_socket_permissions=0700"}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command(filepath.Join(bin, "postgres"), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = data, log, log
	// A group of its own, so that Ctrl-C in a terminal reaches limn alone, which then stops Postgres in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner, Pdeathsig: syscall.SIGINT, Setpgid: true}
	started := make(chan error, 1)
	go p.run(cmd, started)
	if err := <-started; err != nil {
		os.RemoveAll(socket)
		return fmt.Errorf("start Postgres: %w", err)
	}
	if err := p.awaitReady(ctx); err != nil {
		p.Close()
		return fmt.Errorf("start Postgres (its log is %s): %w", log.Name(), err)
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
	if err != nil {
		return
	}
	ended := make(chan struct{})
	go func() {
		select {
		case <-ended:
			return
		case <-p.stop:
		}
		cmd.Process.Signal(syscall.SIGINT)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			cmd.Process.Signal(syscall.SIGQUIT)
		}
	}()
	cmd.Wait()
	close(ended)
}

func (p *Private) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, p.URL())
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-p.done:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return err
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// initPrivate makes the database's folder beside its place and moves it there whole, so that a start that was
// cut off leaves nothing that looks like a database.
func initPrivate(ctx context.Context, bin, data string, owner *syscall.Credential) error {
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the data folder: %w", err)
	}
	making := data + ".tmp"
	if err := os.RemoveAll(making); err != nil {
		return fmt.Errorf("clear an unfinished database: %w", err)
	}
	if err := os.Mkdir(making, 0o700); err != nil {
		return fmt.Errorf("make the database's folder: %w", err)
	}
	if err := give(making, owner); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", making, "-U", "limn", "--auth=trust", "--no-sync",
		"--no-instructions", "--encoding=UTF8", "--locale=C.UTF-8")
	cmd.Dir = making
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make the database: %w: %s", err, strings.TrimSpace(string(out)))
	}
	if err := os.Rename(making, data); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	return nil
}

// findPostgres is the folder with the newest server's programs: the distribution's places, then PATH.
func findPostgres() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	slices.SortFunc(found, func(a, b string) int { return majorVersion(b) - majorVersion(a) })
	if path, err := exec.LookPath("postgres"); err == nil {
		found = append(found, path)
	}
	for _, path := range found {
		path, err := filepath.EvalSymlinks(path)
		if err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), "initdb")); err == nil {
			return filepath.Dir(path), nil
		}
	}
	return "", ErrNoPostgres
}

// majorVersion is the 15 of /usr/lib/postgresql/15/bin/postgres.
func majorVersion(path string) int {
	version, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return version
}

// postgresUser is who Postgres runs as, because it refuses to run as root; nil: as limn itself does.
func postgresUser() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("read the user %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("this machine has neither a user postgres nor nobody, and Postgres does not run as root")
}

func give(folder string, owner *syscall.Credential) error {
	if owner == nil {
		return nil
	}
	if err := os.Chown(folder, int(owner.Uid), int(owner.Gid)); err != nil {
		return fmt.Errorf("give a folder to Postgres: %w", err)
	}
	return nil
}

// lockFolder keeps a second limn from the same folder for as long as the file is open.
func lockFolder(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, "limn.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("another limn is using %s: stop it, or set LIMN_DATA_DIR to another folder", dir)
	}
	return file, nil
}
