package storage

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"

	"limn/xpath"
)

// stagingTables hold a file until all of it is there. kind is 0 for a highlight, 1 for a reply. status is 0 for what is still to
// be written, else that of its outcome. place_id is what highlights have as group_id; group_id is the group there, if it is one.
const stagingTables = `
	CREATE TEMP TABLE intake (
		n bigint, line bigint, pointer text, part boolean, kind smallint, status smallint, detail text,
		id uuid, page_id uuid, url text, page_title text, title text, highlight_id uuid, in_reply_to uuid,
		author_id uuid, place_id uuid, group_id uuid, ranges jsonb, color text, note text, tags text[],
		seq bigint, version bigint, check_state text, check_reason text, checked_at timestamptz, check_ranges jsonb, verified_at timestamptz,
		created_at timestamptz, updated_at timestamptz
	);
	CREATE TEMP TABLE intake_accounts (id uuid, name text, name_key text);
	CREATE TEMP TABLE intake_groups (id uuid, name text, name_key text, kind text);
	CREATE TEMP TABLE intake_members (group_id uuid, account_id uuid, role text, joined_at timestamptz);
	CREATE TEMP TABLE intake_history (
		highlight_id uuid, at timestamptz, id uuid, account_id uuid, kind text, fields text[], state text, reason text, ranges jsonb
	);
	CREATE TEMP TABLE intake_files (
		n bigint, line bigint, pointer text, id uuid, highlight_id uuid, reply_id uuid, name text, type text, size bigint, stored_at timestamptz
	);
	CREATE TEMP TABLE intake_pieces (attachment_id uuid, place bigint, content bytea)`

// stagingMemory lets Postgres hold more of a file than of other tables; three files at once are the most. It looks at fewer rows to
// know a table: for joins by ids it is enough to know how many there are.
const stagingMemory = `
	SET temp_buffers = '64MB';
	SET work_mem = '64MB';
	SET default_statistics_target = 10;
	SET jit = off;`

// stagedColumns are those of each staging table, in its order.
var stagedColumns = map[string][]string{
	"intake": {
		"n", "line", "pointer", "part", "kind", "status", "detail", "id", "page_id", "url", "page_title", "title", "highlight_id", "in_reply_to",
		"author_id", "place_id", "group_id", "ranges", "color", "note", "tags", "seq", "version", "check_state", "check_reason", "checked_at",
		"check_ranges", "verified_at", "created_at", "updated_at",
	},
	"intake_accounts": {"id", "name", "name_key"},
	"intake_groups":   {"id", "name", "name_key", "kind"},
	"intake_members":  {"group_id", "account_id", "role", "joined_at"},
	"intake_history":  {"highlight_id", "at", "id", "account_id", "kind", "fields", "state", "reason", "ranges"},
	"intake_files":    {"n", "line", "pointer", "id", "highlight_id", "reply_id", "name", "type", "size", "stored_at"},
	"intake_pieces":   {"attachment_id", "place", "content"},
}

const (
	stagedTogether = 2000            // rows that are copied at once
	maxFuture      = 5 * time.Minute // that a time may be ahead of this machine's clock
)

// A staging is a file on its way into the staging tables, and from there to its pages.
type staging struct {
	store *Store
	conn  *pgx.Conn
	in    Intake
	now   time.Time
	n     int64
	rows  map[string][][]any // by table
	held  int                // bytes of text in them
	known *lru.Cache[Account, struct{}]
	pages *lru.Cache[string, PageRef] // by URL, as it stands in the file
	mine  string                      // the key of the name of who takes it in
	visit int64                       // pages that are to be visited

	staged  map[string]int64 // rows by table
	replies int64
}

func newStaging(s *Store, conn *pgx.Conn, in Intake) *staging {
	known, err := lru.New[Account, struct{}](maxKnownPages)
	if err != nil {
		panic(err) // the size is a constant
	}
	pages, err := lru.New[string, PageRef](stagedTogether)
	if err != nil {
		panic(err) // likewise
	}
	return &staging{
		store: s, conn: conn, in: in, now: time.Now(), rows: map[string][][]any{}, staged: map[string]int64{}, known: known, pages: pages,
		mine: nameKey(in.Author.Account.Name),
	}
}

