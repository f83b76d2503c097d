package server

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"limn/storage"
)

// viewJoin is where an invitation's link leads. The code is behind the #, which only a script sees.
func (s *Server) viewJoin(c *gin.Context) error {
	return s.show(c, http.StatusOK, "join", view{Title: "Join a group", Scripts: []string{"/join.js"}})
}

// A groupsView is the groups that one is in, and those that anybody may join.
type groupsView struct {
	Mine, Open []storage.Group
	Next       string // where the open ones go on
	First      bool
}

func (s *Server) viewGroups(c *gin.Context) error { return s.answerGroups(c, http.StatusOK, form{}) }

func (s *Server) answerGroups(c *gin.Context, status int, typed form) error {
	after := c.Query("after")
	body := groupsView{First: after == ""}
	var err error
	if readerOf(c).Account.ID != uuid.Nil {
		if body.Mine, _, err = s.store.ListGroups(c, readerOf(c), storage.Paging{Limit: maxLimit}); err != nil {
			return err
		}
	}
	open, next, err := s.store.ListOpenGroups(c, readerOf(c), storage.Paging{Limit: pageCards, After: after})
	if err != nil {
		return err
	}
	for _, g := range open {
		if g.Role == nil {
			body.Open = append(body.Open, g)
		}
	}
	if next != "" {
		body.Next = "/groups?after=" + next
	}
	return s.show(c, status, "groups", view{Title: "Groups", Form: typed, Body: body})
}

func (s *Server) beginGroup(c *gin.Context, f form) error {
	g, _, err := s.store.CreateGroup(c, readerOf(c), storage.NewGroup{Name: f.text("name"), Kind: f.text("kind")})
	if err != nil {
		judged, status, fault := f.judge(err)
		if fault != nil {
			return fault
		}
		return s.answerGroups(c, status, judged)
	}
	s.hub.Dismiss(readerOf(c).Account.ID)
	return leave(c, "/groups/"+g.ID.String(), "begun")
}

// A groupView is one group: its people and, for those who look after it, its invitations, flags and log.
type groupView struct {
	Group              storage.Group
	Moderates, Owns    bool
	Members            []storage.Member
	MembersNext        string
	Invites            []storage.Invite
	Made               *invite // the one that was just made, with its link
	Flags              []storage.Flag
	Log                []storage.Logged
	LogNext            string
	Moves              []card
	Stream             string // tells of changes on the pages of what moves
	Roles, InviteRoles []storage.Role
}

// MayChange tells whether the one who looks may give a member another role, or take them out.
func (g groupView) MayChange(m storage.Member) bool {
	return g.Owns || g.Moderates && (m.Role == storage.RoleReader || m.Role == storage.RoleMember)
}

func (s *Server) viewGroup(c *gin.Context) error { return s.answerGroup(c, http.StatusOK, form{}, nil) }

func (s *Server) answerGroup(c *gin.Context, status int, typed form, made *invite) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	reader := readerOf(c)
	body := groupView{Made: made}
	if body.Group, err = s.store.GetGroup(c, reader, id); err != nil {
		return err
	}
	paging := storage.Paging{Limit: maxLimit, After: c.Query("members")}
	if body.Members, body.MembersNext, err = s.store.ListMembers(c, reader, id, paging); err != nil {
		return err
	}
	if body.Group.Role != nil {
		body.Owns = *body.Group.Role == storage.RoleOwner
		body.Moderates = body.Owns || *body.Group.Role == storage.RoleModerator
	}
	body.Roles = []storage.Role{storage.RoleReader, storage.RoleMember}
	if body.Owns {
		body.Roles = append(body.Roles, storage.RoleModerator, storage.RoleOwner)
	}
	if body.Moderates {
		if err := s.fillModeration(c, &body); err != nil {
			return err
		}
	}
	only, err := s.store.Only(c, reader, id.String())
	if err != nil {
		return err
	}
	list, err := s.store.ListMoves(c, only, groupMoves)
	if err != nil {
		return err
	}
	if body.Moves, err = s.cardsOf(c, storage.Anonymous, list, 0); err != nil { // which names no group: it is this one
		return err
	}
	if body.Stream, err = s.streamOf(c, only, []string{id.String()}, pagesOf(list)); err != nil {
		return err
	}
	if made != nil {
		c.Header("Cache-Control", "no-store")
	}
	return s.show(c, status, "group", view{Title: body.Group.Name, Path: "/groups/" + id.String(), Scripts: []string{"/live.js"}, Form: typed, Body: body})
}

const (
	groupMoves = 10
	logEntries = 30
)

