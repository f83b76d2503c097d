//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// An outcome is what a writer knows of its own operation.
type outcome string

const (
	done    outcome = "ok"
	failed  outcome = "failed"  // refused: nothing was done
	unknown outcome = "unknown" // the answer was lost, or 503: it may have been done, or be done later
)

// An operation is what a writer asked for. Its note is in no other operation.
type operation struct {
	id      uuid.UUID
	note    string // empty: a deletion
	outcome outcome
}

// A thing is a highlight or a reply that a writer made and knows to be there.
type thing struct {
	kind      string
	id        uuid.UUID
	highlight uuid.UUID
	page      uuid.UUID
	group     string
	seq       int64 // of the last change that was acknowledged
	version   int64
}

func (t *thing) path() string {
	if t.kind == "reply" {
		return "/replies/" + t.id.String()
	}
	return "/highlights/" + t.id.String()
}

// A writer changes pages as one account, one operation after the other. After an operation of which it does not know
// the outcome it leaves the thing alone: the operation may still take place.
type writer struct {
	*round
	account    *account
	things     []*thing
	operations []operation
}

func (w *writer) run(ctx context.Context) {
	for ctx.Err() == nil {
		switch n := rand.IntN(100); {
		case n < 40 || len(w.things) == 0:
			w.create(ctx)
		case n < 60:
			w.update(ctx, w.any(), false)
		case n < 70:
			w.update(ctx, w.any(), true)
		case n < 82:
			w.remove(ctx, rand.IntN(len(w.things)))
		case n < 94:
			w.reply(ctx, w.any())
		default:
			w.offend(ctx, w.any())
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(rand.Int64N(int64(maxPause)))):
		}
	}
}

// maxPause is the longest time that a writer thinks.
const maxPause = 150 * time.Millisecond

func (w *writer) any() *thing { return w.things[rand.IntN(len(w.things))] }

// note is one that nobody else writes, sometimes a long one.
func (w *writer) note() string {
	length := 0
	if rand.IntN(10) == 0 {
		length = rand.IntN(8 << 10)
	}
	return fmt.Sprintf("%s %d\r\nid: 9 %s", w.account.name, len(w.operations), strings.Repeat("long ", length/5))
}

// ask does an operation through any instance, now and then through a proxy that may cut the answer off.
func (w *writer) ask(ctx context.Context, method, path string, body any, headers ...string) answer {
	a := w.account.ask(ctx, w.anyBase(rand.IntN(4) == 0), method, path, body, headers...)
	switch {
	case a.status == http.StatusInternalServerError:
		w.report.find(serverFault, "%s %s: %s", method, path, a.body)
	case a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") == "":
		w.report.find(noRetryAfter, "%s %s: %s", method, path, a.body)
	}
	return a
}

// record keeps an operation and what came of it.
func (w *writer) record(id uuid.UUID, note string, a answer) outcome {
	o := unknown
	switch {
	case a.ok():
		o = done
	case a.refused():
		o = failed
	}
	w.operations = append(w.operations, operation{id, note, o})
	w.report.count("operation "+string(o), 1)
	if a.status == http.StatusServiceUnavailable {
		w.report.count("answer 503", 1)
	}
	return o
}

func (w *writer) create(ctx context.Context) {
	t := &thing{kind: "highlight", id: uuid.Must(uuid.NewV7()), group: w.anyGroup()}
	t.highlight = t.id
	page := rand.IntN(len(w.pages))
	t.page = w.pages[page]
	w.pageOf.Store(t.id, t.page)
	note := w.note()
	w.insist(ctx, t, note, "/highlights", map[string]any{"id": t.id, "url": w.urls[page], "group": t.group, "note": note})
}

// anyGroup is where the writer may write: half of the time in public.
func (w *writer) anyGroup() string {
	switch n := rand.IntN(4); {
	case n == 0:
		return "me"
	case n == 1 && slices.Contains(w.accounts[:w.group.writers], w.account):
		return w.group.id.String()
	}
	return "public"
}

func (w *writer) reply(ctx context.Context, to *thing) {
	t := &thing{kind: "reply", id: uuid.Must(uuid.NewV7()), highlight: to.highlight, page: to.page}
	note := w.note()
	w.insist(ctx, t, note, "/highlights/"+to.highlight.String()+"/replies", map[string]any{"id": t.id, "note": note})
}

