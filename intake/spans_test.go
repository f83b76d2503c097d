package intake_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"limn/intake"
	"limn/storage"
	"limn/storage/storagetest"
)

// A page with more on it than is written at once keeps its numbers, wherever it stands among the pages.
func TestALargePageKeepsItsNumbers(t *testing.T) {
	const large = 5_200
	store := storagetest.Open(t)
	var file strings.Builder
	numbers := map[uuid.UUID]int64{}
	line := func(page string, seq int) {
		id := uuid.Must(uuid.NewV7())
		numbers[id] = int64(seq)
		fmt.Fprintf(&file, `{"id":%q,"page":{"url":"https://example.org/%s"},"group":"public","author":{"id":"01970000-0000-7000-8000-000000000001","name":"Ada"},"seq":%d,"version":1,"check":{"state":"pending"},"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}`+"\n", id, page, seq)
	}
	for _, page := range []string{"a", "b", "c", "d", "e", "f"} { // before it and after it, as the hashes fall
		line(page, 7)
	}
	for i := range large {
		line("large", 2*(large-i)) // in another order than the file's, and with gaps
	}

	tally, _ := takeIn(t, store, "ndjson", file.String(), storage.Intake{Restore: true})

	if tally.Created != int64(len(numbers)) {
		t.Fatalf("of %d it is %+v", len(numbers), tally)
	}
	for id, h := range highlights(t, store, storage.Operator, storage.Filter{}) {
		if h.Seq != numbers[id] {
			t.Fatalf("on %s %s has the number %d, was %d", h.Page.URL, id, h.Seq, numbers[id])
		}
	}
}

// A file that takes several transactions, two of them at a time, is all there, with answers and histories.
func TestAFileOfManyPagesIsRestoredWhole(t *testing.T) {
	const many = 5500
	name := filepath.Join(t.TempDir(), "highlights.ndjson")
	writeMany(t, name, many)
	file, err := os.ReadFile(name)
	must(t, err)
	whole := strings.ReplaceAll(string(file), `"thread":[{`, `"history":[{"at":"2026-01-02T00:00:00Z","by":null,"kind":"checked","state":"orphaned"}],"thread":[{`)
	first, second := storagetest.Open(t), storagetest.Open(t)

	tally, _ := takeIn(t, first, "ndjson", whole, storage.Intake{Restore: true})
	out := exported(t, first, "ndjson", storage.Operator)
	again, _ := takeIn(t, second, "ndjson", out, storage.Intake{Restore: true})

	if tally.Created != many || again != tally {
		t.Errorf("%d are %+v, and then %+v", many, tally, again)
	}
	if n := strings.Count(out, `"orphaned"`); n != many/10 || strings.Count(out, "an answer") != many/10 {
		t.Errorf("there are %d entries of histories", n)
	}
	if diff := cmp.Diff(lines(out), lines(exported(t, second, "ndjson", storage.Operator))); diff != "" {
		t.Errorf("it differs:\n%.1000s", diff)
	}
}

// What others write between the look at what is here and the writing stays as it is, and the rest goes in.
func TestAnIDThatIsTakenMeanwhileIsRefused(t *testing.T) {
	store := storagetest.Open(t)
	ada, bob := signUp(t, store, "Ada"), signUp(t, store, "Bob")
	taken, answered, free, reply := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	file := fmt.Sprintf(`no JSON
{"id":%q,"page":{"url":"https://example.org/"},"note":"taken"}
{"id":%q,"page":{"url":"https://example.org/"},"note":"answered","thread":[{"id":%q,"note":"an answer"}]}
{"id":%q,"page":{"url":"https://example.org/"},"note":"free"}
`, taken, answered, reply, free)
	ndjson, _ := intake.Find("ndjson")
	status := map[string]int{}

	_, err := store.TakeIn(t.Context(), storage.Intake{
		Author: ada, Changed: func(uuid.UUID) {},
		Told: func(o storage.Outcome) error {
			if o.Line == 1 { // which is told of before anything is written
				h, _, err := store.CreateHighlight(t.Context(), bob, storage.NewHighlight{ID: taken, URL: "https://example.com/"})
				must(t, err)
				_, _, _, err = store.CreateReply(t.Context(), bob, storage.NewReply{ID: reply, Highlight: h.ID, Note: "first"})
				must(t, err)
			}
			status[o.ID] = o.Status
			return nil
		},
	}, ndjson.Read(strings.NewReader(file)))

	must(t, err)
	if status[taken.String()] != 409 || status[reply.String()] != 409 || status[answered.String()] != 201 || status[free.String()] != 201 {
		t.Errorf("it is %v", status)
	}
	if got := highlights(t, store, ada, storage.Filter{}); len(got) != 2 || got[free].Note != "free" || got[answered].Replies != 0 {
		t.Errorf("Ada has %+v", got)
	}
}

// Authors come along with their names, but for those that somebody else has here or in the file.
func TestANameThatIsTakenGetsAnEnd(t *testing.T) {
	store := storagetest.Open(t)
	signUp(t, store, "Ada")
	var file strings.Builder
	for _, name := range []string{"Ada", "Bob", "BOB"} {
		fmt.Fprintf(&file, `{"page":{"url":"https://example.org/"},"group":"public","note":%q,"author":{"id":%q,"name":%[1]q},"check":{"state":"pending"}}`+"\n", name, uuid.New())
	}

	tally, outcomes := takeIn(t, store, "ndjson", file.String(), storage.Intake{Restore: true})

	if tally.Created != 3 {
		t.Fatalf("%+v: %+v", tally, outcomes)
	}
	whole := 0
	for _, h := range highlights(t, store, storage.Operator, storage.Filter{}) {
		if !strings.HasPrefix(h.Author.Name, h.Note) || h.Author.Name == "Ada" {
			t.Errorf("%s is %s", h.Note, h.Author.Name)
		}
		if h.Author.Name == h.Note {
			whole++
		}
	}
	if whole != 1 {
		t.Errorf("%d have their whole name, want one of the two that are Bob", whole)
	}
}
