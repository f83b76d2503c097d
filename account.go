package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"limn/storage"
)

type accountCommand struct {
	Name     string `arg:"" help:"The name of the account."`
	Operator bool   `help:"Let it see how the server does, at /admin. An account that there is already gets this, and no token."`
}

// Help says more than the one sentence.
func (accountCommand) Help() string {
	return "This works whatever LIMN_SIGNUP says, also while limn runs. The token is for all that the account may do; the account has " +
		"no password until one is set with it."
}

// Run makes the account.
func (a accountCommand) Run() error {
	return withStore(func(ctx context.Context, store *storage.Store) error {
		if id, known, err := store.FindAccount(ctx, a.Name); err != nil || known && a.Operator {
			return errors.Join(err, store.SetOperator(ctx, id, true))
		}
		account, err := store.CreateAccount(ctx, storage.NewAccount{Name: a.Name})
		if err != nil {
			return err
		}
		if err := store.SetOperator(ctx, account.ID, a.Operator); err != nil {
			return err
		}
		token, _, err := store.CreateSession(ctx, account.ID)
		if err != nil {
			return err
		}
		fmt.Println(token)
		return nil
	})
}

type tokenCommand struct {
	Account string   `arg:"" help:"The name of the account."`
	Name    string   `help:"What the token is called in the account's list." default:"from the command line"`
	Scopes  []string `help:"What it is for: some of read, write and admin, the account itself." default:"read,write" enum:"read,write,admin"`
	Days    int      `help:"After how many days it ends." default:"365"`
}

// Help says more than the one sentence.
func (tokenCommand) Help() string {
	return "The token is printed once and kept as a hash. One with --scopes=read,write,admin is also a way in for somebody who has lost theirs."
}

// Run makes the token.
func (t tokenCommand) Run() error {
	if most := int(storage.MaxTokenLife / (24 * time.Hour)); t.Days < 1 || t.Days > most {
		return fmt.Errorf("--days must be from 1 to %d", most)
	}
	return withStore(func(ctx context.Context, store *storage.Store) error {
		id, known, err := store.FindAccount(ctx, t.Account)
		if err == nil && !known {
			err = fmt.Errorf("nobody is called %s here", t.Account)
		}
		if err != nil {
			return err
		}
		wanted := storage.NewToken{Name: t.Name, ExpiresIn: time.Duration(t.Days) * 24 * time.Hour}
		for _, scope := range t.Scopes {
			wanted.Scopes = append(wanted.Scopes, storage.Scope(scope))
		}
		operator := storage.Reader{Account: storage.Account{ID: id}, Scopes: wanted.Scopes}
		_, secret, err := store.CreateToken(ctx, operator, wanted)
		if err != nil {
			return err
		}
		fmt.Println(secret)
		return nil
	})
}

// withStore opens the database that the environment names, beside a limn that runs.
func withStore(use func(context.Context, *storage.Store) error) error {
	config, err := readConfig(os.Getenv)
	if err != nil {
		return err
	}
	ctx := context.Background()
	database, err := openDatabase(ctx, config, storage.JoinPrivate)
	if err != nil {
		return err
	}
	defer database.close()
	return use(ctx, database.store)
}
