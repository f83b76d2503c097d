package storage

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"limn/xpath"
)

// A Change is a highlight or a reply as its last change left it.
type Change struct {
	Seq       int64
	ID        uuid.UUID
	Highlight *Highlight // one of these two, unless Removed
	Reply     *Reply
	Kind      string // "highlight" or "reply"
	Removed   bool
	At        time.Time // when it was written, by the database's clock; zero: unknown, as a verdict leaves no time of its own
	group     uuid.UUID
	left      []uuid.UUID
}

// An Effect is what a change means to one reader.
type Effect int

const (
	Nothing Effect = iota // it was never theirs to see
	Put                   // it takes the place of what they hold under its id
	Remove                // it is gone, or gone from where they may see
)

// Made is the change that a highlight's creation is.
func Made(h Highlight) Change {
	c := Change{Seq: h.Seq, ID: h.ID, Highlight: &h, Kind: "highlight", At: h.CreatedAt}
	switch h.Group {
	case "public":
		c.group = Public
	case "me":
		c.group = h.Author.ID
	default:
		c.group = uuid.MustParse(h.Group)
	}
	return c
}

// MayRemove tells whether the change can be a removal for anybody.
func (c Change) MayRemove() bool { return c.Removed || len(c.left) > 0 }

// Effect says what the change means to a reader of some groups.
func (c Change) Effect(reads func(group uuid.UUID) bool) Effect {
	if reads(c.group) {
		if c.Removed {
			return Remove
		}
		return Put
	}
	for _, g := range c.left {
		if reads(g) {
			return Remove
		}
	}
	return Nothing
}

// Reached says how far a reading of changes goes.
type Reached struct {
	Seq   int64
	More  bool  // there may be more after it
	Swept int64 // up to which number of the page tombstones may be missing: who held less, and has not just begun, begins anew
}

// Changes reads what changed on a page after a number, in the order of the numbers, and how far that goes: to the
// number of the page's last change at that moment unless there are more, because there were limit of them or they
// are large. Each thing is read once, as it is now, however often it changed. This one query is the snapshot (after
// 0), the replay and the live stream.
func (s *Store) Changes(ctx context.Context, page uuid.UUID, after int64, limit int) (changes []Change, reached Reached, err error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT p.seq, p.swept_seq, c.* FROM pages p LEFT JOIN LATERAL (
			(SELECT `+highlightChange+`
			 FROM highlights h JOIN accounts a ON a.id = h.author_id
			 WHERE h.page_id = p.id AND h.seq > @after ORDER BY h.seq LIMIT @limit)
			UNION ALL
			(SELECT `+replyChange+`
			 FROM replies r JOIN accounts a ON a.id = r.author_id
			 WHERE r.page_id = p.id AND r.seq > @after ORDER BY r.seq LIMIT @limit)
			ORDER BY seq LIMIT @limit
		) c ON true
		WHERE p.id = @page ORDER BY c.seq`,
		pgx.NamedArgs{"page": page, "after": after, "limit": limit})
	changes, cut, err := collectSome(rows, func(row pgx.CollectableRow) (Change, error) {
		var r changeRow
		err := row.Scan(append([]any{&reached.Seq, &reached.Swept}, r.columns()...)...)
		return r.change(), err
	})
	switch {
	case len(changes) == 1 && changes[0].Kind == "": // the page alone
		changes = nil
	case cut || len(changes) == limit:
		reached.Seq, reached.More = changes[len(changes)-1].Seq, true
	}
	return changes, reached, translate(err, "read changes")
}

const highlightChange = `'highlight', h.deleted_at IS NOT NULL, h.left_groups, NULL::uuid, NULL::uuid, ` + highlightColumns

// replyChange has as many columns as highlightChange, empty where a reply has none.
const replyChange = `
	'reply', r.deleted_at IS NOT NULL, r.left_groups, r.highlight_id, r.in_reply_to,
	r.id, r.page_id, '', '', r.group_id, r.author_id, a.name, NULL, '', r.note, NULL, 0, r.attachments,
	'', '', NULL, NULL, r.seq, r.version, r.created_at, r.updated_at`

// A changeRow is highlightChange or replyChange, all null when there is no change to join the page with.
type changeRow struct {
	kind, url, title, name, color, note, reason *string
	state                                       *xpath.State
	removed                                     *bool
	left                                        []uuid.UUID
	highlight, inReplyTo                        *uuid.UUID
	id, page, group, author                     *uuid.UUID
	ranges, checkRanges                         []xpath.Range
	tags                                        []string
	replies, seq, version                       *int64
	attachments                                 []Attachment
	checkedAt, createdAt, updatedAt             *time.Time
}

func (r *changeRow) columns() []any {
	return []any{
		&r.kind, &r.removed, &r.left, &r.highlight, &r.inReplyTo,
		&r.id, &r.page, &r.url, &r.title, &r.group, &r.author, &r.name, &r.ranges, &r.color, &r.note, &r.tags, &r.replies, &r.attachments,
		&r.state, &r.reason, &r.checkedAt, &r.checkRanges, &r.seq, &r.version, &r.createdAt, &r.updatedAt,
	}
}

func (r changeRow) change() Change {
	if r.kind == nil {
		return Change{}
	}
	c := Change{Seq: *r.seq, ID: *r.id, Kind: *r.kind, Removed: *r.removed, group: *r.group, left: r.left}
	if c.Removed || c.Kind == "reply" || *r.state == xpath.Pending {
		c.At = *r.updatedAt
	}
	author := Account{ID: *r.author, Name: *r.name}
	switch {
	case c.Removed:
	case c.Kind == "highlight":
		c.Highlight = &Highlight{
			ID: *r.id, Page: PageRef{ID: *r.page, URL: *r.url, Title: *r.title}, Author: author, Ranges: r.ranges, Color: *r.color, Note: *r.note, Tags: r.tags, Replies: *r.replies, Attachments: r.attachments,
			Check: Check{State: *r.state, Reason: *r.reason, CheckedAt: r.checkedAt, Ranges: r.checkRanges},
			Seq:   *r.seq, Version: *r.version, CreatedAt: *r.createdAt, UpdatedAt: *r.updatedAt,
		}
		c.Highlight.put(*r.group)
	case c.Kind == "reply":
		c.Reply = &Reply{
			ID: *r.id, Highlight: *r.highlight, InReplyTo: r.inReplyTo, Author: author, Note: *r.note, Attachments: r.attachments,
			Seq: *r.seq, Version: *r.version, CreatedAt: *r.createdAt, UpdatedAt: *r.updatedAt,
		}
	}
	return c
}
