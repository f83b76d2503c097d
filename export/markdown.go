package export

import (
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"limn/storage"
)

// A markdownSheet is a note as Obsidian keeps them: a heading a page, a block quote a highlight, then its note, and a
// list of what else is known. Page text and names are shown as they are; notes keep their emphasis and
// lists, but nothing in them is HTML, a link, code, a tag or a heading (see inertMarkdown).
type markdownSheet struct {
	w      io.Writer
	origin string
	begun  bool
	page   string // the URL of the last heading
}

func beginMarkdown(w io.Writer, origin string) sheet { return &markdownSheet{w: w, origin: origin} }

func (s *markdownSheet) add(t storage.Thread) error {
	var b strings.Builder
	s.begin(&b)
	h := t.Highlight
	if s.page != h.Page.URL {
		s.page = h.Page.URL
		title := h.Page.Title
		if strings.TrimSpace(title) == "" {
			title = h.Page.URL
		}
		fmt.Fprintf(&b, "\n## %s\n", link(title, h.Page.URL))
	}
	for _, quote := range Quotes(h) {
		b.WriteByte('\n')
		for _, line := range quoteLines(quote) {
			b.WriteString(strings.TrimRight("> "+plain(line), " ") + "\n")
		}
	}
	if note := strings.Join(noteLines(h.Note), "\n"); note != "" {
		fmt.Fprintf(&b, "\n%s\n", note)
	}
	fmt.Fprintf(&b, "\n- %s, %s, %s", name(h.Author), date(h.CreatedAt), plain(oneLine(h.Color)))
	if to := highlightURL(s.origin, h); to != "" {
		b.WriteString(", " + link("open", to))
	}
	b.WriteByte('\n')
	if len(h.Tags) > 0 {
		tags := make([]string, len(h.Tags))
		for i, tag := range h.Tags {
			tags[i] = obsidianTag(tag)
		}
		fmt.Fprintf(&b, "- Tags: %s\n", strings.Join(tags, " "))
	}
	for _, r := range t.Replies {
		fmt.Fprintf(&b, "- %s, %s:\n", name(r.Author), date(r.CreatedAt))
		for _, line := range noteLines(r.Note) {
			b.WriteString(strings.TrimRight("  "+line, " ") + "\n")
		}
	}
	_, err := io.WriteString(s.w, b.String())
	return err
}

func (s *markdownSheet) end() error {
	var b strings.Builder
	s.begin(&b)
	_, err := io.WriteString(s.w, b.String())
	return err
}

func (s *markdownSheet) begin(b *strings.Builder) {
	if !s.begun {
		b.WriteString("---\ndoc_type: limn-highlights\n---\n\n# Highlights\n")
		s.begun = true
	}
}

func name(a storage.Account) string { return plain(oneLine(a.Name)) }

func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// link is a link, if it leads to a web page, else its text.
func link(text, to string) string {
	text = plain(oneLine(text))
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsFunc(to, unicode.IsControl) {
		return text
	}
	return "[" + text + "](<" + destination.Replace(to) + ">)"
}

// destination escapes what ends a link's destination, or means another character in it.
var destination = strings.NewReplacer(`\`, "%5C", "<", "%3C", ">", "%3E", "&", "&amp;", " ", "%20", "`", "%60", "|", "%7C", "[", "%5B", "]", "%5D")

// lines splits at whatever some program takes for the end of a line, and drops what is not to be seen.
func lines(text string) []string {
	text = lineEnds.Replace(text)
	text = strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
	return strings.Split(text, "\n")
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

func oneLine(text string) string {
	return strings.Join(strings.Fields(strings.Join(lines(text), " ")), " ")
}

// quoteLines are the lines of a text from a page, without its source's indentation and with at most one blank line between two.
func quoteLines(text string) []string {
	var kept []string
	for _, line := range lines(strings.TrimSpace(text)) {
		line = strings.Join(strings.Fields(line), " ")
		if line != "" || len(kept) > 0 && kept[len(kept)-1] != "" {
			kept = append(kept, line)
		}
	}
	return kept
}

// noteLines are the lines of a note, inert.
func noteLines(note string) []string {
	if strings.TrimSpace(note) == "" {
		return nil
	}
	kept := lines(strings.Trim(note, "\r\n"))
	for i, line := range kept {
		kept[i] = strings.TrimRight(inertMarkdown(line), " \t")
	}
	return kept
}

// plain is a line of text that Markdown shows as it is.
func plain(line string) string {
	line = plainCharacters.Replace(line)
	line = entity.ReplaceAllString(line, `\&$1`)
	return lineStart.ReplaceAllString(line, `$1\$2`)
}

// inertMarkdown is a line of Markdown without the power to do anything: no HTML, no autolink and no template (<), no link,
// image, footnote or embedded note ([), no code, which Obsidian may run (` and ~), no formula, which may hold links ($), no
// heading or tag (#), no table (|), no comment that hides the rest (%). The backslash goes first of all, so that
// nobody's backslash undoes ours.
func inertMarkdown(line string) string {
	line = activeCharacters.Replace(line)
	return underline.ReplaceAllString(line, `$1\$2`)
}

var (
	plainCharacters = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`,
		"#", `\#`, "|", `\|`, "~", `\~`, "$", `\$`, "%", `\%`, "==", `\=\=`)
	activeCharacters = strings.NewReplacer(`\`, `\\`, "`", "\\`", "[", `\[`, "]", `\]`, "<", `\<`,
		"#", `\#`, "|", `\|`, "~", `\~`, "$", `\$`, "%", `\%`)
	entity    = regexp.MustCompile(`&(#?[0-9A-Za-z]+;)`)
	lineStart = regexp.MustCompile(`^(\s*[0-9]*)([-+=.)])`)       // a list, a heading's underline, a rule
	underline = regexp.MustCompile(`^([\s>]*)([-=](?:[-=\s]*)$)`) // a heading's underline, a rule, the end of front matter
)

// obsidianTag is a tag in the letters that Obsidian's may have; plain text, if there would be no letter left.
func obsidianTag(tag string) string {
	kept := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '_' || r == '/' {
			return r
		}
		return '-'
	}, tag)
	kept = strings.Trim(dashes.ReplaceAllString(kept, "-"), "-/")
	if !strings.ContainsFunc(kept, unicode.IsLetter) {
		return plain(oneLine(tag))
	}
	return "#" + kept
}

var dashes = regexp.MustCompile(`-{2,}`)
