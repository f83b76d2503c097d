package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A Reply is one entry of the thread under a highlight. Who reads the highlight reads its replies.
type Reply struct {
	ID          uuid.UUID    `json:"id"`
	Highlight   uuid.UUID    `json:"highlight"`
	InReplyTo   *uuid.UUID   `json:"in_reply_to,omitempty"`
	Author      Account      `json:"author"`
	Note        string       `json:"note"` // Markdown
	Attachments []Attachment `json:"attachments,omitempty"`
	Seq         int64        `json:"seq"`
	Version     int64        `json:"version"`
	CreatedAt   time.Time    `json:"created_at"`
	UpdatedAt   time.Time    `json:"updated_at"`
}

// A NewReply is a request to answer a highlight, or another reply under it.
type NewReply struct {
	ID        uuid.UUID // as in NewHighlight
	Highlight uuid.UUID
	InReplyTo *uuid.UUID
	Note      string
}

// A ReplyEdit changes a reply.
type ReplyEdit struct {
	Note    string
	Version *int64 // as in HighlightEdit
}

// CreateReply stores a reply and counts it on its highlight: two changes of the page. It returns the page.
// A repeated request is answered as CreateHighlight answers it.
func (s *Store) CreateReply(ctx context.Context, author Reader, n NewReply) (r Reply, page uuid.UUID, created bool, err error) {
	if err := checkReply(n.Note); err != nil {
		return Reply{}, uuid.Nil, false, err
	}
	hash, err := requestHash(n)
	if err != nil {
		return Reply{}, uuid.Nil, false, err
	}
	r = Reply{ID: n.ID, Highlight: n.Highlight, InReplyTo: n.InReplyTo, Author: author.Account, Note: n.Note, Version: 1}
	if r.ID == uuid.Nil {
		r.ID = newID()
	}
	err = s.changeThread(ctx, author, n.Highlight, mayAnswer, func(tx pgx.Tx, held heldHighlight) error {
		page = held.page
		if err := markDone(ctx, tx, author, r.ID); err != nil {
			return err
		}
		seq, err := number(ctx, tx, held.page, 2)
		if err != nil {
			return err
		}
		r.Seq = seq
		err = tx.QueryRow(ctx, `
			INSERT INTO replies (page_id, id, highlight_id, in_reply_to, seq, author_id, group_id, note, request_hash, created_at, updated_at)
			VALUES (@page, @id, @highlight, @in_reply_to, @seq, @author, @group, @note, @hash, now(), now())
			RETURNING created_at, updated_at`,
			pgx.NamedArgs{
				"page": held.page, "id": r.ID, "highlight": held.id, "in_reply_to": n.InReplyTo, "seq": seq,
				"author": author.Account.ID, "group": held.group, "note": n.Note, "hash": hash,
			}).Scan(&r.CreatedAt, &r.UpdatedAt)
		if err != nil {
			return err
		}
		// Last, so that a repeated request is known for one even when what it answers has been deleted since.
		if err := checkInReplyTo(ctx, tx, held, r); err != nil {
			return err
		}
		return countReplies(ctx, tx, held, seq+1)
	})
	err = translate(err, "create reply")
	if errors.Is(err, ErrConflict) {
		r, err = s.replayedReply(ctx, author, r.ID, hash)
		return r, page, false, err
	}
	return r, page, err == nil, err
}

func (s *Store) replayedReply(ctx context.Context, author Reader, id uuid.UUID, hash []byte) (Reply, error) {
	rows, _ := s.pool.Query(ctx, replyQuery+`
		WHERE r.id = $1 AND r.author_id = $2 AND r.request_hash = $3 AND r.deleted_at IS NULL`, id, author.Account.ID, hash)
	r, err := pgx.CollectExactlyOneRow(rows, scanReply)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrConflict
	}
	return r, translate(err, "find the first request")
}

// GetReply finds a reply that the reader may see.
func (s *Store) GetReply(ctx context.Context, reader Reader, id uuid.UUID) (Reply, error) {
	rows, _ := s.pool.Query(ctx, replyQuery+`
		WHERE r.id = $1 AND r.deleted_at IS NULL AND (`+readable+`($2))`, id, reader.Groups)
	r, err := pgx.CollectExactlyOneRow(rows, scanReply)
	return r, translate(err, "get reply")
}

