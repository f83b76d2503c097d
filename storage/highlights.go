package storage

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"limn/xpath"
)

// A Highlight is what somebody marked on a page, as every reader of it sees it.
type Highlight struct {
	ID     uuid.UUID     `json:"id"`
	Page   PageRef       `json:"page"`
	Group  string        `json:"group"`            // "public", "me", or a group's id
	Hidden bool          `json:"hidden,omitempty"` // by its moderators, who alone see it
	Author Account       `json:"author"`
	Ranges []xpath.Range `json:"ranges"` // none: a note on the whole page
	Color  string        `json:"color"`  // an ink's name, or "#rrggbb"
	Note   string        `json:"note"`   // Markdown
	Tags   []string      `json:"tags"`

	Replies     int64        `json:"replies"` // how many there are
	Attachments []Attachment `json:"attachments,omitempty"`
	Check       Check        `json:"check"`
	Seq         int64        `json:"seq"`     // the page's number of its last change
	Version     int64        `json:"version"` // counts its author's edits: the ETag
	CreatedAt   time.Time    `json:"created_at"`
	UpdatedAt   time.Time    `json:"updated_at"`
}

// A Check is the server's own verdict on whether a highlight still stands where it was made.
type Check struct {
	State     xpath.State   `json:"state"`
	Reason    string        `json:"reason"`
	CheckedAt *time.Time    `json:"checked_at"` // null while pending
	Ranges    []xpath.Range `json:"ranges"`     // where the quotes stand now, when moved; else null
}

// A NewHighlight is a request to mark something.
type NewHighlight struct {
	ID     uuid.UUID // chosen by the client, so that it may ask again; the nil UUID: chosen here
	URL    string    // normalised
	Title  string    // the page's, as its reader saw it
	Group  string    // empty: "me"
	Ranges []xpath.Range
	Color  string // empty: yellow
	Note   string
	Tags   []string
	Found  *Finding `json:"-"` // what the server can say of it at once; nil: a visit to the page has to find out
}

// A Finding is that a highlight stands where it was made, on the page as it was read a moment before.
type Finding struct {
	ReadAt time.Time
	Ranges []xpath.Range // as asked for, with the quotes, positions and landmarks filled in that were missing
}

// A HighlightEdit changes the fields that are not nil.
type HighlightEdit struct {
	Group   *string
	Color   *string
	Note    *string
	Tags    *[]string
	Version *int64 // only if this is still its version; nil: whatever it is
}

// A Reanchoring says where a highlight stands now.
type Reanchoring struct {
	Ranges  []xpath.Range
	Version *int64 // as in HighlightEdit
}

// CreateHighlight stores a highlight as the page's next change. Asked again with the same id and body it
// returns what is stored, created false; with another body ErrConflict.
func (s *Store) CreateHighlight(ctx context.Context, author Reader, n NewHighlight) (h Highlight, created bool, err error) {
	if err := n.check(); err != nil {
		return Highlight{}, false, err
	}
	group, err := s.groupToWriteIn(ctx, author, n.Group)
	if err != nil {
		return Highlight{}, false, err
	}
	hash, err := requestHash(n)
	if err != nil {
		return Highlight{}, false, err
	}
	public, own := n.Title, ""
	if group != Public { // an inbox and its owner may be in a title
		public, own = "", n.Title
	}
	page, err := s.ensurePage(ctx, n.URL, public)
	if err != nil {
		return Highlight{}, false, err
	}
	h = Highlight{
		ID: n.ID, Page: page, Author: author.Account,
		Ranges: orEmpty(n.Ranges), Color: n.Color, Note: n.Note, Tags: orEmpty(n.Tags),
		Check: Check{State: xpath.Pending}, Version: 1,
	}
	if h.ID == uuid.Nil {
		h.ID = newID()
	}
	h.put(group)
	in := &insertion{h: &h, group: group, title: own, hash: hash, operation: author.Operation}
	if n.Found != nil {
		in.found = &n.Found.ReadAt
		if sizeOf(n.Found.Ranges) <= maxMarks {
			h.Ranges = n.Found.Ranges
		}
	}
	err = translate(s.insert(ctx, in), "create highlight")
	if errors.Is(err, ErrConflict) {
		h, err = s.replayedHighlight(ctx, author, h.ID, hash)
		return h, false, err
	}
	return h, err == nil, err
}

