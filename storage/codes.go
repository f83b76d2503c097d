package storage

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A Challenge is the SHA-256 of a secret that only the program knows which asked for a code (RFC 7636, S256).
type Challenge [sha256.Size]byte

// ParseChallenge reads a challenge as URLs have it: base64url without padding, in the one way to write it.
func ParseChallenge(text string) (c Challenge, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != len(c) || base64.RawURLEncoding.EncodeToString(raw) != text { // which passes over line ends
		return Challenge{}, false
	}
	return Challenge(raw), true
}

const codeLife = time.Minute

// CreateCode makes a code that whoever knows the secret behind a challenge may change into a session, once. It passes
// through addresses, where a token must not be.
func (s *Store) CreateCode(ctx context.Context, account uuid.UUID, challenge Challenge) (code string, err error) {
	code = newSecret("")
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM codes WHERE expires_at < now()`); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			INSERT INTO codes (hash, account_id, challenge, expires_at)
			SELECT $1, id, $2, $3 FROM accounts WHERE id = $4 AND deleted_at IS NULL FOR KEY SHARE`,
			hashSecret(code), challenge[:], time.Now().Add(codeLife), account)
		if err == nil && tag.RowsAffected() == 0 {
			err = ErrNotFound
		}
		return err
	})
	return code, translate(err, "create code")
}

// RedeemCode is the account that a code stands for: ErrCode if it is unknown, used or expired, or the secret is another.
// However that ends, the code is used.
func (s *Store) RedeemCode(ctx context.Context, code, verifier string) (a Account, err error) {
	var challenge []byte
	var expires time.Time
	err = s.pool.QueryRow(ctx, `
		WITH used AS (DELETE FROM codes WHERE hash = $1 RETURNING account_id, challenge, expires_at)
		SELECT a.id, a.name, used.challenge, used.expires_at FROM used JOIN accounts a ON a.id = used.account_id AND a.deleted_at IS NULL`,
		hashSecret(code)).Scan(&a.ID, &a.Name, &challenge, &expires)
	sum := sha256.Sum256([]byte(verifier))
	switch {
	case errors.Is(err, pgx.ErrNoRows), err == nil && (subtle.ConstantTimeCompare(sum[:], challenge) == 0 || time.Now().After(expires)):
		return Account{}, ErrCode
	case err != nil:
		return Account{}, translate(err, "redeem code")
	}
	return a, nil
}
