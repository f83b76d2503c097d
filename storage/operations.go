package storage

import (
	"bytes"
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// An Operation is something that a client asks for once, however often it sends it. A Reader carries it to where it
// is done.
type Operation struct {
	ID   uuid.UUID // chosen by the client; its account has no other under it
	Hash []byte    // SHA-256 of what is asked for
}

// DoneOperation finds the highlight or reply that an author's operation made, changed or erased: ErrNotFound when it has
// not been done, ErrConflict when another one was done under its id.
func (s *Store) DoneOperation(ctx context.Context, author Reader) (thing uuid.UUID, err error) {
	var hash []byte
	err = s.pool.QueryRow(ctx, `SELECT thing_id, hash FROM operations WHERE account_id = $1 AND id = $2`,
		author.Account.ID, author.Operation.ID).Scan(&thing, &hash)
	if err == nil && !bytes.Equal(hash, author.Operation.Hash) {
		err = ErrConflict
	}
	return thing, translate(err, "find an operation")
}

// markDone says in the transaction that does an author's operation that it is done, which only one transaction can:
// ErrRepeated for any other.
func markDone(ctx context.Context, tx pgx.Tx, author Reader, thing uuid.UUID) error {
	if author.Operation == nil {
		return nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO operations (account_id, id, hash, thing_id) VALUES ($1, $2, $3, $4)`,
		author.Account.ID, author.Operation.ID, author.Operation.Hash, thing)
	return err
}