// gather copies the items to the staging tables as they come. The next ones are read while some are copied.
func (st *staging) gather(ctx context.Context, items iter.Seq2[Item, error]) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := make(chan map[string][][]any)
	var reading sync.WaitGroup
	var broken error
	reading.Go(func() {
		defer close(batches)
		defer func() {
			if fault := recover(); fault != nil { // which ends what asked for this, not the process
				broken = fmt.Errorf("read a file: panic: %v", fault)
			}
		}()
		for item, err := range items {
			if broken = err; err != nil {
				return
			}
			st.add(item)
			if (len(st.rows["intake"]) >= stagedTogether || st.held > maxHeld) && !st.hand(ctx, batches) {
				return
			}
		}
		st.hand(ctx, batches)
	})
	var failed error
	for rows := range batches {
		if failed = st.copy(ctx, rows); failed != nil {
			break
		}
	}
	cancel()
	reading.Wait()
	return cmp.Or(failed, broken)
}

// hand hands on what was gathered; not ok: nobody takes it any more.
func (st *staging) hand(ctx context.Context, batches chan<- map[string][][]any) (ok bool) {
	rows := st.rows
	st.rows, st.held = map[string][][]any{}, 0
	select {
	case batches <- rows:
		return true
	case <-ctx.Done():
		return false
	}
}

func (st *staging) copy(ctx context.Context, tables map[string][][]any) error {
	for table, rows := range tables {
		_, err := st.conn.CopyFrom(ctx, pgx.Identifier{table}, stagedColumns[table], pgx.CopyFromRows(rows))
		if err != nil {
			return translate(err, "stage a file")
		}
	}
	return nil
}

func (st *staging) put(table string, row ...any) {
	st.rows[table] = append(st.rows[table], row)
	st.staged[table]++
}

func (st *staging) add(item Item) {
	st.n++
	switch {
	case item.Err != nil:
		st.refuse(item, item.Err)
	case item.Highlight != nil:
		if err := st.addHighlight(item); err != nil {
			st.refuse(item, err)
		}
	case item.Reply != nil:
		if err := st.addReply(item); err != nil {
			st.refuse(item, err)
		}
	case item.Event != nil:
		if err := st.addEvent(item); err != nil {
			st.refuse(item, err)
		}
	case item.File != nil:
		if err := st.addFile(item); err != nil {
			st.refuse(item, err)
		}
	case item.Piece != nil:
		p := item.Piece
		st.held += len(p.Content)
		st.put("intake_pieces", p.File, p.Place, p.Content)
	case item.Group != nil && st.in.Restore:
		if err := st.addGroup(*item.Group); err != nil {
			st.refuse(item, err)
		}
	}
}

