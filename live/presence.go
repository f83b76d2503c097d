package live

import (
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"limn/storage"
)

// maxNamed is how many of a page's readers are named; those beyond it are counted as anonymous.
const maxNamed = 100

// presence is who reads a page: through this instance, and as far as it knows at all.
type presence struct {
	streams storage.Streams     // here
	newest  map[*watch]struct{} // those that have not been told yet
	known   *presenceEvent      // what the others were told last; nil: nothing yet
}

func newPresence() presence {
	return presence{streams: storage.Streams{}, newest: map[*watch]struct{}{}}
}

func (p *presence) join(w *watch) {
	p.streams[w.viewer.account]++
	p.newest[w] = struct{}{}
}

func (p *presence) leave(w *watch) {
	delete(p.newest, w)
	account := w.viewer.account
	if p.streams[account]--; p.streams[account] == 0 {
		delete(p.streams, account)
	}
}

type presenceEvent struct {
	Page      uuid.UUID         `json:"page"`
	Viewers   []storage.Account `json:"viewers"`
	Anonymous int64             `json:"anonymous"`
	Joined    []storage.Account `json:"joined,omitempty"`
	Left      []storage.Account `json:"left,omitempty"`
	Renamed   []renamed         `json:"renamed,omitempty"`
}

type renamed struct {
	storage.Account
	Was string `json:"was"` // the name before
}

// since is the event with what is different from another one.
func (e presenceEvent) since(old presenceEvent) presenceEvent {
	for _, v := range e.Viewers {
		i := slices.IndexFunc(old.Viewers, func(a storage.Account) bool { return a.ID == v.ID })
		switch {
		case i < 0:
			e.Joined = append(e.Joined, v)
		case old.Viewers[i].Name != v.Name:
			e.Renamed = append(e.Renamed, renamed{v, old.Viewers[i].Name})
		}
	}
	for _, v := range old.Viewers {
		if !slices.ContainsFunc(e.Viewers, func(a storage.Account) bool { return a.ID == v.ID }) {
			e.Left = append(e.Left, v)
		}
	}
	return e
}

func (e presenceEvent) changes() bool { return e.Joined != nil || e.Left != nil || e.Renamed != nil }

// tellPresence sends who is here to those who have just come, and what is different to all others.
func (p *page) tellPresence(now presenceEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.presence.known
	p.presence.known = &now
	whole, err := appendEvent(nil, "presence", now)
	if err != nil {
		p.hub.log.Error("a page's readers cannot be told", "error", err)
		return
	}
	news := whole
	changed := before == nil
	if before != nil {
		difference := now.since(*before)
		changed = difference.changes() || now.Anonymous != before.Anonymous
		if news, err = appendEvent(nil, "presence", difference); err != nil {
			p.hub.log.Error("a page's readers cannot be told", "error", err)
			return
		}
	}
	p.each(func(w *watch, out *writer) {
		switch _, isNew := p.presence.newest[w]; {
		case isNew:
			w.viewer.push(whole, out)
		case changed:
			w.viewer.push(news, out)
		}
	})
	p.presence.newest = map[*watch]struct{}{}
	p.quiet = time.Now().Add(200*time.Millisecond + time.Duration(len(p.watches))*100*time.Microsecond) // a crowd takes longer to tell
}

// streams are who reads the page here.
func (p *page) streams() storage.Streams {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.presence.streams)
}
