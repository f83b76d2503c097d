package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// An Attachment is a picture or a file on a highlight or a reply. Who reads that reads it.
type Attachment struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
	Type string    `json:"type"` // as its first bytes say (WHATWG MIME Sniffing)
	Size int64     `json:"size"` // bytes
}

// MaxAttachment is how large an attachment may be, in bytes.
const MaxAttachment = 10 << 20

const (
	maxFileName    = 255              // bytes
	maxAttachments = 10               // on one highlight or reply
	maxAttached    = 256 << 20        // bytes of all attachments of an account
	piece          = 256 << 10        // bytes that are held at once
	maxArrival     = 30 * time.Minute // for all of one to arrive; the rest is swept
)

// A NewAttachment is one that is about to arrive.
type NewAttachment struct {
	ID   uuid.UUID // as in NewHighlight
	On   Attached
	Name string
	Size int64 // bytes that it may have
}

// Attached says what an attachment is on: a highlight or a reply. The other one is the nil UUID.
type Attached struct {
	Highlight, Reply uuid.UUID
}

// CreateAttachment stores what arrives on something that its author may edit, as the page's next change, and
// returns the page. Asked again with the same id and content it returns what is stored, created false; with other
// content ErrConflict. ErrTooMany: there is no room for it.
func (s *Store) CreateAttachment(ctx context.Context, author Reader, n NewAttachment, content io.Reader) (a Attachment, page uuid.UUID, created bool, err error) {
	if err := n.check(); err != nil {
		return Attachment{}, uuid.Nil, false, err
	}
	a = Attachment{ID: n.ID, Name: n.Name}
	if a.ID == uuid.Nil {
		a.ID = newID()
	}
	page, err = s.reserve(ctx, author, n, a.ID)
	err = translate(err, "reserve room for an attachment")
	if errors.Is(err, ErrConflict) {
		a, err = s.replayedAttachment(ctx, author, n, content)
		return a, uuid.Nil, false, err
	}
	if err != nil {
		return Attachment{}, uuid.Nil, false, err
	}
	if err = s.receive(ctx, author, n, page, &a, content); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), gatherLimit)
		defer cancel()
		_, failed := s.pool.Exec(ctx, `DELETE FROM attachments WHERE page_id = $1 AND id = $2 AND stored_at IS NULL`, page, a.ID)
		return Attachment{}, uuid.Nil, false, errors.Join(err, translate(failed, "drop an attachment"))
	}
	return a, page, true, nil
}

