//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"limn/storage"
)

type options struct {
	limn                               string   // the program
	settings                           []string // of Postgres
	kafka                              bool     // the instances' bus is Kafka; else Postgres
	faults                             []fault  // nil: all
	instances, writers, readers, pages int
	patience                           time.Duration // for all to arrive once it is quiet
}

// A rig is all that is tortured, and the accounts that do it. close ends it.
type rig struct {
	options
	postgres  *postgres
	broker    *broker // nil: Postgres is the bus
	feed      *feed
	instances []*instance
	proxies   []*proxy // one before each instance
	accounts  []*account
	current   atomic.Pointer[round]
	rounds    int
}

func newRig(ctx context.Context, o options) (r *rig, err error) {
	if o.faults == nil {
		o.faults = faultsOf(o.kafka)
	}
	r = &rig{options: o}
	if r.postgres, err = startPostgres(ctx, o.settings...); err != nil {
		return nil, err
	}
	if err := r.start(ctx); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *rig) start(ctx context.Context) error {
	ended := func(state string) { r.current.Load().report.find(instanceEnded, "%s", state) }
	bus := "postgres"
	if r.kafka {
		if err := r.startBroker(ended); err != nil {
			return err
		}
		bus = r.broker.url()
	}
	for n := range r.options.instances {
		log := filepath.Join(r.postgres.dir, fmt.Sprintf("limn-%d.log", n))
		i, err := newInstance(r.limn, r.postgres.url(), bus, log, ended)
		if err != nil {
			return err
		}
		r.instances = append(r.instances, i)
		p, err := startProxy(i.address, func(what string) { r.current.Load().report.count(what, 1) })
		if err != nil {
			return err
		}
		r.proxies = append(r.proxies, p)
	}
	r.newRound() // takes down what happens before the first
	var starting errgroup.Group
	for _, i := range r.instances {
		starting.Go(i.start)
	}
	if err := starting.Wait(); err != nil {
		return err
	}
	if _, err := r.postgres.pool.Exec(ctx, historySQL); err != nil {
		return fmt.Errorf("install the history: %w", err)
	}
	for n := range r.writers {
		a, err := r.signUp(ctx, "w"+strconv.Itoa(n))
		if err != nil {
			return err
		}
		r.accounts = append(r.accounts, a)
	}
	return nil
}

func (r *rig) startBroker(ended func(state string)) (err error) {
	folder := filepath.Join(r.postgres.dir, "kafka")
	if r.broker, err = newBroker(folder, filepath.Join(r.postgres.dir, "kafka.log"), ended); err != nil {
		return err
	}
	if err := r.broker.start(); err != nil {
		return err
	}
	r.feed, err = newFeed(r.broker)
	return err
}

func (r *rig) signUp(ctx context.Context, name string) (*account, error) {
	var made struct {
		Account struct{ ID uuid.UUID }
		Token   string
	}
	signed := (*account)(nil).ask(ctx, r.instances[0].url(), "POST", "/accounts", map[string]string{"name": name})
	if !signed.ok() || signed.into(&made) != nil {
		return nil, fmt.Errorf("sign up: answered %d: %s", signed.status, signed.body)
	}
	return &account{ID: made.Account.ID, name: name, token: made.Token}, nil
}

func (r *rig) close() {
	for _, p := range r.proxies {
		p.close()
	}
	for _, i := range r.instances {
		i.close()
	}
	if r.feed != nil {
		r.feed.client.Close()
	}
	if r.broker != nil {
		r.broker.close()
	}
	r.postgres.close()
}

func (r *rig) anyInstance() *instance { return r.instances[rand.IntN(len(r.instances))] }

// A round is writing and reading on pages of its own, up to a moment of rest at which all is compared.
type round struct {
	*rig
	report   *report
	urls     []string
	pages    []uuid.UUID
	readers  []*reader
	program  *reader // of the feed; nil: there is none
	group    *group
	writers  []*writer
	via      func(url string) string // where an instance is found; tests put something in between
	calm     chan struct{}           // closed when readers are to break off no more
	contents contents
	pageOf   sync.Map       // of each highlight, known before it is made
	reached  []atomic.Int64 // the highest number acknowledged, by page
}

func (r *rig) newRound() *round {
	r.rounds++
	n := &round{
		rig: r, report: newReport(), via: func(url string) string { return url }, calm: make(chan struct{}),
		contents: contents{known: map[uint64]*content{}}, reached: make([]atomic.Int64, r.options.pages),
	}
	for i := range r.options.pages {
		// An address that limn refuses to fetch: the verdict comes at once, as one more writer.
		url := fmt.Sprintf("http://10.0.0.1/%d/%d", r.rounds, i)
		n.urls = append(n.urls, url)
		n.pages = append(n.pages, storage.PageID(url))
	}
	r.current.Store(n)
	return n
}

