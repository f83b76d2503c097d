package export

import (
	"encoding/json"
	"errors"
	"io"
	"iter"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"limn/storage"
	"limn/xpath"
)

const origin = "https://limn.example"

var (
	ada     = storage.Account{ID: uuid.MustParse("01970000-0000-7000-8000-00000000000a"), Name: "Ada"}
	bob     = storage.Account{ID: uuid.MustParse("01970000-0000-7000-8000-00000000000b"), Name: "Bob"}
	created = time.Date(2026, 11, 21, 14, 3, 0, 123456000, time.UTC)
	id      = uuid.MustParse("01970000-0000-7000-8000-000000000001")
	replyID = uuid.MustParse("01970000-0000-7000-8000-000000000002")
)

// ink is a highlight with a bit of everything.
func ink() storage.Thread {
	path := "/html[1]/body[1]/p[1]/text()[1]"
	return storage.Thread{
		Highlight: storage.Highlight{
			ID: id, Page: storage.PageRef{ID: storage.PageID("https://example.org/a"), URL: "https://example.org/a", Title: "On ink"},
			Group: "public", Author: ada, Color: "green", Note: "Is *this* so?", Tags: []string{"to read", "ink"}, Replies: 1, Seq: 3, Version: 1,
			Ranges: []xpath.Range{{
				Anchor: xpath.Point{XPath: path, Offset: 7}, Focus: xpath.Point{XPath: path, Offset: 3},
				Quote:    &xpath.Quote{Exact: "😀is", Prefix: "👍nk", Suffix: " quiet."},
				Position: &xpath.Position{Start: 1042, End: 1046},
			}},
			Check:     storage.Check{State: xpath.Verified, CheckedAt: &created},
			CreatedAt: created, UpdatedAt: created,
		},
		Replies: []storage.Reply{{ID: replyID, Highlight: id, Author: bob, Note: "It is.\nReally.", Seq: 2, Version: 1, CreatedAt: created, UpdatedAt: created}},
	}
}

func threads(list ...storage.Thread) iter.Seq2[storage.Thread, error] {
	return func(yield func(storage.Thread, error) bool) {
		for _, t := range list {
			if !yield(t, nil) {
				return
			}
		}
	}
}

func mustWrite(tb testing.TB, format string, list ...storage.Thread) string {
	tb.Helper()
	f, ok := Find(format)
	if !ok {
		tb.Fatalf("there is no format %q", format)
	}
	var b strings.Builder
	if err := f.Write(&b, origin, threads(list...)); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

func TestFormatsAreFoundByTheirName(t *testing.T) {
	for _, name := range []string{"json", "ndjson", "jsonld", "csv", "readwise", "hypothesis", "markdown", "html"} {
		if f, ok := Find(name); !ok || f.Name != name || f.MediaType == "" || f.Extension == "" {
			t.Errorf("Find(%q) = %+v, %v", name, f, ok)
		}
	}
	if _, ok := Find("JSON"); ok {
		t.Error("a name in capitals was found")
	}
}

func TestJSONHoldsEverything(t *testing.T) {
	for _, want := range [][]storage.Thread{{}, {ink()}, {ink(), ink()}} {
		var got struct {
			Version int
			Items   []struct {
				storage.Highlight
				Thread []storage.Reply
			}
		}
		decoder := json.NewDecoder(strings.NewReader(mustWrite(t, "json", want...)))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got.Version != 1 || got.Items == nil || len(got.Items) != len(want) {
			t.Fatalf("version %d, %d items; want 1 and %d", got.Version, len(got.Items), len(want))
		}
		for i, item := range got.Items {
			if !reflect.DeepEqual(item.Highlight, want[i].Highlight) || !reflect.DeepEqual(item.Thread, want[i].Replies) {
				t.Errorf("item %d is %+v; want %+v", i, item, want[i])
			}
		}
	}
}

func TestNoJSONEndsAScript(t *testing.T) {
	hostile := ink()
	hostile.Highlight.Note, hostile.Highlight.Page.Title = "</script><script>alert(1)</script>", "<!--"
	hostile.Highlight.Ranges[0].Quote.Exact = "</SCRIPT>"
	for _, format := range []string{"json", "ndjson", "jsonld", "hypothesis"} {
		if text := mustWrite(t, format, hostile); strings.ContainsAny(text, "<>") {
			t.Errorf("%s has an angle bracket: %s", format, text)
		}
	}
}

func TestWhatBreaksOffIsAnErrorAndNotComplete(t *testing.T) {
	cause := errors.New("the database went away")
	broken := func(yield func(storage.Thread, error) bool) {
		if yield(ink(), nil) {
			yield(storage.Thread{}, cause)
		}
	}
	for _, f := range Formats {
		var b strings.Builder
		if err := f.Write(&b, origin, broken); !errors.Is(err, cause) {
			t.Errorf("%s: %v; want the cause", f.Name, err)
		}
		if f.Name != "ndjson" && json.Valid([]byte(b.String())) {
			t.Errorf("%s looks complete: %s", f.Name, b.String())
		}
		if err := f.Write(fullDisk{}, origin, threads(ink())); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%s: %v; want the writer's error", f.Name, err)
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestMemoryDoesNotGrowWithTheExport(t *testing.T) {
	const many = 25_000
	for _, f := range Formats {
		var before, most uint64
		all := func(yield func(storage.Thread, error) bool) {
			for i := range many {
				if i%(many/4) == 0 {
					most = max(most, liveHeap())
				}
				if !yield(ink(), nil) {
					return
				}
			}
		}
		before = liveHeap()
		if err := f.Write(io.Discard, origin, all); err != nil {
			t.Fatal(err)
		}
		if grown := int64(most) - int64(before); grown > 512<<10 {
			t.Errorf("%s: %d threads made the heap grow by %d bytes", f.Name, many, grown)
		}
	}
}

func liveHeap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
