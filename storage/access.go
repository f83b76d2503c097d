package storage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A Reader is someone who reads, and the groups they may read: what any query for them is limited to.
type Reader struct {
	Account Account            // the zero Account: nobody is signed in
	Groups  []uuid.UUID        // what they read, unless they ask for one thing of an open group
	Roles   map[uuid.UUID]Role // in the groups that they are a member of

	Operator bool // sees how the server does

	Token   uuid.UUID // the id of the token that says so; the nil UUID: none does
	Scopes  []Scope   // what the token is for
	Expires time.Time // when the token does
	Rights  int64     // how often what the account may do had changed then
	At      time.Time // a moment before all this was read; zero: it never was

	Operation *Operation // what the request does, once; nil: it may be done as often as it is asked for

	everything bool        // lists and exports are not limited to groups
	without    []uuid.UUID // but for what is of these accounts and groups, and waits to be erased
}

// Operator is who runs the server, and may take away all that is in it. No request has this reader.
var Operator = Reader{everything: true}

// Public is the group that anyone may read.
var Public = uuid.Nil

// Anonymous is the reader who is not signed in.
var Anonymous = Reader{Groups: []uuid.UUID{Public}}

// A Role is what an account may do in a group.
type Role string

// Each role may do what those before it may.
const (
	RoleReader    Role = "reader"
	RoleMember    Role = "member"    // writes
	RoleModerator Role = "moderator" // hides and erases what others write; invites and removes members and readers
	RoleOwner     Role = "owner"     // gives roles; renames, opens, closes and deletes the group
)

var roles = []Role{RoleReader, RoleMember, RoleModerator, RoleOwner}

// can tells whether a role includes another. The zero Role is nobody's, and includes none.
func (r Role) can(least Role) bool { return slices.Index(roles, r) >= slices.Index(roles, least) }

// join makes a reader one of a group.
func (r *Reader) join(group uuid.UUID, role Role) {
	if r.Roles == nil {
		r.Roles = map[uuid.UUID]Role{}
	}
	r.Roles[group] = role
	r.Groups = append(r.Groups, group)
	if role.can(RoleModerator) {
		r.Groups = append(r.Groups, hiddenIn(group))
	}
}

// hiddenIn is the place of what is hidden in a group. It has a variant that no id here has (RFC 9562, section 4.1), so it
// is no other group's.
func hiddenIn(group uuid.UUID) uuid.UUID {
	group[8] |= 0x40
	return group
}

// isHidden tells whether a place is that of the hidden things of a group, and names the group.
func isHidden(place uuid.UUID) (group uuid.UUID, hidden bool) {
	group, hidden = place, place[8]&0xc0 == 0xc0
	if hidden {
		group[8] &^= 0x40
	}
	return group, hidden
}

// Only is the reader with no more than some of the groups, named as in Highlight: ErrNotFound for one that the
// reader may not read.
func (s *Store) Only(ctx context.Context, r Reader, names ...string) (Reader, error) {
	only := r
	only.Groups, only.Roles = nil, nil
	if only.At.IsZero() {
		only.At = time.Now()
	}
	for _, name := range names {
		group, role, err := s.groupOf(ctx, r, name)
		switch {
		case err != nil:
			return Reader{}, err
		case slices.Contains(only.Groups, group):
		case role == "":
			only.Groups = append(only.Groups, group)
		default:
			only.join(group, role)
		}
	}
	return only, nil
}

// Visits are the groups among those read that it may read only because they are open.
func (r Reader) Visits() (groups []uuid.UUID) {
	for _, place := range r.Groups {
		if place != Public && place != r.Account.ID && r.roleIn(place) == "" {
			groups = append(groups, place)
		}
	}
	return groups
}