// reserve takes room for an attachment, so that those that arrive at once do not take more than there is.
func (s *Store) reserve(ctx context.Context, author Reader, n NewAttachment, id uuid.UUID) (page uuid.UUID, err error) {
	err = s.changeAttached(ctx, author, n.On, mayEdit, func(tx pgx.Tx, held heldHighlight) error {
		page = held.page
		if _, err := tx.Exec(ctx, `SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE`, author.Account.ID); err != nil {
			return err
		}
		var there, taken int64
		err := tx.QueryRow(ctx, `
			SELECT (SELECT count(*) FROM attachments WHERE page_id = @page AND highlight_id = @highlight AND reply_id IS NOT DISTINCT FROM @reply),
			       (SELECT coalesce(sum(size), 0) FROM attachments WHERE account_id = @account)`,
			pgx.NamedArgs{"page": page, "highlight": held.id, "reply": n.On.reply(), "account": author.Account.ID}).Scan(&there, &taken)
		switch {
		case err != nil:
			return err
		case there >= maxAttachments || taken+n.Size > maxAttached:
			return ErrTooMany
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO attachments (page_id, id, highlight_id, reply_id, account_id, name, size)
			VALUES (@page, @id, @highlight, @reply, @account, @name, @size)`,
			pgx.NamedArgs{
				"page": page, "id": id, "highlight": held.id, "reply": n.On.reply(), "account": author.Account.ID,
				"name": n.Name, "size": n.Size,
			})
		return err
	})
	return page, err
}

// receive stores an attachment as it arrives, and tells of it once all has.
func (s *Store) receive(ctx context.Context, author Reader, n NewAttachment, page uuid.UUID, a *Attachment, content io.Reader) error {
	hash := sha256.New()
	err := eachPiece(content, func(b []byte) error {
		if a.Size == 0 {
			a.Type = http.DetectContentType(b)
		}
		if a.Size+int64(len(b)) > n.Size {
			return fmt.Errorf("receive an attachment: %w", ErrTooLarge)
		}
		hash.Write(b)
		_, err := s.pool.Exec(ctx, `INSERT INTO attachment_pieces (page_id, attachment_id, place, content) VALUES ($1, $2, $3, $4)`,
			page, a.ID, a.Size, b)
		a.Size += int64(len(b))
		return translate(err, "store a piece of an attachment")
	})
	if err != nil {
		return err
	}
	if a.Size == 0 {
		var invalid InvalidError
		invalid.refuse("", "must not be empty")
		return &invalid
	}
	err = s.changeAttached(ctx, author, n.On, mayEdit, func(tx pgx.Tx, held heldHighlight) error {
		stored, err := tx.Exec(ctx, `
			UPDATE attachments SET type = $3, size = $4, hash = $5, stored_at = clock_timestamp()
			WHERE page_id = $1 AND id = $2 AND stored_at IS NULL`, page, a.ID, a.Type, a.Size, hash.Sum(nil))
		switch {
		case err != nil:
			return err
		case stored.RowsAffected() == 0: // it took so long that it was swept
			return ErrNotFound
		}
		return tellAttachments(ctx, tx, held, n.On)
	})
	return translate(err, "store an attachment")
}

// eachPiece calls use for one piece of what is read after the other. They are all of one size but the last.
func eachPiece(content io.Reader, use func([]byte) error) error {
	buffer := make([]byte, piece)
	for {
		n, err := io.ReadFull(content, buffer)
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return fmt.Errorf("receive an attachment: %w", err)
		}
		if n > 0 {
			if err := use(buffer[:n]); err != nil {
				return err
			}
		}
		if last {
			return nil
		}
	}
}

// replayedAttachment is what is stored under an id that was used before, if it was for the same content.
func (s *Store) replayedAttachment(ctx context.Context, author Reader, n NewAttachment, content io.Reader) (a Attachment, err error) {
	var stored []byte
	err = s.pool.QueryRow(ctx, `
		SELECT id, name, type, size, hash FROM attachments
		WHERE id = @id AND account_id = @account AND name = @name AND stored_at IS NOT NULL
		  AND reply_id IS NOT DISTINCT FROM @reply AND (@reply IS NOT NULL OR highlight_id = @highlight)`,
		pgx.NamedArgs{"id": n.ID, "account": author.Account.ID, "name": n.Name, "reply": n.On.reply(), "highlight": n.On.Highlight}).
		Scan(&a.ID, &a.Name, &a.Type, &a.Size, &stored)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Attachment{}, fmt.Errorf("create attachment: %w", ErrConflict)
	case err != nil:
		return Attachment{}, translate(err, "find the first request")
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, content); err != nil {
		return Attachment{}, fmt.Errorf("receive an attachment: %w", err)
	}
	if !bytes.Equal(hash.Sum(nil), stored) {
		return Attachment{}, fmt.Errorf("create attachment: %w", ErrConflict)
	}
	return a, nil
}

// DeleteAttachment lets the author of what it is on, or who moderates its group, erase an attachment, as the page's
// next change. It returns the page.
func (s *Store) DeleteAttachment(ctx context.Context, author Reader, id uuid.UUID) (page uuid.UUID, err error) {
	var on Attached
	err = s.pool.QueryRow(ctx, `
		SELECT f.highlight_id, coalesce(f.reply_id, '00000000-0000-0000-0000-000000000000')
		FROM attachments f JOIN highlights h ON h.page_id = f.page_id AND h.id = f.highlight_id
		WHERE f.id = $1 AND f.stored_at IS NOT NULL AND h.deleted_at IS NULL AND (`+readable+`($2))`, id, author.Groups).Scan(&on.Highlight, &on.Reply)
	if err != nil {
		return uuid.Nil, translate(err, "find an attachment")
	}
	err = s.changeAttached(ctx, author, on, mayErase, func(tx pgx.Tx, held heldHighlight) error {
		page = held.page
		var owner uuid.UUID // no row: it was erased by another request, meanwhile
		err := tx.QueryRow(ctx, `DELETE FROM attachments WHERE page_id = $1 AND id = $2 RETURNING account_id`, held.page, id).Scan(&owner)
		if err != nil {
			return err
		}
		if err := recordErasure(ctx, tx, author, held, owner, "erased_attachment"); err != nil {
			return err
		}
		return tellAttachments(ctx, tx, held, on)
	})
	return page, translate(err, "delete attachment")
}

// SweepAttachments erases what began to arrive long ago and never did.
func (s *Store) SweepAttachments(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM attachments WHERE stored_at IS NULL AND created_at < now() - $1::interval`, maxArrival)
	return translate(err, "sweep attachments")
}

// An AttachedFile is an attachment's content. It reads one piece at a time.
type AttachedFile struct {
	Attachment
	On       Attached
	Hash     []byte // SHA-256
	StoredAt time.Time

	ctx    context.Context
	store  *Store
	page   uuid.UUID
	at     int64 // where the next read begins
	place  int64 // of the piece that is held
	piece  []byte
	loaded bool
}

// OpenAttachment finds an attachment of what a reader may see. It can be read until ctx ends.
func (s *Store) OpenAttachment(ctx context.Context, reader Reader, id uuid.UUID) (*AttachedFile, error) {
	f := &AttachedFile{ctx: ctx, store: s}
	err := s.pool.QueryRow(ctx, `
		SELECT f.page_id, f.id, f.name, f.type, f.size, f.hash, f.stored_at
		FROM attachments f JOIN highlights h ON h.page_id = f.page_id AND h.id = f.highlight_id
		WHERE f.id = $1 AND f.stored_at IS NOT NULL AND h.deleted_at IS NULL AND (`+readable+`($2))`, id, reader.Groups).
		Scan(&f.page, &f.ID, &f.Name, &f.Type, &f.Size, &f.Hash, &f.StoredAt)
	return f, translate(err, "open an attachment")
}

// scanFile reads the row of an attachment with all but its content, which can be read until ctx ends.
func (s *Store) scanFile(ctx context.Context) pgx.RowToFunc[*AttachedFile] {
	return func(row pgx.CollectableRow) (*AttachedFile, error) {
		f := &AttachedFile{ctx: ctx, store: s}
		err := row.Scan(&f.page, &f.On.Highlight, &f.On.Reply, &f.ID, &f.Name, &f.Type, &f.Size, &f.Hash, &f.StoredAt)
		return f, err
	}
}

// Read implements io.Reader.
func (f *AttachedFile) Read(b []byte) (int, error) {
	if f.at >= f.Size {
		return 0, io.EOF
	}
	if place := f.at - f.at%piece; !f.loaded || place != f.place {
		err := f.store.pool.QueryRow(f.ctx, `
			SELECT content FROM attachment_pieces WHERE page_id = $1 AND attachment_id = $2 AND place = $3`, f.page, f.ID, place).
			Scan(&f.piece)
		if err != nil {
			return 0, translate(err, "read an attachment")
		}
		f.place, f.loaded = place, true
	}
	n := copy(b, f.piece[f.at-f.place:])
	f.at += int64(n)
	return n, nil
}

// Seek implements io.Seeker.
func (f *AttachedFile) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += f.Size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning of an attachment")
	}
	f.at = offset
	return offset, nil
}

