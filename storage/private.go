package storage

import (
	"context"
	"errors"
	"os"
)

// ErrNoPostgres says that the machine has no Postgres to start, and the three ways out.
var ErrNoPostgres = errors.New("no Postgres server is installed here: install one (Debian: apt install postgresql), " +
	"or set LIMN_DATABASE_URL to one that runs elsewhere, or start limn with docker compose up")

// Private is a Postgres of limn's own, reachable by a unix socket alone. It ends with the process that started it, however
// that ends. StartPrivate makes one, and JoinPrivate uses one that runs already.
type Private struct {
	host   string             // the folder of its socket
	folder *os.File           // that folder, when host goes through it
	lock   *os.File           // keeps every other limn from starting one in the data folder; nil: another limn has it
	guests *os.File           // shared with the commands that use it without having started it
	stop   context.CancelFunc // tells Postgres to end
	done   chan struct{}      // closed when it has ended
	end    error              // how it has
}

// URL is the database's, for Open.
func (p *Private) URL() string { return "host=" + p.host + " port=5432 user=limn database=postgres" }

// Done is closed when Postgres has ended, by Close or by itself. That of another limn is not watched.
func (p *Private) Done() <-chan struct{} { return p.done }

// Close stops Postgres and waits until it has ended. One that belongs to another limn goes on; one that a command has
// started goes on until the commands that joined it have ended, too.
func (p *Private) Close() {
	if p.lock != nil {
		if p.guests != nil {
			awaitGuests(p.guests)
		}
		p.stop()
		<-p.done
		p.lock.Close()
	}
	p.guests.Close()
	p.folder.Close()
}
