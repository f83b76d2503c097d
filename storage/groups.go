package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A Group is people who read the same highlights.
type Group struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
	Kind string    `json:"kind"` // one of GroupKinds
	Role *Role     `json:"role"` // of the one who asks; null: not a member
}

// GroupKinds are the kinds of groups. Anybody reads an open one, and joins as they like; a closed one can only be seen by
// its members, who were invited.
var GroupKinds = []string{"closed", "open"}

// A NewGroup is a request for a group.
type NewGroup struct {
	ID   uuid.UUID // as in NewHighlight
	Name string
	Kind string // empty: closed
}

// A GroupEdit changes the fields that are not nil.
type GroupEdit struct {
	Name, Kind *string
}

// GroupDetails are a group and all who are in it.
type GroupDetails struct {
	ID      uuid.UUID `json:"id"`
	Name    string    `json:"name"`
	Kind    string    `json:"kind"`
	Members []Member  `json:"members"` // in the order in which they joined
}

// maxGroups is how many an account may be a member of: each is looked at whenever something is delivered to it.
const maxGroups = 100

// CreateGroup makes a group that its creator owns. A repeated request is answered as CreateHighlight answers it.
func (s *Store) CreateGroup(ctx context.Context, owner Reader, n NewGroup) (g Group, created bool, err error) {
	name, key, err := checkName(n.Name)
	if err != nil {
		return Group{}, false, err
	}
	if n.Kind == "" {
		n.Kind = GroupKinds[0]
	}
	if err := checkKind(n.Kind); err != nil {
		return Group{}, false, err
	}
	hash, err := requestHash(n)
	if err != nil {
		return Group{}, false, err
	}
	g = Group{ID: n.ID, Name: name, Kind: n.Kind, Role: new(RoleOwner)}
	if g.ID == uuid.Nil {
		g.ID = newID()
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := s.checkGroupID(ctx, tx, owner, g.ID, hash); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO groups (id, name, name_key, kind, request_hash) VALUES ($1, $2, $3, $4, $5)`, g.ID, g.Name, key, g.Kind, hash)
		if err == nil {
			err = takeName(ctx, tx, ofGroup, g.ID, g.Name)
		}
		if err != nil {
			return err
		}
		return putMember(ctx, tx, g.ID, owner.Account.ID, RoleOwner)
	})
	err = translate(err, "create group")
	if errors.Is(err, ErrRepeated) {
		g, err = s.GetGroup(ctx, owner, g.ID)
		return g, false, err
	}
	return g, err == nil, err
}

// checkGroupID refuses an id in whose place something else can be, or is: ErrRepeated if it is the group that this
// request has made before.
func (s *Store) checkGroupID(ctx context.Context, tx pgx.Tx, owner Reader, id uuid.UUID, hash []byte) error {
	if id.Variant() != uuid.RFC4122 {
		var invalid InvalidError
		invalid.refuse("/id", "must have the variant of RFC 9562")
		return &invalid
	}
	var taken, same bool
	err := tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM accounts WHERE id = $1) OR EXISTS (SELECT FROM groups WHERE id = $1),
		       EXISTS (SELECT FROM groups g JOIN members m ON m.group_id = g.id
		               WHERE g.id = $1 AND g.request_hash = $2 AND m.account_id = $3)`,
		id, hash, owner.Account.ID).Scan(&taken, &same)
	switch {
	case err != nil:
		return err
	case same:
		return ErrRepeated
	case taken:
		return ErrConflict
	}
	return nil
}

// ListGroups lists the groups of an account, in the order in which it joined them.
func (s *Store) ListGroups(ctx context.Context, reader Reader, paging Paging) ([]Group, string, error) {
	return s.listGroups(ctx, paging, `
		SELECT g.id, g.name, g.kind, m.role, m.joined_at FROM groups g JOIN members m ON m.group_id = g.id
		WHERE m.account_id = @account AND g.deleted_at IS NULL AND (m.joined_at, g.id) > (@time, @id)
		ORDER BY m.joined_at, g.id LIMIT @limit`, reader)
}

// ListOpenGroups lists the groups that anybody may join, oldest first.
func (s *Store) ListOpenGroups(ctx context.Context, reader Reader, paging Paging) ([]Group, string, error) {
	return s.listGroups(ctx, paging, `
		SELECT g.id, g.name, g.kind, m.role, g.created_at FROM groups g
		LEFT JOIN members m ON m.group_id = g.id AND m.account_id = @account
		WHERE g.kind = 'open' AND g.deleted_at IS NULL AND (g.created_at, g.id) > (@time, @id)
		ORDER BY g.created_at, g.id LIMIT @limit`, reader)
}

func (s *Store) listGroups(ctx context.Context, paging Paging, query string, reader Reader) ([]Group, string, error) {
	after, err := parseCursor(paging.After)
	if err != nil {
		return nil, "", err
	}
	rows, _ := s.pool.Query(ctx, query,
		pgx.NamedArgs{"account": reader.Account.ID, "time": after.Time, "id": after.ID, "limit": paging.Limit + 1})
	type row struct {
		Group
		at time.Time
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (g row, err error) {
		err = r.Scan(&g.ID, &g.Name, &g.Kind, &g.Role, &g.at)
		return g, err
	})
	if err != nil {
		return nil, "", translate(err, "list groups")
	}
	list, next := cutPage(list, paging.Limit, false, func(g row) cursor { return cursor{g.at, g.ID} })
	groups := make([]Group, len(list))
	for i, g := range list {
		groups[i] = g.Group
	}
	return groups, next, nil
}

