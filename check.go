package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"text/tabwriter"
	"time"

	"limn/storage"
	"limn/verify"
)

type checkCommand struct {
	URL string `arg:"" optional:"" help:"The page's address. Without one, the database is looked through for damage."`
}

// Help says more than the one sentence.
func (checkCommand) Help() string {
	return "Without an address it looks through the database, also while limn runs, for what cannot be unless it was damaged: changes " +
		"that are missing, files that are not what was stored, what was deleted and is still there. It ends with 1 if there is any, and names an example of each.\n\n" +
		"With an address, the page is read once, within the same limits and with the same rights as when a server checks its highlights: as a " +
		"stranger, without cookies and scripts, and on the public internet alone unless LIMN_FETCH_ALLOW says otherwise. Neither a database " +
		"nor a running server is needed. It ends with 1 if the page cannot be read."
}

// Run looks at the page or, without one, at the database.
func (c checkCommand) Run() error {
	if c.URL == "" {
		return withStore(checkDatabase)
	}
	config, err := readConfig(os.Getenv)
	if err != nil {
		return err
	}
	nobody := func(*url.URL) (http.Handler, bool) { return nil, false }
	look, err := verify.NewFetcher(config.FetchAllow, nobody).Look(context.Background(), c.URL)
	if err != nil {
		return fmt.Errorf("the address %w", err)
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	line := func(name string, value any) { fmt.Fprintf(table, "%s\t%v\n", name, value) }
	line("page", look.URL)
	if look.Reason == "" {
		line("verdict", "readable")
		line("title", look.Title)
		line("language", look.Language)
		line("canonical", look.Canonical)
	} else {
		line("verdict", "unverifiable")
		line("reason", look.Reason)
		line("cause", look.Cause)
	}
	line("answered", fmt.Sprintf("%d bytes in %v", look.Bytes, look.Answered.Round(time.Millisecond)))
	line("parsed", fmt.Sprintf("in %v", look.Parsed.Round(time.Millisecond/10)))
	if err := table.Flush(); err != nil {
		return err
	}
	if look.Reason != "" {
		return errors.New("the page cannot be read: " + look.Reason)
	}
	return nil
}

// checkDatabase says what in a database is damaged.
func checkDatabase(ctx context.Context, store *storage.Store) error {
	began := time.Now()
	damages, highlights, err := store.Damages(ctx)
	if err != nil {
		return err
	}
	for _, d := range damages {
		fmt.Printf("%s: %d, such as %s\n", d.What, d.Count, d.Example)
	}
	if damages != nil {
		return errors.New("the database is damaged: keep a copy of it as it is, and restore a backup")
	}
	fmt.Printf("Nothing is damaged (highlights: %d, looked through in %s).\n", highlights, took(began))
	return nil
}