// run is one round: writing, reading and, if that is asked for, faults, for a time; then rest and judgement.
func (r *round) run(ctx context.Context, length time.Duration, faulty bool) error {
	var err error
	if r.group, err = r.found(ctx); err != nil {
		return err
	}
	r.cast()
	reading, endReading := context.WithCancel(ctx)
	defer endReading()
	var readers sync.WaitGroup
	for _, reader := range r.readers {
		readers.Go(func() { reader.run(reading) })
	}
	writing, endWriting := context.WithTimeout(ctx, length)
	defer endWriting()
	var working errgroup.Group
	for _, w := range r.writers {
		working.Go(func() error { w.run(writing); return nil })
	}
	working.Go(func() error { r.comeAndGo(writing); return nil })
	if faulty {
		working.Go(func() error { return r.torment(writing) })
	}
	if err := working.Wait(); err != nil {
		return errors.Join(err, ctx.Err())
	}
	close(r.calm)
	err = r.settle(ctx)
	endReading()
	readers.Wait()
	if err != nil {
		return err
	}
	if err := r.judge(ctx); err != nil {
		return err
	}
	r.group.owner.ask(ctx, r.instances[0].url(), "DELETE", "/groups/"+r.group.id.String(), nil)
	return nil
}

// cast makes the writers and readers: a third of the readers is nobody, a third is behind a proxy, some are slow.
func (r *round) cast() {
	for _, a := range r.accounts {
		r.writers = append(r.writers, &writer{round: r, account: a})
	}
	for n := range r.options.readers {
		reader := &reader{
			round: r, name: fmt.Sprintf("reader %d", n), slow: n%10 == 7, proxied: n%3 == 1,
			held: map[uuid.UUID]holding{}, pages: []uuid.UUID{r.pages[n%len(r.pages)]},
		}
		if n%3 != 0 {
			reader.account = r.accounts[n%len(r.accounts)]
			reader.name += " as " + reader.account.name
		}
		if other := r.pages[rand.IntN(len(r.pages))]; n%4 == 0 && other != reader.pages[0] {
			reader.pages = append(reader.pages, other)
		}
		r.readers = append(r.readers, reader)
	}
	if r.feed != nil {
		r.program = &reader{round: r, name: "the feed", held: map[uuid.UUID]holding{}, pages: r.pages}
	}
}

func (r *round) isCalm() bool {
	select {
	case <-r.calm:
		return true
	default:
		return false
	}
}

// anyBase is where one of the instances is found, or a proxy before it that cuts.
func (r *round) anyBase(proxied bool) string {
	n := rand.IntN(len(r.instances))
	if proxied {
		return r.via(r.proxies[n].url())
	}
	return r.via(r.instances[n].url())
}

// acknowledged takes down that a page has got to a number.
func (r *round) acknowledged(page uuid.UUID, seq int64) {
	for i, id := range r.pages {
		for known := r.reached[i].Load(); id == page && known < seq && !r.reached[i].CompareAndSwap(known, seq); {
			known = r.reached[i].Load()
		}
	}
}

// floors are the numbers that whoever connects now has to be brought to.
func (r *round) floors() map[uuid.UUID]int64 {
	floors := map[uuid.UUID]int64{}
	for i, id := range r.pages {
		floors[id] = r.reached[i].Load()
	}
	return floors
}

// settle waits until every reader holds what the database has for it, and who reads the feed does, too.
func (r *round) settle(ctx context.Context) error {
	var differences []string
	for deadline := time.Now().Add(r.patience); ; {
		rows, err := currentRows(ctx, r.postgres.pool, r.pages)
		if err != nil {
			return err
		}
		if err := r.group.rest(ctx, r.postgres.pool); err != nil {
			return err
		}
		differences = nil
		if r.program != nil {
			if err := r.feed.catchUp(ctx, r.program); err != nil {
				differences = append(differences, err.Error())
			}
			if d := r.program.difference(rows); d != "" {
				differences = append(differences, d)
			}
		}
		for _, reader := range r.readers {
			if d := reader.difference(rows); d != "" {
				differences = append(differences, d)
			}
		}
		if len(differences) == 0 || time.Now().After(deadline) {
			break
		}
		pause(ctx, 200*time.Millisecond)
	}
	for _, d := range differences {
		r.report.find(wrongState, "%s", d)
	}
	return ctx.Err()
}
