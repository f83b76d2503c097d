package storage_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"limn/storage"
	"limn/storage/storagetest"
	"limn/xpath"
)

// marks writes a highlight that stands from start to end of a page's text.
func marks(t *testing.T, s *storage.Store, author storage.Reader, page, group string, start, end int) storage.Highlight {
	t.Helper()
	h, _, err := s.CreateHighlight(t.Context(), author, storage.NewHighlight{
		URL: "https://example.org/" + page, Group: group, Ranges: []xpath.Range{{
			Anchor: xpath.Point{XPath: "/html[1]/body[1]/p[1]/text()[1]", Offset: start}, Focus: xpath.Point{XPath: "/html[1]/body[1]/p[9]/text()[1]", Offset: end},
			Quote: &xpath.Quote{Exact: fmt.Sprintf("from %d to %d", start, end)}, Position: &xpath.Position{Start: start, End: end},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// popular writes down passages and pages.
func popular(t *testing.T, s *storage.Store, reader storage.Reader, page uuid.UUID) string {
	t.Helper()
	list, err := s.ListPopular(t.Context(), reader, page, time.Now().Add(-time.Hour), 10)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range list.Passages {
		all = append(all, fmt.Sprintf("%s %d-%d %d/%d", strings.TrimPrefix(p.Page.URL, "https://example.org/"), p.Position.Start, p.Position.End, p.People, p.Highlights))
	}
	all = append(all, "|")
	for _, p := range list.Pages {
		all = append(all, fmt.Sprintf("%s %d/%d", strings.TrimPrefix(p.Page.URL, "https://example.org/"), p.People, p.Highlights))
	}
	return strings.Join(all, " ")
}

func TestPopularIsWhatMostHaveHighlightedAndTheReaderMaySee(t *testing.T) {
	s := storagetest.Open(t)
	ada, bob := mustReader(t, s, "Ada"), mustReader(t, s, "Bob")
	marks(t, s, ada, "a", "public", 10, 20)
	h := marks(t, s, bob, "a", "public", 15, 25)
	marks(t, s, ada, "b", "public", 0, 5)
	marks(t, s, ada, "b", "me", 0, 5)
	want := func(reader storage.Reader, want string) {
		t.Helper()
		if got := popular(t, s, reader, uuid.Nil); got != want {
			t.Errorf("it is %s, want %s", got, want)
		}
	}
	want(storage.Anonymous, "a 10-20 2/2 b 0-5 1/1 | a 2/2 b 1/1")
	want(ada, "a 10-20 2/2 b 0-5 1/2 | a 2/2 b 1/2")

	me := "me"
	if _, err := s.UpdateHighlight(t.Context(), bob, h.ID, storage.HighlightEdit{Group: &me}); err != nil {
		t.Fatal(err)
	}
	want(storage.Anonymous, "b 0-5 1/1 a 10-20 1/1 | b 1/1 a 1/1")
	if _, err := s.DeleteHighlight(t.Context(), bob, h.ID, nil); err != nil {
		t.Fatal(err)
	}
	want(bob, "b 0-5 1/1 a 10-20 1/1 | b 1/1 a 1/1")
	if list, err := s.ListPopular(t.Context(), storage.Anonymous, uuid.Nil, time.Now().Add(time.Hour), 10); err != nil || len(list.Passages)+len(list.Pages) > 0 {
		t.Errorf("later than all is %v, %v", list, err)
	}
}

// A page without a position, as of what was not looked at yet, has passages of its own; a page's own list has its heat.
func TestPopularOnOnePage(t *testing.T) {
	s := storagetest.Open(t)
	ada, bob := mustReader(t, s, "Ada"), mustReader(t, s, "Bob")
	marks(t, s, ada, "a", "public", 0, 50)
	marks(t, s, bob, "b", "public", 0, 50)
	for _, who := range []storage.Reader{ada, bob} {
		mustHighlight(t, s, who, "public") // of example.org/a, whose place in the text nobody knows
	}
	list, err := s.ListPopular(t.Context(), storage.Anonymous, storage.PageID(pageURL), time.Time{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Passages) != 2 || list.Passages[0].People != 2 || list.Passages[0].Position != nil || list.Passages[1].Quote != "from 0 to 50" {
		t.Errorf("the passages are %+v", list.Passages)
	}
	if len(list.Pages) != 1 || list.Heat == nil || list.Heat.Length != 50 || list.Heat.Buckets[99] != 1 {
		t.Errorf("the pages are %+v, the heat %+v", list.Pages, list.Heat)
	}
	if none, err := s.ListPopular(t.Context(), storage.Anonymous, uuid.New(), time.Time{}, 10); err != nil || none.Heat == nil || none.Heat.Length != 0 {
		t.Errorf("of no page there is %+v, %v", none, err)
	}
}

// At rest the list is what stands there, whatever happened at once before.
func TestPopularIsRightAfterManyChangesAtOnce(t *testing.T) {
	s := storagetest.Open(t)
	var all sync.WaitGroup
	for i := range 4 {
		who := mustReader(t, s, fmt.Sprint("Writer", i))
		all.Go(func() {
			me := "me"
			for n := range 10 {
				h := marks(t, s, who, "a", "public", 10, 20+n)
				var err error
				switch n % 3 {
				case 1:
					_, err = s.DeleteHighlight(t.Context(), who, h.ID, nil)
				case 2:
					_, err = s.UpdateHighlight(t.Context(), who, h.ID, storage.HighlightEdit{Group: &me})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := popular(t, s, storage.Anonymous, uuid.Nil); got != "a 10-20 4/16 | a 4/16" {
		t.Errorf("it is %s", got)
	}
}
