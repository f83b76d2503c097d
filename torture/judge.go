//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
)

// judge compares what everybody did and saw with what the database has been through.
func (r *round) judge(ctx context.Context) error {
	h, err := readHistory(ctx, r.postgres.pool, r.pages)
	if err != nil {
		return err
	}
	r.judgeNumbers(h)
	r.judgeRows(h)
	r.judgeWriters(h)
	bytes := map[place]uint64{}
	for _, reader := range r.readers {
		reader.judge(h, bytes)
	}
	if r.program != nil {
		r.program.judgeFeed(h, bytes)
	}
	return r.judgeLists(ctx)
}

// judgeNumbers holds each page's numbers to be all there, once, in the order of the commits.
func (r *round) judgeNumbers(h history) {
	for _, page := range r.pages {
		next := int64(1)
		var last time.Time
		for _, row := range h.pages[page] {
			switch {
			case row.Seq < next:
				r.report.find(numberTwice, "%s %s has number %d of page %s", row.Kind, row.ID, row.Seq, page)
				continue
			case row.Seq > next:
				r.report.find(numberGap, "page %s has no number %d to %d", page, next, row.Seq-1)
			}
			if row.At.Before(last) {
				r.report.find(numberOrder, "number %d of page %s was committed before number %d", row.Seq, page, row.Seq-1)
			}
			next, last = row.Seq+1, row.At
		}
		if h.last[page] != next-1 {
			r.report.find(numberGap, "page %s is at %d, its last row at %d", page, h.last[page], next-1)
		}
		r.report.count("change", len(h.pages[page]))
	}
}

// judgeRows holds what is deleted to stay so.
func (r *round) judgeRows(h history) {
	for id, versions := range h.byID {
		deleted := slices.IndexFunc(versions, func(v row) bool { return v.Deleted })
		if deleted >= 0 && slices.ContainsFunc(versions[deleted:], func(v row) bool { return !v.Deleted }) {
			r.report.find(cameBack, "%s %s in the database", versions[0].Kind, id)
		}
	}
}

// judgeWriters holds what was acknowledged to be there, and what was refused not to be.
func (r *round) judgeWriters(h history) {
	type written struct {
		id   uuid.UUID
		note string
	}
	made, notes, deleted := map[written]bool{}, map[string]bool{}, map[uuid.UUID]bool{}
	for id, versions := range h.byID {
		for _, v := range versions {
			made[written{id, v.Note}], notes[v.Note] = true, true
			deleted[id] = deleted[id] || v.Deleted
		}
	}
	for _, w := range r.writers {
		for _, o := range w.operations {
			there := made[written{o.id, o.note}]
			if o.note == "" {
				there = deleted[o.id]
			}
			switch {
			case o.outcome == done && !there:
				r.report.find(lostWrite, "%.40q of %s", o.note, o.id)
			case o.outcome == failed && o.note != "" && notes[o.note]:
				r.report.find(seenFailure, "%.40q of %s", o.note, o.id)
			}
		}
	}
}

// A place is a number of a page, and whether it was put or removed there: a move does one to some and the other
// to others.
type place struct {
	page    uuid.UUID
	seq     int64
	removal bool
}

// judge holds what a reader was sent to be its visible slice, in order, without repetition.
func (r *reader) judge(h history, bytes map[place]uint64) {
	var asked time.Time               // when this connection was asked for
	reached := map[uuid.UUID]int64{}  // by page, on it
	held := map[uuid.UUID]uuid.UUID{} // what the reader holds, and its page
	for _, e := range r.log {
		switch {
		case e.opened != nil:
			asked, reached = e.asked, maps.Clone(e.opened)
			if e.fresh {
				clear(held)
			}
		case e.name == "resync":
			reached[e.page] = 0
			maps.DeleteFunc(held, func(_, page uuid.UUID) bool { return page == e.page })
		case e.name == "live":
			if e.seq < reached[e.page] {
				r.report.find(disordered, "%s: live at %d after %d", r.name, e.seq, reached[e.page])
			}
			r.judgeSkipped(h, e, asked, reached[e.page], e.seq+1, held)
			reached[e.page] = e.seq
		default:
			if e.seq <= reached[e.page] {
				r.report.find(disordered, "%s: %s %s, number %d after %d", r.name, e.name, e.what.id, e.seq, reached[e.page])
			}
			r.judgeSkipped(h, e, asked, reached[e.page], e.seq, held)
			r.judgeEvent(h, e, asked, bytes)
			if reached[e.page] = e.seq; e.name == "removed" {
				delete(held, e.what.id)
			} else {
				held[e.what.id] = e.page
			}
		}
	}
}

