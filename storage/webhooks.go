package storage

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A Webhook is an address that is told what changes, of what its owner may see.
type Webhook struct {
	ID         uuid.UUID  `json:"id"`
	URL        string     `json:"url"`
	Page       *uuid.UUID `json:"page"`  // only of this page; null: of all
	Group      *string    `json:"group"` // only in this group, named as in Highlight; null: in all that the owner reads
	CreatedAt  time.Time  `json:"created_at"`
	State      string     `json:"state"`       // active, failing or disabled
	Failures   int        `json:"failures"`    // attempts in a row that have failed
	FailingFor *time.Time `json:"failing_for"` // since when they do; null: they do not
	RetryAt    *time.Time `json:"retry_at"`    // when it is tried again; null: it is not failing, or not tried any more
	Reason     string     `json:"reason"`      // of the last failure; empty: there is none
	Account    uuid.UUID  `json:"-"`
	Secret     string     `json:"-"` // whsec_ and the base64 of what deliveries are signed with
}

// A Delivery is one attempt to tell a webhook something.
type Delivery struct {
	ID     uuid.UUID  `json:"id"` // of what is told: the same in each attempt
	Type   string     `json:"type"`
	Page   *uuid.UUID `json:"page"`
	Seq    *int64     `json:"seq"`
	At     time.Time  `json:"at"`
	Status int        `json:"status"` // of the answer; 0: there was none
	Reason string     `json:"reason"` // why it counts as failed; empty: it does not
}

const (
	maxWebhooks     = 20 // of an account
	maxWebhookURL   = 2000
	webhookSecret   = "whsec_"
	webhookLock     = 0x6c696d6f         // the advisory lock of those who deal out
	webhookLease    = 60 * time.Second   // of a page whose changes are being delivered
	webhooksAtOnce  = 2                  // pages of one webhook, and one while it fails
	deliveriesKept  = "7 days"           // of the log
	WebhookPatience = 3 * 24 * time.Hour // for how long a webhook may fail before it is disabled
	webhookIdle     = "1 hour"           // after which it is forgotten how far a page was told
	maxDeliveryText = 200                // characters of a reason
)

