package storage_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"limn/storage"
	"limn/storage/storagetest"
)

// A reader that does something when it is read, and then ends.
type event func()

func (e event) Read([]byte) (int, error) {
	e()
	return 0, io.EOF
}

// What does not come to its end leaves nothing, and takes no room.
func TestAnAttachmentThatDoesNotArriveLeavesNothing(t *testing.T) {
	s := storagetest.Open(t)
	ada := mustReader(t, s, "Ada")
	h := mustHighlight(t, s, ada, "public")
	half := func() io.Reader { return strings.NewReader(strings.Repeat("x", 600<<10)) }
	erase := event(func() {
		if _, err := s.DeleteHighlight(t.Context(), ada, h.ID, nil); err != nil {
			t.Error(err)
		}
	})
	for _, c := range []struct {
		name    string
		content io.Reader
		size    int64
		want    error
	}{
		{"breaks off", io.MultiReader(half(), iotest.ErrReader(io.ErrClosedPipe)), storage.MaxAttachment, io.ErrClosedPipe},
		{"larger than said", half(), 500 << 10, storage.ErrTooLarge},
		{"erased meanwhile", io.MultiReader(half(), erase), storage.MaxAttachment, storage.ErrNotFound},
	} {
		n := storage.NewAttachment{On: storage.Attached{Highlight: h.ID}, Name: c.name, Size: c.size}
		if _, _, _, err := s.CreateAttachment(t.Context(), ada, n, c.content); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if rows(t, s, "attachments")+rows(t, s, "attachment_pieces") != 0 {
			t.Errorf("%s: something is left", c.name)
		}
	}
}

func TestAnAccountHasSoMuchRoomForAttachments(t *testing.T) {
	s := storagetest.Open(t)
	ada, bob := mustReader(t, s, "Ada"), mustReader(t, s, "Bob")
	attach := func(author storage.Reader, h storage.Highlight) error {
		n := storage.NewAttachment{On: storage.Attached{Highlight: h.ID}, Name: "a", Size: storage.MaxAttachment}
		_, _, _, err := s.CreateAttachment(t.Context(), author, n, strings.NewReader("x"))
		return err
	}
	var list []storage.Highlight
	for range 3 {
		list = append(list, mustHighlight(t, s, ada, "public"))
	}
	taken(t, s, ada, list[0], 256<<20-storage.MaxAttachment)
	if err := attach(ada, list[1]); err != nil {
		t.Errorf("what just fits: %v", err)
	}

	err := attach(ada, list[2])

	if !errors.Is(err, storage.ErrTooMany) {
		t.Errorf("what does not fit: %v", err)
	}
	if err := attach(bob, mustHighlight(t, s, bob, "public")); err != nil {
		t.Errorf("somebody else's: %v", err)
	}
	if _, err := s.DeleteHighlight(t.Context(), ada, list[0].ID, nil); err != nil {
		t.Fatal(err)
	}
	if err := attach(ada, list[2]); err != nil {
		t.Errorf("after one was erased: %v", err)
	}
}

// taken writes down an attachment of some size, without its content.
func taken(t *testing.T, s *storage.Store, author storage.Reader, h storage.Highlight, size int64) {
	t.Helper()
	conn, err := s.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), `
		INSERT INTO attachments (page_id, id, highlight_id, account_id, name, size, stored_at)
		VALUES ($1, gen_random_uuid(), $2, $3, 'large', $4, now())`, h.Page.ID, h.ID, author.Account.ID, size)
	if err != nil {
		t.Fatal(err)
	}
}
