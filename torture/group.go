//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// dismissal is how long a stream that is open may go on after its reader was put out of a group, if the hint of it is lost:
// the 5 s after which rights are compared, and as long as an instance is paused.
const dismissal = 25 * time.Second

// A group is a closed one of some of the accounts: the first of them stay in it and write for it, the others come and go.
type group struct {
	id      uuid.UUID
	owner   *account
	writers int

	mu     sync.Mutex
	spells map[uuid.UUID][]spell // of membership, by account
	now    map[uuid.UUID]bool    // who is a member, at rest
}

// A spell is the time in which an account is a member, with the moments when that was asked for and acknowledged.
type spell struct {
	asked, let    time.Time // let in; zero: it is not known whether
	leaving, left time.Time // put out; zero: not yet, or it is not known whether
}

func (r *round) found(ctx context.Context) (*group, error) {
	owner := r.accounts[0]
	var made struct{ ID uuid.UUID }
	answer := owner.ask(ctx, r.instances[0].url(), "POST", "/groups", map[string]any{"name": fmt.Sprintf("round %d", r.rounds)})
	if !answer.ok() || answer.into(&made) != nil {
		return nil, fmt.Errorf("found a group: answered %d: %s", answer.status, answer.body)
	}
	g := &group{id: made.ID, owner: owner, writers: (len(r.accounts) + 1) / 2, spells: map[uuid.UUID][]spell{}}
	now := time.Now()
	g.spells[owner.ID] = []spell{{asked: now, let: now}}
	for _, a := range r.accounts[1:g.writers] {
		if answer := g.put(ctx, r.instances[0], a, "member"); !answer.ok() {
			return nil, fmt.Errorf("let %s in: answered %d: %s", a.name, answer.status, answer.body)
		}
		g.spells[a.ID] = []spell{{asked: now, let: time.Now()}}
	}
	return g, nil
}

func (g *group) path(a *account) string {
	return "/groups/" + g.id.String() + "/members/" + a.ID.String()
}

func (g *group) put(ctx context.Context, i *instance, a *account, role string) answer {
	return g.owner.ask(ctx, i.url(), "PUT", g.path(a), map[string]any{"role": role})
}

// comeAndGo lets accounts in and puts them out until ctx ends. One of which it does not know what it is stays as it is:
// what was asked for may still be done.
func (r *round) comeAndGo(ctx context.Context) {
	others := append([]*account(nil), r.accounts[r.group.writers:]...)
	for ctx.Err() == nil && len(others) > 0 {
		n := rand.IntN(len(others))
		if known := r.group.turn(ctx, r, others[n]); !known {
			others = append(others[:n], others[n+1:]...)
		}
		pause(ctx, time.Duration(rand.Int64N(int64(time.Second))))
	}
}

// turn lets an account in that is no member, or puts it out.
func (g *group) turn(ctx context.Context, r *round, a *account) (known bool) {
	ctx = context.WithoutCancel(ctx)
	g.mu.Lock()
	spells := g.spells[a.ID]
	in := len(spells) > 0 && spells[len(spells)-1].left.IsZero()
	if in {
		spells[len(spells)-1].leaving = time.Now()
	} else {
		spells = append(spells, spell{asked: time.Now()})
		g.spells[a.ID] = spells
	}
	s := &spells[len(spells)-1]
	g.mu.Unlock()

	var answer answer
	if in {
		answer = g.owner.ask(ctx, r.anyInstance().url(), "DELETE", g.path(a), nil)
	} else {
		answer = g.put(ctx, r.anyInstance(), a, "reader")
	}

	if answer.status == http.StatusInternalServerError {
		r.report.find(serverFault, "%s: %s", g.path(a), answer.body)
	}
	if !answer.ok() {
		r.report.count("membership unknown", 1)
		return false
	}
	r.report.count("membership changed", 1)
	g.mu.Lock()
	defer g.mu.Unlock()
	if in {
		s.left = time.Now()
	} else {
		s.let = time.Now()
	}
	return true
}

// may tells whether somebody could read a place at a time, over a connection that was asked for at another.
func (r *round) may(a *account, place uuid.UUID, asked, at time.Time) bool {
	return a.owns(place) || r.inGroup(a, place, func(s spell) bool {
		until := s.left
		if asked.Before(s.left) {
			until = s.left.Add(dismissal)
		}
		return s.asked.Before(at) && (s.left.IsZero() || at.Before(until))
	})
}

// must tells whether somebody had to be able to, all the time.
func (r *round) must(a *account, place uuid.UUID, asked, at time.Time) bool {
	return a.owns(place) || r.inGroup(a, place, func(s spell) bool {
		return !s.let.IsZero() && s.let.Before(asked) && (s.leaving.IsZero() || at.Before(s.leaving))
	})
}

func (r *round) inGroup(a *account, place uuid.UUID, during func(spell) bool) bool {
	g := r.group
	if a == nil || g == nil || g.id != place {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.spells[a.ID] {
		if during(s) {
			return true
		}
	}
	return false
}

// reads tells whether somebody may read a place, at rest.
func (r *round) reads(a *account) func(place uuid.UUID) bool {
	return func(place uuid.UUID) bool {
		return a.owns(place) || a != nil && r.group != nil && place == r.group.id && r.group.now[a.ID]
	}
}

// rest takes down who is a member now that nothing changes any more.
func (g *group) rest(ctx context.Context, pool *pgxpool.Pool) error {
	rows, _ := pool.Query(ctx, `SELECT account_id FROM members WHERE group_id = $1`, g.id)
	members, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	g.now = map[uuid.UUID]bool{}
	for _, id := range members {
		g.now[id] = true
	}
	return err
}