// replayedHighlight is what stands under an id that was used before, if it was used for the same request.
func (s *Store) replayedHighlight(ctx context.Context, author Reader, id uuid.UUID, hash []byte) (Highlight, error) {
	var same bool
	err := s.pool.QueryRow(ctx, `
		SELECT author_id = $2 AND deleted_at IS NULL AND request_hash = $3 FROM highlights WHERE id = $1`,
		id, author.Account.ID, hash).Scan(&same)
	if err != nil {
		return Highlight{}, translate(err, "find the first request")
	}
	if !same {
		return Highlight{}, fmt.Errorf("create highlight: %w", ErrConflict)
	}
	return s.GetHighlight(ctx, author, id)
}

// GetHighlight finds a highlight that the reader may see.
func (s *Store) GetHighlight(ctx context.Context, reader Reader, id uuid.UUID) (Highlight, error) {
	rows, _ := s.pool.Query(ctx, highlightQuery+`
		WHERE h.id = $1 AND h.deleted_at IS NULL AND (`+readable+`($2))`, id, reader.Groups)
	h, err := pgx.CollectExactlyOneRow(rows, scanHighlight)
	return h, translate(err, "get highlight")
}

// UpdateHighlight lets its author change a highlight, as the page's next change. Moved to another group, it
// takes its replies along, and those who cannot read it any more are told that it is gone.
func (s *Store) UpdateHighlight(ctx context.Context, author Reader, id uuid.UUID, edit HighlightEdit) (Highlight, error) {
	if err := edit.check(); err != nil {
		return Highlight{}, err
	}
	var group *uuid.UUID
	if edit.Group != nil {
		g, err := s.groupToWriteIn(ctx, author, *edit.Group)
		if err != nil {
			return Highlight{}, err
		}
		group = &g
	}
	err := s.changeHighlight(ctx, author, id, edit.Version, mayEdit, func(tx pgx.Tx, held heldHighlight) error {
		if edit == (HighlightEdit{Version: edit.Version}) { // nothing is to change, so nothing has
			return nil
		}
		if group != nil && *group != held.group {
			if err := mayMove(ctx, tx, author, held, *group); err != nil {
				return err
			}
			if err := moveReplies(ctx, tx, held, *group); err != nil {
				return err
			}
		}
		if err := recordEdit(ctx, tx, held, author.Account.ID, edit, group); err != nil {
			return err
		}
		seq, err := number(ctx, tx, held.page, 1)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			UPDATE highlights SET
				seq = @seq, version = version + 1, updated_at = now(),
				left_groups = CASE WHEN group_id = coalesce(@group, group_id) THEN left_groups
				                   ELSE array_append(array_remove(left_groups, @group), group_id) END,
				group_id = coalesce(@group, group_id),
				title = CASE WHEN @group = @public THEN '' ELSE title END,
				color = coalesce(@color, color), note = coalesce(@note, note), tags = coalesce(@tags, tags)
			WHERE page_id = @page AND id = @id`,
			pgx.NamedArgs{"seq": seq, "group": group, "public": Public, "color": edit.Color, "note": edit.Note, "tags": edit.Tags, "page": held.page, "id": id})
		return err
	})
	if err != nil {
		return Highlight{}, translate(err, "update highlight")
	}
	return s.GetHighlight(ctx, author, id)
}

// ReanchorHighlight lets its author put a highlight where it stands now, as the page's next change. The place that it
// leaves is kept in its history, and what it stands on is to be judged again.
func (s *Store) ReanchorHighlight(ctx context.Context, author Reader, id uuid.UUID, r Reanchoring) (Highlight, error) {
	if err := r.check(); err != nil {
		return Highlight{}, err
	}
	err := s.changeHighlight(ctx, author, id, r.Version, mayEdit, func(tx pgx.Tx, held heldHighlight) error {
		if err := recordReanchoring(ctx, tx, held, author.Account.ID); err != nil {
			return err
		}
		seq, err := number(ctx, tx, held.page, 1)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			UPDATE highlights SET
				seq = @seq, version = version + 1, updated_at = now(), ranges = @ranges,
				check_state = @state, check_reason = '', checked_at = NULL, check_ranges = NULL
			WHERE page_id = @page AND id = @id`,
			pgx.NamedArgs{"seq": seq, "ranges": r.Ranges, "state": xpath.Pending, "page": held.page, "id": id})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE pages SET check_due_at = least(check_due_at, now()) WHERE id = $1`, held.page)
		return err
	})
	if err != nil {
		return Highlight{}, translate(err, "reanchor highlight")
	}
	return s.GetHighlight(ctx, author, id)
}

// DeleteHighlight lets its author, or who moderates its group, erase a highlight and the thread under it. What stays is that they are gone.
// It returns the page that changed.
func (s *Store) DeleteHighlight(ctx context.Context, author Reader, id uuid.UUID, version *int64) (page uuid.UUID, err error) {
	err = s.changeHighlight(ctx, author, id, version, mayErase, func(tx pgx.Tx, held heldHighlight) error {
		page = held.page
		if err := recordErasure(ctx, tx, author, held, held.author, "erased"); err != nil {
			return err
		}
		return eraseHighlight(ctx, tx, held)
	})
	return page, translate(err, "delete highlight")
}

// eraseHighlight erases a highlight with its thread and history, each as a change of the page.
func eraseHighlight(ctx context.Context, tx pgx.Tx, held heldHighlight) error {
	if err := eraseReplies(ctx, tx, held); err != nil {
		return err
	}
	if err := eraseHistory(ctx, tx, held); err != nil {
		return err
	}
	if err := eraseAttachments(ctx, tx, held); err != nil {
		return err
	}
	if err := eraseFlags(ctx, tx, held); err != nil {
		return err
	}
	if err := eraseSearch(ctx, tx, held); err != nil {
		return err
	}
	seq, err := number(ctx, tx, held.page, 1)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE highlights SET
			seq = $3, deleted_at = now(), updated_at = now(), title = '', ranges = '[]', note = '', tags = '{}', replies = 0, attachments = '[]',
			check_reason = '', check_ranges = NULL, verified_at = NULL, request_hash = NULL, canonical = NULL, via = NULL
		WHERE page_id = $1 AND id = $2`, held.page, held.id, seq)
	return err
}

