package storage

import (
	"context"
	"crypto/rand"
	"errors"
	"runtime"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// An Account is a person as others see them.
type Account struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
}

const (
	minPassword = 8    // characters
	maxPassword = 1024 // bytes
)

// argon2id as OWASP recommends it where memory is shared: 19 MiB, two passes, one lane.
var passwordParams = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// A NewAccount is a request for an account.
type NewAccount struct {
	Name     string
	Password string   // empty: the token is the only way in
	Invite   string   // the code of an invite to a group, which the account joins; empty: none
	Identity Identity // which signs in to it; the zero Identity: none
}

// CreateAccount signs a person up.
func (s *Store) CreateAccount(ctx context.Context, n NewAccount) (Account, error) {
	name, key, err := checkName(n.Name)
	if err != nil {
		return Account{}, err
	}
	var hash *string
	if n.Password != "" {
		if hash, err = s.hashNewPassword(ctx, n.Password); err != nil {
			return Account{}, err
		}
	}
	account := Account{ID: newID(), Name: name}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO accounts (id, name, name_key, password_hash) VALUES ($1, $2, $3, $4)`,
			account.ID, account.Name, key, hash)
		if err == nil {
			err = takeName(ctx, tx, ofAccount, account.ID, account.Name)
		}
		if err == nil && n.Identity != (Identity{}) {
			_, err = tx.Exec(ctx, `INSERT INTO identities (issuer, subject, account_id) VALUES ($1, $2, $3)`, n.Identity.Issuer, n.Identity.Subject, account.ID)
		}
		if err == nil && n.Invite != "" {
			_, err = acceptInvite(ctx, tx, account.ID, n.Invite)
		}
		return err
	})
	if err != nil {
		return Account{}, translate(err, "create account")
	}
	return account, nil
}

// SetPassword gives an account another password, and ends all its tokens but the one that asks. Whoever has a password
// has to say it: ErrCredentials otherwise.
func (s *Store) SetPassword(ctx context.Context, reader Reader, current, password string) error {
	var before *string
	err := s.pool.QueryRow(ctx, `SELECT password_hash FROM accounts WHERE id = $1 AND deleted_at IS NULL`, reader.Account.ID).Scan(&before)
	if err != nil {
		return translate(err, "set password")
	}
	if before != nil {
		if err := s.checkPassword(ctx, current, *before); err != nil {
			return err
		}
	}
	hash, err := s.hashNewPassword(ctx, password)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE accounts SET password_hash = $2, updated_at = now()
			WHERE id = $1 AND password_hash IS NOT DISTINCT FROM $3 AND deleted_at IS NULL`, reader.Account.ID, hash, before)
		if err == nil && tag.RowsAffected() == 0 {
			err = ErrCredentials // it was changed meanwhile
		}
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM tokens WHERE account_id = $1 AND id <> $2`, reader.Account.ID, reader.Token)
		}
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM codes WHERE account_id = $1`, reader.Account.ID)
		}
		return err
	})
	return translate(err, "set password")
}

// FindAccount finds the account of a name; not known: nobody has it.
func (s *Store) FindAccount(ctx context.Context, name string) (id uuid.UUID, known bool, err error) {
	if len(name) > maxRawName {
		return uuid.Nil, false, nil
	}
	err = s.pool.QueryRow(ctx, `SELECT id FROM accounts WHERE name_key = $1 AND deleted_at IS NULL`, nameKey(name)).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, false, nil
	}
	return id, err == nil, translate(err, "find account")
}

// HasPassword tells whether an account can be signed in to by one.
func (s *Store) HasPassword(ctx context.Context, id uuid.UUID) (has bool, err error) {
	err = s.pool.QueryRow(ctx, `SELECT password_hash IS NOT NULL FROM accounts WHERE id = $1 AND deleted_at IS NULL`, id).Scan(&has)
	return has, translate(err, "look for a password")
}

// SetOperator says whether an account sees how the server does.
func (s *Store) SetOperator(ctx context.Context, id uuid.UUID, operator bool) error {
	_, err := s.pool.Exec(ctx, `UPDATE accounts SET operator = $2 WHERE id = $1 AND deleted_at IS NULL`, id, operator)
	return translate(err, "make an operator")
}

// ReaderNamed is the account with a name, for who runs the server: it may do what that account may.
func (s *Store) ReaderNamed(ctx context.Context, name string) (Reader, error) {
	_, key, err := checkName(name)
	if err != nil {
		return Reader{}, err
	}
	var r Reader
	err = s.pool.QueryRow(ctx, `SELECT id, name, rights FROM accounts WHERE name_key = $1 AND deleted_at IS NULL`, key).
		Scan(&r.Account.ID, &r.Account.Name, &r.Rights)
	if err != nil {
		return Reader{}, translate(err, "find an account")
	}
	r.Groups, r.Scopes, r.At = []uuid.UUID{Public, r.Account.ID}, scopes, time.Now()
	rows, _ := s.pool.Query(ctx, `SELECT group_id, role FROM members WHERE account_id = $1 ORDER BY group_id`, r.Account.ID)
	var group uuid.UUID
	var role Role
	_, err = pgx.ForEachRow(rows, []any{&group, &role}, func() error {
		r.join(group, role)
		return nil
	})
	return r, translate(err, "find an account's groups")
}

