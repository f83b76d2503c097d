package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// What callers branch on with errors.Is. Anything else is a fault of ours.
var (
	ErrNotFound    = errors.New("not found")                      // absent, or hidden from the one who asks
	ErrForbidden   = errors.New("not allowed")                    // seen, but somebody else's
	ErrNameTaken   = errors.New("the name is taken")              // by another account
	ErrConflict    = errors.New("the id is in use")               // the same id with another body
	ErrRepeated    = errors.New("the operation was done already") // by another request, meanwhile
	ErrLastOwner   = errors.New("nobody else owns the group")
	ErrAnswered    = errors.New("others have answered") // in the group that it would leave
	ErrUnmoderated = errors.New("nobody moderates there")
	ErrTooMany     = errors.New("there is no room for more")
	ErrTooLarge    = errors.New("it is too large")
	ErrStale       = errors.New("changed in the meantime")       // another version than the caller's
	ErrCredentials = errors.New("wrong name or password")        // or neither is known
	ErrCode        = errors.New("the code is not good")          // unknown, used, expired, or another program's
	ErrCursor      = errors.New("the cursor is unknown")         // not one of this server's
	ErrUnavailable = errors.New("the database is not answering") // try again later
)

// An InvalidError says which fields of a request were read but refused.
type InvalidError struct {
	Fields []FieldError
}

// A FieldError is one refused field: a JSON Pointer (RFC 6901) into the request and a sentence.
type FieldError struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// Error is a sentence for people, without its capital and full stop.
func (e *InvalidError) Error() string {
	parts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = f.name() + " " + f.Detail
	}
	return strings.Join(parts, ", ")
}

// name is the field in words: "the note", or "the field ranges/0/anchor/offset".
func (f FieldError) name() string {
	switch path := strings.TrimPrefix(f.Pointer, "/"); {
	case path == "":
		return "the request"
	case strings.Contains(path, "/"):
		return "the field " + path
	default:
		return "the " + strings.ReplaceAll(path, "_", " ")
	}
}

// refuse adds a field to those refused.
func (e *InvalidError) refuse(pointer, format string, args ...any) {
	e.Fields = append(e.Fields, FieldError{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// orNil is the error if anything was refused.
func (e *InvalidError) orNil() error {
	if len(e.Fields) == 0 {
		return nil
	}
	return e
}

// translate is the one place where Postgres's errors become ours; a phrase says what was being done.
func translate(err error, doing string) error {
	var postgres *pgconn.PgError
	var network net.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrNoRows):
		err = ErrNotFound
	case errors.Is(err, context.Canceled):
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	case errors.As(err, &postgres):
		switch {
		case postgres.Code == "23505" && (postgres.ConstraintName == "accounts_name_key_key" || postgres.ConstraintName == "groups_name" || postgres.ConstraintName == "looks_pkey"):
			err = ErrNameTaken
		case postgres.Code == "23503" && postgres.ConstraintName == "attachment_erased": // while it arrived
			err = ErrNotFound
		case postgres.Code == "23505" && postgres.ConstraintName == "operations_pkey":
			err = ErrRepeated
		case postgres.Code == "23505" && strings.HasSuffix(postgres.ConstraintName, "_id"),
			postgres.Code == "23505" && strings.HasSuffix(postgres.ConstraintName, "_pkey"):
			err = ErrConflict
		case strings.HasPrefix(postgres.Code, "57"), // the server is starting or stopping, or its operator cancelled
			strings.HasPrefix(postgres.Code, "08"), // the connection broke
			strings.HasPrefix(postgres.Code, "40"), // the transaction has to be made again
			strings.HasPrefix(postgres.Code, "53"), // no connection, memory or disk is left
			postgres.Code == "25006":               // the server follows another one, which is taken over from
			err = fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	case pgconn.SafeToRetry(err), errors.As(err, &network), isConnectionLoss(err):
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func isConnectionLoss(err error) bool {
	var connect *pgconn.ConnectError
	return errors.As(err, &connect) || errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, io.ErrUnexpectedEOF)
}