// ListReplies lists the thread under a highlight, oldest first.
func (s *Store) ListReplies(ctx context.Context, reader Reader, highlight uuid.UUID, paging Paging) ([]Reply, string, error) {
	if _, err := s.GetHighlight(ctx, reader, highlight); err != nil {
		return nil, "", err
	}
	after, err := parseCursor(paging.After)
	if err != nil {
		return nil, "", err
	}
	rows, _ := s.pool.Query(ctx, replyQuery+`
		WHERE r.highlight_id = @highlight AND r.page_id = (SELECT page_id FROM highlights WHERE id = @highlight)
		  AND (`+readable+`(@groups)) AND r.deleted_at IS NULL
		  AND (r.created_at, r.id) > (@time, @id)
		ORDER BY r.created_at, r.id LIMIT @limit`,
		pgx.NamedArgs{"highlight": highlight, "groups": reader.Groups, "time": after.Time, "id": after.ID, "limit": paging.Limit + 1})
	replies, cut, err := collectSome(rows, scanReply)
	if err != nil {
		return nil, "", translate(err, "list replies")
	}
	replies, next := cutPage(replies, paging.Limit, cut, func(r Reply) cursor { return cursor{r.CreatedAt, r.ID} })
	return replies, next, nil
}

// UpdateReply lets its author change a reply, as the page's next change. It returns the page.
func (s *Store) UpdateReply(ctx context.Context, author Reader, id uuid.UUID, edit ReplyEdit) (r Reply, page uuid.UUID, err error) {
	if err := checkReply(edit.Note); err != nil {
		return Reply{}, uuid.Nil, err
	}
	err = s.changeReply(ctx, author, id, edit.Version, mayEdit, func(tx pgx.Tx, held heldHighlight, _ uuid.UUID) error {
		page = held.page
		seq, err := number(ctx, tx, held.page, 1)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			UPDATE replies SET seq = $3, version = version + 1, updated_at = now(), note = $4
			WHERE page_id = $1 AND id = $2`, held.page, id, seq, edit.Note)
		if err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, replyQuery+` WHERE r.id = $1`, id)
		r, err = pgx.CollectExactlyOneRow(rows, scanReply)
		return err
	})
	return r, page, translate(err, "update reply")
}

// DeleteReply lets its author, or who moderates its group, erase a reply; replies to it stay. It returns the page.
func (s *Store) DeleteReply(ctx context.Context, author Reader, id uuid.UUID, version *int64) (page uuid.UUID, err error) {
	err = s.changeReply(ctx, author, id, version, mayErase, func(tx pgx.Tx, held heldHighlight, owner uuid.UUID) error {
		page = held.page
		if err := recordErasure(ctx, tx, author, held, owner, "erased_reply"); err != nil {
			return err
		}
		return eraseReply(ctx, tx, held, id)
	})
	return page, translate(err, "delete reply")
}

// eraseReply erases a reply and counts it no more: two changes of the page.
func eraseReply(ctx context.Context, tx pgx.Tx, held heldHighlight, id uuid.UUID) error {
	seq, err := number(ctx, tx, held.page, 2)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE replies SET seq = $3, deleted_at = now(), updated_at = now(), note = '', attachments = '[]', in_reply_to = NULL, request_hash = NULL, canonical = NULL, via = NULL
		WHERE page_id = $1 AND id = $2`, held.page, id, seq)
	if err != nil {
		return err
	}
	if err := eraseReplyAttachments(ctx, tx, held, id); err != nil {
		return err
	}
	if err := eraseSearch(ctx, tx, held); err != nil { // the rest of the thread comes back at once
		return err
	}
	return countReplies(ctx, tx, held, seq+1)
}

// changeThread runs change in a transaction that holds the page of a highlight that the author may read and answer.
func (s *Store) changeThread(ctx context.Context, author Reader, highlight uuid.UUID, may permission, change func(pgx.Tx, heldHighlight) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		held := heldHighlight{id: highlight}
		if err := holdPage(ctx, tx, author, &held); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, `
			SELECT group_id, author_id FROM highlights
			WHERE id = $1 AND deleted_at IS NULL AND (`+readable+`($2))`, highlight, author.Groups).
			Scan(&held.group, &held.author)
		if err != nil {
			return err
		}
		if !may(author, held.group, held.author) {
			return ErrForbidden
		}
		return change(tx, held)
	})
}