// CreateWebhook makes a webhook, with its secret, for what changes from then on.
func (s *Store) CreateWebhook(ctx context.Context, owner Reader, w Webhook) (Webhook, error) {
	var invalid InvalidError
	if checkText(&invalid, "/url", w.URL, maxWebhookURL); invalid.Fields != nil {
		return Webhook{}, &invalid
	}
	if w.Group != nil {
		if _, _, err := s.groupOf(ctx, owner, *w.Group); err != nil {
			return Webhook{}, err
		}
	}
	key := make([]byte, 32)
	rand.Read(key) // which never fails
	w.ID, w.Account, w.State, w.Secret = newID(), owner.Account.ID, "active", webhookSecret+base64.StdEncoding.EncodeToString(key)
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var count int
		var locked bool
		if err := tx.QueryRow(ctx, `SELECT true FROM accounts WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE`, w.Account).Scan(&locked); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM webhooks WHERE account_id = $1`, w.Account).Scan(&count); err != nil {
			return err
		}
		if count >= maxWebhooks {
			return ErrTooMany
		}
		return tx.QueryRow(ctx, `
			INSERT INTO webhooks (id, account_id, url, secret, only_page, only_group, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp()) RETURNING created_at`,
			w.ID, w.Account, w.URL, w.Secret, w.Page, w.Group).Scan(&w.CreatedAt)
	})
	return w, translate(err, "create webhook")
}

const webhookQuery = `
	SELECT id, account_id, url, secret, only_page, only_group, created_at, failures, failing_since, retry_at, reason,
	       CASE WHEN disabled_at IS NOT NULL THEN 'disabled' WHEN failures > 0 THEN 'failing' ELSE 'active' END
	FROM webhooks`

func scanWebhook(row pgx.CollectableRow) (w Webhook, err error) {
	err = row.Scan(&w.ID, &w.Account, &w.URL, &w.Secret, &w.Page, &w.Group, &w.CreatedAt, &w.Failures, &w.FailingFor, &w.RetryAt, &w.Reason, &w.State)
	return w, err
}

// ListWebhooks lists an account's own, oldest first.
func (s *Store) ListWebhooks(ctx context.Context, owner Reader) ([]Webhook, error) {
	rows, _ := s.pool.Query(ctx, webhookQuery+` WHERE account_id = $1 ORDER BY created_at, id`, owner.Account.ID)
	list, err := pgx.CollectRows(rows, scanWebhook)
	return orEmpty(list), translate(err, "list webhooks")
}

// GetWebhook finds one of an account's own.
func (s *Store) GetWebhook(ctx context.Context, owner Reader, id uuid.UUID) (Webhook, error) {
	rows, _ := s.pool.Query(ctx, webhookQuery+` WHERE id = $1 AND account_id = $2`, id, owner.Account.ID)
	w, err := pgx.CollectExactlyOneRow(rows, scanWebhook)
	return w, translate(err, "get webhook")
}

// DeleteWebhook ends one of an account's own: nothing more is delivered to it.
func (s *Store) DeleteWebhook(ctx context.Context, owner Reader, id uuid.UUID) error {
	tag, err := s.pool.Exec(ctx, `DELETE FROM webhooks WHERE id = $1 AND account_id = $2`, id, owner.Account.ID)
	if err == nil && tag.RowsAffected() == 0 {
		err = pgx.ErrNoRows
	}
	return translate(err, "delete webhook")
}

// ListDeliveries lists the attempts of a webhook of an account's own, newest first.
func (s *Store) ListDeliveries(ctx context.Context, owner Reader, id uuid.UUID, paging Paging) ([]Delivery, string, error) {
	if _, err := s.GetWebhook(ctx, owner, id); err != nil {
		return nil, "", err
	}
	after, err := parseCursor(paging.After)
	if err != nil {
		return nil, "", err
	}
	type attempt struct {
		Delivery
		id uuid.UUID
	}
	rows, _ := s.pool.Query(ctx, `
		SELECT id, message_id, type, page, seq, at, status, reason FROM webhook_deliveries
		WHERE webhook_id = $1 AND ($2 OR (at, id) < ($3, $4)) ORDER BY at DESC, id DESC LIMIT $5`,
		id, paging.After == "", after.Time, after.ID, paging.Limit+1)
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a attempt, err error) {
		err = row.Scan(&a.id, &a.ID, &a.Type, &a.Page, &a.Seq, &a.At, &a.Status, &a.Reason)
		return a, err
	})
	if err != nil {
		return nil, "", translate(err, "list deliveries")
	}
	list, next := cutPage(list, paging.Limit, false, func(a attempt) cursor { return cursor{a.At, a.id} })
	deliveries := make([]Delivery, len(list))
	for i, a := range list {
		deliveries[i] = a.Delivery
	}
	return deliveries, next, nil
}

// DealOut gives the pages that have changed to the webhooks that may want to know, and says whether there are more. A
// trigger notes them, with the number before the change, in the transaction that changes them.
func (s *Store) DealOut(ctx context.Context) (more bool, err error) {
	var due bool
	if err := s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM webhook_due)`).Scan(&due); err != nil || !due {
		return false, translate(err, "look for what webhooks are to be told")
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// One at a time, because of what was noted of one page the first decides where it begins.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, webhookLock); err != nil {
			return err
		}
		const limit = 1000
		var count int
		err := tx.QueryRow(ctx, `
			WITH due AS (
				DELETE FROM webhook_due WHERE ctid = ANY (ARRAY(SELECT ctid FROM webhook_due LIMIT $1)) RETURNING page_id, seq, at
			), dealt AS (
				INSERT INTO webhook_pages (webhook_id, page_id, seq, due_at)
				SELECT w.id, d.page_id, min(d.seq), clock_timestamp()
				FROM due d JOIN webhooks w ON d.at >= w.created_at AND w.disabled_at IS NULL AND coalesce(w.only_page, d.page_id) = d.page_id
				GROUP BY w.id, d.page_id
				ON CONFLICT (webhook_id, page_id) DO UPDATE SET due_at = clock_timestamp()
			)
			SELECT count(*) FROM due`, limit).Scan(&count)
		more = count == limit
		return err
	})
	return more, translate(err, "deal out to webhooks")
}