// A heldHighlight is a highlight whose page is locked by the transaction that is about to change it.
type heldHighlight struct {
	page, id, group, author uuid.UUID
}

// holdPage locks the page of a highlight that the reader may see, for which one looks before: what is hidden must cost what is not
// there does, and nobody else is to wait for those who guess. Under the lock it has to be looked at again.
func holdPage(ctx context.Context, tx pgx.Tx, reader Reader, held *heldHighlight) error {
	err := tx.QueryRow(ctx, `SELECT page_id FROM highlights WHERE id = $1 AND deleted_at IS NULL AND (`+readable+`($2))`, held.id, reader.Groups).
		Scan(&held.page)
	if err != nil {
		return err
	}
	return lockPage(ctx, tx, held.page)
}

// changeHighlight runs change in a transaction that holds the highlight's page, once it is certain that the
// author may change it and that its version is the one expected.
func (s *Store) changeHighlight(ctx context.Context, author Reader, id uuid.UUID, version *int64, may permission, change func(pgx.Tx, heldHighlight) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		held := heldHighlight{id: id}
		if err := holdPage(ctx, tx, author, &held); err != nil {
			return err
		}
		var current int64
		err := tx.QueryRow(ctx, `
			SELECT group_id, author_id, version FROM highlights
			WHERE id = $1 AND deleted_at IS NULL AND (`+readable+`($2))`, id, author.Groups).
			Scan(&held.group, &held.author, &current)
		if err != nil {
			return err
		}
		switch {
		case !may(author, held.group, held.author):
			return ErrForbidden
		case version != nil && *version != current:
			return ErrStale
		}
		if err := markDone(ctx, tx, author, id); err != nil {
			return err
		}
		return change(tx, held)
	})
}

