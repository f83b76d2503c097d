package export

import (
	"html/template"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
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
	noteMarkdown = goldmark.New(goldmark.WithExtensions(extension.Strikethrough, extension.Linkify), goldmark.WithRendererOptions(html.WithHardWraps()))
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

// noteHTML is a note's Markdown as HTML that does nothing. One that takes too long to be understood is shown as text.
func noteHTML(note string) (template.HTML, error) {
	var b strings.Builder
	if !isTame(note) {
		return template.HTML(`<p>` + strings.ReplaceAll(template.HTMLEscapeString(note), "\n", "<br>\n") + `</p>`), nil
	}
	if err := noteMarkdown.Convert([]byte(note), &b); err != nil {
		return "", err
	}
	return template.HTML(notePolicy.Sanitize(b.String())), nil
}