// A WebhookTurn is the right to deliver what has changed on one page to one webhook, in its order and alone.
type WebhookTurn struct {
	Webhook Webhook
	Page    uuid.UUID
	Seq     int64     // of the last change that was told
	Owner   Reader    // as their rights are now
	due     time.Time // as it was when the turn was taken
	lease   uuid.UUID
}

// TakeWebhookTurns takes up to limit turns that are due; each of them for a minute, after which somebody else may.
func (s *Store) TakeWebhookTurns(ctx context.Context, limit int) ([]WebhookTurn, error) {
	lease := uuid.New()
	rows, _ := s.pool.Query(ctx, `
		UPDATE webhook_pages p SET lease = @lease, leased_until = now() + @life::interval
		FROM (
			SELECT next.webhook_id, next.page_id FROM webhooks w, LATERAL (
				SELECT webhook_id, page_id FROM webhook_pages p
				WHERE p.webhook_id = w.id AND p.due_at <= now() AND p.leased_until < now()
				ORDER BY p.due_at LIMIT greatest(0, CASE WHEN w.failures > 0 THEN 1 ELSE @at_once END
					- (SELECT count(*) FROM webhook_pages l WHERE l.webhook_id = w.id AND l.leased_until >= now()))
				FOR UPDATE SKIP LOCKED
			) next
			WHERE w.disabled_at IS NULL AND (w.retry_at IS NULL OR w.retry_at <= now())
			LIMIT @limit
		) t
		WHERE p.webhook_id = t.webhook_id AND p.page_id = t.page_id
		RETURNING p.webhook_id, p.page_id, p.seq, p.due_at`,
		pgx.NamedArgs{"lease": lease, "life": webhookLease, "at_once": webhooksAtOnce, "limit": limit})
	turns, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t WebhookTurn, err error) {
		err = row.Scan(&t.Webhook.ID, &t.Page, &t.Seq, &t.due)
		t.lease = lease
		return t, err
	})
	for i := range turns {
		if err == nil {
			err = s.fillTurn(ctx, &turns[i])
		}
	}
	return turns, translate(err, "take turns at webhooks")
}

// fillTurn reads the webhook and what its owner may see of it now.
func (s *Store) fillTurn(ctx context.Context, t *WebhookTurn) error {
	rows, _ := s.pool.Query(ctx, webhookQuery+` WHERE id = $1`, t.Webhook.ID)
	var err error
	if t.Webhook, err = pgx.CollectExactlyOneRow(rows, scanWebhook); err != nil {
		return err
	}
	t.Owner, err = s.WebhookOwner(ctx, t.Webhook)
	return err
}

// WebhookOwner is the owner of a webhook as a reader of what it is for, at this moment: nothing if that is not theirs to
// read any more.
func (s *Store) WebhookOwner(ctx context.Context, w Webhook) (Reader, error) {
	owner := Reader{Account: Account{ID: w.Account}, At: time.Now(), Groups: []uuid.UUID{Public, w.Account}}
	rows, _ := s.pool.Query(ctx, `SELECT group_id, role FROM members WHERE account_id = $1 ORDER BY group_id`, w.Account)
	var group uuid.UUID
	var role Role
	_, err := pgx.ForEachRow(rows, []any{&group, &role}, func() error {
		owner.join(group, role)
		return nil
	})
	if err != nil || w.Group == nil {
		return owner, err
	}
	only, err := s.Only(ctx, owner, *w.Group)
	if errors.Is(err, ErrNotFound) {
		return Reader{Account: owner.Account, At: owner.At}, nil
	}
	return only, err
}