// changeAttached is changeHighlight or changeReply.
func (s *Store) changeAttached(ctx context.Context, author Reader, on Attached, may permission, change func(pgx.Tx, heldHighlight) error) error {
	if on.Reply != uuid.Nil {
		return s.changeReply(ctx, author, on.Reply, nil, may, func(tx pgx.Tx, held heldHighlight, _ uuid.UUID) error { return change(tx, held) })
	}
	return s.changeHighlight(ctx, author, on.Highlight, nil, may, change)
}

// reply is the reply as the database has it; nil: none.
func (on Attached) reply() *uuid.UUID {
	if on.Reply == uuid.Nil {
		return nil
	}
	return &on.Reply
}

// tellAttachments writes the attachments that something has now into its own row, as the page's next change.
func tellAttachments(ctx context.Context, tx pgx.Tx, held heldHighlight, on Attached) error {
	seq, err := number(ctx, tx, held.page, 1)
	if err != nil {
		return err
	}
	table, id := "highlights", held.id
	if on.Reply != uuid.Nil {
		table, id = "replies", on.Reply
	}
	_, err = tx.Exec(ctx, `
		UPDATE `+table+` SET seq = @seq, version = version + 1, updated_at = now(), attachments = (
			SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name, 'type', type, 'size', size) ORDER BY stored_at, id), '[]')
			FROM attachments
			WHERE page_id = @page AND highlight_id = @highlight AND reply_id IS NOT DISTINCT FROM @reply AND stored_at IS NOT NULL
		) WHERE page_id = @page AND id = @id`,
		pgx.NamedArgs{"seq": seq, "page": held.page, "highlight": held.id, "reply": on.reply(), "id": id})
	return err
}

// eraseAttachments erases all attachments on a highlight and on the replies to it.
func eraseAttachments(ctx context.Context, tx pgx.Tx, held heldHighlight) error {
	_, err := tx.Exec(ctx, `DELETE FROM attachments WHERE page_id = $1 AND highlight_id = $2`, held.page, held.id)
	return err
}

// eraseReplyAttachments erases those on one reply.
func eraseReplyAttachments(ctx context.Context, tx pgx.Tx, held heldHighlight, reply uuid.UUID) error {
	_, err := tx.Exec(ctx, `DELETE FROM attachments WHERE page_id = $1 AND highlight_id = $2 AND reply_id = $3`, held.page, held.id, reply)
	return err
}

func (n NewAttachment) check() error {
	var invalid InvalidError
	switch {
	case strings.TrimSpace(n.Name) == "":
		invalid.refuse("/name", "must not be empty")
	case strings.ContainsFunc(n.Name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '/' || r == '\\' }):
		invalid.refuse("/name", "must be a file's name, without a folder or control characters")
	case n.Name == "." || n.Name == "..":
		invalid.refuse("/name", "must be a file's name, and no folder")
	case strings.ContainsFunc(n.Name, turnsText): // a program would look like a picture
		invalid.refuse("/name", "must not turn the direction of its text")
	default:
		checkText(&invalid, "/name", n.Name, maxFileName)
	}
	return invalid.orNil()
}

// turnsText finds what embeds, overrides or isolates a direction of text.
func turnsText(r rune) bool { return '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069' }
