package storage

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"github.com/google/uuid"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// An Account is a person as others see them.
type Account struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
}

const (
	maxName     = 60   // characters
	maxRawName  = 4096 // bytes, before spaces and accents are put in order, which takes its time with megabytes
	minPassword = 8    // characters
	maxPassword = 1024 // bytes
	tokenLife   = 400 * 24 * time.Hour
)

// argon2id as OWASP recommends it where memory is shared: 19 MiB, two passes, one lane.
var passwordParams = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// CreateAccount signs a person up. Without a password the token is the only way in.
func (s *Store) CreateAccount(ctx context.Context, name, password string) (Account, error) {
	name, key, err := checkName(name)
	if err != nil {
		return Account{}, err
	}
	var hash *string
	if password != "" {
		if utf8.RuneCountInString(password) < minPassword || len(password) > maxPassword {
			var invalid InvalidError
			invalid.refuse("/password", "must have %d characters or more, and at most %d bytes", minPassword, maxPassword)
			return Account{}, &invalid
		}
		h, err := s.hashPassword(ctx, password)
		if err != nil {
			return Account{}, err
		}
		hash = &h
	}
	account := Account{ID: newID(), Name: name}
	_, err = s.pool.Exec(ctx, `
		INSERT INTO accounts (id, name, name_key, password_hash) VALUES ($1, $2, $3, $4)`,
		account.ID, account.Name, key, hash)
	if err != nil {
		return Account{}, translate(err, "create account")
	}
	return account, nil
}

// RenameAccount gives an account another name.
func (s *Store) RenameAccount(ctx context.Context, id uuid.UUID, name string) (Account, error) {
	name, key, err := checkName(name)
	if err != nil {
		return Account{}, err
	}
	tag, err := s.pool.Exec(ctx, `
		UPDATE accounts SET name = $2, name_key = $3, updated_at = now() WHERE id = $1`, id, name, key)
	if err != nil {
		return Account{}, translate(err, "rename account")
	}
	if tag.RowsAffected() == 0 {
		return Account{}, fmt.Errorf("rename account: %w", ErrNotFound)
	}
	return Account{ID: id, Name: name}, nil
}

// SignIn finds the account of a name and password: ErrCredentials for any that do not fit, in the same time.
func (s *Store) SignIn(ctx context.Context, name, password string) (Account, error) {
	_, key, err := checkName(name)
	if err != nil {
		key = "" // which is nobody's
	}
	var account Account
	var hash *string
	err = s.pool.QueryRow(ctx, `SELECT id, name, password_hash FROM accounts WHERE name_key = $1`, key).
		Scan(&account.ID, &account.Name, &hash)
	err = translate(err, "sign in")
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Account{}, err
	}
	known := hash != nil
	if !known {
		hash = &unmatchable
	}
	if len(password) > maxPassword {
		return Account{}, ErrCredentials
	}
	match, err := s.comparePassword(ctx, password, *hash)
	if err != nil {
		return Account{}, err
	}
	if !match || !known {
		return Account{}, ErrCredentials
	}
	return account, nil
}

// CreateToken makes a secret that stands for the account until it expires. Only its hash is kept.
func (s *Store) CreateToken(ctx context.Context, account uuid.UUID) (token string, expires time.Time, err error) {
	token = newSecret("limn_")
	expires = time.Now().Add(tokenLife)
	_, err = s.pool.Exec(ctx, `
		INSERT INTO tokens (id, account_id, hash, expires_at) VALUES ($1, $2, $3, $4)`,
		newID(), account, hashSecret(token), expires)
	return token, expires, translate(err, "create token")
}

// DeleteToken ends a token; one that is not known is not an error.
func (s *Store) DeleteToken(ctx context.Context, token string) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM tokens WHERE hash = $1`, hashSecret(token))
	return translate(err, "delete token")
}

// Authenticate finds who a token stands for: ErrNotFound when it is unknown or has expired.
func (s *Store) Authenticate(ctx context.Context, token string) (Reader, error) {
	r := Reader{At: time.Now()}
	var groups []uuid.UUID
	var roles []Role
	err := s.pool.QueryRow(ctx, `
		SELECT t.id, t.expires_at, a.id, a.name, a.rights, m.groups, m.roles
		FROM tokens t JOIN accounts a ON a.id = t.account_id, LATERAL (
			SELECT array_agg(group_id ORDER BY group_id) AS groups, array_agg(role ORDER BY group_id) AS roles
			FROM members WHERE account_id = a.id
		) m
		WHERE t.hash = $1 AND t.expires_at > now()`, hashSecret(token)).
		Scan(&r.Token, &r.Expires, &r.Account.ID, &r.Account.Name, &r.Rights, &groups, &roles)
	if err != nil {
		return Reader{}, translate(err, "authenticate")
	}
	r.Groups = []uuid.UUID{Public, r.Account.ID}
	for i, group := range groups {
		r.join(group, roles[i])
	}
	return r, nil
}

// checkName returns the name as it is shown and as it is compared.
func checkName(name string) (shown, key string, err error) {
	var invalid InvalidError
	if len(name) > maxRawName {
		invalid.refuse("/name", "must have at most %d characters", maxName)
		return "", "", &invalid
	}
	shown = strings.Join(strings.Fields(norm.NFC.String(name)), " ")
	switch {
	case shown == "":
		invalid.refuse("/name", "must not be empty")
	case utf8.RuneCountInString(shown) > maxName:
		invalid.refuse("/name", "must have at most %d characters", maxName)
	case strings.ContainsFunc(shown, isInvisible):
		invalid.refuse("/name", "must not contain control or invisible characters")
	}
	return shown, nameKey(shown), invalid.orNil()
}

// isInvisible finds what would let two names look the same or turn the text around them. The joiners stay:
// Persian names and emoji need them.
func isInvisible(r rune) bool {
	if r == zeroWidthNonJoiner || r == zeroWidthJoiner {
		return false
	}
	return unicode.Is(unicode.C, r) || r == unicode.ReplacementChar || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

const zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d'

func nameKey(name string) string {
	name = strings.NewReplacer(string(zeroWidthNonJoiner), "", string(zeroWidthJoiner), "").Replace(name)
	name = strings.Join(strings.Fields(name), " ")
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(name)))
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

// unmatchable takes as long to compare as a real hash.
var unmatchable = func() string {
	hash, err := argon2id.CreateHash(rand.Text(), passwordParams)
	if err != nil {
		panic(err) // the parameters are constants
	}
	return hash
}()

// passwordWorkers bounds the memory that hashing may take at once.
const passwordWorkers = 2

func (s *Store) hashPassword(ctx context.Context, password string) (string, error) {
	if err := s.passwords.Acquire(ctx, 1); err != nil {
		return "", err
	}
	defer s.passwords.Release(1)
	return argon2id.CreateHash(password, passwordParams)
}

func (s *Store) comparePassword(ctx context.Context, password, hash string) (bool, error) {
	if err := s.passwords.Acquire(ctx, 1); err != nil {
		return false, err
	}
	defer s.passwords.Release(1)
	return argon2id.ComparePasswordAndHash(password, hash)
}
