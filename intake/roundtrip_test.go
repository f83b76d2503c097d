package intake_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"limn/export"
	"limn/intake"
	"limn/storage"
	"limn/storage/storagetest"
	"limn/xpath"
)

// What is exported and taken in elsewhere is the same there: every byte of the next export.
func TestRestoringGivesTheSameExport(t *testing.T) {
	from := storagetest.Open(t)
	ada := furnish(t, from)
	for _, format := range []string{"json", "ndjson"} {
		whole, own := exported(t, from, format, storage.Operator), exported(t, from, format, ada)
		to := storagetest.Open(t)

		tally, outcomes := takeIn(t, to, format, whole, storage.Intake{Restore: true})

		if tally.Refused > 0 || tally.Created == 0 {
			t.Fatalf("%s: %+v: %+v", format, tally, outcomes)
		}
		if diff := cmp.Diff(lines(whole), lines(exported(t, to, format, storage.Operator))); diff != "" {
			t.Errorf("%s: all of it differs (-before +after):\n%s", format, diff)
		}
		there, err := to.ReaderNamed(t.Context(), "Ada")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(lines(own), lines(exported(t, to, format, there))); diff != "" {
			t.Errorf("%s: what Ada may read differs (-before +after):\n%s", format, diff)
		}

		again, _ := takeIn(t, to, format, whole, storage.Intake{Restore: true})
		if again.Created+again.Refused > 0 || again.Present != tally.Created {
			t.Errorf("%s: taken in again it is %+v", format, again)
		}
		if diff := cmp.Diff(lines(whole), lines(exported(t, to, format, storage.Operator))); diff != "" {
			t.Errorf("%s: taken in again all of it differs:\n%s", format, diff)
		}
	}
}

func lines(text string) []string { return strings.Split(text, "\n") }

