package storage

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestATextIsCutIntoWords(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"spaces and punctuation are between words", "The quick, brown—fox!", "the quick brown fox"},
		{"addresses, tags and file names have words in them", "see <b>a/b.txt</b> at https://example.org", "see b a b txt b at https example org"},
		{"forms that look alike are one", "ＦＵＬＬ ﬁne ½", "full fine 12"},
		{"a letter composed of two is as one that is not", "cafe\u0301", "café"},
		{"soft hyphens and joiners are not seen", "exam\u00adple nim\u200dble", "example nimble"},
		{"Chinese in pairs, and the last sign alone", "中文字", "中文 文字 字"},
		{"one sign alone", "字", "字"},
		{"Japanese with its long vowels, of either width", "ﾃﾞｰﾀ", "デー ータ タ"},
		{"Thai keeps a vowel with its letter", "กุก", "กุก ก"},
		{"Korean", "학교에", "학교 교에 에"},
		{"scripts next to each other", "iPhone手机x", "iphone 手机 机 x"},
		{"nothing", "%!\\ \x00 🖍", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.TrimSpace(searchBody([]string{c.text})); got != c.want {
				t.Errorf("%q is %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func TestWhatIsSearchedForIsTerms(t *testing.T) {
	for _, c := range []struct {
		name, query string
		want        []term
	}{
		{"each word is one", "red  fox", []term{{"red", false}, {"fox", false}}},
		{"once", "fox FOX fox", []term{{"fox", false}}},
		{"what is quoted is one", `"red fox" den`, []term{{"red fox", false}, {"den", false}}},
		{"by any marks", "„red fox“ “a den”", []term{{"red fox", false}, {"a den", false}}},
		{"to the end, if it is not closed", `"red fox`, []term{{"red fox", false}}},
		{"what has no space in it, too", "o'neill 3.14", []term{{"o neill", false}, {"3 14", false}}},
		{"pairs without the last sign", "中文字", []term{{"中文 文字", false}}},
		{"one sign begins a pair", "中", []term{{"中", true}}},
		{"scripts next to each other", "x手机y", []term{{"x", false}, {"手机", false}, {"y", false}}},
		{"one sign in a quotation", `"x 手 机 y z"`, []term{{"x", false}, {"手", true}, {"机", true}, {"y z", false}}},
		{"operators are no words", `! & | <-> :* ' \ % _ ( )`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, terms(c.query), cmp.AllowUnexported(term{})); diff != "" {
				t.Errorf("%s: (-want +got)\n%s", c.query, diff)
			}
		})
	}
}

// Whatever a text is, its words are letters and digits, stand where they say, in order, and are cut the same again.
func FuzzWords(f *testing.F) {
	for _, text := range []string{"The quick, brown", "中文字", "ﾃﾞｰﾀ", "กุก", "cafe\u0301", "½㎏ﷺ", "\u0301a", "\xff\xfe", "ー", strings.Repeat("x", 300)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		before := 0
		words(text, func(w word) bool {
			switch {
			case w.text == "" || len(w.text) > maxWord || !utf8.ValidString(w.text) || strings.ContainsFunc(w.text, func(r rune) bool { return !isWordRune(r) }):
				t.Errorf("%q is a word of %q", w.text, text)
			case w.start < before || w.end <= w.start || w.end > len(text):
				t.Errorf("%q stands from %d to %d in %q, after %d", w.text, w.start, w.end, text, before)
			}
			before = w.start
			return true
		})
		if body := searchBody([]string{text}); len(body) > maxSearched {
			t.Errorf("a body of %d bytes", len(body))
		}
		for _, term := range terms(text) {
			if term.words == "" || term.words != strings.TrimSpace(term.words) {
				t.Errorf("%q is a term of %q", term.words, text)
			}
		}
	})
}
