package storage

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A Thread is a highlight with the replies under it, oldest first; whole, with all else that is known of it.
type Thread struct {
	Highlight Highlight
	Replies   []Reply

	Ranges     []byte          // of a whole one, as JSON: to read and write them again would take as long as all else
	VerifiedAt *time.Time      // when it was first verified
	History    []Event         // what has happened to it since, oldest first
	Group      *GroupDetails   // its group, at the first thread of that group
	Files      []*AttachedFile // the attachments of the highlight and of its replies
}

// exportChunk is how many highlights are held at once while all are walked through.
const exportChunk = 500

// Threads walks through all that the filter chooses, a chunk at a time. The next one is read while one is used.
func (s *Store) Threads(ctx context.Context, reader Reader, filter Filter, whole bool) iter.Seq2[Thread, error] {
	return func(yield func(Thread, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		chunks := make(chan chunk)
		var reading sync.WaitGroup
		defer reading.Wait()
		defer cancel()
		reading.Go(func() { s.readChunks(ctx, reader, filter, whole, chunks) })
		for c := range chunks {
			for _, t := range c.threads {
				if !yield(t, nil) {
					return
				}
			}
			if c.err != nil {
				yield(Thread{}, c.err)
				return
			}
		}
	}
}

// A chunk is some of all threads, and why there are no more of them.
type chunk struct {
	threads []Thread
	err     error
}

// readChunks reads what Threads hands on, until ctx ends.
func (s *Store) readChunks(ctx context.Context, reader Reader, filter Filter, whole bool, chunks chan<- chunk) {
	defer close(chunks)
	if reader.everything {
		var err error
		if reader.without, err = s.listLeft(ctx); err != nil {
			select {
			case chunks <- chunk{err: err}:
			case <-ctx.Done():
			}
			return
		}
	}
	groups := map[string]bool{} // those that were described
	for after := ""; ; {
		var c chunk
		c.threads, after, c.err = s.readChunk(ctx, reader, filter, whole, after)
		if c.err == nil && whole {
			c.err = s.complete(ctx, c.threads, groups)
		}
		select {
		case chunks <- c:
		case <-ctx.Done():
			return
		}
		if c.err != nil || after == "" {
			return
		}
	}
}

func (s *Store) readChunk(ctx context.Context, reader Reader, filter Filter, whole bool, after string) (threads []Thread, next string, err error) {
	if whole && filter.Text == "" {
		threads, next, err = s.listWhole(ctx, reader, filter, after)
	} else {
		var list []Highlight
		list, next, _, err = s.ListHighlights(ctx, reader, filter, Paging{Limit: exportChunk, After: after})
		threads = make([]Thread, len(list))
		for i, h := range list {
			threads[i].Highlight = h
		}
	}
	if err != nil {
		return nil, "", err
	}
	return threads, next, s.addReplies(ctx, reader, threads)
}

// wholeChunk is exportChunk for threads that are only copied.
const wholeChunk = 4000

// listWhole is ListHighlights for threads whose ranges nobody looks into.
func (s *Store) listWhole(ctx context.Context, reader Reader, filter Filter, after string) (threads []Thread, next string, err error) {
	at, err := parseCursor(after)
	if err != nil {
		return nil, "", err
	}
	where, args := filter.where(reader)
	column, direction, compare := filter.order()
	if after != "" {
		where = append(where, "("+column+", h.id) "+compare+" (@after_time, @after_id)")
		args["after_time"], args["after_id"] = at.Time, at.ID
	}
	args["limit"] = wholeChunk + 1
	order := " ORDER BY " + column + direction + ", h.id" + direction
	rows, _ := s.pool.Query(ctx, `
		SELECT h.id, h.page_id, p.url, coalesce(nullif(h.title, ''), p.title), h.group_id, h.author_id, a.name, h.ranges, h.color, h.note, h.tags, h.replies,
		       nullif(h.attachments, '[]'), h.check_state, h.check_reason, h.checked_at, h.check_ranges, h.seq, h.version, h.created_at, h.updated_at, h.verified_at
		FROM (SELECT h.* FROM highlights h WHERE `+strings.Join(where, " AND ")+order+` LIMIT @limit) h
		JOIN pages p ON p.id = h.page_id JOIN accounts a ON a.id = h.author_id`+order, args)
	threads, cut, err := collectSome(rows, func(row pgx.CollectableRow) (t Thread, err error) {
		h := &t.Highlight
		var group [16]byte // bare arrays are read without a detour
		err = row.Scan((*[16]byte)(&h.ID), (*[16]byte)(&h.Page.ID), &h.Page.URL, &h.Page.Title, &group, (*[16]byte)(&h.Author.ID), &h.Author.Name, &t.Ranges,
			&h.Color, &h.Note, &h.Tags, &h.Replies, &h.Attachments, (*string)(&h.Check.State), &h.Check.Reason, &h.Check.CheckedAt, &h.Check.Ranges,
			&h.Seq, &h.Version, &h.CreatedAt, &h.UpdatedAt, &t.VerifiedAt)
		h.put(group)
		return t, err
	})
	if err != nil {
		return nil, "", translate(err, "list threads")
	}
	threads, next = cutPage(threads, wholeChunk, cut, func(t Thread) cursor {
		if strings.HasSuffix(filter.Sort, "updated") {
			return cursor{t.Highlight.UpdatedAt, t.Highlight.ID}
		}
		return cursor{t.Highlight.CreatedAt, t.Highlight.ID}
	})
	return threads, next, nil
}

// addReplies reads what was answered.
func (s *Store) addReplies(ctx context.Context, reader Reader, threads []Thread) error {
	at := map[uuid.UUID]int{}
	var pages, ids []uuid.UUID
	for i, t := range threads {
		if h := t.Highlight; h.Replies > 0 {
			pages, ids = append(pages, h.Page.ID), append(ids, h.ID)
			at[h.ID] = i
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, _ := s.pool.Query(ctx, replyQuery+`
		JOIN unnest($1::uuid[], $2::uuid[]) asked (page, id) ON r.page_id = asked.page AND r.highlight_id = asked.id
		WHERE ($4 OR r.group_id = ANY($3)) AND r.deleted_at IS NULL AND a.deleted_at IS NULL
		ORDER BY r.created_at, r.id`, pages, ids, reader.Groups, reader.everything)
	replies, err := pgx.CollectRows(rows, scanReply)
	if err != nil {
		return translate(err, "list threads")
	}
	for _, r := range replies {
		t := &threads[at[r.Highlight]]
		t.Replies = append(t.Replies, r)
	}
	return nil
}

// complete adds what lists do not have to threads that their reader may see.
func (s *Store) complete(ctx context.Context, threads []Thread, groups map[string]bool) error {
	pages, ids := make([]uuid.UUID, len(threads)), make([]uuid.UUID, len(threads))
	at := make(map[uuid.UUID]int, len(threads))
	attached := false
	for i, t := range threads {
		pages[i], ids[i], at[t.Highlight.ID] = t.Highlight.Page.ID, t.Highlight.ID, i
		attached = attached || len(t.Highlight.Attachments) > 0 ||
			slices.ContainsFunc(t.Replies, func(r Reply) bool { return len(r.Attachments) > 0 })
		if g := t.Highlight.Group; g != "public" && g != "me" && !groups[g] {
			groups[g] = true
			details, err := s.groupDetails(ctx, g)
			if err != nil {
				return err
			}
			threads[i].Group = details
		}
	}
	events, err := s.events(ctx, pages, ids)
	if err != nil {
		return err
	}
	for id, list := range events {
		threads[at[id]].History = list
	}
	if !attached {
		return nil
	}
	return s.addFiles(ctx, threads, at, pages, ids)
}

func (s *Store) addFiles(ctx context.Context, threads []Thread, at map[uuid.UUID]int, pages, ids []uuid.UUID) error {
	rows, _ := s.pool.Query(ctx, `
		SELECT page_id, highlight_id, coalesce(reply_id, '00000000-0000-0000-0000-000000000000'), attachments.id, name, type, size, hash, stored_at FROM attachments
		JOIN unnest($1::uuid[], $2::uuid[]) asked (page, highlight) ON page_id = asked.page AND highlight_id = asked.highlight
		WHERE stored_at IS NOT NULL ORDER BY stored_at, attachments.id`, pages, ids)
	files, err := pgx.CollectRows(rows, s.scanFile(ctx))
	if err != nil {
		return translate(err, "list attachments")
	}
	for _, f := range files {
		t := &threads[at[f.On.Highlight]]
		t.Files = append(t.Files, f)
	}
	return nil
}

// groupDetails are a group's, for somebody who may read it; nil: it is gone meanwhile.
func (s *Store) groupDetails(ctx context.Context, name string) (*GroupDetails, error) {
	id, err := uuid.Parse(name)
	if err != nil {
		return nil, nil
	}
	g := GroupDetails{ID: id}
	err = s.pool.QueryRow(ctx, `SELECT name, kind FROM groups WHERE id = $1 AND deleted_at IS NULL`, id).Scan(&g.Name, &g.Kind)
	if err == pgx.ErrNoRows {
		return nil, nil
	}
	if err != nil {
		return nil, translate(err, "get group")
	}
	rows, _ := s.pool.Query(ctx, memberQuery+` WHERE m.group_id = $1 ORDER BY m.joined_at, m.account_id`, id)
	g.Members, err = pgx.CollectRows(rows, scanMember)
	return &g, translate(err, "list members")
}