// check fills in what may be left out and refuses what cannot be kept.
func (n *NewHighlight) check() error {
	var invalid InvalidError
	if n.Color == "" {
		n.Color = "yellow"
	}
	n.Title = truncate(n.Title, maxTitle)
	checkText(&invalid, "/title", n.Title, maxTitle*4)
	checkRanges(&invalid, n.Ranges)
	checkColor(&invalid, n.Color)
	checkText(&invalid, "/note", n.Note, maxNote)
	checkTags(&invalid, n.Tags)
	return invalid.orNil()
}

func (e HighlightEdit) check() error {
	var invalid InvalidError
	if e.Color != nil {
		checkColor(&invalid, *e.Color)
	}
	if e.Note != nil {
		checkText(&invalid, "/note", *e.Note, maxNote)
	}
	if e.Tags != nil {
		checkTags(&invalid, *e.Tags)
	}
	return invalid.orNil()
}

func (r Reanchoring) check() error {
	var invalid InvalidError
	if len(r.Ranges) == 0 {
		invalid.refuse("/ranges", "must have one range at least")
	}
	checkRanges(&invalid, r.Ranges)
	return invalid.orNil()
}

// requestHash tells a repeated request from another one under the same id.
func requestHash(request any) ([]byte, error) {
	encoded, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("hash the request: %w", err)
	}
	sum := sha256.Sum256(encoded)
	return sum[:], nil
}

// put names the group that a highlight is in, as its readers do: only its author reads what is in the group of their own id.
func (h *Highlight) put(place uuid.UUID) {
	var group uuid.UUID
	switch group, h.Hidden = isHidden(place); group {
	case Public:
		h.Group = "public"
	case h.Author.ID:
		h.Group = "me"
	default:
		h.Group = group.String()
	}
}

// place is what put has named.
func (h Highlight) place() uuid.UUID {
	place := Public
	switch h.Group {
	case "public":
	case "me":
		place = h.Author.ID
	default:
		place = uuid.MustParse(h.Group)
	}
	if h.Hidden {
		place = hiddenIn(place)
	}
	return place
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

const highlightColumns = `
	h.id, h.page_id, p.url, coalesce(nullif(h.title, ''), p.title), h.group_id, h.author_id, a.name, h.ranges, h.color, h.note, h.tags, h.replies, h.attachments,
	h.check_state, h.check_reason, h.checked_at, h.check_ranges, h.seq, h.version, h.created_at, h.updated_at`

const highlightQuery = `
	SELECT ` + highlightColumns + `
	FROM highlights h JOIN pages p ON p.id = h.page_id JOIN accounts a ON a.id = h.author_id`

func scanHighlight(row pgx.CollectableRow) (Highlight, error) { return scanHighlightAfter(row) }

// scanHighlightAfter reads a highlight that stands after other columns.
func scanHighlightAfter(row pgx.CollectableRow, before ...any) (h Highlight, err error) {
	var group uuid.UUID
	err = row.Scan(append(before, &h.ID, &h.Page.ID, &h.Page.URL, &h.Page.Title, &group, &h.Author.ID, &h.Author.Name, &h.Ranges,
		&h.Color, &h.Note, &h.Tags, &h.Replies, &h.Attachments, &h.Check.State, &h.Check.Reason, &h.Check.CheckedAt, &h.Check.Ranges,
		&h.Seq, &h.Version, &h.CreatedAt, &h.UpdatedAt)...)
	h.put(group)
	return h, err
}
