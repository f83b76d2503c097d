package storage_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"limn/storage"
	"limn/storage/storagetest"
	"limn/xpath"
)

// A library is a store in which highlights are known by their page's last part.
type library struct {
	*storage.Store
	t   *testing.T
	ada storage.Reader
}

func newLibrary(t *testing.T) library {
	s := storagetest.Open(t)
	return library{s, t, mustReader(t, s, "Ada")}
}

// holds writes a highlight of a quote on a page of its own in a language.
func (l library) holds(name, language, quote string) storage.Highlight {
	l.t.Helper()
	h, _, err := l.CreateHighlight(l.t.Context(), l.ada, storage.NewHighlight{
		URL: "https://example.org/" + name, Group: "public", Ranges: []xpath.Range{{
			Anchor: xpath.Point{XPath: "/html[1]/body[1]/text()[1]"}, Focus: xpath.Point{XPath: "/html[1]/body[1]/text()[1]", Offset: 1},
			Quote: &xpath.Quote{Exact: quote},
		}},
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.learns(h, language, "")
	return h
}

// learns has a page read.
func (l library) learns(h storage.Highlight, language, title string) {
	l.t.Helper()
	visit := storage.Visit{Page: storage.DuePage{ID: h.Page.ID}, ReadAt: h.CreatedAt, Language: language, Title: title}
	if _, err := l.SaveVisit(l.t.Context(), visit); err != nil {
		l.t.Fatal(err)
	}
}

// finds lists the names of the pages of what is found, in order of creation.
func (l library) finds(text string) string {
	l.t.Helper()
	list, _, _, err := l.ListHighlights(l.t.Context(), l.ada, storage.Filter{Text: text, Sort: "created"}, storage.Paging{Limit: 200})
	if err != nil {
		l.t.Fatalf("search for %.100q: %v", text, err)
	}
	names := make([]string, len(list))
	for i, h := range list {
		names[i] = strings.TrimPrefix(h.Page.URL, "https://example.org/")
	}
	return strings.Join(names, " ")
}

func TestASearchFindsWordsInTheLanguageOfThePage(t *testing.T) {
	l := newLibrary(t)
	l.holds("fox", "en-GB", "The quick brown foxes were running, and C.M.Y.K. is 3.14")
	l.holds("haus", "de", "Die alten Häuser stehen noch")
	l.holds("maison", "fr-CA", "Les maisons sont continuellement belles, l'homme aussi")
	l.holds("casa", "it", "Di casa in casa")
	l.holds("zh", "zh-Hans", "我们在中文维基百科上阅读")
	l.holds("ja", "ja", "データベースの全文検索")
	l.holds("th", "th", "ค้นหาข้อความภาษาไทย")
	l.holds("ko", "ko", "학교에서 공부한다")
	l.holds("plain", "", "running to a dividend")
	for _, c := range []struct{ name, text, want string }{
		{"the word as it stands", "brown", "fox"},
		{"in upper case", "BROWN", "fox"},
		{"in another form", "fox", "fox"},
		{"in another form still", "runs", "fox"},
		{"as it stands where the language is not known", "running", "fox plain"},
		{"German", "Haus", "haus"},
		{"French", "continuelle", "maison"},
		{"behind an apostrophe", "homme", "maison"},
		{"a word of one language that has the stem of another's", "die", "haus"},
		{"common words, too", "the", "fox"},
		{"all words", "fox brown", "fox"},
		{"not some of them", "fox Haus", ""},
		{"a phrase", `"quick brown"`, "fox"},
		{"a phrase in this order", `"brown quick"`, ""},
		{"a phrase of common words", `"were running and"`, "fox"},
		{"a number", "3.14", "fox"},
		{"a number in this order", "14.3", ""},
		{"Chinese", "中文", "zh"},
		{"Chinese of one sign", "阅", "zh"},
		{"Chinese, the last sign", "读", "zh"},
		{"Chinese in this order", "文中", ""},
		{"longer Chinese", "维基百科", "zh"},
		{"two Chinese words", "中文 百科", "zh"},
		{"Japanese", "全文検索", "ja"},
		{"Japanese in half width", "ﾃﾞｰﾀﾍﾞｰｽ", "ja"},
		{"Thai", "ภาษาไทย", "th"},
		{"Korean without its ending", "학교", "ko"},
		{"a part of a word", "ivide", "plain"},
		{"the beginning of a word", "continuell", "maison"},
		{"parts only when no word is found", "fo", ""},
		{"parts of several words", "ivide unni", "plain"},
		{"nothing", " ", ""},
		{"no word", "% _ \\", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := l.finds(c.text); got != c.want {
				t.Errorf("%q finds %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func TestASearchFindsEverythingOfAHighlightAndItsThread(t *testing.T) {
	l := newLibrary(t)
	ctx := t.Context()
	h := l.holds("a", "en", "walnut")
	l.learns(h, "en", "Chestnut pages")
	note, tags := "hazel", []string{"pecan", "two words"}
	if _, err := l.UpdateHighlight(ctx, l.ada, h.ID, storage.HighlightEdit{Note: &note, Tags: &tags}); err != nil {
		t.Fatal(err)
	}
	reply, _, _, err := l.CreateReply(ctx, l.ada, storage.NewReply{Highlight: h.ID, Note: "macadamia"})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"walnut", "chestnut", "hazel", "pecan", "macadamia", "walnut chestnut hazel pecan macadamia"} {
		if l.finds(text) != "a" {
			t.Errorf("%q is not found", text)
		}
	}

	note = "almond"
	if _, err := l.UpdateHighlight(ctx, l.ada, h.ID, storage.HighlightEdit{Note: &note}); err != nil {
		t.Fatal(err)
	}
	if l.finds("hazel") != "" || l.finds("almond") != "a" {
		t.Error("an edit is not followed")
	}
	if _, _, err := l.UpdateReply(ctx, l.ada, reply.ID, storage.ReplyEdit{Note: "cashew"}); err != nil {
		t.Fatal(err)
	}
	if l.finds("macadamia") != "" || l.finds("cashew") != "a" {
		t.Error("an edit of a reply is not followed")
	}
	if _, err := l.DeleteReply(ctx, l.ada, reply.ID, nil); err != nil {
		t.Fatal(err)
	}
	if l.finds("cashew") != "" || l.finds("almond") != "a" {
		t.Error("a deletion of a reply is not followed")
	}
	l.learns(h, "de", "")
	l.holds("b", "de", "Häuser")
	if l.finds("almond") != "a" || l.finds("Haus") != "b" {
		t.Error("another language of the page is not followed")
	}
}

// What was deleted is nowhere from the answer on, also of what could be searched.
func TestWhatIsDeletedIsNotLeftInTheSearch(t *testing.T) {
	l := newLibrary(t)
	h := l.holds("a", "en", "walnut")
	reply, _, _, err := l.CreateReply(t.Context(), l.ada, storage.NewReply{Highlight: h.ID, Note: "macadamia"})
	if err != nil {
		t.Fatal(err)
	}
	left := func(text string) (n int) {
		t.Helper()
		conn, err := l.Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM search WHERE body LIKE $1`, "%"+text+"%").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if l.finds("walnut macadamia") != "a" || left("macadamia") != 1 {
		t.Fatal("it was not there")
	}
	if _, err := l.DeleteReply(t.Context(), l.ada, reply.ID, nil); err != nil {
		t.Fatal(err)
	}
	if left("macadamia") != 0 {
		t.Error("the reply is left")
	}
	if l.finds("walnut") != "a" {
		t.Error("the highlight is not found without its reply")
	}
	if _, err := l.DeleteHighlight(t.Context(), l.ada, h.ID, nil); err != nil {
		t.Fatal(err)
	}
	if left("walnut") != 0 || l.finds("walnut") != "" || left("walnut") != 0 {
		t.Error("the highlight is left")
	}
}

// Pages of a list of what is found follow each other, whatever way it is found; the end of one list is not the beginning
// of another.
func TestASearchIsListedInPages(t *testing.T) {
	l := newLibrary(t)
	l.holds("longer", "en", "nutwalnuts")
	var oldest storage.Highlight
	for i := range 5 {
		h := l.holds(fmt.Sprint(i), "en", "walnut")
		if i == 0 {
			oldest = h
		}
	}
	list := func(text, after string) (names, next string) {
		t.Helper()
		list, next, _, err := l.ListHighlights(t.Context(), l.ada, storage.Filter{Text: text}, storage.Paging{Limit: 2, After: after})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range list {
			names += " " + strings.TrimPrefix(h.Page.URL, "https://example.org/")
		}
		return names, next
	}
	var last string
	for text, want := range map[string]string{"alnu": " 4 3 2 1 0 longer", "walnut": " 4 3 2 1 0"} {
		var all, names string
		for next := "more"; next != ""; all += names {
			if next == "more" {
				next = ""
			}
			last = next
			names, next = list(text, next)
		}
		if all != want {
			t.Errorf("%q finds %q, want %q", text, all, want)
		}
	}
	if _, err := l.DeleteHighlight(t.Context(), l.ada, oldest.ID, nil); err != nil {
		t.Fatal(err)
	}
	if names, _ := list("walnut", last); names != "" {
		t.Errorf("after the last is %q", names)
	}
}

func TestASnippetShowsTheWordsThatWereFound(t *testing.T) {
	l := newLibrary(t)
	long := strings.Repeat("🖍 filler ", 60)
	l.holds("long", "en", long+"The runners <b>ran</b>, and a runner runs."+long)
	l.holds("zh", "zh", "🖍我们在中文维基百科上阅读")
	thread := l.holds("thread", "en", "walnut")
	if _, _, _, err := l.CreateReply(t.Context(), l.ada, storage.NewReply{Highlight: thread.ID, Note: "macadamia nuts"}); err != nil {
		t.Fatal(err)
	}
	asWritten := func(note string) (string, error) { return note, nil }
	for _, c := range []struct{ name, text, field, marked string }{
		{"a word in other forms", "running", "quote", "runs"},
		{"several words", "runner ran", "quote", "runners ran runner"},
		{"pairs as one", "维基百科", "quote", "维基百科"},
		{"one sign", "阅", "quote", "阅读"},
		{"a part of a word", "unner", "quote", "runners runner"},
		{"in the thread", "macadamia", "replies", "macadamia"},
		{"where there are more of the words", "walnut nut macadamia", "replies", "macadamia nuts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, _, _, err := l.ListHighlights(t.Context(), l.ada, storage.Filter{Text: c.text}, storage.Paging{Limit: 200})
			if err != nil || len(list) != 1 {
				t.Fatalf("%d are found, %v", len(list), err)
			}
			snippets, err := l.Snippets(t.Context(), c.text, list, asWritten)
			if err != nil {
				t.Fatal(err)
			}
			units := utf16.Encode([]rune(snippets[0].Text))
			var marked []string
			for _, m := range snippets[0].Marks {
				marked = append(marked, string(utf16.Decode(units[m.Start:m.End])))
			}
			if got := strings.Join(marked, " "); got != c.marked || snippets[0].Field != c.field || len([]rune(snippets[0].Text)) > 240 {
				t.Errorf("in %s of %q is marked %q, want %q", snippets[0].Field, snippets[0].Text, got, c.marked)
			}
		})
	}
}

func TestASearchTakesAnyText(t *testing.T) {
	l := newLibrary(t)
	l.holds("a", "en", "walnut")
	all := []string{
		`"`, `""`, `"""`, `'`, `''`, `\`, `\'`, "%", "_", ":*", "a:*", "!", "& |", "<->", "!walnut", "(walnut", "walnut:A", "$1", "@words",
		"'; DROP TABLE search; --", "\u202e", "🖍", "\u0301", "ー", "<b>walnut</b>", "e\u0301", "1e309", "-1", "0x7f",
	}
	for r := rune(1); r < 0x3000; r += 61 {
		all = append(all, string(r)+"x"+string(r))
	}
	for _, text := range all {
		l.finds(text)
	}
	long := strings.Repeat("x ", 5000) + strings.Repeat("中", 5000)
	if got := l.finds(long); got != "" {
		t.Errorf("finds %q", got)
	}
}

// However long a highlight and its thread are, and whatever is in them, they do not keep others from being found.
func TestEverythingCanBeFilledIn(t *testing.T) {
	l := newLibrary(t)
	texts := []string{strings.Repeat("中文字", 20_000)[:60_000], strings.Repeat("x", 60_000), strings.Repeat("1e309 a/b <b> \\ ' : * ", 2500)}
	var mixed strings.Builder
	for r := rune(1); mixed.Len() < 60_000; r++ {
		if r != 0xd800 {
			fmt.Fprintf(&mixed, "%c%d ", r, r)
		}
	}
	texts = append(texts, mixed.String())
	for i, text := range texts {
		h := l.holds(fmt.Sprint(i), []string{"en", "zh", "ar", "hi"}[i], text)
		for range 5 {
			if _, _, _, err := l.CreateReply(t.Context(), l.ada, storage.NewReply{Highlight: h.ID, Note: text}); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.holds("last", "en", "walnut")
	for {
		more, err := l.FillSearch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
	}
	if l.finds("walnut") != "last" || l.finds("文字中文") != "0" {
		t.Error("not all is found")
	}
}

func TestEveryLanguageHasItsWords(t *testing.T) {
	l := newLibrary(t)
	tags := storage.LanguageTags()
	for _, tag := range tags {
		l.holds(tag, tag, "walnut")
	}
	if got := strings.Fields(l.finds("walnut")); !slices.Equal(got, tags) {
		t.Errorf("found in %v, want %v", got, tags)
	}
}

// A database whose owner may not make extensions is searched by words, and not by parts of them.
func TestWithoutTrigramsWordsAreFound(t *testing.T) {
	url := storagetest.EmptyURL(t)
	role := "poor_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `CREATE ROLE `+role+` LOGIN; GRANT CREATE ON SCHEMA public TO `+role); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := conn.Exec(context.Background(), `DROP OWNED BY `+role+`; DROP ROLE `+role); err != nil {
			t.Error(err)
		}
		conn.Close(context.Background())
	})
	s, err := storage.Open(t.Context(), url+" user="+role)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l := library{s, t, mustReader(t, s, "Ada")}
	l.holds("a", "en", "walnuts")
	l.holds("zh", "zh", "中文字")
	if s.SearchesParts() {
		t.Error("it says that it finds parts")
	}
	for text, want := range map[string]string{"walnut": "a", "文字": "zh", "alnu": ""} {
		if got := l.finds(text); got != want {
			t.Errorf("%q finds %q, want %q", text, got, want)
		}
	}
}

// Among many a search looks through a part first, and through more if that is not enough: it finds what it would find in all of it.
func TestASearchAmongManyFindsAllOfItInOrder(t *testing.T) {
	storage.SearchLikeMany(t)
	l := newLibrary(t)
	conn, ctx := mustConnect(t, l.Store), t.Context()
	h := l.holds("a", "en", "begin")
	_, err := conn.Exec(ctx, `
		INSERT INTO highlights (page_id, id, seq, author_id, group_id, ranges, color, note, tags, check_state, created_at, updated_at)
		SELECT $1, gen_random_uuid(), 100 + n, CASE WHEN n % 9 = 0 THEN $2 ELSE gen_random_uuid() END, CASE WHEN n % 11 = 0 THEN $2 ELSE $3 END, '[]',
		       CASE WHEN n % 5 = 0 THEN 'green' ELSE 'yellow' END,
		       'every' || CASE WHEN n % 40 = 0 THEN ' some' ELSE '' END || CASE WHEN n % 300 = 0 THEN ' few' ELSE '' END ||
		       CASE WHEN n % 50 = 0 THEN ' one two' ELSE ' two one' END || CASE WHEN n % 60 = 0 THEN ' 字典' ELSE ' 典字' END || CASE WHEN n % 70 = 0 THEN ' convexity' ELSE '' END,
		       '{}', CASE WHEN n % 4 = 0 THEN 'moved' ELSE 'verified' END, $4::timestamptz - n * interval '1 minute', $4::timestamptz - n * 7 % 3000 * interval '1 minute'
		FROM generate_series(1, 3000) n`, h.Page.ID, l.ada.Account.ID, storage.Public, h.CreatedAt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, `INSERT INTO accounts (id, name, name_key) SELECT author_id, author_id, author_id FROM highlights ON CONFLICT DO NOTHING`); err != nil {
		t.Fatal(err)
	}
	for more := true; more; {
		if more, err = l.FillSearch(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.Exec(ctx, `ANALYZE search, highlights`); err != nil {
		t.Fatal(err)
	}
	day := h.CreatedAt.Add(-24 * time.Hour)
	texts := map[string]string{
		"every": "%every%", "some": "%some%", "few": "%few%", `"one two"`: "%one two%", "典": "%典%", "字典": "%字典%", `"some one two" 典`: "%some one two%",
		"vexi": "%vexi%", "absent": "%absent%",
	}
	filters := map[string]storage.Filter{
		"TRUE": {}, "color = 'green'": {Color: "green"}, "check_state = 'moved'": {State: xpath.Moved}, "author_id = $4": {Author: l.ada.Account.ID},
		"created_at >= $5": {Since: day}, "created_at < $5": {Until: day},
		"page_id = $6": {Page: h.Page.ID},
	}
	for text, like := range texts {
		for condition, filter := range filters {
			sorts := storage.Sorts
			if condition != "TRUE" { // a filter goes with an order as with any other
				sorts = sorts[:1]
			}
			for _, sort := range sorts {
				column, direction := strings.TrimPrefix(sort, "-")+"_at", ""
				if column[0] != sort[0] {
					direction = " DESC"
				}
				rows, _ := conn.Query(ctx, `
					SELECT id FROM highlights WHERE note LIKE $1 AND group_id IN ($2, $3) AND ($4::uuid IS NOT NULL AND $5::timestamptz IS NOT NULL AND $6::uuid IS NOT NULL) AND `+condition+`
					ORDER BY `+column+direction+`, id`+direction+` LIMIT 12`, like, storage.Public, l.ada.Account.ID, l.ada.Account.ID, day, h.Page.ID)
				want, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
				if err != nil {
					t.Fatal(err)
				}

				var got []uuid.UUID
				filter.Text, filter.Sort = text, sort
				for paging := (storage.Paging{Limit: 4}); len(got) < 12; {
					list, next, _, err := l.ListHighlights(ctx, l.ada, filter, paging)
					if err != nil {
						t.Fatal(err)
					}
					for _, h := range list {
						got = append(got, h.ID)
					}
					if paging.After = next; next == "" {
						break
					}
				}

				if !slices.Equal(got, want) {
					t.Errorf("%s where %s by %s finds %d as %v, want %v", text, condition, sort, len(got), got, want)
				}
			}
		}
	}
}