// fillModeration reads what only those see who look after a group.
func (s *Server) fillModeration(c *gin.Context, body *groupView) (err error) {
	id, reader := body.Group.ID, readerOf(c)
	if body.Invites, _, err = s.store.ListInvites(c, reader, id, storage.Paging{Limit: maxLimit}); err != nil {
		return err
	}
	if body.Flags, _, err = s.store.ListFlags(c, reader, id, storage.Paging{Limit: pageCards}); err != nil {
		return err
	}
	body.Log, body.LogNext, err = s.store.ListLog(c, reader, id, storage.Paging{Limit: logEntries, After: c.Query("log")})
	return err
}

// groupForm is a form's handler on a group's page: what it refuses is said there.
func (s *Server) groupForm(do func(*gin.Context, form, uuid.UUID) (done string, err error)) func(*gin.Context) error {
	return filled(func(c *gin.Context, f form) error {
		id, err := pathID(c)
		if err != nil {
			return err
		}
		done, err := do(c, f, id)
		switch {
		case err == nil && done == "left":
			return leave(c, "/groups", done)
		case err == nil:
			return leave(c, "/groups/"+id.String(), done)
		}
		judged, status, fault := f.judge(err)
		if fault != nil {
			return fault
		}
		return s.answerGroup(c, status, judged, nil)
	})
}

func (s *Server) editGroup(c *gin.Context, f form, id uuid.UUID) (string, error) {
	name, kind := f.text("name"), f.text("kind")
	_, closed, err := s.store.UpdateGroup(c, readerOf(c), id, storage.GroupEdit{Name: &name, Kind: &kind})
	if closed {
		s.hub.Dismiss(id)
	}
	return "saved", err
}

func (s *Server) endGroup(c *gin.Context, f form, id uuid.UUID) (string, error) {
	g, err := s.store.GetGroup(c, readerOf(c), id)
	if err != nil {
		return "", err
	}
	if f.text("confirm") != g.Name {
		return "", refused("/confirm", "is not the name of the group")
	}
	if err := s.store.DeleteGroup(c, readerOf(c), id); err != nil {
		return "", err
	}
	s.hub.Dismiss(id)
	s.eraseSoon()
	return "left", nil
}

func (s *Server) joinGroup(c *gin.Context, _ form, id uuid.UUID) (string, error) {
	account := readerOf(c).Account.ID
	m, before, err := s.store.PutMember(c, readerOf(c), id, account, "")
	if err == nil && m.Role != before {
		s.hub.Dismiss(account)
	}
	return "joined", err
}

// changeMember gives a member another role, or takes one out.
func (s *Server) changeMember(c *gin.Context, f form, id uuid.UUID) (string, error) {
	account, err := uuid.Parse(c.Param("account"))
	if err != nil {
		return "", storage.ErrNotFound
	}
	if f.text("role") == "none" {
		if err := s.store.DeleteMember(c, readerOf(c), id, account); err != nil {
			return "", err
		}
		s.hub.Dismiss(account)
		if account == readerOf(c).Account.ID {
			return "left", nil
		}
		return "removed", nil
	}
	m, before, err := s.store.PutMember(c, readerOf(c), id, account, storage.Role(f.text("role")))
	if err == nil && m.Role != before {
		s.hub.Dismiss(account)
	}
	return "role", err
}

// invite answers with the link, which is known only now, and is shown only this once.
func (s *Server) invite(c *gin.Context, f form) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	n := storage.NewInvite{Role: storage.Role(f.text("role"))}
	n.MaxUses, err = strconv.Atoi(f.text("max_uses"))
	days, failed := strconv.Atoi(f.text("days"))
	switch {
	case err != nil || n.MaxUses < 1:
		err = refused("/max_uses", "must be a number from 1")
	case failed != nil || days < 1 || days > maxInviteDays:
		err = refused("/days", "must be a number from 1 to %d", maxInviteDays)
	default:
		n.ExpiresIn = time.Duration(days) * 24 * time.Hour
		var made storage.Invite
		if made, err = s.store.CreateInvite(c, readerOf(c), id, n); err == nil {
			return s.answerGroup(c, http.StatusCreated, form{}, &invite{made, s.origin(c) + "/join#" + made.Code})
		}
	}
	judged, status, fault := f.judge(err)
	if fault != nil {
		return fault
	}
	return s.answerGroup(c, status, judged, nil)
}

const maxInviteDays = 365

func (s *Server) revokeInvite(c *gin.Context, _ form, id uuid.UUID) (string, error) {
	invite, err := uuid.Parse(c.Param("invite"))
	if err != nil {
		return "", storage.ErrNotFound
	}
	err = s.store.DeleteInvite(c, readerOf(c), invite)
	if errors.Is(err, storage.ErrNotFound) { // it has expired, or somebody else was quicker
		_, err = s.store.GetGroup(c, readerOf(c), id)
	}
	return "revoked", err
}