// insist asks for something new until there is an answer: the same id and body is the same thing.
func (w *writer) insist(ctx context.Context, t *thing, note, path string, body any) {
	var a answer
	for attempt := range 5 {
		a = w.ask(ctx, "POST", path, body)
		if a.status == http.StatusConflict && attempt > 0 {
			w.report.find(replayRefused, "%s %s: %s", t.kind, t.id, a.body)
		}
		if a.ok() || a.refused() || ctx.Err() != nil {
			break
		}
		w.report.count("repeated request", 1)
		pause(ctx, time.Duration(rand.Int64N(int64(maxPause))))
	}
	if w.record(t.id, note, a) == done && w.acknowledge(ctx, t, a) {
		w.things = append(w.things, t)
	}
}

// update changes the note, and the group along with it when the highlight is to be moved.
func (w *writer) update(ctx context.Context, t *thing, move bool) {
	note := w.note()
	body := map[string]any{"note": note}
	group := t.group
	if move && t.kind == "highlight" {
		group = w.anyGroup()
		body["group"] = group
	}
	a := w.ask(ctx, "PATCH", t.path(), body)
	switch w.record(t.id, note, a) {
	case done:
		t.group = group
		if !w.acknowledge(ctx, t, a) {
			w.forget(t)
		}
	default:
		w.forget(t)
	}
}

func (w *writer) remove(ctx context.Context, i int) {
	t := w.things[i]
	a := w.ask(ctx, "DELETE", t.path(), nil)
	w.record(t.id, "", a)
	w.forget(t)
	if !a.ok() || t.kind == "reply" {
		return
	}
	if seen := w.account.ask(ctx, w.anyBase(false), "GET", t.path(), nil); seen.ok() {
		w.report.find(staleRead, "%s is still there after its deletion", t.id)
	}
}

// offend asks for what has to be refused.
func (w *writer) offend(ctx context.Context, t *thing) {
	note := w.note()
	switch rand.IntN(4) {
	case 0: // another body under an id in use
		w.refused(ctx, note, "POST", "/highlights", map[string]any{"id": t.highlight, "url": w.urls[0], "group": "public", "note": note})
	case 1: // an old version
		w.refused(ctx, note, "PATCH", t.path(), map[string]any{"note": note}, "If-Match", fmt.Sprintf(`"%d"`, t.version+1000))
	case 2: // somebody else's
		if other, ok := w.foreign(); ok {
			w.refused(ctx, note, "PATCH", "/highlights/"+other.String(), map[string]any{"note": note})
		}
	case 3: // a color that is none
		w.refused(ctx, note, "POST", "/highlights", map[string]any{"url": w.urls[0], "note": note, "color": "loud"})
	}
}

func (w *writer) refused(ctx context.Context, note, method, path string, body any, headers ...string) {
	a := w.ask(ctx, method, path, body, headers...)
	if w.record(uuid.Nil, note, a) == done {
		w.report.find(accepted, "%s %s %v: %s", method, path, headers, a.body)
	}
}

// foreign is a highlight of somebody else's.
func (w *writer) foreign() (id uuid.UUID, ok bool) {
	own := map[uuid.UUID]bool{}
	for _, o := range w.operations {
		own[o.id] = true
	}
	w.pageOf.Range(func(key, _ any) bool {
		id = key.(uuid.UUID)
		ok = !own[id]
		return !ok
	})
	return id, ok
}

func (w *writer) forget(t *thing) {
	kept := w.things[:0]
	for _, other := range w.things {
		if other.id != t.id && (t.kind == "reply" || other.highlight != t.id) {
			kept = append(kept, other)
		}
	}
	w.things = kept
}

// acknowledge takes an answer's number down, and now and then looks whether another instance has it, too.
func (w *writer) acknowledge(ctx context.Context, t *thing, a answer) bool {
	var stored struct{ Seq, Version int64 }
	if a.into(&stored) != nil {
		w.report.find(serverFault, "%s was answered %q", t.path(), a.body)
		return false
	}
	t.seq, t.version = stored.Seq, stored.Version
	w.acknowledged(t.page, t.seq)
	if t.kind == "reply" || rand.IntN(4) > 0 {
		return true
	}
	seen := w.account.ask(ctx, w.anyBase(false), "GET", t.path(), nil)
	if seen.status == http.StatusNotFound || seen.ok() && (seen.into(&stored) != nil || stored.Seq < t.seq) {
		w.report.find(staleRead, "%s at number %d is read as %d %s", t.id, t.seq, seen.status, seen.body)
	}
	w.report.count("read after an acknowledgement", 1)
	return true
}
