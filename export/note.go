package export

import (
	"html"
	"html/template"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	markup "github.com/yuin/goldmark/renderer/html"
)

// isTame tells whether a note has no more brackets and nesting than people write: goldmark's time grows with their
// square, 64 KiB of them take seconds.
func isTame(note string) bool {
	if strings.Count(note, "[") > 500 {
		return false
	}
	for line := range strings.Lines(note) {
		if len(nesting.FindString(line)) > 100 {
			return false
		}
	}
	return true
}

// nesting is what a line begins with inside of quotes and lists.
var nesting = regexp.MustCompile(`^(?:[ \t]*(?:>|[-+*]|[0-9]{1,9}[.)]))+`)

var (
	noteMarkdown = goldmark.New(goldmark.WithExtensions(extension.Strikethrough, extension.Linkify), goldmark.WithRendererOptions(markup.WithHardWraps()))
	notePolicy   = newNotePolicy()
)

// newNotePolicy lets through what makes a note readable. Nothing is loaded when it is shown: a picture would tell its
// server who reads.
func newNotePolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "em", "strong", "del", "code", "pre", "blockquote", "ul", "ol", "li")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	return p
}

// NoteHTML is a note's Markdown as HTML that does nothing. One that takes too long to be understood is shown as text.
func NoteHTML(note string) (template.HTML, error) {
	var b strings.Builder
	if !isTame(note) {
		return template.HTML(`<p>` + strings.ReplaceAll(template.HTMLEscapeString(note), "\n", "<br>\n") + `</p>`), nil
	}
	if err := noteMarkdown.Convert([]byte(note), &b); err != nil {
		return "", err
	}
	return template.HTML(notePolicy.Sanitize(b.String())), nil
}

// NoteText is a note's Markdown as the text that it shows, in one line.
func NoteText(note string) (string, error) {
	rendered, err := NoteHTML(note)
	return strings.Join(strings.Fields(html.UnescapeString(bareText.Sanitize(string(rendered)))), " "), err
}

// bareText lets no element through.
var bareText = bluemonday.StrictPolicy()