// Told says that a webhook was told everything of its page up to a number, and keeps the turn. Not ok: somebody else has it.
func (s *Store) Told(ctx context.Context, t WebhookTurn, seq int64) (ok bool, err error) {
	tag, err := s.pool.Exec(ctx, `
		UPDATE webhook_pages SET seq = $4, leased_until = now() + $5::interval
		WHERE webhook_id = $1 AND page_id = $2 AND lease = $3 AND leased_until >= now()`, t.Webhook.ID, t.Page, t.lease, seq, webhookLease)
	return tag.RowsAffected() > 0, translate(err, "note what a webhook was told")
}

// EndTurn gives a turn back. Done: there is nothing more to tell, unless something has changed meanwhile.
func (s *Store) EndTurn(ctx context.Context, t WebhookTurn, done bool) error {
	_, err := s.pool.Exec(ctx, `
		UPDATE webhook_pages SET leased_until = '-infinity', told_at = now(),
			due_at = CASE WHEN $4 AND due_at = $5 THEN 'infinity' ELSE due_at END
		WHERE webhook_id = $1 AND page_id = $2 AND lease = $3`, t.Webhook.ID, t.Page, t.lease, done, t.due)
	return translate(err, "end a turn at a webhook")
}

// RecordDelivery keeps an attempt for the webhook's owner to see, and counts failures: after the first of them the webhook
// is tried again at a time, and no more if it has failed for WebhookPatience, or is gone for good.
func (s *Store) RecordDelivery(ctx context.Context, webhook uuid.UUID, d Delivery, retryAt time.Time, gone bool) error {
	failed := d.Reason != ""
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE webhooks SET
				failures = CASE WHEN @failed THEN failures + 1 ELSE 0 END,
				failing_since = CASE WHEN @failed THEN coalesce(failing_since, now()) END,
				reason = @reason,
				disabled_at = CASE WHEN @failed AND (@gone OR failing_since < now() - @patience::interval) THEN coalesce(disabled_at, now())
				                   WHEN @failed THEN disabled_at END,
				retry_at = CASE WHEN @failed AND NOT @gone AND disabled_at IS NULL AND (failing_since IS NULL OR failing_since >= now() - @patience::interval) THEN @retry::timestamptz END
			WHERE id = @id`,
			pgx.NamedArgs{"id": webhook, "failed": failed, "reason": truncate(d.Reason, maxDeliveryText), "gone": gone, "patience": WebhookPatience, "retry": retryAt})
		if err != nil || tag.RowsAffected() == 0 { // it was deleted meanwhile
			return err
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO webhook_deliveries (webhook_id, at, id, message_id, type, page, seq, status, reason)
			VALUES ($1, clock_timestamp(), $2, $3, $4, $5, $6, $7, $8)`,
			webhook, newID(), d.ID, d.Type, d.Page, d.Seq, d.Status, truncate(d.Reason, maxDeliveryText))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM webhook_deliveries WHERE webhook_id = $1 AND at < now() - interval '`+deliveriesKept+`'`, webhook)
		return err
	})
	return translate(err, "record a delivery")
}

// SweepWebhooks forgets how far pages were told that were told everything long ago, and what disabled webhooks were to be told.
func (s *Store) SweepWebhooks(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, `
		DELETE FROM webhook_pages p USING webhooks w
		WHERE w.id = p.webhook_id AND (w.disabled_at IS NOT NULL OR p.due_at = 'infinity' AND p.told_at < now() - interval '`+webhookIdle+`')`)
	return translate(err, "sweep webhooks")
}
