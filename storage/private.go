package storage

import (
	"context"
	"errors"
	"os"
)

// ErrNoPostgres says that the machine has no Postgres to start, and the three ways out.
var ErrNoPostgres = errors.New("no Postgres server is installed here: install one (Debian: apt install postgresql), " +
	"or set LIMN_DATABASE_URL to one that runs elsewhere, or start limn with docker compose up")

// Private is a Postgres of limn's own, reachable by a unix socket alone. It ends with this process, however
// that ends. StartPrivate makes one.
type Private struct {
	host   string             // the folder of its socket
	folder *os.File           // that folder, when host goes through it
	lock   *os.File           // keeps every other limn from the data folder
	stop   context.CancelFunc // tells Postgres to end
	done   chan struct{}      // closed when it has ended
	end    error              // how it has
}

// URL is the database's, for Open.
func (p *Private) URL() string { return "host=" + p.host + " port=5432 user=limn database=postgres" }

// Done is closed when Postgres has ended, by Close or by itself.
func (p *Private) Done() <-chan struct{} { return p.done }

// Close stops Postgres and waits until it has ended.
func (p *Private) Close() {
	p.stop()
	<-p.done
	p.folder.Close()
	p.lock.Close()
}
