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
	waiting *outbox
	log     *slog.Logger
}

// NewPostgresBus makes a bus over connections that connect opens.
func NewPostgresBus(connect func(context.Context) (*pgx.Conn, error), log *slog.Logger) *PostgresBus {
	return &PostgresBus{connect: connect, origin: string(appendID(nil, uuid.New())), waiting: newOutbox(), log: log}
}

const (
	channel       = "limn"
	maxPayload    = 7999            // bytes that Postgres lets a notification carry
	sendTimeout   = 5 * time.Second // for notifications to be taken
	listenTimeout = 5 * time.Second // without a notification the connection is asked whether it lives
)

// Publish implements Bus.
func (b *PostgresBus) Publish(h Hint) { b.waiting.put(h) }

// Run implements Bus.
func (b *PostgresBus) Run(ctx context.Context, receive func(Hint), missed func()) {
	var both sync.WaitGroup
	both.Go(func() {
		keep(ctx, b.log, "listen", func() error {
			return b.connected(ctx, func(conn *pgx.Conn) error { return b.listen(ctx, conn, receive, missed) })
		})
	})
	both.Go(func() {
		keep(ctx, b.log, "notify", func() error {
			return b.connected(ctx, func(conn *pgx.Conn) error { return b.notify(ctx, conn) })
		})
	})
	both.Wait()
}

// connected has a connection used, and closes it.
func (b *PostgresBus) connected(ctx context.Context, use func(*pgx.Conn) error) error {
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
		case <-b.waiting.wake:
			if err := b.send(conn); err != nil {
				return err
			}
		case <-ctx.Done():
			return b.send(conn)
		}
	}
}

// send sends what is waiting, also when the bus is about to end: those are the farewells.
func (b *PostgresBus) send(conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	for {
		hints := b.waiting.take(maxHints)
		if len(hints) == 0 {
			return nil
		}
		if _, err := conn.Exec(ctx, `SELECT pg_notify($1, $2)`, channel, b.payload(hints)); err != nil {
			b.waiting.put(hints...)
			return err
		}
	}
}

// A payload is the id of the instance that sends it, and then for each hint a letter and the page's id.
const (
	hintLength = 1 + idLength
	maxHints   = (maxPayload - idLength) / hintLength
)

func (b *PostgresBus) payload(hints []Hint) string {
	text := []byte(b.origin)
	for _, h := range hints {
		text = appendID(append(text, h.kind()), h.Page)
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
		if page, ok := parseID(rest[1:hintLength]); ok {
			if h, ok := hintOf(rest[0], page); ok {
				receive(h)
			}
		}
	}
}
