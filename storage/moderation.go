package storage

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A Flag is a member's word to those who moderate a group that they should look at a highlight.
type Flag struct {
	ID        uuid.UUID `json:"id"`
	Highlight Highlight `json:"highlight"`
	By        Account   `json:"by"`
	Reason    string    `json:"reason"`
	At        time.Time `json:"at"`
}

const maxReason = 1000 // bytes

// FlagHighlight flags a highlight that the reader may read; again, with another reason. Those who moderate its group look at
// it, and at what is public whoever runs the server; ErrUnmoderated for what is the reader's alone.
func (s *Store) FlagHighlight(ctx context.Context, reader Reader, id uuid.UUID, reason string) error {
	var invalid InvalidError
	if checkText(&invalid, "/reason", reason, maxReason); invalid.Fields != nil {
		return &invalid
	}
	var page, place, author uuid.UUID
	err := s.pool.QueryRow(ctx, `
		SELECT page_id, group_id, author_id FROM highlights WHERE id = $1 AND deleted_at IS NULL AND (`+readable+`($2))`, id, reader.Groups).
		Scan(&page, &place, &author)
	if err == nil && place == author {
		err = ErrUnmoderated
	}
	if err == nil {
		_, err = s.pool.Exec(ctx, `
			INSERT INTO flags (page_id, highlight_id, account_id, id, reason) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (page_id, highlight_id, account_id) DO UPDATE SET reason = excluded.reason`,
			page, id, reader.Account.ID, newID(), reason)
	}
	return translate(err, "flag highlight")
}

// ListFlags lists the flags in a group for who moderates it, oldest first.
func (s *Store) ListFlags(ctx context.Context, by Reader, group uuid.UUID, paging Paging) (list []Flag, next string, err error) {
	after, err := parseCursor(paging.After)
	if err != nil {
		return nil, "", err
	}
	cut := false
	err = s.changeGroup(ctx, by, group, RoleModerator, func(tx pgx.Tx, _ heldGroup) error {
		rows, _ := tx.Query(ctx, `
			SELECT f.id, b.id, b.name, f.reason, f.at, `+highlightColumns+`
			FROM flags f JOIN accounts b ON b.id = f.account_id
			JOIN highlights h ON h.page_id = f.page_id AND h.id = f.highlight_id
			JOIN pages p ON p.id = h.page_id JOIN accounts a ON a.id = h.author_id
			WHERE h.group_id = ANY($1) AND h.group_id <> '00000000-0000-0000-0000-000000000000' AND h.deleted_at IS NULL
			  AND (f.at, f.id) > ($2, $3)
			ORDER BY f.at, f.id LIMIT $4`, []uuid.UUID{group, hiddenIn(group)}, after.Time, after.ID, paging.Limit+1)
		list, cut, err = collectSome(rows, func(row pgx.CollectableRow) (f Flag, err error) {
			f.Highlight, err = scanHighlightAfter(row, &f.ID, &f.By.ID, &f.By.Name, &f.Reason, &f.At)
			return f, err
		})
		return err
	})
	if err != nil {
		return nil, "", translate(err, "list flags")
	}
	list, next = cutPage(list, paging.Limit, cut, func(f Flag) cursor { return cursor{f.At, f.ID} })
	return list, next, nil
}

const maxPublicFlags = 1000

// ListPublicFlags lists the oldest flags on what is public.
func (s *Store) ListPublicFlags(ctx context.Context) ([]Flag, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT f.id, b.id, b.name, f.reason, f.at, `+highlightColumns+`
		FROM flags f JOIN accounts b ON b.id = f.account_id
		JOIN highlights h ON h.page_id = f.page_id AND h.id = f.highlight_id
		JOIN pages p ON p.id = h.page_id JOIN accounts a ON a.id = h.author_id
		WHERE h.group_id = $1 AND h.deleted_at IS NULL
		ORDER BY f.at, f.id LIMIT $2`, Public, maxPublicFlags)
	flags, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f Flag, err error) {
		f.Highlight, err = scanHighlightAfter(row, &f.ID, &f.By.ID, &f.By.Name, &f.Reason, &f.At)
		return f, err
	})
	return flags, translate(err, "list public flags")
}

// ErasePublic erases a highlight that everybody reads, or a reply to one, for whoever runs the server: ErrNotFound for anything
// else.
func (s *Store) ErasePublic(ctx context.Context, id uuid.UUID) error {
	err := s.changeHighlight(ctx, Anonymous, id, nil, mayRead, func(tx pgx.Tx, held heldHighlight) error {
		if held.group != Public { // an open group has those who moderate it
			return ErrNotFound
		}
		return eraseHighlight(ctx, tx, held)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = s.changeReply(ctx, Anonymous, id, nil, mayRead, func(tx pgx.Tx, held heldHighlight, _ uuid.UUID) error {
			if held.group != Public {
				return ErrNotFound
			}
			return eraseReply(ctx, tx, held, id)
		})
	}
	return translate(err, "erase what is public")
}

// DeleteFlags forgets the flags of a highlight, which somebody who moderates has looked at.
func (s *Store) DeleteFlags(ctx context.Context, by Reader, id uuid.UUID) error {
	err := s.changeHighlight(ctx, by, id, nil, mayModerateIt, func(tx pgx.Tx, held heldHighlight) error {
		return eraseFlags(ctx, tx, held)
	})
	return translate(err, "delete flags")
}

// HideHighlight takes a highlight and its thread out of sight, or back into it, for all but those who moderate its group, as
// changes of the page, which it returns.
func (s *Store) HideHighlight(ctx context.Context, by Reader, id uuid.UUID, hide bool) (page uuid.UUID, err error) {
	err = s.changeHighlight(ctx, by, id, nil, mayModerateIt, func(tx pgx.Tx, held heldHighlight) error {
		page = held.page
		group, hidden := isHidden(held.group)
		if hidden == hide {
			return nil
		}
		to, kind := group, "shown"
		if hide {
			to, kind = hiddenIn(group), "hidden"
		}
		if err := moveReplies(ctx, tx, held, to); err != nil {
			return err
		}
		if err := recordModeration(ctx, tx, held, by.Account.ID, kind); err != nil {
			return err
		}
		if err := record(ctx, tx, group, by.Account.ID, logged{action: kind, account: held.author, highlight: id}); err != nil {
			return err
		}
		seq, err := number(ctx, tx, held.page, 1)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			UPDATE highlights SET seq = $3, group_id = $4, left_groups = array_append(array_remove(left_groups, $4), group_id)
			WHERE page_id = $1 AND id = $2`, held.page, id, seq, to)
		return err
	})
	return page, translate(err, "hide highlight")
}

