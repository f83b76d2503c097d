package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"

	"limn/export"
	"limn/intake"
	"limn/storage"
	"limn/xpath"
)

type exportCommand struct {
	File    string    `arg:"" optional:"" help:"The file to write to; none: the standard output."`
	Format  string    `help:"${enum}." enum:"json,ndjson,jsonld,csv,readwise,hypothesis,markdown,html" default:"json"`
	Account string    `help:"Only what the account of this name may read; else everything."`
	URL     string    `help:"Only what stands on the page with this URL."`
	Author  string    `help:"Only what the account of this name wrote."`
	Tag     string    `help:"Only what has this tag."`
	Color   string    `help:"Only what has this color."`
	State   string    `help:"Only what has this verdict."`
	Text    string    `help:"Only what has this text in its note, a tag or a quote." name:"q"`
	Since   time.Time `help:"Only what was made at this time or later."`
	Until   time.Time `help:"Only what was made before this time."`
	Sort    string    `help:"${enum}." enum:"-created,created,-updated,updated" default:"-created"`
}

// Run writes the highlights. A file that could not be written to its end does not stay.
func (e exportCommand) Run() (err error) {
	format, _ := export.Find(e.Format)
	config, database, ctx, err := openForCommand()
	if err != nil {
		return err
	}
	defer database.close()
	reader, filter, err := e.choose(ctx, database.store)
	if err != nil {
		return err
	}
	out := os.Stdout
	if e.File != "" {
		part := e.File + ".part"
		if out, err = os.Create(part); err != nil {
			return err
		}
		defer func() {
			if err = errors.Join(err, out.Close()); err == nil {
				err = os.Rename(part, e.File)
			} else {
				os.Remove(part)
			}
		}()
	}
	progress := newProgress("exported")
	err = format.Write(out, config.PublicURL, counted(database.store.Threads(ctx, reader, filter, format.Whole), progress))
	progress.end()
	if err != nil {
		return fmt.Errorf("the export is not complete: %w", err)
	}
	return nil
}

// choose is what is to be exported.
func (e exportCommand) choose(ctx context.Context, store *storage.Store) (reader storage.Reader, filter storage.Filter, err error) {
	reader = storage.Operator
	if e.Account != "" {
		if reader, err = store.ReaderNamed(ctx, e.Account); err != nil {
			return reader, filter, fmt.Errorf("--account: %w", err)
		}
	}
	filter = storage.Filter{Tag: e.Tag, Color: e.Color, State: xpath.State(e.State), Text: e.Text, Since: e.Since, Until: e.Until, Sort: e.Sort}
	if e.URL != "" {
		url, err := storage.NormalizeURL(e.URL)
		if err != nil {
			return reader, filter, fmt.Errorf("--url: %w", err)
		}
		filter.Page = storage.PageID(url)
	}
	if e.Author != "" {
		author, err := store.ReaderNamed(ctx, e.Author)
		if err != nil {
			return reader, filter, fmt.Errorf("--author: %w", err)
		}
		filter.Author = author.Account.ID
	}
	return reader, filter, nil
}

type importCommand struct {
	File    string `arg:"" help:"The file to read, which may be compressed with gzip; - for the standard input."`
	Format  string `help:"json, ndjson, jsonld, hypothesis, readwise or csv; else as the file's name ends."`
	Account string `help:"All becomes this account's own. Else everything is as it was, with its authors, numbers, verdicts and history, which json and ndjson have."`
	Group   string `help:"Where all of it goes: public, me, or the id of a group."`
}

// Run reads the file, and names what could not be taken.
func (i importCommand) Run() error {
	format, err := i.format()
	if err != nil {
		return err
	}
	file := os.Stdin
	if i.File != "-" {
		if file, err = os.Open(i.File); err != nil {
			return err
		}
		defer file.Close()
	}
	_, database, ctx, err := openForCommand()
	if err != nil {
		return err
	}
	defer database.close()
	in := storage.Intake{Group: i.Group, Restore: i.Account == "", Changed: func(uuid.UUID) {}} // who reads it compares numbers every moment
	if !in.Restore {
		if in.Author, err = database.store.ReaderNamed(ctx, i.Account); err != nil {
			return fmt.Errorf("--account: %w", err)
		}
	}
	reading, writing := newProgress("read"), newProgress("done")
	refused := bufio.NewWriter(os.Stderr)
	defer refused.Flush()
	in.Told = func(o storage.Outcome) error {
		writing.step()
		if o.Status > 299 {
			fmt.Fprintf(refused, "line %s: %s\n", strings.TrimSpace(fmt.Sprint(o.Line, " ", o.Pointer)), o.Detail)
		}
		return nil
	}
	tally, err := database.store.TakeIn(ctx, in, func(yield func(storage.Item, error) bool) {
		counted(format.Read(file), reading)(yield)
		reading.end()
		fmt.Fprintln(os.Stderr, "all was read: looking for what is here already")
	})
	writing.end()
	if err != nil {
		return fmt.Errorf("not all was taken in: %w", err)
	}
	fmt.Printf("%d taken in, %d were here already, %d refused.\n", tally.Created, tally.Present, tally.Refused)
	if tally.Refused > 0 {
		return fmt.Errorf("%d could not be taken in", tally.Refused)
	}
	return nil
}

func (i importCommand) format() (intake.Format, error) {
	name := i.Format
	if name == "" {
		name = strings.TrimPrefix(filepath.Ext(strings.TrimSuffix(i.File, ".gz")), ".")
	}
	format, known := intake.Find(name)
	switch {
	case !known:
		return format, errors.New("--format must be json, ndjson, jsonld, hypothesis, readwise or csv")
	case i.Account == "" && name != "json" && name != "ndjson":
		return format, fmt.Errorf("--account is missing: %s does not say whose highlights they become", name)
	}
	return format, nil
}

// openForCommand opens the database for a command, which a signal ends in order.
func openForCommand() (config, database, context.Context, error) {
	config, err := readConfig(os.Getenv)
	if err != nil {
		return config, database{}, nil, err
	}
	ctx, _ := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	d, err := openDatabase(ctx, config, storage.JoinPrivate)
	return config, d, ctx, err
}

// A progress says every few seconds how far something is.
type progress struct {
	done  string
	begun time.Time
	last  time.Time
	count int64
	ended bool
}

const progressEvery = 2 * time.Second

func newProgress(done string) *progress { return &progress{done: done} }

func (p *progress) step() {
	if p.count++; p.count == 1 {
		p.begun, p.last = time.Now(), time.Now()
	}
	if p.count%256 == 0 && time.Since(p.last) > progressEvery {
		p.say()
	}
}

func (p *progress) say() {
	p.last = time.Now()
	fmt.Fprintf(os.Stderr, "%d %s, %.0f a second\n", p.count, p.done, float64(p.count)/time.Since(p.begun).Seconds())
}

func (p *progress) end() {
	if !p.ended && p.count > 0 {
		p.say()
	}
	p.ended = true
}

func counted[T any](all iter.Seq2[T, error], p *progress) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for item, err := range all {
			p.step()
			if !yield(item, err) {
				return
			}
		}
	}
}