// changeReply is changeThread for a reply that is there, that the author may change, and that has the version expected.
// change is told whose it is.
func (s *Store) changeReply(
	ctx context.Context, author Reader, id uuid.UUID, version *int64, may permission, change func(tx pgx.Tx, held heldHighlight, owner uuid.UUID) error,
) error {
	var highlight uuid.UUID
	err := s.pool.QueryRow(ctx, `SELECT highlight_id FROM replies WHERE id = $1 AND deleted_at IS NULL AND (`+readable+`($2))`, id, author.Groups).
		Scan(&highlight)
	if err != nil {
		return err
	}
	return s.changeThread(ctx, author, highlight, mayRead, func(tx pgx.Tx, held heldHighlight) error {
		var owner uuid.UUID
		var current int64
		err := tx.QueryRow(ctx, `SELECT author_id, version FROM replies WHERE id = $1 AND deleted_at IS NULL`, id).
			Scan(&owner, &current)
		switch {
		case err != nil:
			return err
		case !may(author, held.group, owner):
			return ErrForbidden
		case version != nil && *version != current:
			return ErrStale
		}
		if err := markDone(ctx, tx, author, id); err != nil {
			return err
		}
		return change(tx, held, owner)
	})
}

// countReplies counts a highlight's replies anew, as the change with a number.
func countReplies(ctx context.Context, tx pgx.Tx, held heldHighlight, seq int64) error {
	_, err := tx.Exec(ctx, `
		UPDATE highlights SET seq = $3, replies = (
			SELECT count(*) FROM replies WHERE page_id = $1 AND highlight_id = $2 AND deleted_at IS NULL
		) WHERE page_id = $1 AND id = $2`, held.page, held.id, seq)
	return err
}

// moveReplies takes a thread along to another group.
func moveReplies(ctx context.Context, tx pgx.Tx, held heldHighlight, group uuid.UUID) error {
	return renumberReplies(ctx, tx, held, `
		group_id = @group, left_groups = array_append(array_remove(left_groups, @group), group_id)`,
		pgx.NamedArgs{"group": group})
}

// eraseReplies erases a thread.
func eraseReplies(ctx context.Context, tx pgx.Tx, held heldHighlight) error {
	return renumberReplies(ctx, tx, held, `
		deleted_at = now(), updated_at = now(), note = '', attachments = '[]', in_reply_to = NULL, request_hash = NULL, canonical = NULL, via = NULL`,
		pgx.NamedArgs{})
}

// renumberReplies changes every reply under a highlight alike, each as a change of the page.
func renumberReplies(ctx context.Context, tx pgx.Tx, held heldHighlight, set string, args pgx.NamedArgs) error {
	args["page"], args["highlight"] = held.page, held.id
	var count int64
	err := tx.QueryRow(ctx, `
		SELECT count(*) FROM replies WHERE page_id = @page AND highlight_id = @highlight AND deleted_at IS NULL`, args).Scan(&count)
	if err != nil || count == 0 {
		return err
	}
	if args["first"], err = number(ctx, tx, held.page, count); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE replies r SET seq = @first + place.n - 1, `+set+`
		FROM (SELECT id, row_number() OVER (ORDER BY seq) AS n FROM replies
		      WHERE page_id = @page AND highlight_id = @highlight AND deleted_at IS NULL) place
		WHERE r.page_id = @page AND r.id = place.id`, args)
	return err
}

func checkReply(note string) error {
	var invalid InvalidError
	if note == "" {
		invalid.refuse("/note", "must not be empty")
	}
	checkText(&invalid, "/note", note, maxNote)
	return invalid.orNil()
}

// checkInReplyTo refuses an answer to what is not in the same thread.
func checkInReplyTo(ctx context.Context, tx pgx.Tx, held heldHighlight, r Reply) error {
	if r.InReplyTo == nil {
		return nil
	}
	var known bool
	err := tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM replies WHERE page_id = $1 AND id = $2 AND id <> $4 AND highlight_id = $3 AND deleted_at IS NULL)`,
		held.page, *r.InReplyTo, held.id, r.ID).Scan(&known)
	if err != nil {
		return fmt.Errorf("find the reply answered: %w", err)
	}
	if !known {
		var invalid InvalidError
		invalid.refuse("/in_reply_to", "is not a reply under this highlight")
		return &invalid
	}
	return nil
}

const replyQuery = `
	SELECT r.id, r.highlight_id, r.in_reply_to, r.author_id, a.name, r.note, r.attachments, r.seq, r.version, r.created_at, r.updated_at
	FROM replies r JOIN accounts a ON a.id = r.author_id`

func scanReply(row pgx.CollectableRow) (r Reply, err error) {
	err = row.Scan(&r.ID, &r.Highlight, &r.InReplyTo, &r.Author.ID, &r.Author.Name, &r.Note, &r.Attachments, &r.Seq, &r.Version, &r.CreatedAt, &r.UpdatedAt)
	return r, err
}
