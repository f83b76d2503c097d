package storage

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A Token stands for an account. Its secret is known only when it is made.
type Token struct {
	ID        uuid.UUID `json:"id"`
	Kind      string    `json:"kind"` // session: made by signing in; token: for a program
	Name      string    `json:"name"`
	Scopes    []Scope   `json:"scopes"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	Current   bool      `json:"current"` // it is the one that asks
}

// A Scope is what a token is for.
type Scope string

// The scopes. None includes another.
const (
	ScopeRead  Scope = "read"
	ScopeWrite Scope = "write" // highlights, replies and groups
	ScopeAdmin Scope = "admin" // the account itself, and its tokens
)

var scopes = []Scope{ScopeRead, ScopeWrite, ScopeAdmin}

// A NewToken is a request for a token; what is zero is as usual.
type NewToken struct {
	Name      string
	Scopes    []Scope
	ExpiresIn time.Duration
}

// MaxTokenLife is how long a token may be good that is no session.
const MaxTokenLife = 10 * 365 * 24 * time.Hour

const (
	tokenLife = 400 * 24 * time.Hour // of a session, and of others unless said
	maxTokens = 100                  // of an account, of each kind
)

// CreateSession makes a token for all that the account may do. The oldest ends if there are too many.
func (s *Store) CreateSession(ctx context.Context, account uuid.UUID) (secret string, expires time.Time, err error) {
	secret, expires = newSecret("limn_"), time.Now().Add(tokenLife)
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			DELETE FROM tokens WHERE account_id = $1 AND (expires_at < now() OR id IN (
				SELECT id FROM tokens WHERE account_id = $1 AND kind = 'session' ORDER BY created_at DESC OFFSET $2))`, account, maxTokens-1)
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			INSERT INTO tokens (id, account_id, kind, scopes, hash, expires_at)
			SELECT $1, id, 'session', $2, $3, $4 FROM accounts WHERE id = $5 AND deleted_at IS NULL FOR KEY SHARE`,
			newID(), scopes, hashSecret(secret), expires, account)
		if err == nil && tag.RowsAffected() == 0 { // it was deleted meanwhile
			err = ErrCredentials
		}
		return err
	})
	return secret, expires, translate(err, "create session")
}

// CreateToken makes a token for a program, with no more scopes than the one that asks has.
func (s *Store) CreateToken(ctx context.Context, by Reader, n NewToken) (t Token, secret string, err error) {
	if err := n.check(); err != nil {
		return Token{}, "", err
	}
	for _, scope := range n.Scopes {
		if !by.Has(scope) {
			return Token{}, "", ErrForbidden
		}
	}
	secret = newSecret("limn_")
	t = Token{ID: newID(), Kind: "token", Name: n.Name, Scopes: n.Scopes, ExpiresAt: time.Now().Add(n.ExpiresIn).UTC().Truncate(time.Microsecond)}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// The account first: others are not counted meanwhile.
		var others int
		err := tx.QueryRow(ctx, `SELECT id FROM accounts WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE`, by.Account.ID).Scan(&by.Account.ID)
		if err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `SELECT count(*) FROM tokens WHERE account_id = $1 AND kind = 'token' AND expires_at > now()`, by.Account.ID).Scan(&others)
		if err != nil {
			return err
		}
		if others >= maxTokens {
			return ErrTooMany
		}
		return tx.QueryRow(ctx, `
			INSERT INTO tokens (id, account_id, kind, name, scopes, hash, expires_at)
			VALUES ($1, $2, 'token', $3, $4, $5, $6) RETURNING created_at`,
			t.ID, by.Account.ID, t.Name, t.Scopes, hashSecret(secret), t.ExpiresAt).Scan(&t.CreatedAt)
	})
	return t, secret, translate(err, "create token")
}

// ListTokens lists the tokens of an account that are good, oldest first.
func (s *Store) ListTokens(ctx context.Context, reader Reader, paging Paging) ([]Token, string, error) {
	after, err := parseCursor(paging.After)
	if err != nil {
		return nil, "", err
	}
	rows, _ := s.pool.Query(ctx, `
		SELECT id, kind, name, scopes, created_at, expires_at, id = $2 FROM tokens
		WHERE account_id = $1 AND expires_at > now() AND (created_at, id) > ($3, $4) ORDER BY created_at, id LIMIT $5`,
		reader.Account.ID, reader.Token, after.Time, after.ID, paging.Limit+1)
	tokens, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Token])
	if err != nil {
		return nil, "", translate(err, "list tokens")
	}
	tokens, next := cutPage(tokens, paging.Limit, false, func(t Token) cursor { return cursor{t.CreatedAt, t.ID} })
	return tokens, next, nil
}

// DeleteToken ends a token of the one who asks.
func (s *Store) DeleteToken(ctx context.Context, reader Reader, id uuid.UUID) error {
	tag, err := s.pool.Exec(ctx, `DELETE FROM tokens WHERE id = $1 AND account_id = $2`, id, reader.Account.ID)
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrNotFound
	}
	return translate(err, "delete token")
}

// Authenticate finds who a token stands for: ErrNotFound when it is unknown or has expired.
func (s *Store) Authenticate(ctx context.Context, secret string) (Reader, error) {
	r := Reader{At: time.Now()}
	var groups []uuid.UUID
	var roles []Role
	err := s.pool.QueryRow(ctx, `
		SELECT t.id, t.scopes, t.expires_at, a.id, a.name, a.operator, a.rights, m.groups, m.roles
		FROM tokens t JOIN accounts a ON a.id = t.account_id, LATERAL (
			SELECT array_agg(group_id ORDER BY group_id) AS groups, array_agg(role ORDER BY group_id) AS roles
			FROM members WHERE account_id = a.id
		) m
		WHERE t.hash = $1 AND t.expires_at > now()`, hashSecret(secret)).
		Scan(&r.Token, &r.Scopes, &r.Expires, &r.Account.ID, &r.Account.Name, &r.Operator, &r.Rights, &groups, &roles)
	if err != nil {
		return Reader{}, translate(err, "authenticate")
	}
	r.Groups = []uuid.UUID{Public, r.Account.ID}
	for i, group := range groups {
		r.join(group, roles[i])
	}
	return r, nil
}

// HasAll tells whether who asks may do everything that the account may, as who has signed in.
func (r Reader) HasAll() bool {
	return !slices.ContainsFunc(scopes, func(s Scope) bool { return !r.Has(s) })
}

// Has tells whether what says who asks is for something.
func (r Reader) Has(scope Scope) bool { return slices.Contains(r.Scopes, scope) }

// check fills in what may be left out and refuses what cannot be.
func (n *NewToken) check() error {
	var invalid InvalidError
	n.Name = strings.Join(strings.Fields(n.Name), " ")
	if n.Scopes == nil {
		n.Scopes = []Scope{ScopeRead, ScopeWrite}
	}
	if n.ExpiresIn == 0 {
		n.ExpiresIn = tokenLife
	}
	checkText(&invalid, "/name", n.Name, maxName*4)
	if len(n.Scopes) == 0 || len(n.Scopes) > len(scopes) || slices.ContainsFunc(n.Scopes, func(s Scope) bool { return !slices.Contains(scopes, s) }) {
		invalid.refuse("/scopes", "must be some of read, write, admin")
	}
	if n.ExpiresIn < time.Second || n.ExpiresIn > MaxTokenLife {
		invalid.refuse("/expires_in", "must be from 1 to %d seconds", int(MaxTokenLife.Seconds()))
	}
	return invalid.orNil()
}

// newSecret makes what nobody guesses.
func newSecret(prefix string) string {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails: crypto/rand ends the program instead
	return prefix + base64.RawURLEncoding.EncodeToString(secret)
}

// hashSecret is what is kept of one. It is as long as its hash and random, so the hash needs neither salt nor time.
func hashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
