package storage

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// An Invite lets whoever has its code join a group.
type Invite struct {
	ID        uuid.UUID `json:"id"`
	Code      string    `json:"code,omitzero"` // known only when it is made: its hash is kept
	Role      Role      `json:"role"`
	MaxUses   int       `json:"max_uses"`
	Uses      int       `json:"uses"`
	ExpiresAt time.Time `json:"expires_at"`
}

// A NewInvite is a request for an invite; what is zero is as usual.
type NewInvite struct {
	Role      Role
	MaxUses   int
	ExpiresIn time.Duration
}

const (
	usualUses, maxUses             = 100, 10_000
	usualInviteLife, maxInviteLife = 7 * 24 * time.Hour, 365 * 24 * time.Hour
	maxInvites                     = 100 // of a group, that have not expired
)

// CreateInvite makes an invite for a role that the one who asks may give.
func (s *Store) CreateInvite(ctx context.Context, by Reader, group uuid.UUID, n NewInvite) (i Invite, err error) {
	if err := errors.Join(checkRole(n.Role), n.check()); err != nil {
		return Invite{}, err
	}
	i = Invite{ID: newID(), Code: newSecret(""), Role: n.Role, MaxUses: n.MaxUses, ExpiresAt: time.Now().Add(n.ExpiresIn).UTC().Truncate(time.Microsecond)}
	err = s.changeGroup(ctx, by, group, RoleModerator, func(tx pgx.Tx, held heldGroup) error {
		if held.role != RoleOwner && n.Role.can(RoleModerator) {
			return ErrForbidden
		}
		if _, err := tx.Exec(ctx, `DELETE FROM invites WHERE group_id = $1 AND expires_at < now()`, group); err != nil {
			return err
		}
		var others int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM invites WHERE group_id = $1`, group).Scan(&others); err != nil {
			return err
		}
		if others >= maxInvites {
			return ErrTooMany
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO invites (id, group_id, hash, role, max_uses, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			i.ID, group, hashSecret(i.Code), i.Role, i.MaxUses, i.ExpiresAt)
		if err != nil {
			return err
		}
		return record(ctx, tx, group, by.Account.ID, logged{action: "invited", detail: string(i.Role)})
	})
	return i, translate(err, "create invite")
}

// ListInvites lists a group's invites for who may make them, oldest first.
func (s *Store) ListInvites(ctx context.Context, by Reader, group uuid.UUID, paging Paging) (list []Invite, next string, err error) {
	after, err := parseCursor(paging.After)
	if err != nil {
		return nil, "", err
	}
	type row struct {
		Invite
		at time.Time
	}
	var invites []row
	err = s.changeGroup(ctx, by, group, RoleModerator, func(tx pgx.Tx, _ heldGroup) error {
		rows, _ := tx.Query(ctx, `
			SELECT id, role, max_uses, uses, expires_at, created_at FROM invites
			WHERE group_id = $1 AND expires_at > now() AND (created_at, id) > ($2, $3) ORDER BY created_at, id LIMIT $4`,
			group, after.Time, after.ID, paging.Limit+1)
		invites, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (i row, err error) {
			err = r.Scan(&i.ID, &i.Role, &i.MaxUses, &i.Uses, &i.ExpiresAt, &i.at)
			return i, err
		})
		return err
	})
	if err != nil {
		return nil, "", translate(err, "list invites")
	}
	invites, next = cutPage(invites, paging.Limit, false, func(i row) cursor { return cursor{i.at, i.ID} })
	list = make([]Invite, len(invites))
	for n, i := range invites {
		list[n] = i.Invite
	}
	return list, next, nil
}

// DeleteInvite revokes an invite.
func (s *Store) DeleteInvite(ctx context.Context, by Reader, id uuid.UUID) error {
	var group uuid.UUID
	err := s.pool.QueryRow(ctx, `SELECT group_id FROM invites WHERE id = $1 AND (`+readable+`($2))`, id, by.Groups).Scan(&group)
	if err == nil {
		err = s.changeGroup(ctx, by, group, RoleModerator, func(tx pgx.Tx, _ heldGroup) error {
			if _, err := tx.Exec(ctx, `DELETE FROM invites WHERE id = $1`, id); err != nil {
				return err
			}
			return record(ctx, tx, group, by.Account.ID, logged{action: "revoked"})
		})
	}
	return translate(err, "delete invite")
}

// AcceptInvite makes the one who has a code a member: ErrNotFound if it is unknown, revoked, expired or used up. Who is a
// member already stays as they are and uses nothing.
func (s *Store) AcceptInvite(ctx context.Context, reader Reader, code string) (g Group, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		g, err = acceptInvite(ctx, tx, reader.Account.ID, code)
		return err
	})
	return g, translate(err, "accept invite")
}

func acceptInvite(ctx context.Context, tx pgx.Tx, account uuid.UUID, code string) (g Group, err error) {
	// The group first, as whoever else changes it does.
	err = tx.QueryRow(ctx, `
		SELECT id, name, kind FROM groups
		WHERE id = (SELECT group_id FROM invites WHERE hash = $1) AND deleted_at IS NULL FOR NO KEY UPDATE`, hashSecret(code)).
		Scan(&g.ID, &g.Name, &g.Kind)
	if err != nil {
		return Group{}, err
	}
	role, err := roleOf(ctx, tx, g.ID, account)
	if err != nil {
		return Group{}, err
	}
	if role == "" {
		err = tx.QueryRow(ctx, `
			UPDATE invites SET uses = uses + 1 WHERE hash = $1 AND uses < max_uses AND expires_at > now() RETURNING role`,
			hashSecret(code)).Scan(&role)
		if err == nil {
			err = putMember(ctx, tx, g.ID, account, role)
		}
		if err == nil {
			err = record(ctx, tx, g.ID, account, logged{action: "joined", account: account, detail: string(role)})
		}
	}
	g.Role = &role
	return g, err
}

// check fills in what may be left out and refuses what cannot be.
func (n *NewInvite) check() error {
	var invalid InvalidError
	if n.Role == "" {
		n.Role = RoleMember
	}
	if n.MaxUses == 0 {
		n.MaxUses = usualUses
	}
	if n.ExpiresIn == 0 {
		n.ExpiresIn = usualInviteLife
	}
	if n.MaxUses < 1 || n.MaxUses > maxUses {
		invalid.refuse("/max_uses", "must be from 1 to %d", maxUses)
	}
	if n.ExpiresIn < time.Second || n.ExpiresIn > maxInviteLife {
		invalid.refuse("/expires_in", "must be from 1 to %d seconds", int(maxInviteLife.Seconds()))
	}
	return invalid.orNil()
}