func exported(t *testing.T, store *storage.Store, format string, reader storage.Reader) string {
	t.Helper()
	f, ok := export.Find(format)
	if !ok {
		t.Fatalf("there is no format %q", format)
	}
	var b bytes.Buffer
	if err := f.Write(&b, "https://limn.example", store.Threads(t.Context(), reader, storage.Filter{}, f.Whole)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// takeIn takes in a file and returns what became of each item.
func takeIn(t *testing.T, store *storage.Store, format, file string, in storage.Intake) (storage.Tally, []storage.Outcome) {
	t.Helper()
	f, ok := intake.Find(format)
	if !ok {
		t.Fatalf("there is no format %q", format)
	}
	var outcomes []storage.Outcome
	in.Changed = func(uuid.UUID) {}
	in.Told = func(o storage.Outcome) error {
		outcomes = append(outcomes, o)
		return nil
	}
	tally, err := store.TakeIn(t.Context(), in, f.Read(strings.NewReader(file)))
	if err != nil {
		t.Fatal(err)
	}
	return tally, outcomes
}

const article = "https://example.org/an article?b=1&a=2"

// furnish fills a store with everything that a highlight can have, and returns Ada, who owns the groups.
func furnish(t *testing.T, store *storage.Store) (ada storage.Reader) {
	t.Helper()
	ctx := t.Context()
	ada, bob, mod := signUp(t, store, "Ada"), signUp(t, store, "Bób <b> 🖍"), signUp(t, store, "Mod")
	url, err := storage.NormalizeURL(article)
	must(t, err)
	closed, _, err := store.CreateGroup(ctx, ada, storage.NewGroup{Name: "Readers", Kind: "closed"})
	must(t, err)
	open, _, err := store.CreateGroup(ctx, bob, storage.NewGroup{Name: "Everyone", Kind: "open"})
	must(t, err)
	ada = named(t, store, "Ada")
	_, _, err = store.PutMember(ctx, ada, closed.ID, bob.Account.ID, storage.RoleMember)
	must(t, err)
	_, _, err = store.PutMember(ctx, ada, closed.ID, mod.Account.ID, storage.RoleModerator)
	must(t, err)
	_, _, err = store.PutMember(ctx, ada, open.ID, ada.Account.ID, "")
	must(t, err)
	ada, bob, mod = named(t, store, "Ada"), named(t, store, "Bób <b> 🖍"), named(t, store, "Mod")

	text := "/html[1]/body[1]/p[1]/text()[1]"
	backward := xpath.Range{
		Anchor: xpath.Point{XPath: text, Offset: 9}, Focus: xpath.Point{XPath: text, Offset: 3},
		Quote: &xpath.Quote{Exact: "👍 an\u2028d <b>", Prefix: "é", Suffix: "…"}, Position: &xpath.Position{Start: 3, End: 9},
	}
	make := func(author storage.Reader, n storage.NewHighlight) storage.Highlight {
		n.URL = url
		h, _, err := store.CreateHighlight(ctx, author, n)
		must(t, err)
		return h
	}
	rich := make(ada, storage.NewHighlight{
		Group: "public", Title: "On <ink> & \"pens\"", Color: "#12abEF", Note: "a *note*\r\n\twith \\ and \u202e", Tags: []string{"to read", "ümlaut", "a,b"},
		Ranges: []xpath.Range{backward, {Anchor: xpath.Point{XPath: `id("x")/p[2]/text()[1]`}, Focus: xpath.Point{XPath: `id("x")/p[2]/text()[1]`, Offset: 4}}},
	})
	first, _, _, err := store.CreateReply(ctx, bob, storage.NewReply{Highlight: rich.ID, Note: "why?"})
	must(t, err)
	second, _, _, err := store.CreateReply(ctx, ada, storage.NewReply{Highlight: rich.ID, InReplyTo: &first.ID, Note: "because\nof <this>"})
	must(t, err)
	_, _, err = store.UpdateReply(ctx, ada, second.ID, storage.ReplyEdit{Note: "because"})
	must(t, err)
	gone, _, _, err := store.CreateReply(ctx, bob, storage.NewReply{Highlight: rich.ID, InReplyTo: &second.ID, Note: "this goes"})
	must(t, err)
	_, _, _, err = store.CreateReply(ctx, ada, storage.NewReply{Highlight: rich.ID, InReplyTo: &gone.ID, Note: "and this stays"})
	must(t, err)
	_, err = store.DeleteReply(ctx, bob, gone.ID, nil)
	must(t, err)
	attach(t, store, ada, storage.Attached{Highlight: rich.ID}, "a <picture>.png", "\x89PNG\r\n\x1a\n"+strings.Repeat("pixels ", 100_000))
	attach(t, store, ada, storage.Attached{Highlight: rich.ID}, "second.txt", "text")
	attach(t, store, bob, storage.Attached{Reply: first.ID}, "of a reply.bin", "\x00\x01\x02")

	verified := make(bob, storage.NewHighlight{Group: "public", Ranges: []xpath.Range{backward}})
	moved := make(bob, storage.NewHighlight{Group: open.ID.String(), Ranges: []xpath.Range{backward}, Note: "in the open"})
	orphaned := make(ada, storage.NewHighlight{Group: closed.ID.String(), Title: "An inbox", Ranges: []xpath.Range{backward}})
	unread := make(ada, storage.NewHighlight{Ranges: []xpath.Range{backward}, Note: "for me alone"})
	make(ada, storage.NewHighlight{Note: "on the whole page"})
	hidden := make(bob, storage.NewHighlight{Group: closed.ID.String(), Note: "rude"})
	_, _, _, err = store.CreateReply(ctx, bob, storage.NewReply{Highlight: hidden.ID, Note: "ruder"})
	must(t, err)
	deleted := make(ada, storage.NewHighlight{Group: "public", Note: "gone"})

	place := backward
	place.Anchor.Offset, place.Quote = 40, nil
	judge(t, store, url, verified, storage.Check{State: xpath.Verified})
	judge(t, store, url, moved, storage.Check{State: xpath.Verified})
	judge(t, store, url, moved, storage.Check{State: xpath.Moved, Ranges: []xpath.Range{place}})
	judge(t, store, url, orphaned, storage.Check{State: xpath.Orphaned})
	judge(t, store, url, unread, storage.Check{State: xpath.Unverifiable, Reason: "status_403"})
	_, err = store.ReanchorHighlight(ctx, ada, orphaned.ID, storage.Reanchoring{Ranges: []xpath.Range{place}})
	must(t, err)
	_, err = store.UpdateHighlight(ctx, ada, rich.ID, storage.HighlightEdit{Note: new("edited"), Color: new("red")})
	must(t, err)
	_, err = store.UpdateHighlight(ctx, ada, rich.ID, storage.HighlightEdit{Tags: &[]string{"x"}})
	must(t, err)
	_, err = store.HideHighlight(ctx, mod, hidden.ID, true)
	must(t, err)
	_, err = store.DeleteHighlight(ctx, ada, deleted.ID, nil)
	must(t, err)
	return ada
}

func judge(t *testing.T, store *storage.Store, url string, h storage.Highlight, check storage.Check) {
	t.Helper()
	at := time.Now().UTC().Truncate(time.Microsecond)
	check.CheckedAt = &at
	_, err := store.SaveVisit(t.Context(), storage.Visit{
		Page: storage.DuePage{ID: storage.PageID(url), Lease: at}, ReadAt: at, JudgedAt: at, Title: "Of the page itself",
		Verdicts: []storage.Verdict{{Highlight: h.ID, Ranges: h.Ranges, Check: check}},
	})
	must(t, err)
}

func attach(t *testing.T, store *storage.Store, by storage.Reader, on storage.Attached, name, content string) {
	t.Helper()
	_, _, _, err := store.CreateAttachment(t.Context(), by, storage.NewAttachment{On: on, Name: name, Size: int64(len(content))}, strings.NewReader(content))
	must(t, err)
}

func signUp(t *testing.T, store *storage.Store, name string) storage.Reader {
	t.Helper()
	_, err := store.CreateAccount(t.Context(), storage.NewAccount{Name: name})
	must(t, err)
	return named(t, store, name)
}

func named(t *testing.T, store *storage.Store, name string) storage.Reader {
	t.Helper()
	reader, err := store.ReaderNamed(t.Context(), name)
	must(t, err)
	return reader
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
