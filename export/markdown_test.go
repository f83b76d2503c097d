package export

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"limn/storage"
	"limn/xpath"
)

func TestMarkdownIsANoteForObsidian(t *testing.T) {
	second := ink()
	second.Highlight.Note, second.Highlight.Tags, second.Replies = "", nil, nil
	second.Highlight.Ranges[0].Quote.Exact = "\n  - one\n\n\n   two_three\r\n1. four\u2028five  "
	elsewhere := ink()
	elsewhere.Highlight.Page = storage.PageRef{URL: "https://example.org/?a=1&b=2"}
	elsewhere.Highlight.Ranges, elsewhere.Highlight.Tags, elsewhere.Replies = nil, []string{"2024", "a/b c!"}, nil
	want := strings.Join([]string{
		"---", "doc_type: limn-highlights", "---", "",
		"# Highlights", "",
		"## [On ink](<https://example.org/a>)", "",
		"> 😀is", "",
		"Is *this* so?", "",
		"- Ada, 2026-11-21 14:03, green, [open](<https://limn.example/h/01970000-0000-7000-8000-000000000001>)",
		"- Tags: #to-read #ink",
		"- Bob, 2026-11-21 14:03:",
		"  It is.",
		"  Really.", "",
		`> \- one`, ">", `> two\_three`, `> 1\. four`, "> five", "",
		"- Ada, 2026-11-21 14:03, green, [open](<https://limn.example/h/01970000-0000-7000-8000-000000000001>)", "",
		"## [https://example.org/?a=1&b=2](<https://example.org/?a=1&amp;b=2>)", "",
		"Is *this* so?", "",
		"- Ada, 2026-11-21 14:03, green, [open](<https://limn.example/h/01970000-0000-7000-8000-000000000001>)",
		`- Tags: 2024 #a/b-c`, "",
	}, "\n")
	if got := mustWrite(t, "markdown", ink(), second, elsewhere); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

var hostileTexts = []string{
	"<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "<!-- hides the rest", "<?php", "<![CDATA[", "<svg/onload=alert(1)>",
	"[a](javascript:alert(1))", "a](javascript:alert(1))", "![a](javascript:alert(1))", "[a]: javascript:alert(1)\n\n[a]", "<javascript:alert(1)>",
	`\<img src=x onerror=alert(1)>`, `\\<img src=x onerror=alert(1)>`, `\[a](javascript:alert(1))`, `&#91;a&#93;(javascript:alert(1))`, "[a](&#106;avascript:alert(1))",
	"```\ncode\n```", "```dataviewjs\nalert(1)", "~~~\ncode", "`$= alert(1)`", "    indented", "\tindented", "> ```\n> x", "- ```\n  x",
	"$$\\href{javascript:alert(1)}{a}$$", "%% hides the rest", "![[Private note]]", "[[Private note]]", "[^1]\n\n[^1]: javascript:a", "# a heading", "a\n===", "a\n---", "---\nkey: value\n---",
	"a | b\n--- | ---\nc | d", "line\u2028<b>", "line\r<b>", "line\x0b<b>", "\x00<b>", "data:text/html,<script>alert(1)</script>", "[a](<javascript:alert(1)>)", "<a href=javascript:alert(1)>a</a>",
}

func TestHostileMarkdownIsInert(t *testing.T) {
	for _, hostile := range hostileTexts {
		wantInert(t, hostile)
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, hostile := range hostileTexts {
		f.Add(hostile)
	}
	f.Fuzz(wantInert)
}

// wantInert puts a text wherever people may write, and holds the Markdown to have nothing but what export puts there: no HTML,
// no code that runs, no link but its own and bare web addresses, and still its own end.
func wantInert(t *testing.T, hostile string) {
	t.Helper()
	h := ink()
	h.Highlight.Note, h.Highlight.Page.Title, h.Highlight.Author.Name, h.Highlight.Tags = hostile, hostile, hostile, []string{hostile, "last"}
	h.Highlight.Ranges = []xpath.Range{{Quote: &xpath.Quote{Exact: hostile}}, {Quote: &xpath.Quote{Exact: "x" + hostile}}}
	h.Replies[0].Note, h.Replies[0].Author.Name = hostile, hostile
	last := ink()
	last.Highlight.Page = storage.PageRef{URL: "https://example.org/last", Title: "Last"}
	source := []byte(mustWrite(t, "markdown", h, last))

	headings, own := 0, 0
	root := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote)).Parser().Parse(text.NewReader(source))
	err := ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.RawHTML, *ast.HTMLBlock:
			t.Errorf("%q: raw HTML in:\n%s", hostile, source)
		case *ast.FencedCodeBlock, *ast.CodeSpan, *ast.Image:
			t.Errorf("%q: a %s in:\n%s", hostile, n.Kind(), source)
		case *ast.Heading:
			headings++
		case *ast.Link:
			own++
			wantWeb(t, hostile, string(n.Destination))
		case *ast.AutoLink:
			wantWeb(t, hostile, string(n.URL(source)))
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if headings != 4 { // with the end of the front matter, which is a heading's underline to others
		t.Errorf("%q: %d headings; want 4 in:\n%s", hostile, headings, source)
	}
	if own != 4 {
		t.Errorf("%q: %d links; want 4 in:\n%s", hostile, own, source)
	}
	for line := range bytes.SplitSeq(source, []byte("\n")) {
		if bytes.ContainsAny(line, "\r\v\f\x00") || bytes.Contains(line, []byte("\u2028")) {
			t.Errorf("%q: a line that others split: %q", hostile, line)
		}
	}
}

func wantWeb(t *testing.T, hostile, destination string) {
	t.Helper()
	u, err := url.Parse(destination)
	if err != nil || !slices.Contains([]string{"http", "https", "mailto", "ftp", ""}, u.Scheme) {
		t.Errorf("%q: a link to %q", hostile, destination)
	}
}

func TestALinkLeadsToAWebPageOrIsText(t *testing.T) {
	for to, want := range map[string]string{
		"https://example.org/a?b=<c>&d=\\>": `[x](<https://example.org/a?b=%3Cc%3E&amp;d=%5C%3E>)`,
		"javascript:alert(1)":               "x",
		"data:text/html,a":                  "x",
		"https://example.org/\na":           "x",
		"":                                  "x",
	} {
		if got := link("x", to); got != want {
			t.Errorf("link to %q is %s; want %s", to, got, want)
		}
	}
}
