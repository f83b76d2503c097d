package live

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"limn/storage"
)

func TestCursorIsReadAsWritten(t *testing.T) {
	epoch, one, two := uuid.New(), uuid.New(), uuid.New()
	groups := groupsOf([]uuid.UUID{one, two})
	text := string(appendPage(appendPage([]byte(string(appendID(nil, epoch))+"-"+groups), one, 0), two, 9223372036854775807))

	c, ok := parseCursor(text)

	if !ok || c.groups != groups || c.epoch != epoch || len(c.seqs) != 2 || c.seqs[one] != 0 || c.seqs[two] != 9223372036854775807 {
		t.Errorf("%q is read as %+v, %v", text, c, ok)
	}
}

func TestWhatIsNoCursorIsRefused(t *testing.T) {
	id := strings.Repeat("A", 22)
	for _, text := range []string{
		"", "x", id + ".", id + "." + id, id + "." + id + "-", id + "." + id + "--1", id + "." + id + "-1x", id + "." + id + "+1",
		id + "." + id + "-9223372036854775808", id[1:] + "+." + id + "-1", id[1:] + "B", // 22 characters with bits left over
		strings.Repeat(id+".", 200),
	} {
		if c, ok := parseCursor(text); ok {
			t.Errorf("%.60q is read as %+v", text, c)
		}
	}
}

// Whatever is taken for a cursor means the same when it is written and read again.
func FuzzParseCursor(f *testing.F) {
	f.Add(string(appendPage(appendID(nil, uuid.Max), uuid.Max, 17)))
	f.Add(strings.Repeat("A", 22) + "-" + strings.Repeat("A", 8))
	f.Fuzz(func(t *testing.T, text string) {
		c, ok := parseCursor(text)
		if !ok {
			return
		}
		written := appendID(nil, c.epoch)
		if c.groups != "" {
			written = append(append(written, '-'), c.groups...)
		}
		for page, seq := range c.seqs {
			written = appendPage(written, page, seq)
		}
		again, ok := parseCursor(string(written))
		if !ok || again.epoch != c.epoch || again.groups != c.groups || len(again.seqs) != len(c.seqs) {
			t.Fatalf("%q is written as %q", text, written)
		}
		for page, seq := range c.seqs {
			if again.seqs[page] != seq {
				t.Fatalf("%q is written as %q", text, written)
			}
		}
	})
}

// The order in which groups are read does not matter, and which they are does.
func TestCursorNamesTheGroupsThatWereRead(t *testing.T) {
	one, two := uuid.New(), uuid.New()
	if groupsOf([]uuid.UUID{one, two}) != groupsOf([]uuid.UUID{two, one}) {
		t.Error("the same groups have two names")
	}
	if groupsOf([]uuid.UUID{one}) == groupsOf([]uuid.UUID{one, two}) {
		t.Error("other groups have the same name")
	}
	if name := groupsOf([]uuid.UUID{storage.Public}); name != "" {
		t.Errorf("the public alone is called %q", name)
	}
}
