package storage

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A FeedEdition is one writing of the feed, from every page's beginning on. There is another for another topic, and
// for another epoch.
type FeedEdition struct {
	ID         uuid.UUID
	Partitions int32 // that pages are spread over
}

// FeedChanges are what is new to the feed on one page, in the order of the numbers.
type FeedChanges struct {
	Page    uuid.UUID
	Changes []Change // of what everybody may read, or could
	Reached int64    // there are no others up to this number
}

// LeadFeed lets an instance write the feed from now on for as long as it says, unless another does. An instance that
// writes it already may go on.
func (s *Store) LeadFeed(ctx context.Context, instance uuid.UUID, life time.Duration) (leads bool, err error) {
	tag, err := s.pool.Exec(ctx, `
		UPDATE feed SET leader = $1, leader_until = now() + $2::interval WHERE leader = $1 OR leader_until < now()`, instance, life)
	return tag.RowsAffected() > 0, translate(err, "lead the feed")
}

// LeaveFeed lets another instance write the feed.
func (s *Store) LeaveFeed(ctx context.Context, instance uuid.UUID) error {
	_, err := s.pool.Exec(ctx, `UPDATE feed SET leader_until = '-infinity' WHERE leader = $1`, instance)
	return translate(err, "leave the feed")
}

// GetFeedEdition is the edition that was begun on a topic in this epoch; ErrNotFound: none was.
func (s *Store) GetFeedEdition(ctx context.Context, topic uuid.UUID) (e FeedEdition, err error) {
	err = s.pool.QueryRow(ctx, `
		SELECT edition, partitions FROM feed WHERE topic_id = $1 AND epoch = $2 AND edition IS NOT NULL`, topic, s.epoch).
		Scan(&e.ID, &e.Partitions)
	return e, translate(err, "get the feed's edition")
}

// CreateFeedEdition begins an edition, which holds no page yet. ErrNotFound: the instance does not lead any more.
func (s *Store) CreateFeedEdition(ctx context.Context, instance, topic uuid.UUID, e FeedEdition) error {
	tag, err := s.pool.Exec(ctx, `
		UPDATE feed SET edition = @edition, topic_id = @topic, epoch = @epoch, partitions = @partitions WHERE leader = @instance`,
		pgx.NamedArgs{"edition": e.ID, "topic": topic, "epoch": s.epoch, "partitions": e.Partitions, "instance": instance})
	if err == nil && tag.RowsAffected() == 0 {
		err = pgx.ErrNoRows
	}
	return translate(err, "begin an edition of the feed")
}

// PagesBehindFeed looks at the next pages after one, in the order of their ids, and returns those with changes that an
// edition does not have, and the last that it looked at; the nil UUID: there are none after these.
func (s *Store) PagesBehindFeed(ctx context.Context, edition, after uuid.UUID, limit int) (behind []uuid.UUID, last uuid.UUID, err error) {
	var seen int
	err = s.pool.QueryRow(ctx, `
		WITH next AS (SELECT id, seq FROM pages WHERE id > $2 ORDER BY id LIMIT $3)
		SELECT ARRAY(SELECT n.id FROM next n LEFT JOIN feed_pages f ON f.page_id = n.id AND f.edition = $1
		             WHERE n.seq > coalesce(f.seq, 0)),
		       coalesce((SELECT id FROM next ORDER BY id DESC LIMIT 1), $2), (SELECT count(*) FROM next)`,
		edition, after, limit).Scan(&behind, &last, &seen)
	if seen < limit {
		last = uuid.Nil
	}
	return behind, last, translate(err, "list the pages behind the feed")
}

// ListFeedChanges reads what an edition does not have of some pages, up to limit changes, and says whether there is
// more. It is Changes for many pages and one reader who may see what is public: what is not never leaves the database.
func (s *Store) ListFeedChanges(ctx context.Context, edition uuid.UUID, pages []uuid.UUID, limit int) (list []FeedChanges, more bool, err error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT p.id, p.seq, c.* FROM pages p
		LEFT JOIN feed_pages f ON f.page_id = p.id AND f.edition = @edition
		LEFT JOIN LATERAL (
			(SELECT `+highlightChange+`
			 FROM highlights h JOIN accounts a ON a.id = h.author_id
			 WHERE h.page_id = p.id AND h.seq > coalesce(f.seq, 0) AND (h.group_id = @public OR @public = ANY(h.left_groups))
			 ORDER BY h.seq LIMIT @limit)
			UNION ALL
			(SELECT `+replyChange+`
			 FROM replies r JOIN accounts a ON a.id = r.author_id
			 WHERE r.page_id = p.id AND r.seq > coalesce(f.seq, 0) AND (r.group_id = @public OR @public = ANY(r.left_groups))
			 ORDER BY r.seq LIMIT @limit)
			ORDER BY seq LIMIT @limit
		) c ON true
		WHERE p.id = ANY(@pages) AND p.seq > coalesce(f.seq, 0) ORDER BY p.id, c.seq LIMIT @limit`,
		pgx.NamedArgs{"edition": edition, "pages": pages, "public": Public, "limit": limit})
	type feedRow struct {
		page   uuid.UUID
		seq    int64
		change Change
	}
	found, cut, err := collectSome(rows, func(row pgx.CollectableRow) (f feedRow, err error) {
		var r changeRow
		err = row.Scan(append([]any{&f.page, &f.seq}, r.columns()...)...)
		f.change = r.change()
		return f, err
	})
	for _, f := range found {
		if len(list) == 0 || list[len(list)-1].Page != f.page {
			list = append(list, FeedChanges{Page: f.page, Reached: f.seq})
		}
		if at := &list[len(list)-1]; f.change.Kind != "" {
			at.Changes = append(at.Changes, f.change)
		}
	}
	if more = cut || len(found) == limit; more && len(list) > 0 { // the last page may have been cut off in the middle
		if at := &list[len(list)-1]; len(at.Changes) > 0 {
			at.Reached = at.Changes[len(at.Changes)-1].Seq
		}
	}
	return list, more, translate(err, "list the feed's changes")
}

// PutFeedPages says how far an edition has some pages. What it has already stays.
func (s *Store) PutFeedPages(ctx context.Context, edition uuid.UUID, list []FeedChanges) error {
	pages, seqs := make([]uuid.UUID, len(list)), make([]int64, len(list))
	for i, f := range list {
		pages[i], seqs[i] = f.Page, f.Reached
	}
	_, err := s.pool.Exec(ctx, `
		INSERT INTO feed_pages (page_id, edition, seq)
		SELECT page, $1, seq FROM unnest($2::uuid[], $3::bigint[]) AS f (page, seq)
		ON CONFLICT (page_id) DO UPDATE SET edition = excluded.edition, seq = excluded.seq
		WHERE feed_pages.edition <> excluded.edition OR feed_pages.seq < excluded.seq`, edition, pages, seqs)
	return translate(err, "put the feed's pages")
}
