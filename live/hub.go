package live

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"limn/storage"
)

// MaxPages is how many pages one stream may carry.
const MaxPages = 32

const (
	compareEvery  = 1500 * time.Millisecond // how late a change can be whose hint was lost
	keepEvery     = 5 * time.Second         // well within the time after which an instance is believed dead
	endEvery      = 900 * time.Millisecond  // how late a revoked token is seen whose hint was lost
	storageWait   = 30 * time.Second        // for one read of a page's changes
	farewellLimit = 3 * time.Second         // for telling the other instances that this one stops
)

// A Hub knows who reads which page through this instance, and keeps them up to date while Run runs.
type Hub struct {
	store    *storage.Store
	bus      Bus
	log      *slog.Logger
	instance uuid.UUID
	hangups  *hangups
	viewers  viewers
	census   *census
	metrics  metrics
	pulse    pulse
	closing  chan struct{}  // closed when the streams are to end
	replaced chan struct{}  // see Replaced
	once     sync.Once      // closes replaced
	tails    sync.WaitGroup // of pages, and of viewers that are behind or leave, while their pages are in use

	mu    sync.Mutex
	pages map[uuid.UUID]*page // those that somebody reads here
}

// NewHub makes a hub; its Run does the work, and has to be called. The error is the system's, which watches connections.
func NewHub(store *storage.Store, bus Bus, log *slog.Logger) (*Hub, error) {
	h := &Hub{
		store: store, bus: bus, log: log, instance: uuid.New(),
		closing: make(chan struct{}), replaced: make(chan struct{}), pages: map[uuid.UUID]*page{},
	}
	h.census, h.metrics = newCensus(h), newMetrics(h)
	var err error
	h.hangups, err = watchHangups(log, func(id uint64) {
		if v := h.viewers.get(id); v != nil {
			v.stop(hungUp)
		}
	})
	return h, err
}

// Run carries changes to the readers until ctx ends. Then it ends their streams, many of them bit by bit, waits for
// them, and says farewell to the other instances.
func (h *Hub) Run(ctx context.Context) {
	busLife, endBus := context.WithCancel(context.WithoutCancel(ctx))
	var bus sync.WaitGroup
	bus.Go(func() { h.bus.Run(busLife, h.hear, h.wakeAll) })

	compare, keep, end := time.NewTicker(compareEvery), time.NewTicker(keepEvery), time.NewTicker(endEvery)
	defer compare.Stop()
	defer keep.Stop()
	defer end.Stop()
	var pinging sync.WaitGroup
	pinging.Go(func() { h.pingInTurns(ctx) }) // apart, because the database may keep the others waiting
	h.keepInstance(ctx)
	censusLife, endCensus := context.WithCancel(context.WithoutCancel(ctx))
	var census sync.WaitGroup
	census.Go(func() { h.census.run(censusLife) })
	for ctx.Err() == nil {
		select {
		case <-compare.C:
			h.compareNumbers(ctx)
		case <-keep.C:
			h.keepInstance(ctx)
		case <-end.C:
			h.endRevoked(ctx)
		case <-ctx.Done():
		}
	}

	h.mu.Lock()
	pages := make([]uuid.UUID, 0, len(h.pages))
	for id := range h.pages {
		pages = append(pages, id)
	}
	close(h.closing)
	for _, p := range h.pages {
		signal(p.wake) // one that nobody uses waits for its last count, which a database that is away never gives
	}
	h.mu.Unlock()
	pinging.Wait()
	drain(h.viewers.close())
	h.tails.Wait()
	h.hangups.close()
	endCensus()
	census.Wait()
	h.sayFarewell(context.WithoutCancel(ctx), pages)
	endBus()
	bus.Wait()
}

// Replaced is closed when a backup was restored into the database since it was opened. What this instance holds of it, the
// numbers of pages above all, is of another life then, and the process has to end.
func (h *Hub) Replaced() <-chan struct{} { return h.replaced }

// Changed says that a page has changed, once that is committed.
func (h *Hub) Changed(page uuid.UUID) { h.tell(Hint{Page: page}) }

// Wrote is Changed with the change itself at hand, so that nobody has to read it for the readers here.
func (h *Hub) Wrote(page uuid.UUID, c storage.Change) {
	if p := h.page(page); p != nil {
		p.offer(c)
	}
	h.publish(Hint{Page: page})
}

// Renamed says that an account has another name, to all who read a page together with it.
func (h *Hub) Renamed(ctx context.Context, account uuid.UUID) error {
	pages, err := h.store.PagesViewedBy(ctx, account)
	for _, page := range pages {
		h.tell(Hint{Page: page, Presence: true})
	}
	return err
}

// Dismiss says that an account may do something else than before, or that others may read a group: the streams of that
// account, or of all who read the group, end here and elsewhere. Their readers come back with the rights that they have then.
func (h *Hub) Dismiss(id uuid.UUID) { h.tell(Hint{Page: id, Rights: true}) }

// AwaitChange waits until a page has a change with a number after seq, and returns the number that it has got to.
// The error is the context's, or ErrClosing.
func (h *Hub) AwaitChange(ctx context.Context, page uuid.UUID, seq int64) (reached int64, err error) {
	p, err := h.acquire(page)
	if err != nil {
		return seq, err
	}
	defer p.release()
	for {
		reached, advanced := p.progress(seq)
		if reached > seq {
			return reached, nil
		}
		select {
		case <-advanced:
		case <-ctx.Done():
			return seq, ctx.Err()
		case <-h.closing:
			return seq, ErrClosing
		}
	}
}

// tell wakes the readers here at once, and those elsewhere by the bus.
func (h *Hub) tell(hint Hint) {
	h.receive(hint)
	h.publish(hint)
}

