package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"limn/storage"
)

type backupCommand struct {
	File string `arg:"" help:"The file to write. One that is there is replaced once the new one is whole. -: standard output."`
}

// Help says more than the one sentence.
func (backupCommand) Help() string {
	return "The backup is all that was acknowledged before it began: accounts, groups, highlights, replies, attachments, " +
		"history. Passwords and tokens are in it as hashes only. Keep it as you keep the database. LIMN_DATABASE_URL or " +
		"LIMN_DATA_DIR say which database it is."
}

// Run writes the backup.
func (b backupCommand) Run() error {
	return withStore(func(ctx context.Context, store *storage.Store) error {
		began := time.Now()
		var made *storage.Backup
		err := b.write(func(w io.Writer) (err error) {
			made, err = store.Backup(ctx, w)
			return err
		})
		if err == nil {
			fmt.Fprintf(os.Stderr, "%s, as of %s, in %s.\n", describe(made), made.TakenAt.UTC().Format(time.RFC3339), took(began))
		}
		return err
	})
}

// write has the file written beside its place and moved there when it is whole, and on the disk. Only its owner reads it.
func (b backupCommand) write(content func(io.Writer) error) error {
	if b.File == "-" {
		return content(os.Stdout)
	}
	file, err := os.CreateTemp(filepath.Dir(b.File), filepath.Base(b.File)+".*.tmp")
	if err != nil {
		return err
	}
	err = content(file)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), b.File)
	}
	if err != nil {
		os.Remove(file.Name())
	}
	return err
}

type restoreCommand struct {
	File    string `arg:"" help:"The backup." type:"existingfile"`
	Replace bool   `help:"Replace what is in the database. Without it the database has to be empty."`
}

// Help says more than the one sentence.
func (restoreCommand) Help() string {
	return "Stop limn before. The file is read to its end and checked before anything is changed, and either all of it is " +
		"restored or nothing. Who was reading when the backup was made starts anew, and misses nothing. What was changed " +
		"after the backup is gone, and that includes the end of a token or a password: those of the backup are good again."
}

// Run restores the backup.
func (r restoreCommand) Run() error {
	config, err := readConfig(os.Getenv)
	if err != nil {
		return err
	}
	file, err := os.Open(r.File)
	if err != nil {
		return err
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	began := time.Now()
	backup, err := storage.OpenBackup(file, size)
	if err != nil {
		return fmt.Errorf("%s cannot be restored: %w", r.File, err)
	}
	ctx := context.Background()
	database, err := openDatabase(ctx, config, storage.StartPrivate) // nobody else may use it
	if err != nil {
		return err
	}
	defer database.close()
	switch err := database.store.Restore(ctx, backup, r.Replace); {
	case errors.Is(err, storage.ErrNotEmpty):
		return errors.New("there is something in the database already: choose an empty one, or lose what is there with --replace")
	case errors.Is(err, storage.ErrServed):
		return errors.New("limn is running on this database: stop it, and wait for 15 seconds if it was killed")
	case err != nil:
		return err
	}
	fmt.Fprintf(os.Stderr, "%s, as of %s, restored in %s.\n", describe(backup), backup.TakenAt.UTC().Format(time.RFC3339), took(began))
	return nil
}

func describe(b *storage.Backup) string {
	return fmt.Sprintf("%d accounts, %d highlights, %d replies and %d attachments",
		b.Rows("accounts"), b.Rows("highlights"), b.Rows("replies"), b.Rows("attachments"))
}

func took(since time.Time) string { return time.Since(since).Round(100 * time.Millisecond).String() }
