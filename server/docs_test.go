package server

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

func startDocs(t *testing.T) *Web {
	t.Helper()
	commands := []Command{{Name: "serve", Help: "Run the server.", Usage: "limn serve"}}
	web, err := NewWeb(nil, Manual{Papers: os.DirFS(".."), Commands: commands, Settings: []Setting{{Names: []string{"LIMN_LISTEN"}, Default: "`x`", Text: "Where."}}})
	if err != nil {
		t.Fatal(err)
	}
	return web
}

// Every paper is a page, and whoever follows a link from one to another, or to a place in it, arrives.
func TestLinksOfTheDocsLeadSomewhere(t *testing.T) {
	web := startDocs(t)
	docs, err := web.docs()
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{"/": string(web.home.content), "/demo": "", "/search": "", "/groups": "", "/signin": ""} // others, and no places in them
	for path := range docs.documents {
		page, known := web.document(path)
		if !known {
			t.Fatalf("%s cannot be shown", path)
		}
		pages[path] = string(page.content)
	}
	for path, a := range web.assets {
		pages[path] = string(a.content)
	}

	link := regexp.MustCompile(`href="([^"]*)"`)
	for from, page := range pages {
		if !under(from, "/docs") || docs.documents[from].Title == "" {
			continue
		}
		for _, found := range link.FindAllStringSubmatch(page, -1) {
			if strings.Contains(found[1], "://") || strings.HasPrefix(found[1], "mailto:") {
				continue
			}
			to, place, _ := strings.Cut(found[1], "#")
			to, _, _ = strings.Cut(to, "?")
			if to == "" {
				to = from
			}
			there, known := pages[to]
			if !known || place != "" && there != "" && !strings.Contains(there, `id="`+place+`"`) {
				t.Errorf("%s: %s leads nowhere", from, found[1])
			}
		}
	}
	papers, err := fs.Glob(os.DirFS("../docs"), "*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range papers {
		if _, known := docs.documents[docsPath("", path.Join("docs", name))]; !known {
			t.Errorf("%s is not in the docs", name)
		}
	}
}

// The first page is what somebody needs first, the list beside it leads to every other, and each leads on.
func TestDocsBeginWithTheFirstHighlight(t *testing.T) {
	docs, err := startDocs(t).docs()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for at := "/docs"; ; {
		seen[at] = true
		v, known := docs.viewOf(at)
		if !known {
			t.Fatalf("%s is not there", at)
		}
		next := v.Body.(docsView).Next
		if next == nil {
			break
		}
		if back, _ := docs.viewOf(next.Path); back.Body.(docsView).Past.Path != at {
			t.Errorf("from %s one does not come back to %s", next.Path, at)
		}
		at = next.Path
	}
	if title := docs.documents["/docs"].Title; title != "Five minutes to the first highlight" {
		t.Errorf("the docs begin with %q", title)
	}
	for path := range docs.documents {
		if !seen[path] && !strings.HasPrefix(path, "/docs/adr/") {
			t.Errorf("one reads on and never comes to %s", path)
		}
	}
	for _, path := range []string{"/docs/api", "/docs/settings", "/docs/commands"} {
		if !seen[path] {
			t.Errorf("one reads on and never comes to %s", path)
		}
	}
}

func TestPathsOfTheDocs(t *testing.T) {
	for _, c := range []struct{ from, link, want string }{
		{"", "docs/start.md", "/docs"}, {"docs/host.md", "start.md#with-others", "/docs#with-others"},
		{"docs/host.md", "../deploy/Caddyfile", "/docs/deploy/caddyfile"}, {"docs/a.md", "adr/0041-x.md", "/docs/adr/0041-x"},
		{"docs/adr/0041-x.md", "0042-y.md", "/docs/adr/0042-y"}, {"docs/adr/0041-x.md", "../host.md", "/docs/host"},
		{"docs/README.md", "../README.md#settings", "/docs/settings"}, {"docs/store.md", "../README.md", "/"},
		{"docs/a.md", "https://example.org/a.md", "https://example.org/a.md"}, {"docs/a.md", "#b", "#b"},
	} {
		if got := docsPath(c.from, c.link); got != c.want {
			t.Errorf("%s in %s leads to %s, want %s", c.link, c.from, got, c.want)
		}
	}
}
