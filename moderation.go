package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/uuid"

	"limn/storage"
)

// What is public has nobody in limn who answers for it but whoever runs the server: on the machine itself.

type flagsCommand struct{}

// Run lists the flags.
func (flagsCommand) Run() error {
	return withStore(func(ctx context.Context, store *storage.Store) error {
		flags, err := store.ListPublicFlags(ctx)
		if err != nil {
			return err
		}
		writeFlags(os.Stdout, flags)
		return nil
	})
}

// writeFlags writes a line for each, in which nothing that somebody wrote moves the cursor.
func writeFlags(w io.Writer, flags []storage.Flag) {
	for _, f := range flags {
		fmt.Fprintf(w, "%s %s %s flagged by %q: %q\n", f.At.Format(time.DateTime), f.Highlight.ID, f.Highlight.Page.URL, f.By.Name, f.Reason)
	}
}

type eraseCommand struct {
	ID uuid.UUID `arg:"" help:"Of the highlight or reply."`
}

// Run erases it. A limn that serves tells its readers within two seconds.
func (e eraseCommand) Run() error {
	return withStore(func(ctx context.Context, store *storage.Store) error {
		err := store.ErasePublic(ctx, e.ID)
		if errors.Is(err, storage.ErrNotFound) {
			return errors.New("nothing that is public has this id")
		}
		return err
	})
}