// groupOf finds a group that a reader may read, and the reader's role if it is one that has members. Empty is the
// reader's own.
func (s *Store) groupOf(ctx context.Context, r Reader, name string) (group uuid.UUID, role Role, err error) {
	none := fmt.Errorf("group %q: %w", name, ErrNotFound)
	if name == "public" {
		return Public, "", nil
	}
	if name == "" || name == "me" {
		if r.Account.ID == uuid.Nil {
			return uuid.Nil, "", none
		}
		return r.Account.ID, "", nil
	}
	if group, err = uuid.Parse(name); err != nil {
		return uuid.Nil, "", none
	}
	if role, member := r.Roles[group]; member {
		return group, role, nil
	}
	var open bool
	err = s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM groups WHERE id = $1 AND kind = 'open' AND deleted_at IS NULL)`, group).Scan(&open)
	switch {
	case err != nil:
		return uuid.Nil, "", translate(err, "find a group")
	case !open:
		return uuid.Nil, "", none
	}
	return group, "", nil
}

// groupToWriteIn is groupOf for one who wants to put something there: ErrForbidden if they may only read.
func (s *Store) groupToWriteIn(ctx context.Context, author Reader, name string) (uuid.UUID, error) {
	group, _, err := s.groupOf(ctx, author, name)
	if err == nil && !author.mayWrite(group) {
		err = fmt.Errorf("write in group %q: %w", name, ErrForbidden)
	}
	return group, err
}

// mayWrite tells whether somebody may put something where they read.
func (r Reader) mayWrite(place uuid.UUID) bool {
	return place == Public || place == r.Account.ID || r.roleIn(place).can(RoleMember)
}

// MayWrite tells whether somebody may put something in each group that they read.
func (r Reader) MayWrite() bool {
	return !slices.ContainsFunc(r.Groups, func(place uuid.UUID) bool { return !r.mayWrite(place) })
}

// mayModerate tells whether somebody answers for what others put there.
func (r Reader) mayModerate(place uuid.UUID) bool { return r.roleIn(place).can(RoleModerator) }

// Reads tells whether a place is one that a reader reads.
func (r Reader) Reads(place uuid.UUID) bool { return slices.Contains(r.Groups, place) }

func (r Reader) roleIn(place uuid.UUID) Role {
	group, _ := isHidden(place)
	return r.Roles[group]
}

// A permission is for changing what somebody has put where the one who asks may read.
type permission func(r Reader, place, author uuid.UUID) bool

// mayEdit is for the author, for as long as they may write there.
func mayEdit(r Reader, place, author uuid.UUID) bool {
	return author == r.Account.ID && r.mayWrite(place)
}

// mayErase is for the author, and for who moderates there.
func mayErase(r Reader, place, author uuid.UUID) bool {
	return author == r.Account.ID || r.mayModerate(place)
}

// mayModerateIt is for who moderates there.
func mayModerateIt(r Reader, place, _ uuid.UUID) bool { return r.mayModerate(place) }

// mayRead is for whoever has come so far.
func mayRead(Reader, uuid.UUID, uuid.UUID) bool { return true }

// mayAnswer is for whoever may write there.
func mayAnswer(r Reader, place, _ uuid.UUID) bool { return r.mayWrite(place) }

// Rights are what a reader may do with a highlight that they see, beside reading it.
type Rights struct {
	Answer, Edit, Erase, Moderate, Flag bool
}

// RightsOn says what a reader may do with a highlight.
func (r Reader) RightsOn(h Highlight) Rights {
	if r.Account.ID == uuid.Nil {
		return Rights{}
	}
	place := h.place()
	return Rights{
		Answer: mayAnswer(r, place, h.Author.ID), Edit: mayEdit(r, place, h.Author.ID), Erase: mayErase(r, place, h.Author.ID),
		Moderate: mayModerateIt(r, place, h.Author.ID), Flag: place != h.Author.ID && h.Author.ID != r.Account.ID,
	}
}

// MayErase tells whether a reader may erase a reply to a highlight that they see.
func (r Reader) MayErase(h Highlight, reply Reply) bool {
	return r.Account.ID != uuid.Nil && mayErase(r, h.place(), reply.Author.ID)
}

// mayMove lets a highlight leave a group with what its author wrote, but not with what others have answered: they wrote
// for that group.
func mayMove(ctx context.Context, tx pgx.Tx, author Reader, held heldHighlight, to uuid.UUID) error {
	if held.group == Public || to == author.Account.ID {
		return nil
	}
	var answered bool
	err := tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM replies WHERE page_id = $1 AND highlight_id = $2 AND author_id <> $3 AND deleted_at IS NULL)`,
		held.page, held.id, author.Account.ID).Scan(&answered)
	if err == nil && answered {
		err = ErrAnswered
	}
	return err
}

// readable is the condition that a thing may be read by the one who asks for it by its id: it is in one of their groups,
// which a query has to add, or in an open one. Lists are limited to the reader's groups alone.
const readable = `EXISTS (SELECT FROM groups WHERE groups.id = group_id AND kind = 'open' AND deleted_at IS NULL) OR group_id = ANY`

// EndedReaders lists those tokens that no longer stand for what they stood for: they have ended, or what their account
// may read or do has changed.
func (s *Store) EndedReaders(ctx context.Context, tokens []uuid.UUID, rights []int64) ([]uuid.UUID, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT asked.id FROM unnest($1::uuid[], $2::bigint[]) AS asked (id, rights)
		WHERE NOT EXISTS (
			SELECT FROM tokens t JOIN accounts a ON a.id = t.account_id
			WHERE t.id = asked.id AND t.expires_at > now() AND a.rights = asked.rights)`, tokens, rights)
	ended, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return ended, translate(err, "list ended tokens")
}

// ClosedGroups lists those of some groups that are not open, or no more.
func (s *Store) ClosedGroups(ctx context.Context, groups []uuid.UUID) ([]uuid.UUID, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT asked.id FROM unnest($1::uuid[]) AS asked (id)
		WHERE NOT EXISTS (SELECT FROM groups WHERE groups.id = asked.id AND kind = 'open' AND deleted_at IS NULL)`, groups)
	closed, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return closed, translate(err, "list closed groups")
}