// judgeSkipped looks at the numbers that an event passed over. Each has to be nothing to the reader, or of a row that
// had changed again by then: that change's number is still to come.
func (r *reader) judgeSkipped(h history, e entry, asked time.Time, after, before int64, held map[uuid.UUID]uuid.UUID) {
	reads := func(place uuid.UUID) bool { return r.must(r.account, place, asked, e.at) }
	for _, row := range h.between(e.page, after, before) {
		_, holds := held[row.ID]
		concerns := row.visible(reads) || holds && row.left(reads)
		if concerns && !h.superseded(row, e.at) {
			r.report.find(skipped, "%s was not sent number %d, %s %s, before %d", r.name, row.Seq, row.Kind, row.ID, before)
		}
	}
}

// judgeEvent holds one event against the row that had its number.
func (r *reader) judgeEvent(h history, e entry, asked time.Time, bytes map[place]uint64) {
	reads := func(place uuid.UUID) bool { return r.may(r.account, place, asked, e.at) }
	surely := func(place uuid.UUID) bool { return r.must(r.account, place, asked, e.at) } // else it may be gone for this reader
	p := place{e.page, e.seq, e.name == "removed"}
	if known, ok := bytes[p]; ok && known != e.what.hash {
		r.report.find(unlikeOthers, "%s: number %d of page %s, %s", r.name, e.seq, e.page, e.name)
	}
	bytes[p] = e.what.hash
	now, ok := h.at(e.page, e.seq)
	switch {
	case !ok || now.ID != e.what.id:
		r.report.find(unlikeRow, "%s: number %d of page %s is not %s %s", r.name, e.seq, e.page, e.name, e.what.id)
		for _, version := range h.byID[e.what.id] { // of whose it is, if it is anybody's
			now = version
		}
		if e.name != "removed" && !reads(now.Group) {
			r.report.find(leaked, "%s: %s %s", r.name, e.name, e.what.id)
		}
	case e.name == "removed":
		known := slices.ContainsFunc(h.byID[now.ID], func(v row) bool { return v.Seq < now.Seq && reads(v.Group) })
		if !now.left(reads) && !now.left(surely) || !known {
			r.report.find(leaked, "%s was told of the end of %s, number %d", r.name, now.ID, now.Seq)
		}
	case !reads(now.Group):
		r.report.find(leaked, "%s: %s %s, number %d", r.name, now.Kind, now.ID, now.Seq)
	case now.Deleted:
		r.report.find(cameBack, "%s: %s %s, number %d", r.name, now.Kind, now.ID, now.Seq)
	case now.digest() != e.what.digest:
		r.report.find(unlikeRow, "%s: %s %s, number %d", r.name, now.Kind, now.ID, now.Seq)
	}
}

// judgeLists holds what every instance lists, to nobody and to somebody, to be what the database has.
func (r *round) judgeLists(ctx context.Context) error {
	for _, i := range r.instances {
		for _, a := range []*account{nil, r.accounts[0], r.accounts[len(r.accounts)-1]} {
			for _, page := range r.pages {
				if err := r.judgeList(ctx, i, a, page); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (r *round) judgeList(ctx context.Context, i *instance, a *account, page uuid.UUID) error {
	rows, err := currentRows(ctx, r.postgres.pool, []uuid.UUID{page})
	if err != nil {
		return err
	}
	missing := map[uuid.UUID]uint64{}
	for _, row := range rows {
		if row.Kind == "highlight" && row.visible(r.reads(a)) {
			missing[row.ID] = row.digest()
		}
	}
	for after := ""; ; {
		listed := a.ask(ctx, r.via(i.url()), "GET", "/highlights?limit=200&page="+page.String()+"&after="+after, nil)
		var list struct {
			Items []json.RawMessage
			Next  string
		}
		if err := listed.into(&list); err != nil || !listed.ok() {
			return fmt.Errorf("list page %s: answered %d: %s", page, listed.status, listed.body)
		}
		for _, item := range list.Items {
			c := readContent(event{name: "highlight", data: string(item)})
			if missing[c.id] != c.digest {
				r.report.find(wrongList, "%s lists %s", i.address, item)
			}
			delete(missing, c.id)
		}
		if after = list.Next; after == "" {
			break
		}
	}
	for id := range missing {
		r.report.find(wrongList, "%s does not list %s", i.address, id)
	}
	r.report.count("list", 1)
	return nil
}