func (st *staging) refuse(item Item, err error) {
	status, pointer, detail := refusal(err)
	var id *uuid.UUID
	switch {
	case item.Highlight != nil:
		id = &item.Highlight.ID
	case item.Reply != nil:
		id = &item.Reply.ID
	}
	if id != nil && *id == uuid.Nil {
		id = nil
	}
	shown := func(text string) string {
		return truncate(strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd"), maxTitle)
	}
	row := make([]any, len(stagedColumns["intake"]))
	copy(row, []any{st.n, item.Line, shown(item.Pointer + pointer), item.Part, 0, status, shown(detail), id})
	st.put("intake", row...)
}

func (st *staging) addHighlight(item Item) error {
	h := *item.Highlight
	page, err := st.page(h.Page.URL)
	if err != nil {
		return err
	}
	if h.Note, err = st.sign(&h.Author, h.Note); err != nil {
		return err
	}
	n := NewHighlight{Title: h.Page.Title, Ranges: orEmpty(h.Ranges), Color: h.Color, Note: h.Note, Tags: orEmpty(h.Tags)}
	if err := n.check(); err != nil {
		return err
	}
	if err := st.checkTimes(&h.CreatedAt, &h.UpdatedAt); err != nil {
		return err
	}
	group := h.Group
	if st.in.Group != "" {
		group = st.in.Group
	}
	place, in, err := st.place(group, h.Author.ID, h.Hidden)
	if err != nil {
		return err
	}
	if h.ID == uuid.Nil {
		h.ID = st.idFor(item.Foreign, page.URL, h)
	}
	public, own := n.Title, ""
	if place != Public {
		public, own = "", n.Title
	}
	check, verified := Check{State: xpath.Pending}, item.Verified
	if st.in.Restore {
		if err := checkVerdict(h); err != nil {
			return err
		}
		check = h.Check
	} else { // which only the server itself can say
		h.Seq, h.Version, verified = 0, 1, nil
	}
	for _, r := range h.Ranges {
		if r.Quote != nil {
			st.held += len(r.Quote.Exact)
		}
	}
	st.held += len(h.Note) + 512
	st.put("intake", st.n, item.Line, item.Pointer, item.Part, 0, 0, "", [16]byte(h.ID), [16]byte(page.ID), page.URL, public, own, nil, nil,
		[16]byte(h.Author.ID), [16]byte(place), in, n.Ranges, n.Color, n.Note, n.Tags, h.Seq, max(h.Version, 1), check.State, check.Reason, check.CheckedAt,
		check.Ranges, verified, h.CreatedAt, h.UpdatedAt)
	return nil
}

// page is the page of a URL. Most pages of a file have several highlights.
func (st *staging) page(raw string) (page PageRef, err error) {
	if page, known := st.pages.Get(raw); known {
		return page, nil
	}
	if page.URL, err = NormalizeURL(raw); err == nil {
		page.ID = PageID(page.URL)
		st.pages.Add(raw, page)
	}
	return page, err
}

func (st *staging) addReply(item Item) error {
	r := *item.Reply
	var err error
	if r.Note, err = st.sign(&r.Author, r.Note); err != nil {
		return err
	}
	if err := checkReply(r.Note); err != nil {
		return err
	}
	if err := st.checkTimes(&r.CreatedAt, &r.UpdatedAt); err != nil {
		return err
	}
	if item.Answers != "" {
		r.InReplyTo = new(st.idFor(item.Answers, "", Highlight{}))
	}
	if r.ID == uuid.Nil {
		r.ID = st.idFor(item.Foreign, "", Highlight{Note: r.Note, CreatedAt: r.CreatedAt, Author: r.Author, Page: PageRef{ID: r.Highlight}})
	}
	if !st.in.Restore {
		r.Seq, r.Version = 0, 1
	}
	var highlight *uuid.UUID
	if r.Highlight != uuid.Nil {
		highlight = &r.Highlight
	}
	st.held += len(r.Note) + 256
	st.replies++
	st.put("intake", st.n, item.Line, item.Pointer, item.Part, 1, 0, "", r.ID, nil, nil, nil, nil, highlight, r.InReplyTo,
		r.Author.ID, nil, nil, nil, nil, r.Note, nil, r.Seq, max(r.Version, 1), nil, nil, nil, nil, nil, r.CreatedAt, r.UpdatedAt)
	return nil
}

// addEvent stages an entry of a history. Nobody but who runs the server brings what the server itself is to know.
func (st *staging) addEvent(item Item) error {
	e := item.Event
	if !st.in.Restore {
		return nil
	}
	if err := e.check(); err != nil {
		return err
	}
	var by *uuid.UUID
	if e.By != nil {
		if err := st.addAccount(*e.By); err != nil {
			return err
		}
		by = &e.By.ID
	}
	var state *string
	if e.State != "" {
		state = new(string(e.State))
	}
	st.held += 256
	st.put("intake_history", e.Highlight, e.At, newID(), by, e.Kind, orEmpty(e.Fields), state, e.Reason, e.Ranges)
	return nil
}

func (st *staging) addFile(item Item) error {
	f := item.File
	if err := (NewAttachment{Name: f.Name}).check(); err != nil {
		return err
	}
	if f.Size < 0 || f.Size > MaxAttachment || f.ID == uuid.Nil {
		return ErrTooLarge
	}
	var reply *uuid.UUID
	if f.On.Reply != uuid.Nil {
		reply = &f.On.Reply
	}
	stored := f.StoredAt
	if stored.IsZero() {
		stored = st.now
	}
	st.put("intake_files", st.n, item.Line, item.Pointer, f.ID, f.On.Highlight, reply, f.Name, truncate(f.Type, maxTag), f.Size, stored)
	return nil
}

func (st *staging) addGroup(g GroupDetails) error {
	name, key, err := checkName(g.Name)
	if err != nil {
		return err
	}
	if err := checkKind(g.Kind); err != nil {
		return err
	}
	if g.ID == Public || g.ID.Variant() != uuid.RFC4122 {
		return errors.New("the group has an id that no group can have")
	}
	st.put("intake_groups", g.ID, name, key, g.Kind)
	for _, m := range g.Members {
		if !slices.Contains(roles, m.Role) {
			return fmt.Errorf("the group has a member with the role %q, which is none", m.Role)
		}
		if err := st.addAccount(m.Account); err != nil {
			return err
		}
		st.put("intake_members", g.ID, m.Account.ID, m.Role, m.JoinedAt)
	}
	return nil
}

func (st *staging) addAccount(a Account) error {
	if a.ID == uuid.Nil || a.ID.Variant() != uuid.RFC4122 {
		return errors.New("the author has no id")
	}
	if st.known.Contains(a) {
		return nil
	}
	name, key, err := checkName(a.Name)
	if err != nil {
		return fmt.Errorf("the author's name cannot be taken: %w", err)
	}
	st.known.Add(a, struct{}{})
	st.put("intake_accounts", a.ID, name, key)
	return nil
}

// sign makes the one who takes a file in the author of something. If another one wrote it, their name is put under it:
// nobody writes as somebody else.
func (st *staging) sign(a *Account, note string) (string, error) {
	if st.in.Restore {
		return note, st.addAccount(*a)
	}
	me := st.in.Author.Account
	other := *a
	*a = me
	name := strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if isInvisible(r) {
			return -1
		}
		return r
	}, truncate(strings.ToValidUTF8(other.Name, ""), 4*maxName))), " ")
	name = truncate(name, 2*maxName)
	if other.ID == me.ID || name == "" || nameKey(name) == st.mine {
		return note, nil
	}
	signature := "— " + name
	if strings.HasSuffix(note, signature) { // it was taken along before
		return note, nil
	}
	if note = strings.TrimRightFunc(note, unicode.IsSpace); note != "" {
		note += "\n\n"
	}
	return note + signature, nil
}

