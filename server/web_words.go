package server

import (
	"fmt"
	"hash/fnv"
	"html/template"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"limn/export"
	"limn/storage"
	"limn/xpath"
)

// viewWords are what the templates of the pages can say.
var viewWords = template.FuncMap{
	"ago":      func(t time.Time) string { return ago(time.Since(t), t) },
	"stamp":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"exactly":  func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") },
	"count":    count,
	"person":   person,
	"note":     export.NoteHTML,
	"quotes":   export.Quotes,
	"short":    short,
	"excerpt":  excerpt,
	"named":    named,
	"site":     site,
	"hex":      hexInk,
	"standing": standingOf,
	"happened": happened,
	"under":    under,
}

// ago is how long ago something was, in a word or two; what is long past has its date.
func ago(d time.Duration, t time.Time) string {
	switch {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	case d < 7*24*time.Hour:
		return count(int64(d.Hours()/24), "day", "days") + " ago"
	}
	return t.UTC().Format("2 Jan 2006")
}

// count is a number with its noun, in groups of three digits.
func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return digits(n) + " " + many
}

func digits(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

const hues = 12 // classes of the style sheet

// person is the dot of somebody. Their name stands beside it, so that it says nothing to a screen reader.
func person(a storage.Account) template.HTML {
	hash := fnv.New32a()
	hash.Write(a.ID[:])
	return template.HTML(fmt.Sprintf(`<span class="person hue-%d" aria-hidden="true" data-initials="%s"></span>`,
		hash.Sum32()%hues, template.HTMLEscapeString(initials(a.Name))))
}

// initials are the first letters of a name's first and last word.
func initials(name string) string {
	words := strings.Fields(name)
	if len(words) == 0 {
		return "?"
	}
	if len(words) > 2 {
		words = []string{words[0], words[len(words)-1]}
	}
	var letters strings.Builder
	for _, word := range words {
		r, _ := utf8.DecodeRuneInString(word)
		letters.WriteRune(unicode.ToUpper(r))
	}
	return letters.String()
}

const (
	shortQuote   = 400 // characters, more than the lines show that a row of a list has for it
	shortExcerpt = 240
)

// short is as much of a highlight's quote as a row of a list has room for.
func short(h storage.Highlight) string {
	return truncate(strings.Join(export.Quotes(h), " … "), shortQuote)
}

// excerpt is the beginning of a note, without its Markdown.
func excerpt(h storage.Highlight) (string, error) {
	text, err := export.NoteText(truncate(h.Note, 4*shortExcerpt))
	return truncate(text, shortExcerpt), err
}

// truncate cuts a text between two words, or two characters.
func truncate(text string, most int) string {
	if len(text) <= most {
		return text
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	if space := strings.LastIndexByte(text[:cut], ' '); space > most/2 {
		cut = space
	}
	return text[:cut] + "…"
}

// named is what a page is called: its title or, without one, its address.
func named(p storage.PageRef) string {
	if p.Title != "" {
		return p.Title
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(p.URL, "https://"), "http://"), "/")
}

// site is the host of a URL.
func site(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Host, "www.")
}

var hexColor = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// hexInk is a color that has no name, and so no class in the style sheet.
func hexInk(color string) string {
	if hexColor.MatchString(color) {
		return color
	}
	return ""
}

// A standing is how a highlight stands in its page: a sign, a word or two, and a sentence.
type standing struct {
	Kind, Sign, Words, Long string
}

// whys are the reasons why a page could not be read, for the most frequent ones.
var whys = map[string]string{
	"status_401": "it asks for a login", "status_403": "it asks for a login", "status_404": "it is not there",
	"timeout": "it did not answer in time", "refused_address": "nothing answers there on the public internet",
	"not_html": "it is not a web page", "too_large": "it is too large", "too_deep": "it is nested too deeply",
}

// standingOf says how a highlight stands, if there is something to stand on. The words are the extension's.
func standingOf(h storage.Highlight) *standing {
	if len(h.Ranges) == 0 {
		return nil
	}
	switch h.Check.State {
	case xpath.Verified:
		return &standing{"verified", "✓", "Checked", "It stands in the page as marked."}
	case xpath.Moved:
		return &standing{"moved", "↷", "Moved with the text", "The page has changed, and the quote stands elsewhere in it."}
	case xpath.Orphaned:
		return &standing{"orphaned", "✕", "Lost its place", "The server does not find this text in the page. The highlight is kept."}
	case xpath.Unverifiable:
		if why, known := whys[h.Check.Reason]; known {
			return &standing{"unverifiable", "!", "Could not be checked", "The server could not read this page (" + why + "). The highlight is kept."}
		}
		return &standing{"unverifiable", "!", "Could not be checked", "The server could not read this page. The highlight is kept."}
	}
	return &standing{"pending", "○", "Not checked yet", "The server has not looked at the page yet."}
}

var editedFields = map[string]string{"note": "Note changed", "color": "Color changed", "tags": "Tags changed", "group": "Readers changed"}

var foundStates = map[xpath.State]string{
	xpath.Verified: "Found as marked", xpath.Moved: "Moved with the text", xpath.Orphaned: "Lost its place",
	xpath.Unverifiable: "Could not be checked", xpath.Pending: "Not checked yet",
}

// happened is one thing of a highlight's history, in a few words.
func happened(e storage.Entry) string {
	by := ""
	if e.By != nil {
		by = " by " + e.By.Name
	}
	switch e.Kind {
	case "created":
		return "Made" + by
	case "reanchored":
		return "Put back" + by
	case "hidden":
		return "Hidden" + by
	case "shown":
		return "Shown again" + by
	case "edited":
		words := make([]string, len(e.Fields))
		for i, field := range e.Fields {
			words[i] = editedFields[field]
		}
		return strings.Join(words, ", ") + by
	}
	if e.State != nil {
		return foundStates[*e.State]
	}
	return "Checked"
}

// doneWords say what the form before has done.
var doneWords = map[string]string{}
