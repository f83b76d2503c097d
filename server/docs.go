package server

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// A Manual is what the docs are made of, beside openapi.yaml.
type Manual struct {
	Papers   fs.FS // docs/ and what it links to, as in the source
	Commands []Command
	Settings []Setting
}

// The docs are what people read about limn.
type docs struct {
	documents map[string]document // by their paths
	shelves   []shelf
}

// A document is one page of them.
type document struct {
	Title    string
	Content  template.HTML
	Headings []heading // of its sections
}

type heading struct{ ID, Title string }

// A shelf is a part of the table of contents.
type shelf struct {
	Title string
	Links []wayOn
}

// docsOf makes the docs when somebody first wants to read them.
func docsOf(manual Manual, description []byte) func() (*docs, error) {
	return sync.OnceValues(func() (*docs, error) {
		d := &docs{documents: map[string]document{}}
		if err := d.reference(description, manual); err != nil {
			return nil, err
		}
		var papers []string
		for _, pattern := range []string{"CHANGELOG.md", "docs/*.md", "docs/adr/*.md"} {
			names, err := fs.Glob(manual.Papers, pattern)
			if err != nil {
				return nil, err
			}
			papers = append(papers, names...)
		}
		for _, name := range papers {
			if err := d.read(manual.Papers, name); err != nil {
				return nil, fmt.Errorf("read %s: %w", name, err)
			}
		}
		return d, nil
	})
}

const contents = "docs/README.md" // its lists of links are the shelves

// read makes a document of a paper.
func (d *docs) read(papers fs.FS, name string) error {
	source, err := fs.ReadFile(papers, name)
	if err != nil {
		return err
	}
	root := paper.Parser().Parse(text.NewReader(source))
	var page document
	err = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			id, _ := n.AttributeString("id")
			title := textOf(n, source)
			if n.Level == 1 {
				page.Title = title
			} else if anchor, has := id.([]byte); has && n.Level == 2 {
				page.Headings = append(page.Headings, heading{string(anchor), title})
			}
		case *ast.Link:
			n.Destination = []byte(docsPath(name, string(n.Destination)))
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return err
	}
	if name == contents {
		d.shelve(root, source)
		return nil
	}
	var html bytes.Buffer
	if err := paper.Renderer().Render(&html, source, root); err != nil {
		return err
	}
	page.Content = template.HTML(wideParts.Replace(html.String()))
	d.documents[docsPath("", name)] = page
	return nil
}

// wideParts makes what may be wider than the window something that one can scroll, also by the keyboard.
var wideParts = strings.NewReplacer("<table>", `<div class="table" tabindex="0"><table>`, "</table>", "</table></div>")

// shelve reads the table of contents: under each heading, the first link of each item.
func (d *docs) shelve(root ast.Node, source []byte) {
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			if n.Level == 2 {
				d.shelves = append(d.shelves, shelf{Title: textOf(n, source)})
			}
		case *ast.List:
			last := &d.shelves[len(d.shelves)-1]
			for item := n.FirstChild(); item != nil; item = item.NextSibling() {
				for part := item.FirstChild().FirstChild(); part != nil; part = part.NextSibling() {
					if link, is := part.(*ast.Link); is {
						last.Links = append(last.Links, wayOn{Path: string(link.Destination), Words: textOf(link, source)})
						break
					}
				}
			}
		}
	}
}

func textOf(n ast.Node, source []byte) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, is := c.(*ast.Text); is {
			b.Write(t.Value(source))
		} else {
			b.WriteString(textOf(c, source))
		}
	}
	return b.String()
}

// elsewhere is where the docs have what is in the source under another name.
var elsewhere = map[string]string{
	"docs/README.md": "/docs", "docs/start.md": "/docs", "docs/adr/README.md": "/docs/adr", "README.md": "/",
	"server/openapi.yaml": "/docs/api", "README.md#settings": "/docs/settings", "main.go": "/docs/commands",
}

// docsPath is where a link leads that one paper has to another, or to a file.
func docsPath(from, link string) string {
	if strings.Contains(link, "://") || strings.HasPrefix(link, "#") || strings.HasPrefix(link, "/") {
		return link
	}
	name, fragment, has := strings.Cut(path.Join(path.Dir(from), link), "#")
	if has {
		fragment = "#" + fragment
	}
	if there, known := elsewhere[name+fragment]; known {
		return there
	}
	if there, known := elsewhere[name]; known {
		return there + fragment
	}
	return "/docs/" + strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(name, "docs/"), ".md")) + fragment
}

// paper is the Markdown of our own papers, whose headings can be linked to.
var paper = goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID()))

// markdown renders a text of ours.
func markdown(text string) (template.HTML, error) {
	var html bytes.Buffer
	err := paper.Convert([]byte(text), &html)
	return template.HTML(wideParts.Replace(html.String())), err
}

// addFilesOf serves what papers link to that is no Markdown.
func (w *Web) addFilesOf(papers fs.FS) error {
	for _, pattern := range []string{"docs/*.json", "deploy/*"} {
		names, err := fs.Glob(papers, pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			content, err := fs.ReadFile(papers, name)
			if err != nil {
				return fmt.Errorf("read %s: %w", name, err)
			}
			contentType := "text/plain; charset=utf-8"
			if path.Ext(name) == ".json" {
				contentType = "application/json"
			}
			w.add(docsPath("", name), contentType, content)
		}
	}
	return nil
}

// A docsView is a document with the table of contents beside it.
type docsView struct {
	document
	Here       string
	Shelves    []shelf
	Next, Past *wayOn // in the order of the table of contents
}

// viewOf is a page of the docs.
func (d *docs) viewOf(path string) (v view, known bool) {
	page, known := d.documents[path]
	if !known {
		return v, false
	}
	body := docsView{document: page, Here: path, Shelves: d.shelves}
	var last *wayOn
	for _, s := range d.shelves {
		for _, link := range s.Links {
			if strings.Contains(link.Path, "#") {
				continue
			}
			if link.Path == path {
				body.Past = last
			} else if last != nil && last.Path == path {
				body.Next = &link
			}
			last = &link
		}
	}
	return view{Title: page.Title, Path: path, Class: "docs", Body: body}, true
}

func (s *Server) viewDocs(c *gin.Context) error {
	docs, err := s.web.docs()
	if err != nil {
		return err
	}
	v, known := docs.viewOf(c.Request.URL.Path)
	if !known {
		return errNoRoute
	}
	return s.show(c, http.StatusOK, "docs", v)
}