// checkTimes fills in what is missing and refuses what cannot have been.
func (st *staging) checkTimes(created, updated *time.Time) error {
	var invalid InvalidError
	if created.IsZero() || created.Year() <= 1 {
		*created = st.now
	}
	if updated.IsZero() || updated.Before(*created) && !st.in.Restore {
		*updated = *created
	}
	limit := st.now.Add(maxFuture)
	check := func(pointer string, t time.Time) {
		switch {
		case t.After(limit):
			invalid.refuse(pointer, "must not be in the future")
		case t.Year() < 1970:
			invalid.refuse(pointer, "must be a time since 1970")
		}
	}
	check("/created_at", *created)
	check("/updated_at", *updated)
	return invalid.orNil()
}

// place is where something goes, and the group if that is one: for anybody else than who runs the server, one that they may
// write to.
func (st *staging) place(name string, author uuid.UUID, hidden bool) (place uuid.UUID, in *uuid.UUID, err error) {
	switch name {
	case "public":
		return Public, nil, nil
	case "", "me":
		return author, nil, nil
	}
	group, err := uuid.Parse(name)
	known := err == nil && group != Public && group.Variant() == uuid.RFC4122
	if !known || !st.in.Restore && !st.in.Author.Roles[group].can(RoleMember) {
		var invalid InvalidError
		invalid.refuse("/group", "is none that you may write to: choose another one for all that is taken in")
		return uuid.Nil, nil, &invalid
	}
	if place = group; hidden && st.in.Restore {
		place = hiddenIn(group)
	}
	return place, &group, nil
}

// idFor is the id of what has none, or one that is not ours: the same for the same thing in the hands of the same account, so
// that it is taken in once.
func (st *staging) idFor(foreign, url string, h Highlight) uuid.UUID {
	sum := sha256.New()
	fmt.Fprintf(sum, "limn intake\x00%s\x00", st.in.Author.Account.ID)
	if foreign != "" {
		fmt.Fprintf(sum, "%s", foreign)
	} else {
		fmt.Fprintf(sum, "\x00%s\x00%s\x00%s\x00%s\x00", url, h.Note, strings.Join(h.Tags, "\x01"), h.Page.ID)
		for _, r := range h.Ranges {
			if r.Quote != nil {
				fmt.Fprintf(sum, "%s\x00", r.Quote.Exact)
			}
			fmt.Fprintf(sum, "%v %v %v\x00", r.Anchor, r.Focus, r.Position)
		}
		if h.CreatedAt != st.now {
			fmt.Fprintf(sum, "%d", h.CreatedAt.UnixMicro())
		}
	}
	id := uuid.UUID(sum.Sum(nil)[:16])
	id[6] = id[6]&0x0f | 0x80 // version 8
	id[8] = id[8]&0x3f | 0x80 // the RFC 9562 variant
	return id
}

// checkVerdict refuses a verdict that the checker could not have found.
func checkVerdict(h Highlight) error {
	var invalid InvalidError
	switch h.Check.State {
	case xpath.Pending, xpath.Verified, xpath.Moved, xpath.Orphaned, xpath.Unverifiable:
	default:
		invalid.refuse("/check/state", "is none that there is")
	}
	checkText(&invalid, "/check/reason", h.Check.Reason, maxReason)
	checkRanges(&invalid, h.Check.Ranges)
	if h.Seq < 0 || h.Version < 0 {
		invalid.refuse("/seq", "must be a number from 0")
	}
	return invalid.orNil()
}
