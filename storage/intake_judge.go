package storage

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// judge finds out, for each staged item, whether it can be written: what is here stays as it is.
func (st *staging) judge(ctx context.Context) error {
	steps := []func(context.Context) error{st.judgeIDs, st.findThreads, st.makePages}
	if st.in.Restore {
		steps = append([]func(context.Context) error{st.restorePeople}, steps...)
	}
	if err := st.exec(ctx, `ANALYZE intake (`+judgedBy+`), intake_accounts, intake_groups, intake_members`); err != nil {
		return err
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// judgedBy are the columns that the items are looked up by.
const judgedBy = `n, kind, status, id, page_id, highlight_id, in_reply_to, author_id, group_id`

// exec runs statements one after the other.
func (st *staging) exec(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := st.conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// judgeIDs looks for ids that are twice in the file, or here already.
func (st *staging) judgeIDs(ctx context.Context) error {
	return st.exec(ctx, `
		UPDATE intake i SET
			status = CASE WHEN (i.url, i.note, i.color, i.tags, i.highlight_id) IS NOT DISTINCT FROM (f.url, f.note, f.color, f.tags, f.highlight_id) THEN 200 ELSE 409 END,
			detail = 'stands in line ' || f.line || ' already'
		FROM (SELECT kind, id, min(n) AS n FROM intake WHERE status = 0 GROUP BY kind, id HAVING count(*) > 1) first JOIN intake f ON f.n = first.n
		WHERE i.status = 0 AND i.kind = first.kind AND i.id = first.id AND i.n > first.n`,
		presentHighlights(`intake`, `409`, `200`), presentReplies(`intake`, `409`, `200`))
}

// presentHighlights gives those that are here a status. Of another one's id it says no more than that it is in use.
func presentHighlights(table, other, same string) string {
	const alike = `h.page_id = i.page_id AND h.note = i.note AND h.color = i.color AND h.tags = i.tags`
	return `
		UPDATE ` + table + ` i SET
			status = CASE WHEN h.author_id = i.author_id AND h.deleted_at IS NULL AND ` + alike + ` THEN ` + same + ` ELSE ` + other + ` END,
			detail = CASE WHEN h.author_id <> i.author_id THEN 'the id is in use'
			              WHEN h.deleted_at IS NOT NULL THEN 'was deleted here'
			              WHEN ` + alike + ` THEN 'is here already'
			              ELSE 'is here already, and differs: it stays as it is' END
		FROM highlights h WHERE i.kind = 0 AND i.status = 0 AND h.id = i.id`
}

func presentReplies(table, other, same string) string {
	return `
		UPDATE ` + table + ` i SET
			status = CASE WHEN r.author_id = i.author_id AND r.deleted_at IS NULL AND r.note = i.note THEN ` + same + ` ELSE ` + other + ` END,
			detail = CASE WHEN r.author_id <> i.author_id THEN 'the id is in use'
			              WHEN r.deleted_at IS NOT NULL THEN 'was deleted here'
			              WHEN r.note = i.note THEN 'is here already'
			              ELSE 'is here already, and differs: it stays as it is' END
		FROM replies r WHERE i.kind = 1 AND i.status = 0 AND r.id = i.id`
}

// maxThread is how deep answers to answers may be; no thread that people write is deeper.
const maxThread = 100

// findThreads finds what each reply is under: a highlight of the file or one that is here, where the account may write.
func (st *staging) findThreads(ctx context.Context) error {
	if st.replies == 0 {
		return nil
	}
	err := st.exec(ctx,
		`CREATE INDEX ON intake (id) WHERE kind = 0`,
		`CREATE INDEX ON intake (id) WHERE kind = 1`,
		`UPDATE intake r SET highlight_id = r.in_reply_to, in_reply_to = NULL
		FROM intake h WHERE r.kind = 1 AND r.status = 0 AND r.highlight_id IS NULL AND h.kind = 0 AND h.id = r.in_reply_to`,
		`UPDATE intake r SET highlight_id = r.in_reply_to, in_reply_to = NULL
		FROM highlights h WHERE r.kind = 1 AND r.status = 0 AND r.highlight_id IS NULL AND h.id = r.in_reply_to`,
		`UPDATE intake r SET highlight_id = a.highlight_id
		FROM replies a WHERE r.kind = 1 AND r.status = 0 AND r.highlight_id IS NULL AND a.id = r.in_reply_to`)
	if err != nil {
		return err
	}
	for range maxThread {
		found, err := st.conn.Exec(ctx, `
			UPDATE intake r SET highlight_id = a.highlight_id
			FROM intake a WHERE r.kind = 1 AND r.status = 0 AND r.highlight_id IS NULL AND a.kind = 1 AND a.highlight_id IS NOT NULL AND a.id = r.in_reply_to`)
		if err != nil {
			return err
		}
		if found.RowsAffected() == 0 {
			break
		}
	}
	_, err = st.conn.Exec(ctx, `
		UPDATE intake r SET page_id = h.page_id, place_id = h.place_id, group_id = h.group_id
		FROM intake h WHERE r.kind = 1 AND r.status = 0 AND h.kind = 0 AND h.status = 0 AND h.id = r.highlight_id`)
	if err != nil {
		return err
	}
	_, err = st.conn.Exec(ctx, `
		UPDATE intake r SET page_id = h.page_id, place_id = h.group_id, group_id = nullif(nullif(h.group_id, $3), r.author_id)
		FROM highlights h
		WHERE r.kind = 1 AND r.status = 0 AND r.page_id IS NULL AND h.id = r.highlight_id AND h.deleted_at IS NULL AND ($1 OR h.group_id = ANY($2))`,
		st.in.Restore, st.in.Author.writable(), Public)
	if err != nil {
		return err
	}
	if err := st.exec(ctx, `
		UPDATE intake SET status = 422, detail = 'answers nothing that is here' WHERE kind = 1 AND status = 0 AND page_id IS NULL`); err != nil || st.in.Restore {
		return err
	}
	// What it answered may be gone; then it answers the highlight.
	return st.exec(ctx, `
		UPDATE intake r SET in_reply_to = NULL
		WHERE r.kind = 1 AND r.status = 0 AND r.in_reply_to IS NOT NULL
		  AND NOT EXISTS (SELECT FROM intake a WHERE a.kind = 1 AND a.id = r.in_reply_to AND a.highlight_id = r.highlight_id AND a.status IN (0, 200))
		  AND NOT EXISTS (SELECT FROM replies a WHERE a.page_id = r.page_id AND a.id = r.in_reply_to AND a.highlight_id = r.highlight_id)`)
}

// writable are the places where a reader may write.
func (r Reader) writable() []uuid.UUID {
	list := []uuid.UUID{Public, r.Account.ID}
	for group, role := range r.Roles {
		if role.can(RoleMember) {
			list = append(list, group)
		}
	}
	return list
}

// makePages makes the pages that are missing.
func (st *staging) makePages(ctx context.Context) error {
	return st.exec(ctx, `
		INSERT INTO pages (id, url, title)
		SELECT DISTINCT ON (page_id) page_id, url, page_title FROM intake
		WHERE kind = 0 AND status = 0 ORDER BY page_id, page_title = '', n
		ON CONFLICT (id) DO UPDATE SET title = excluded.title WHERE pages.title = '' AND excluded.title <> ''`)
}

// restorePeople makes the accounts and groups that are missing. A name that somebody else has here gets an end of its own. Who is
// here stays as they are, and so does who is in a group that is here.
func (st *staging) restorePeople(ctx context.Context) error {
	return pgx.BeginFunc(ctx, st.conn, func(tx pgx.Tx) error {
		for _, step := range []string{
			`INSERT INTO accounts (id, name, name_key)
			SELECT id, CASE WHEN taken THEN left(name, 55) || ' ' || right(id::text, 4) ELSE name END,
			       CASE WHEN taken THEN left(name_key, 55) || ' ' || right(id::text, 4) ELSE name_key END
			FROM (SELECT i.id, i.name, i.name_key,
			             row_number() OVER (PARTITION BY i.name_key ORDER BY i.id) > 1 OR EXISTS (SELECT FROM accounts a WHERE a.name_key = i.name_key) AS taken
			      FROM (SELECT DISTINCT ON (id) * FROM intake_accounts ORDER BY id, name_key) i
			      WHERE NOT EXISTS (SELECT FROM accounts a WHERE a.id = i.id) AND NOT EXISTS (SELECT FROM groups g WHERE g.id = i.id)) missing
			ON CONFLICT DO NOTHING`,
			`CREATE TEMP TABLE intake_made ON COMMIT DROP AS
			SELECT i.id, i.name, i.name_key, i.kind,
			       row_number() OVER (PARTITION BY i.name_key ORDER BY i.id) > 1 OR EXISTS (SELECT FROM groups g WHERE g.name_key = i.name_key) AS taken
			FROM (SELECT DISTINCT ON (id) * FROM intake_groups ORDER BY id, name_key) i
			WHERE NOT EXISTS (SELECT FROM groups g WHERE g.id = i.id) AND NOT EXISTS (SELECT FROM accounts a WHERE a.id = i.id)`,
			`INSERT INTO groups (id, name, name_key, kind)
			SELECT id, CASE WHEN taken THEN left(name, 55) || ' ' || right(id::text, 4) ELSE name END,
			       CASE WHEN taken THEN left(name_key, 55) || ' ' || right(id::text, 4) ELSE name_key END, kind
			FROM intake_made ON CONFLICT DO NOTHING`,
			`WITH joined AS (
				INSERT INTO members (group_id, account_id, role, joined_at)
				SELECT DISTINCT ON (m.group_id, m.account_id) m.group_id, m.account_id, m.role, m.joined_at
				FROM intake_members m JOIN intake_made g ON g.id = m.group_id JOIN accounts a ON a.id = m.account_id AND a.deleted_at IS NULL
				ON CONFLICT DO NOTHING RETURNING account_id
			)
			UPDATE accounts SET rights = rights + 1 WHERE id IN (SELECT account_id FROM joined)`,
			`UPDATE intake i SET status = 409, detail = 'its author''s account was deleted here, or has an id that is in use'
			FROM (SELECT DISTINCT author_id FROM intake WHERE status = 0) wrote
			WHERE i.status = 0 AND i.author_id = wrote.author_id
			  AND NOT EXISTS (SELECT FROM accounts a WHERE a.id = wrote.author_id AND a.deleted_at IS NULL)`,
			`UPDATE intake i SET status = 422, detail = 'its group is neither here nor in the file'
			WHERE i.status = 0 AND i.group_id IS NOT NULL AND NOT EXISTS (SELECT FROM groups g WHERE g.id = i.group_id AND g.deleted_at IS NULL)`,
		} {
			if _, err := tx.Exec(ctx, step); err != nil {
				return err
			}
		}
		return takeMissing(ctx, tx)
	})
}
