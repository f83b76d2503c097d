package storage

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A Thread is a highlight with the replies under it, oldest first; whole, with all else that is known of it.
type Thread struct {
	Highlight Highlight
	Replies   []Reply

	VerifiedAt *time.Time      // when it was first verified
	History    []Event         // what has happened to it since, oldest first
	Group      *GroupDetails   // its group, at the first thread of that group
	Files      []*AttachedFile // the attachments of the highlight and of its replies
}

// exportChunk is how many highlights are held at once while all are walked through.
const exportChunk = 500

// Threads walks through all that the filter chooses, a chunk at a time.
func (s *Store) Threads(ctx context.Context, reader Reader, filter Filter, whole bool) iter.Seq2[Thread, error] {
	return func(yield func(Thread, error) bool) {
		paging := Paging{Limit: exportChunk}
		groups := map[string]bool{} // those that were described
		for {
			list, next, _, err := s.ListHighlights(ctx, reader, filter, paging)
			if err != nil {
				yield(Thread{}, err)
				return
			}
			threads, err := s.threadsOf(ctx, reader, list)
			if err == nil && whole {
				err = s.complete(ctx, threads, groups)
			}
			if err != nil {
				yield(Thread{}, err)
				return
			}
			for _, t := range threads {
				if !yield(t, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			paging.After = next
		}
	}
}

func (s *Store) threadsOf(ctx context.Context, reader Reader, list []Highlight) ([]Thread, error) {
	threads := make([]Thread, len(list))
	at := make(map[uuid.UUID]int, len(list))
	var pages, ids []uuid.UUID
	for i, h := range list {
		threads[i].Highlight = h
		if h.Replies > 0 {
			pages, ids = append(pages, h.Page.ID), append(ids, h.ID)
			at[h.ID] = i
		}
	}
	if len(ids) == 0 {
		return threads, nil
	}
	rows, _ := s.pool.Query(ctx, replyQuery+`
		JOIN unnest($1::uuid[], $2::uuid[]) asked (page, id) ON r.page_id = asked.page AND r.highlight_id = asked.id
		WHERE ($4 OR r.group_id = ANY($3)) AND r.deleted_at IS NULL AND a.deleted_at IS NULL
		ORDER BY r.created_at, r.id`, pages, ids, reader.Groups, reader.everything)
	replies, err := pgx.CollectRows(rows, scanReply)
	if err != nil {
		return nil, translate(err, "list threads")
	}
	for _, r := range replies {
		t := &threads[at[r.Highlight]]
		t.Replies = append(t.Replies, r)
	}
	return threads, nil
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
	rows, _ := s.pool.Query(ctx, `
		SELECT h.id, h.verified_at FROM unnest($1::uuid[], $2::uuid[]) asked (page, id) JOIN highlights h ON h.page_id = asked.page AND h.id = asked.id
		WHERE h.verified_at IS NOT NULL`, pages, ids)
	var id uuid.UUID
	var verified time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &verified}, func() error {
		threads[at[id]].VerifiedAt = new(verified)
		return nil
	})
	if err != nil {
		return translate(err, "list threads")
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
	files, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*AttachedFile, error) {
		f := &AttachedFile{ctx: ctx, store: s}
		err := row.Scan(&f.page, &f.On.Highlight, &f.On.Reply, &f.ID, &f.Name, &f.Type, &f.Size, &f.Hash, &f.StoredAt)
		return f, err
	})
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
