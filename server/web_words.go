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
	"unicode/utf16"
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
	"kind":     func(kind string) string { return map[string]string{"open": "Open to all", "closed": "Closed"}[kind] },
	"role":     func(role *storage.Role) string { return youAre[*role] },
	"title":    func(role storage.Role) string { return strings.ToUpper(string(role[:1])) + string(role[1:]) },
	"logged":   wasDone,
	"nav": func(here string, operator bool) map[string]any {
		return map[string]any{"Here": here, "Operator": operator}
	},
	"bytes":  bytesOf,
	"lasts":  lasts,
	"digits": digits,
	"long":   func(n int) int64 { return int64(n) },
	"marked": marked,
	"passage": func(h storage.Highlight) string {
		return truncate(strings.Join(export.Quotes(h), "\n…\n"), longQuote)
	},
	"hereNow":  hereNow,
	"why":      why,
	"partPath": func(p pageView, part storage.Part) string { return pagePath(p.Page.ID, part, p.Group, "") },
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

// bytesOf is a size in the unit that fits.
func bytesOf(n int64) string {
	size, unit := float64(n), 0
	for size >= 1000 && unit < 4 {
		size, unit = size/1000, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", size, [...]string{"", "kB", "MB", "GB", "TB"}[unit])
}

// lasts is a time that something takes.
func lasts(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "under 1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return count(int64(d.Hours()/24), "day", "days")
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
	longQuote    = 900 // characters: what a page's list of highlights has room for
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
		because := ""
		if words := whys[h.Check.Reason]; words != "" {
			because = " (" + words + ")"
		}
		return &standing{"unverifiable", "!", "Could not be checked", "The server could not read this page" + because + ". The highlight is kept."}
	}
	return &standing{"pending", "○", "Not checked yet", "The server has not looked at the page yet."}
}

// why says in words why a page could not be read; empty: it could.
func why(reason string) string {
	if words, known := whys[reason]; known {
		return words
	}
	return strings.ReplaceAll(reason, "_", " ")
}

// hereNow says who reads along with somebody.
func hereNow(v storage.Viewers, self storage.Account) string {
	var names []string
	for _, a := range v.Named {
		if a.ID != self.ID {
			names = append(names, a.Name)
		}
	}
	if v.Anonymous > 0 {
		one, many := "other", "others"
		if len(names) == 0 {
			one, many = "other reader", "other readers"
		}
		names = append(names, count(v.Anonymous, one, many))
	}
	if len(names) == 0 {
		return "Nobody else is here now."
	}
	last := names[len(names)-1]
	if rest := names[:len(names)-1]; len(rest) > 0 {
		last = strings.Join(rest, ", ") + " and " + last
	}
	return "Here now: " + last + "."
}

var editedFields = map[string]string{"note": "Note changed", "color": "Color changed", "tags": "Tags changed", "group": "Readers changed"}

var foundStates = map[xpath.State]string{
	xpath.Verified: "Found as marked", xpath.Moved: "Moved with the text", xpath.Orphaned: "Lost its place",
	xpath.Unverifiable: "Could not be checked", xpath.Pending: "Not checked yet",
}

// happened is one thing of a highlight's history, in a few words.
func happened(e storage.Entry) template.HTML {
	by := template.HTML("")
	if e.By != nil {
		by = " by " + apart(e.By.Name)
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
		return template.HTML(strings.Join(words, ", ")) + by
	}
	if e.State != nil {
		return template.HTML(foundStates[*e.State])
	}
	return "Checked"
}

// youAre says what somebody is in a group.
var youAre = map[storage.Role]string{
	storage.RoleOwner: "You own it", storage.RoleModerator: "You moderate it", storage.RoleMember: "You are a member",
	storage.RoleReader: "You read along",
}

// wasDone is one entry of a group's log, in a few words.
func wasDone(l storage.Logged) template.HTML {
	whom := template.HTML("")
	if l.Account != nil {
		if whom = apart(l.Account.Name); l.Account.Name == "" {
			whom = "somebody who is gone"
		}
	}
	by, role := apart(l.By.Name), template.HTML(template.HTMLEscapeString(l.Detail))
	switch l.Action {
	case "added":
		return by + " added " + whom + " as " + role
	case "role":
		return by + " made " + whom + " a " + role
	case "joined":
		return by + " joined"
	case "left":
		return by + " left"
	case "removed":
		return by + " took " + whom + " out"
	case "inherited":
		return whom + " owns the group now"
	case "invited":
		return by + " made an invitation for a " + role
	case "revoked":
		return by + " revoked an invitation"
	case "renamed":
		return by + " named the group “" + apart(l.Detail) + "”"
	case "opened":
		return by + " opened the group"
	case "closed":
		return by + " closed the group"
	case "hidden":
		return by + " hid what " + whom + " marked"
	case "shown":
		return by + " showed again what " + whom + " marked"
	}
	return by + " " + template.HTML(template.HTMLEscapeString(l.Action)) + " something of " + whom
}

// apart is a name within a sentence, whatever direction it is written in.
func apart(name string) template.HTML {
	return template.HTML("<bdi>" + template.HTMLEscapeString(name) + "</bdi>")
}

// doneWords say what the form before has done.
var doneWords = map[string]string{
	"edited":        "The note is saved.",
	"deleted":       "The highlight is deleted.",
	"reply-deleted": "The reply is deleted.",
	"flagged":       "Those who moderate the group will look at it.",
	"unflagged":     "The flags are gone.",
	"hidden":        "It is hidden from the group.",
	"shown":         "It is shown again.",
	"begun":         "The group is there. Invite somebody, or mark something for it.",
	"joined":        "You are in the group now.",
	"left":          "You are no longer in the group.",
	"removed":       "They are no longer in the group.",
	"role":          "The role is changed.",
	"revoked":       "The invitation leads nowhere now.",
	"saved":         "Saved.",

	"renamed":         "You have the new name from now on.",
	"password":        "The password is set. Everywhere else you are signed out.",
	"session":         "You are signed out there.",
	"account-deleted": "The account is deleted. What it wrote is being erased.",
	"token":           "The token is good for nothing now.",
	"webhook":         "The webhook is deleted.",
	"answered":        "It has answered well, and is told what changes from now on.",
	"unanswered":      "It has not answered well.",
}

// marked is a snippet with what was looked for in it marked.
func marked(s storage.Snippet) template.HTML {
	units := utf16.Encode([]rune(s.Text))
	part := func(from, to int) string { return template.HTMLEscapeString(string(utf16.Decode(units[from:to]))) }
	var b strings.Builder
	last := 0
	for _, m := range s.Marks {
		if m.Start < last || m.End > len(units) || m.End <= m.Start {
			continue
		}
		b.WriteString(part(last, m.Start) + "<mark>" + part(m.Start, m.End) + "</mark>")
		last = m.End
	}
	b.WriteString(part(last, len(units)))
	return template.HTML(b.String())
}