// GetGroup finds a group that the reader is a member of, or that is open.
func (s *Store) GetGroup(ctx context.Context, reader Reader, id uuid.UUID) (g Group, err error) {
	err = s.pool.QueryRow(ctx, `
		SELECT g.id, g.name, g.kind, m.role FROM groups g LEFT JOIN members m ON m.group_id = g.id AND m.account_id = $2
		WHERE g.id = $1 AND g.deleted_at IS NULL AND (g.kind = 'open' OR m.role IS NOT NULL)`, id, reader.Account.ID).
		Scan(&g.ID, &g.Name, &g.Kind, &g.Role)
	return g, translate(err, "get group")
}

// UpdateGroup lets an owner rename a group, open or close it. closed: it is open no more.
func (s *Store) UpdateGroup(ctx context.Context, owner Reader, id uuid.UUID, edit GroupEdit) (g Group, closed bool, err error) {
	var name, key *string
	if edit.Name != nil {
		shown, compared, err := checkName(*edit.Name)
		if err != nil {
			return Group{}, false, err
		}
		name, key = &shown, &compared
	}
	if edit.Kind != nil {
		if err := checkKind(*edit.Kind); err != nil {
			return Group{}, false, err
		}
	}
	err = s.changeGroup(ctx, owner, id, RoleOwner, func(tx pgx.Tx, held heldGroup) error {
		closed = held.kind == "open" && edit.Kind != nil && *edit.Kind == "closed"
		if name != nil {
			if err := takeName(ctx, tx, ofGroup, id, *name); err != nil {
				return err
			}
			if err := record(ctx, tx, id, owner.Account.ID, logged{action: "renamed", detail: *name}); err != nil {
				return err
			}
		}
		if edit.Kind != nil && *edit.Kind != held.kind {
			action := map[string]string{"open": "opened", "closed": "closed"}[*edit.Kind]
			if err := record(ctx, tx, id, owner.Account.ID, logged{action: action}); err != nil {
				return err
			}
		}
		g = Group{ID: id, Role: &held.role}
		return tx.QueryRow(ctx, `
			UPDATE groups SET name = coalesce($2, name), name_key = coalesce($3, name_key), kind = coalesce($4, kind)
			WHERE id = $1 RETURNING name, kind`, id, name, key, edit.Kind).Scan(&g.Name, &g.Kind)
	})
	return g, closed, translate(err, "update group")
}

// DeleteGroup lets an owner end a group: from then on nobody reads what stands in it, which is to be erased (see
// EraseLeft).
func (s *Store) DeleteGroup(ctx context.Context, owner Reader, id uuid.UUID) error {
	err := s.changeGroup(ctx, owner, id, RoleOwner, func(tx pgx.Tx, _ heldGroup) error { return endGroup(ctx, tx, id) })
	return translate(err, "delete group")
}

// endGroup takes a group's members, invites and name away.
func endGroup(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	if _, err := tx.Exec(ctx, `DELETE FROM invites WHERE group_id = $1`, id); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM group_log WHERE group_id = $1`, id); err != nil {
		return err
	}
	rows, _ := tx.Query(ctx, `DELETE FROM members WHERE group_id = $1 RETURNING account_id`, id)
	members, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	if err := changeRights(ctx, tx, members...); err != nil {
		return err
	}
	if err := giveUpName(ctx, tx, ofGroup, id); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE groups SET name = '', name_key = id::text, request_hash = NULL, deleted_at = now() WHERE id = $1`, id)
	return err
}

func checkKind(kind string) error {
	var invalid InvalidError
	if !slices.Contains(GroupKinds, kind) {
		invalid.refuse("/kind", "must be one of %s", strings.Join(GroupKinds, ", "))
	}
	return invalid.orNil()
}

// A heldGroup is a group that nobody else changes until the transaction ends, and the role in it of the one who does.
type heldGroup struct {
	id   uuid.UUID
	kind string
	role Role // empty: not a member
}

// changeGroup runs change in a transaction that holds a group, once it is certain that the one who asks has a role there
// that suffices: the role of this moment, not the one that the request began with.
func (s *Store) changeGroup(ctx context.Context, reader Reader, id uuid.UUID, least Role, change func(pgx.Tx, heldGroup) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		held := heldGroup{id: id}
		err := tx.QueryRow(ctx, `
			SELECT kind FROM groups WHERE id = $1 AND deleted_at IS NULL
			  AND (kind = 'open' OR EXISTS (SELECT FROM members WHERE group_id = groups.id AND account_id = $2))
			FOR NO KEY UPDATE`, id, reader.Account.ID).Scan(&held.kind)
		if err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `SELECT role FROM members WHERE group_id = $1 AND account_id = $2`, id, reader.Account.ID).Scan(&held.role)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		switch {
		case held.role == "" && held.kind != "open":
			return ErrNotFound
		case !held.role.can(least):
			return fmt.Errorf("%w: the role is %q", ErrForbidden, held.role)
		}
		return change(tx, held)
	})
}
