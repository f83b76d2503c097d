//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgxpool"

	"limn/storage"
)

// A postgres is the database of all instances. What it says is durable is: fsync is on.
type postgres struct {
	dir      string
	settings []string
	private  *storage.Private
	pool     *pgxpool.Pool // the checker's own connections
}

func startPostgres(ctx context.Context, settings ...string) (p *postgres, err error) {
	// The commit's time says in which order the numbers became visible, and when a reader could have them.
	p = &postgres{settings: append([]string{"track_commit_timestamp=on"}, settings...)}
	if p.dir, err = os.MkdirTemp("/tmp", "limn-torture-"); err != nil {
		return nil, err
	}
	if err := os.Chmod(p.dir, 0o755); err != nil { // Postgres's user has to reach it
		return nil, err
	}
	if err := p.start(ctx); err != nil {
		os.RemoveAll(p.dir)
		return nil, err
	}
	if p.pool, err = pgxpool.New(ctx, p.url()+" application_name=torture"); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *postgres) start(ctx context.Context) (err error) {
	p.private, err = storage.StartPrivate(ctx, filepath.Join(p.dir, "data"), p.settings...)
	return err
}

func (p *postgres) url() string { return p.private.URL() }

// restart stops Postgres in order and starts it again.
func (p *postgres) restart(ctx context.Context) error {
	p.private.Close()
	err := p.start(ctx)
	p.pool.Reset() // its connections have ended with the server
	return err
}

// crash kills Postgres's first process, which takes the others with it, and has the next one recover.
func (p *postgres) crash(ctx context.Context) error {
	file, err := os.ReadFile(filepath.Join(p.dir, "data", "postgres", "postmaster.pid"))
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(file), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		return fmt.Errorf("read Postgres's pid: %w", err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	<-p.private.Done()
	return p.restart(ctx)
}

func (p *postgres) close() {
	if p.pool != nil {
		p.pool.Close()
	}
	p.private.Close()
	os.RemoveAll(p.dir)
}
