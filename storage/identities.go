package storage

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"
)

// An Identity is somebody as a provider of OpenID Connect knows them: its issuer says that the subject is always the same.
type Identity struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

// maxSubject is what OpenID Connect Core 1.0, section 2, lets a subject have, in bytes.
const maxSubject = 255

// FindIdentity is the account that an identity signs in to: ErrNotFound if there is none yet.
func (s *Store) FindIdentity(ctx context.Context, i Identity) (a Account, err error) {
	if len(i.Subject) > maxSubject || strings.ContainsRune(i.Subject, 0) {
		return Account{}, ErrNotFound
	}
	err = s.pool.QueryRow(ctx, `
		SELECT a.id, a.name FROM identities i JOIN accounts a ON a.id = i.account_id WHERE i.issuer = $1 AND i.subject = $2`,
		i.Issuer, i.Subject).Scan(&a.ID, &a.Name)
	return a, translate(err, "find an identity")
}

// ListIdentities lists those that sign in to an account: nothing of them is secret to its person.
func (s *Store) ListIdentities(ctx context.Context, reader Reader) ([]Identity, error) {
	rows, _ := s.pool.Query(ctx, `SELECT issuer, subject FROM identities WHERE account_id = $1 ORDER BY issuer, subject`, reader.Account.ID)
	identities, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Identity])
	return orEmpty(identities), translate(err, "list identities")
}

// CreateIdentity makes an account that an identity signs in to, under a name like the one that its provider has for it. If
// the same identity comes twice at once, both have the same account.
func (s *Store) CreateIdentity(ctx context.Context, i Identity, name, invite string) (Account, error) {
	if i.Subject == "" || len(i.Subject) > maxSubject || strings.ContainsRune(i.Subject, 0) {
		var invalid InvalidError
		invalid.refuse("/subject", "must have 1 to %d bytes", maxSubject)
		return Account{}, &invalid
	}
	name = presentable(name)
	for attempt := range maxNamesTried {
		account, err := s.CreateAccount(ctx, NewAccount{Name: numbered(name, attempt), Invite: invite, Identity: i})
		switch {
		case errors.Is(err, ErrNameTaken):
		case errors.Is(err, ErrConflict):
			return s.FindIdentity(ctx, i)
		default:
			return account, err
		}
	}
	return Account{}, ErrNameTaken
}

const maxNamesTried = 20

// numbered tells namesakes apart: Ada, Ada 2, Ada 3, and if there are many, Ada and some number.
func numbered(name string, attempt int) string {
	switch {
	case attempt == 0:
		return name
	case attempt < maxNamesTried/2:
		return name + " " + strconv.Itoa(attempt+1)
	}
	return name + " " + strconv.Itoa(1000+rand.IntN(1_000_000))
}

// presentable makes a name of what another program takes for one, with room for a number.
func presentable(name string) string {
	const room = maxName - len(" 1000000")
	name = strings.ToValidUTF8(name[:min(len(name), maxRawName)], "")
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case isInvisible(r):
			return -1
		}
		return r
	}, norm.NFC.String(name))
	runes := []rune(strings.Join(strings.Fields(name), " "))
	name = strings.TrimSpace(string(runes[:min(len(runes), room)]))
	if name == "" || nameKey(name) == "" {
		return "Somebody"
	}
	return name
}
