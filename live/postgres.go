package live

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// PostgresBus carries hints by LISTEN and NOTIFY. A notification sent inside the writing transaction would hold
// the whole database to one commit a flush, so they are sent afterwards, gathered, on a connection of their own.
type PostgresBus struct {
	connect func(context.Context) (*pgx.Conn, error)
	origin  string // this instance, so that it does not listen to itself
	log     *slog.Logger
	wake    chan struct{} // holds one token while pending is not empty

	mu      sync.Mutex
	pending map[Hint]struct{}
}

// NewPostgresBus makes a bus over connections that connect opens.
func NewPostgresBus(connect func(context.Context) (*pgx.Conn, error), log *slog.Logger) *PostgresBus {
	return &PostgresBus{
		connect: connect, origin: string(appendID(nil, uuid.New())), log: log,
		wake: make(chan struct{}, 1), pending: map[Hint]struct{}{},
	}
}

const (
	channel       = "limn"
	maxPayload    = 7999            // bytes that Postgres lets a notification carry
	sendTimeout   = 5 * time.Second // for notifications to be taken
	listenTimeout = 5 * time.Second // without a notification the connection is asked whether it lives
	busBackoff    = time.Second     // between attempts to connect; meanwhile the pages' numbers are compared
)

// Publish implements Bus.
func (b *PostgresBus) Publish(h Hint) {
	b.mu.Lock()
	b.pending[h] = struct{}{}
	b.mu.Unlock()
	signal(b.wake)
}

// Run implements Bus.
func (b *PostgresBus) Run(ctx context.Context, receive func(Hint), missed func()) {
	var both sync.WaitGroup
	both.Go(func() {
		b.keep(ctx, "listen", func(conn *pgx.Conn) error { return b.listen(ctx, conn, receive, missed) })
	})
	both.Go(func() { b.keep(ctx, "notify", func(conn *pgx.Conn) error { return b.notify(ctx, conn) }) })
	both.Wait()
}

// keep has a connection used, and another one when that breaks, until ctx ends.
func (b *PostgresBus) keep(ctx context.Context, purpose string, use func(*pgx.Conn) error) {
	for ctx.Err() == nil {
		err := b.once(ctx, use)
		if ctx.Err() != nil {
			return
		}
		b.log.Warn("the bus lost its connection and tries again", "purpose", purpose, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(busBackoff):
		}
	}
}

func (b *PostgresBus) once(ctx context.Context, use func(*pgx.Conn) error) error {
	conn, err := b.connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		conn.Close(closing)
	}()
	return use(conn)
}

func (b *PostgresBus) listen(ctx context.Context, conn *pgx.Conn, receive func(Hint), missed func()) error {
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	missed()
	for {
		waiting, cancel := context.WithTimeout(ctx, listenTimeout)
		n, err := conn.WaitForNotification(waiting)
		quiet := waiting.Err() != nil
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			b.read(n.Payload, receive)
		case quiet:
			asking, cancel := context.WithTimeout(ctx, listenTimeout)
			err := conn.Ping(asking)
			cancel()
			if err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// notify sends what is pending whenever there is something, and once more when ctx ends.
func (b *PostgresBus) notify(ctx context.Context, conn *pgx.Conn) error {
	for {
		select {
		case <-b.wake:
			if err := b.send(ctx, conn); err != nil {
				return err
			}
		case <-ctx.Done():
			return b.send(context.WithoutCancel(ctx), conn)
		}
	}
}

func (b *PostgresBus) send(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	for {
		hints := b.take(maxHints)
		if len(hints) == 0 {
			return nil
		}
		if _, err := conn.Exec(ctx, `SELECT pg_notify($1, $2)`, channel, b.payload(hints)); err != nil {
			for _, h := range hints {
				b.Publish(h)
			}
			return err
		}
	}
}

func (b *PostgresBus) take(limit int) []Hint {
	b.mu.Lock()
	defer b.mu.Unlock()
	hints := make([]Hint, 0, min(limit, len(b.pending)))
	for h := range b.pending {
		if len(hints) == limit {
			break
		}
		hints = append(hints, h)
		delete(b.pending, h)
	}
	return hints
}

// A payload is the id of the instance that sends it, and then for each hint a letter and the page's id.
const (
	hintChanges  = 'c'
	hintPresence = 'p'
	hintLength   = 1 + idLength
	maxHints     = (maxPayload - idLength) / hintLength
)

func (b *PostgresBus) payload(hints []Hint) string {
	text := []byte(b.origin)
	for _, h := range hints {
		kind := byte(hintChanges)
		if h.Presence {
			kind = hintPresence
		}
		text = appendID(append(text, kind), h.Page)
	}
	return string(text)
}

// read takes a payload apart, and passes over what another version of limn might have put there.
func (b *PostgresBus) read(payload string, receive func(Hint)) {
	rest, own := strings.CutPrefix(payload, b.origin)
	if own || len(rest) < idLength {
		return
	}
	for rest = rest[idLength:]; len(rest) >= hintLength; rest = rest[hintLength:] {
		page, ok := parseID(rest[1:hintLength])
		if ok && (rest[0] == hintChanges || rest[0] == hintPresence) {
			receive(Hint{Page: page, Presence: rest[0] == hintPresence})
		}
	}
}

// signal leaves a token in a channel that holds one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
