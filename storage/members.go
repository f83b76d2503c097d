package storage

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A Member is an account in a group.
type Member struct {
	Account  Account   `json:"account"`
	Role     Role      `json:"role"`
	JoinedAt time.Time `json:"joined_at"`
}

// ListMembers lists the members of a group that the reader may read, in the order in which they joined.
func (s *Store) ListMembers(ctx context.Context, reader Reader, group uuid.UUID, paging Paging) ([]Member, string, error) {
	if _, err := s.GetGroup(ctx, reader, group); err != nil {
		return nil, "", err
	}
	after, err := parseCursor(paging.After)
	if err != nil {
		return nil, "", err
	}
	rows, _ := s.pool.Query(ctx, memberQuery+`
		WHERE m.group_id = $1 AND (m.joined_at, m.account_id) > ($2, $3) ORDER BY m.joined_at, m.account_id LIMIT $4`,
		group, after.Time, after.ID, paging.Limit+1)
	members, err := pgx.CollectRows(rows, scanMember)
	if err != nil {
		return nil, "", translate(err, "list members")
	}
	members, next := cutPage(members, paging.Limit, false, func(m Member) cursor { return cursor{m.JoinedAt, m.Account.ID} })
	return members, next, nil
}

// PutMember gives an account a role in a group; empty: that of a member, or what it has. An owner gives any to anybody, a moderator
// those of reader and member to those who have no higher one. Anybody joins an open group so. It returns the role before,
// too; empty: none.
func (s *Store) PutMember(ctx context.Context, by Reader, group, account uuid.UUID, role Role) (m Member, before Role, err error) {
	if err := checkRole(role); err != nil {
		return Member{}, "", err
	}
	err = s.changeGroup(ctx, by, group, "", func(tx pgx.Tx, held heldGroup) error {
		before, err = roleOf(ctx, tx, group, account)
		if err != nil {
			return err
		}
		created := before == ""
		switch {
		case role == "" && created:
			role = RoleMember
		case role == "":
			role = before
		}
		self := account == by.Account.ID
		switch {
		case held.role == RoleOwner:
		case role == before, self && before.can(role): // or less than they have
		case held.role == RoleModerator && !role.can(RoleModerator) && (self || !before.can(RoleModerator)):
		case self && created && held.kind == "open" && !role.can(RoleModerator):
		default:
			return ErrForbidden
		}
		if before == RoleOwner && role != RoleOwner {
			if err := checkOtherOwner(ctx, tx, group, account); err != nil {
				return err
			}
		}
		if role != before {
			if err := putMember(ctx, tx, group, account, role); err != nil {
				return err
			}
			action := map[bool]string{true: "added", false: "role"}[created]
			if created && self {
				action = "joined"
			}
			if err := record(ctx, tx, group, by.Account.ID, logged{action: action, account: account, detail: string(role)}); err != nil {
				return err
			}
		}
		rows, _ := tx.Query(ctx, memberQuery+` WHERE m.group_id = $1 AND m.account_id = $2`, group, account)
		m, err = pgx.CollectExactlyOneRow(rows, scanMember)
		return err
	})
	return m, before, translate(err, "put member")
}

// DeleteMember takes an account out of a group: itself, or as PutMember allows.
func (s *Store) DeleteMember(ctx context.Context, by Reader, group, account uuid.UUID) error {
	err := s.changeGroup(ctx, by, group, RoleReader, func(tx pgx.Tx, held heldGroup) error {
		role, err := roleOf(ctx, tx, group, account)
		switch {
		case err != nil:
			return err
		case role == "":
			return ErrNotFound
		case account == by.Account.ID, held.role == RoleOwner:
		case held.role == RoleModerator && !role.can(RoleModerator):
		default:
			return ErrForbidden
		}
		if role == RoleOwner {
			if err := checkOtherOwner(ctx, tx, group, account); err != nil {
				return err
			}
		}
		if err := deleteMember(ctx, tx, group, account); err != nil {
			return err
		}
		action := "removed"
		if account == by.Account.ID {
			action = "left"
		}
		return record(ctx, tx, group, by.Account.ID, logged{action: action, account: account})
	})
	return translate(err, "delete member")
}

// roleOf is what an account is in a group; empty: no member.
func roleOf(ctx context.Context, tx pgx.Tx, group, account uuid.UUID) (role Role, err error) {
	err = tx.QueryRow(ctx, `SELECT role FROM members WHERE group_id = $1 AND account_id = $2`, group, account).Scan(&role)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return role, err
}

// putMember gives an account that there is a role in a group.
func putMember(ctx context.Context, tx pgx.Tx, group, account uuid.UUID, role Role) error {
	// First, so that the account's row is held while its groups are counted.
	if err := changeRights(ctx, tx, account); err != nil {
		return err
	}
	var groups int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM members WHERE account_id = $1 AND group_id <> $2`, account, group).Scan(&groups)
	switch {
	case err != nil:
		return err
	case groups >= maxGroups:
		return ErrTooMany
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO members (group_id, account_id, role, joined_at) VALUES ($1, $2, $3, now())
		ON CONFLICT (group_id, account_id) DO UPDATE SET role = excluded.role`, group, account, role)
	return err
}

func deleteMember(ctx context.Context, tx pgx.Tx, group, account uuid.UUID) error {
	if err := changeRights(ctx, tx, account); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM members WHERE group_id = $1 AND account_id = $2`, group, account)
	return err
}

// changeRights says that accounts may read or do something else than before: ErrNotFound for one that there is not. Their
// rows are locked in their order.
func changeRights(ctx context.Context, tx pgx.Tx, accounts ...uuid.UUID) error {
	slices.SortFunc(accounts, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	accounts = slices.Compact(accounts)
	tag, err := tx.Exec(ctx, `
		UPDATE accounts SET rights = rights + 1
		FROM (SELECT id FROM accounts WHERE id = ANY($1) AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE) AS locked
		WHERE accounts.id = locked.id`, accounts)
	if err == nil && tag.RowsAffected() < int64(len(accounts)) {
		err = ErrNotFound
	}
	return err
}

// checkOtherOwner refuses to take the last owner from a group.
func checkOtherOwner(ctx context.Context, tx pgx.Tx, group, account uuid.UUID) error {
	var other bool
	err := tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM members WHERE group_id = $1 AND account_id <> $2 AND role = 'owner')`, group, account).Scan(&other)
	if err == nil && !other {
		err = ErrLastOwner
	}
	return err
}

// checkRole refuses what is no role; empty is as usual.
func checkRole(role Role) error {
	var invalid InvalidError
	if role != "" && !slices.Contains(roles, role) {
		invalid.refuse("/role", "must be one of reader, member, moderator, owner")
	}
	return invalid.orNil()
}

const memberQuery = `
	SELECT a.id, a.name, m.role, m.joined_at FROM members m JOIN accounts a ON a.id = m.account_id`

func scanMember(row pgx.CollectableRow) (m Member, err error) {
	err = row.Scan(&m.Account.ID, &m.Account.Name, &m.Role, &m.JoinedAt)
	return m, err
}