// RenameAccount gives an account another name.
func (s *Store) RenameAccount(ctx context.Context, id uuid.UUID, name string) (Account, error) {
	name, key, err := checkName(name)
	if err != nil {
		return Account{}, err
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE accounts SET name = $2, name_key = $3, updated_at = now() WHERE id = $1 AND deleted_at IS NULL`, id, name, key)
		if err == nil && tag.RowsAffected() == 0 {
			err = ErrNotFound
		}
		if err == nil {
			err = takeName(ctx, tx, ofAccount, id, name)
		}
		return err
	})
	if err != nil {
		return Account{}, translate(err, "rename account")
	}
	return Account{ID: id, Name: name}, nil
}

// DeleteAccount ends an account: nobody signs in to it any more, its name is free, and what it wrote is to be erased (see
// EraseLeft). Who has been in a group the longest, of those with the highest role, owns it next if nobody else does; a group
// without anybody ends. It returns those who own one now, whose rights are others.
func (s *Store) DeleteAccount(ctx context.Context, reader Reader) (heirs []uuid.UUID, err error) {
	account := reader.Account.ID
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// Groups before accounts, and each in their order, as whoever else changes them does.
		rows, _ := tx.Query(ctx, `
			SELECT id FROM groups WHERE id IN (SELECT group_id FROM members WHERE account_id = $1) ORDER BY id FOR NO KEY UPDATE`, account)
		groups, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return err
		}
		for _, group := range groups {
			heir, err := leaveBehind(ctx, tx, group, account)
			if err != nil {
				return err
			}
			if heir != uuid.Nil {
				heirs = append(heirs, heir)
			}
		}
		if err := changeRights(ctx, tx, append(slices.Clone(heirs), account)...); err != nil {
			return err
		}
		var joined bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM members WHERE account_id = $1)`, account).Scan(&joined); err != nil {
			return err
		}
		if joined { // another group, meanwhile
			return ErrUnavailable
		}
		_, err = tx.Exec(ctx, `
			UPDATE accounts SET name = '', name_key = id::text, password_hash = NULL, deleted_at = now(), updated_at = now() WHERE id = $1`, account)
		if err == nil {
			err = giveUpName(ctx, tx, ofAccount, account)
		}
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM tokens WHERE account_id = $1`, account)
		}
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM webhooks WHERE account_id = $1`, account)
		}
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM codes WHERE account_id = $1`, account)
		}
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM identities WHERE account_id = $1`, account)
		}
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM operations WHERE account_id = $1`, account)
		}
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM flags WHERE account_id = $1`, account)
		}
		return err
	})
	return heirs, translate(err, "delete account")
}

// leaveBehind takes an account out of a group, and gives the group another owner if it was the last one.
func leaveBehind(ctx context.Context, tx pgx.Tx, group, account uuid.UUID) (heir uuid.UUID, err error) {
	if _, err := tx.Exec(ctx, `DELETE FROM members WHERE group_id = $1 AND account_id = $2`, group, account); err != nil {
		return uuid.Nil, err
	}
	var role Role
	err = tx.QueryRow(ctx, `
		SELECT account_id, role FROM members WHERE group_id = $1
		ORDER BY array_position($2::text[], role) DESC, joined_at, account_id LIMIT 1`, group, roles).Scan(&heir, &role)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return uuid.Nil, endGroup(ctx, tx, group)
	case err != nil, role == RoleOwner:
		return uuid.Nil, err
	}
	if _, err := tx.Exec(ctx, `UPDATE members SET role = 'owner' WHERE group_id = $1 AND account_id = $2`, group, heir); err != nil {
		return uuid.Nil, err
	}
	return heir, record(ctx, tx, group, account, logged{action: "inherited", account: heir})
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
	if err := s.checkPassword(ctx, password, *hash); err != nil {
		return Account{}, err
	}
	if !known {
		return Account{}, ErrCredentials
	}
	return account, nil
}

// unmatchable takes as long to compare as a real hash.
var unmatchable = func() string {
	hash, err := argon2id.CreateHash(rand.Text(), passwordParams)
	if err != nil {
		panic(err) // the parameters are constants
	}
	return hash
}()

// passwordWorkers is how many passwords are hashed at once: memory is bounded by it, and the other half of the machine is
// left to those who have signed in.
var passwordWorkers = int64(max(1, runtime.GOMAXPROCS(0)/2))

// hashNewPassword is what is kept of a password that somebody chooses.
func (s *Store) hashNewPassword(ctx context.Context, password string) (*string, error) {
	if utf8.RuneCountInString(password) < minPassword || len(password) > maxPassword {
		var invalid InvalidError
		invalid.refuse("/password", "must have %d characters or more, and at most %d bytes", minPassword, maxPassword)
		return nil, &invalid
	}
	if err := s.passwords.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer s.passwords.Release(1)
	hash, err := argon2id.CreateHash(password, passwordParams)
	return &hash, err
}

// checkPassword is ErrCredentials unless a hash is that of a password.
func (s *Store) checkPassword(ctx context.Context, password, hash string) error {
	if len(password) > maxPassword {
		return ErrCredentials
	}
	if err := s.passwords.Acquire(ctx, 1); err != nil {
		return err
	}
	defer s.passwords.Release(1)
	match, err := argon2id.ComparePasswordAndHash(password, hash)
	if err == nil && !match {
		err = ErrCredentials
	}
	return err
}
