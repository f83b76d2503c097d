package storage

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// An Annotation is a highlight or a reply, as the Web Annotation Protocol has them, with the IRIs that it came with.
type Annotation struct {
	Highlight *Highlight // one of these two
	Reply     *Reply
	IRIs
}

// IRIs are names that an annotation had before it came here; empty: none.
type IRIs struct {
	Canonical string // which stays, wherever it goes
	Via       string // where it was before
}

// ID is the highlight's or the reply's.
func (a Annotation) ID() uuid.UUID {
	if a.Reply != nil {
		return a.Reply.ID
	}
	return a.Highlight.ID
}

// Version is the highlight's or the reply's.
func (a Annotation) Version() int64 {
	if a.Reply != nil {
		return a.Reply.Version
	}
	return a.Highlight.Version
}

// Canonical is the IRI that names it everywhere.
func (a Annotation) Canonical() string {
	if a.IRIs.Canonical != "" {
		return a.IRIs.Canonical
	}
	return "urn:uuid:" + a.ID().String()
}

// GetAnnotation finds a highlight or a reply that the reader may see.
func (s *Store) GetAnnotation(ctx context.Context, reader Reader, id uuid.UUID) (a Annotation, err error) {
	h, err := s.GetHighlight(ctx, reader, id)
	if err == nil {
		a.Highlight = &h
	} else if errors.Is(err, ErrNotFound) {
		var r Reply
		r, err = s.GetReply(ctx, reader, id)
		a.Reply = &r
	}
	if err != nil {
		return Annotation{}, err
	}
	err = s.pool.QueryRow(ctx, `
		SELECT coalesce(canonical, ''), coalesce(via, '') FROM highlights WHERE id = $1
		UNION ALL SELECT coalesce(canonical, ''), coalesce(via, '') FROM replies WHERE id = $1`, id).Scan(&a.IRIs.Canonical, &a.Via)
	return a, translate(err, "get annotation")
}

// KeepIRIs keeps the IRIs that an annotation came with.
func (s *Store) KeepIRIs(ctx context.Context, a Annotation) error {
	if a.IRIs == (IRIs{}) {
		return nil
	}
	table := "highlights"
	if a.Reply != nil {
		table = "replies"
	}
	_, err := s.pool.Exec(ctx, `UPDATE `+table+` SET canonical = nullif($2, ''), via = nullif($3, '') WHERE id = $1 AND deleted_at IS NULL`,
		a.ID(), a.IRIs.Canonical, a.Via)
	return translate(err, "keep an annotation's names")
}

// ListAnnotations lists highlights and replies in the reader's groups, oldest first, and counts all of them. Whoever wants
// all of many takes an export: pages that are far from the beginning cost what is before them.
func (s *Store) ListAnnotations(ctx context.Context, reader Reader, from, limit int64) (list []Annotation, total int64, err error) {
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			SELECT (SELECT count(*) FROM highlights WHERE deleted_at IS NULL AND group_id = ANY($1))
			     + (SELECT count(*) FROM replies WHERE deleted_at IS NULL AND group_id = ANY($1))`, reader.Groups).Scan(&total)
		if err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, `
			SELECT id, reply, coalesce(canonical, ''), coalesce(via, '') FROM (
				SELECT id, created_at, false AS reply, canonical, via FROM highlights WHERE deleted_at IS NULL AND group_id = ANY($1)
				UNION ALL SELECT id, created_at, true, canonical, via FROM replies WHERE deleted_at IS NULL AND group_id = ANY($1)
			) annotation ORDER BY created_at, id, reply OFFSET $2 LIMIT $3`, reader.Groups, from, limit)
		type name struct { // a highlight and a reply may have one id
			id    uuid.UUID
			reply bool
		}
		at := map[name]int{}
		var ids []uuid.UUID
		var of name
		var iris IRIs
		_, err = pgx.ForEachRow(rows, []any{&of.id, &of.reply, &iris.Canonical, &iris.Via}, func() error {
			at[of] = len(list)
			list, ids = append(list, Annotation{IRIs: iris}), append(ids, of.id)
			return nil
		})
		if err != nil {
			return err
		}
		rows, _ = tx.Query(ctx, highlightQuery+` WHERE h.id = ANY($1) AND h.deleted_at IS NULL`, ids)
		highlights, err := pgx.CollectRows(rows, scanHighlight)
		if err != nil {
			return err
		}
		for _, h := range highlights {
			if i, listed := at[name{h.ID, false}]; listed {
				list[i].Highlight = &h
			}
		}
		rows, _ = tx.Query(ctx, replyQuery+` WHERE r.id = ANY($1) AND r.deleted_at IS NULL`, ids)
		replies, err := pgx.CollectRows(rows, scanReply)
		for _, r := range replies {
			if i, listed := at[name{r.ID, true}]; listed {
				list[i].Reply = &r
			}
		}
		return err
	})
	return list, total, translate(err, "list annotations")
}
