//go:build !linux

package storage

import (
	"context"
	"errors"
	"os"
)

// StartPrivate starts a Postgres of limn's own, which only Linux can end together with limn.
func StartPrivate(context.Context, string, ...string) (*Private, error) {
	return nil, errors.New("limn starts a Postgres of its own on Linux only: set LIMN_DATABASE_URL to one that runs elsewhere")
}

// JoinPrivate is StartPrivate, likewise.
func JoinPrivate(ctx context.Context, dir string, settings ...string) (*Private, error) {
	return StartPrivate(ctx, dir, settings...)
}

func awaitGuests(*os.File) {}