func (h *Hub) publish(hint Hint) {
	h.metrics.sent.WithLabelValues(hint.name()).Inc()
	h.bus.Publish(hint)
	if !hint.Presence {
		h.pulse.beat()
	}
}

// hear takes a hint of another instance.
func (h *Hub) hear(hint Hint) {
	h.metrics.received.WithLabelValues(hint.name()).Inc()
	h.receive(hint)
	if !hint.Presence {
		h.pulse.beat()
	}
}

// receive wakes the page that a hint is about, if somebody reads it here, or ends the streams of those whose rights changed.
func (h *Hub) receive(hint Hint) {
	if hint.Rights {
		for _, v := range h.viewers.dismiss(hint.Page) {
			v.stop(revoked)
		}
		return
	}
	p := h.page(hint.Page)
	switch {
	case p == nil:
	case hint.Presence:
		h.census.ask(p, false)
	default:
		p.ask(readChanges)
	}
}

// page is the page with an id, if somebody reads it here; else nil.
func (h *Hub) page(id uuid.UUID) *page {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pages[id]
}

func (h *Hub) watched() []*page {
	h.mu.Lock()
	defer h.mu.Unlock()
	pages := make([]*page, 0, len(h.pages))
	for _, p := range h.pages {
		pages = append(pages, p)
	}
	return pages
}

func (h *Hub) wakeAll() {
	h.pulse.beat()
	for _, p := range h.watched() {
		p.ask(readChanges)
		h.census.ask(p, false)
	}
}

// compareNumbers wakes the pages that have changes of which no hint arrived.
func (h *Hub) compareNumbers(ctx context.Context) {
	pages := h.watched()
	if len(pages) == 0 {
		return
	}
	ids := make([]uuid.UUID, len(pages))
	for i, p := range pages {
		ids[i] = p.id
	}
	ctx, cancel := context.WithTimeout(ctx, storageWait)
	defer cancel()
	seqs, err := h.store.PageSeqs(ctx, ids)
	if err != nil {
		h.logUnlessEnding(ctx, "the numbers of the pages cannot be compared", err)
		return
	}
	for _, p := range pages {
		p.askIfBehind(seqs[p.id])
	}
}

func (h *Hub) keepInstance(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, storageWait)
	defer cancel()
	left, unknown, err := h.store.KeepInstance(ctx, h.instance)
	if errors.Is(err, storage.ErrReplaced) {
		h.once.Do(func() { close(h.replaced) })
		return
	}
	if err != nil {
		h.logUnlessEnding(ctx, "this instance cannot be kept alive", err)
		return
	}
	for _, page := range left {
		h.tell(Hint{Page: page, Presence: true})
	}
	if unknown {
		for _, p := range h.watched() {
			h.census.ask(p, true)
		}
	}
}

// endRevoked ends the streams of which no hint has said that their token or their rights are no longer good. Their readers
// come back, and are told so.
func (h *Hub) endRevoked(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, storageWait)
	defer cancel()
	byToken, asGuests := h.viewers.withToken(), h.viewers.asGuests()
	if len(byToken) > 0 {
		tokens, rights := make([]uuid.UUID, 0, len(byToken)), make([]int64, 0, len(byToken))
		for token, viewers := range byToken {
			oldest := slices.MinFunc(viewers, func(a, b *viewer) int { return cmp.Compare(a.rights, b.rights) })
			tokens, rights = append(tokens, token), append(rights, oldest.rights)
		}
		ended, err := h.store.EndedReaders(ctx, tokens, rights)
		if err != nil {
			h.logUnlessEnding(ctx, "the tokens of the streams cannot be looked at", err)
			return
		}
		stopAll(byToken, ended)
	}
	if len(asGuests) > 0 {
		closed, err := h.store.ClosedGroups(ctx, slices.Collect(maps.Keys(asGuests)))
		if err != nil {
			h.logUnlessEnding(ctx, "the groups that guests read cannot be looked at", err)
			return
		}
		stopAll(asGuests, closed)
	}
}

func stopAll(viewers map[uuid.UUID][]*viewer, ids []uuid.UUID) {
	for _, id := range ids {
		for _, v := range viewers[id] {
			v.stop(revoked)
		}
	}
}

func (h *Hub) sayFarewell(ctx context.Context, pages []uuid.UUID) {
	ctx, cancel := context.WithTimeout(ctx, farewellLimit)
	defer cancel()
	if err := h.store.DeleteInstance(ctx, h.instance); err != nil {
		h.log.Warn("this instance could not say that it stops", "error", err)
	}
	for _, page := range pages {
		h.publish(Hint{Page: page, Presence: true})
	}
}

func (h *Hub) logUnlessEnding(ctx context.Context, message string, err error) {
	if ctx.Err() == nil {
		h.log.Warn(message, "error", err)
	}
}

// acquire is the page with this id, kept up to date from now on until it is released as often.
func (h *Hub) acquire(id uuid.UUID) (*page, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.closing:
		return nil, ErrClosing
	default:
	}
	p := h.pages[id]
	if p == nil {
		p = newPage(h, id)
		h.pages[id] = p
		h.tails.Go(p.run)
	}
	p.users++
	return p, nil
}

// acquireAll is acquire for several.
func (h *Hub) acquireAll(ids []uuid.UUID) ([]*page, error) {
	pages := make([]*page, 0, len(ids))
	for _, id := range ids {
		p, err := h.acquire(id)
		if err != nil {
			releaseAll(pages)
			return nil, err
		}
		pages = append(pages, p)
	}
	return pages, nil
}

func releaseAll(pages []*page) {
	for _, p := range pages {
		p.release()
	}
}
