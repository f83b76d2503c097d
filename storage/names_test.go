package storage_test

import (
	"errors"
	"strings"
	"testing"

	"limn/storage"
	"limn/storage/storagetest"
)

// Names that look like one that is taken are taken, and names that do not are free.
func TestNamesThatLookAlike(t *testing.T) {
	store := storagetest.Open(t)
	for _, name := range []string{"Paypal", "paypal 1", "Bob", "Ian", "Вова", "Jose", "Arnold", "می\u200cخواهم", "\ufdfa"} {
		if _, err := store.CreateAccount(t.Context(), storage.NewAccount{Name: name}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for _, name := range []string{
		"paypal", "ＰＡＹＰＡＬ", "PaypaI", "Paypa1", "Раураl", "Pаypаl", "РАУРАL", "𝔓𝔞𝔶𝔭𝔞𝔩", "Pay\u200dpal", "Paypal\ufe0f", "p\u0430ypal", "paypal l", "paypal I",
		"ВОВ", "\u0392ob", "Іan", "IAN", "lan", "вова", "Boвa", "ΙΑΝ", "Amold", "می\u200cخواهم", "میخواهم", strings.Repeat(" ", 3) + "Bob\u00a0",
	} {
		if account, err := store.CreateAccount(t.Context(), storage.NewAccount{Name: name}); !errors.Is(err, storage.ErrNameTaken) {
			t.Errorf("%q (%+q) is not taken: %v, %v", name, name, account, err)
		}
	}
	for _, name := range []string{"Lan", "José", "Bobby", "Вован", "Paypal 2", "李", "Ελένη", "مریم", "Ada 👩\u200d🚀", strings.Repeat("\ufdfa", 60)} {
		if _, err := store.CreateAccount(t.Context(), storage.NewAccount{Name: name}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"\u200d", "\u2800", "A\u2800", "\ufe0f", "A\u034f", "\u115f", "A\u202eB", "\u3164", " \t\n "} {
		var invalid *storage.InvalidError
		if _, err := store.CreateAccount(t.Context(), storage.NewAccount{Name: name}); !errors.As(err, &invalid) {
			t.Errorf("%+q: %v", name, err)
		}
	}
}

// A name is given up with what it looks like: by taking another, and by leaving.
func TestNameIsGivenUp(t *testing.T) {
	store := storagetest.Open(t)
	create := func(name string) storage.Account {
		t.Helper()
		account, err := store.CreateAccount(t.Context(), storage.NewAccount{Name: name})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return account
	}
	ada := create("Ada")
	if _, err := store.RenameAccount(t.Context(), ada.ID, "Аdа"); err != nil { // its own look, in Cyrillic
		t.Error(err)
	}
	if _, err := store.RenameAccount(t.Context(), ada.ID, "Eve"); err != nil {
		t.Error(err)
	}
	bob := create("Ada")
	if _, err := store.RenameAccount(t.Context(), bob.ID, "Еvе"); !errors.Is(err, storage.ErrNameTaken) {
		t.Errorf("he is called like her: %v", err)
	}
	create("Bоb")
	group := func(name string) error {
		_, _, err := store.CreateGroup(t.Context(), storage.Reader{Account: bob}, storage.NewGroup{Name: name})
		return err
	}
	if err := errors.Join(group("Ada"), group("Club")); err != nil {
		t.Error(err)
	}
	if err := group("СIub"); !errors.Is(err, storage.ErrNameTaken) {
		t.Errorf("a group is called like another: %v", err)
	}
	if _, err := store.DeleteAccount(t.Context(), storage.Reader{Account: bob}); err != nil {
		t.Fatal(err)
	}
	create("Аda")
	if _, _, err := store.CreateGroup(t.Context(), storage.Reader{Account: ada}, storage.NewGroup{Name: "СIub"}); err != nil {
		t.Errorf("the name of a group that has ended is taken: %v", err)
	}
}