// recordErasure says in a group's log that what somebody else wrote there is erased.
func recordErasure(ctx context.Context, tx pgx.Tx, by Reader, held heldHighlight, owner uuid.UUID, action string) error {
	if owner == by.Account.ID {
		return nil
	}
	group, _ := isHidden(held.group)
	return record(ctx, tx, group, by.Account.ID, logged{action: action, account: owner, highlight: held.id})
}

func eraseFlags(ctx context.Context, tx pgx.Tx, held heldHighlight) error {
	_, err := tx.Exec(ctx, `DELETE FROM flags WHERE page_id = $1 AND highlight_id = $2`, held.page, held.id)
	return err
}

// A Logged is one thing that somebody did in a group.
type Logged struct {
	At        time.Time  `json:"at"`
	By        Account    `json:"by"`
	Action    string     `json:"action"`
	Account   *Account   `json:"account"`   // to whom, or to whose; null: to nobody in particular
	Highlight *uuid.UUID `json:"highlight"` // null: none
	Detail    string     `json:"detail"`
}

// ListLog lists what was done in a group for who moderates it, newest first.
func (s *Store) ListLog(ctx context.Context, by Reader, group uuid.UUID, paging Paging) ([]Logged, string, error) {
	after, err := parseCursor(paging.After)
	if err != nil {
		return nil, "", err
	}
	type row struct {
		Logged
		id uuid.UUID
	}
	var list []row
	err = s.changeGroup(ctx, by, group, RoleModerator, func(tx pgx.Tx, _ heldGroup) error {
		rows, _ := tx.Query(ctx, `
			SELECT l.at, l.id, b.id, b.name, l.action, a.id, a.name, l.highlight_id, l.detail
			FROM group_log l JOIN accounts b ON b.id = l.by_id LEFT JOIN accounts a ON a.id = l.account_id
			WHERE l.group_id = $1 AND ($2 OR (l.at, l.id) < ($3, $4))
			ORDER BY l.at DESC, l.id DESC LIMIT $5`, group, paging.After == "", after.Time, after.ID, paging.Limit+1)
		list, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (l row, err error) {
			var account *uuid.UUID
			var name *string
			err = r.Scan(&l.At, &l.id, &l.By.ID, &l.By.Name, &l.Action, &account, &name, &l.Highlight, &l.Detail)
			if account != nil {
				l.Account = &Account{ID: *account, Name: *name}
			}
			return l, err
		})
		return err
	})
	if err != nil {
		return nil, "", translate(err, "list a group's log")
	}
	list, next := cutPage(list, paging.Limit, false, func(l row) cursor { return cursor{l.At, l.id} })
	entries := make([]Logged, len(list))
	for i, l := range list {
		entries[i] = l.Logged
	}
	return entries, next, nil
}

// logged is what is to be written into a group's log.
type logged struct {
	action             string
	account, highlight uuid.UUID // the nil UUID: none
	detail             string
}

// record writes into a group's log, which forgets after 400 days.
func record(ctx context.Context, tx pgx.Tx, group, by uuid.UUID, l logged) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO group_log (group_id, at, id, by_id, action, account_id, highlight_id, detail)
		VALUES ($1, clock_timestamp(), $2, $3, $4, nullif($5::uuid, $7), nullif($6::uuid, $7), $8)`,
		group, newID(), by, l.action, l.account, l.highlight, uuid.Nil, l.detail)
	if err == nil {
		_, err = tx.Exec(ctx, `DELETE FROM group_log WHERE group_id = $1 AND at < now() - interval '400 days'`, group)
	}
	return err
}
