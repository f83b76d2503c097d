package server

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"limn/storage"
)

// A view is what a page of the server shows.
type view struct {
	Title   string
	Path    string          // where it is shown: the request's own, but for the answer to a form
	Account storage.Account // who is signed in; the zero Account: nobody
	Class   string          // of the page's main part
	Scripts []string
	Done    string // what the form before has done, as a sentence
	Form    form   // what was typed, and what is wrong with it
	Body    any    // what the page is about
}

// SignedIn tells whether anybody is.
func (v view) SignedIn() bool { return v.Account != (storage.Account{}) }

// Next is where signing in leads: back here.
func (v view) Next() string {
	if under(v.Path, "/signin") {
		return "/"
	}
	return v.Path
}

// views are the templates of the server's pages, by their file's name.
var views = parseViews("problem", "home", "page", "highlight", "search", "groups", "group", "join", "signin", "account", "tokens", "data", "admin", "docs")

func parseViews(names ...string) map[string]*template.Template {
	common := template.Must(template.New("").Funcs(viewWords).ParseFS(files, "templates/layout.html", "templates/parts.html"))
	all := map[string]*template.Template{}
	for _, name := range names {
		all[name] = template.Must(template.Must(common.Clone()).ParseFS(files, "templates/"+name+".html"))
	}
	return all
}

// formPolicy tells our own pages who asks, and nobody else: without it a form by plain http has no origin.
const formPolicy = "same-origin"

// show answers with a page. What somebody may see is theirs: no cache in between keeps it.
func (s *Server) show(c *gin.Context, status int, name string, v view) error {
	v.Scripts = append([]string{"/times.js"}, v.Scripts...)
	v.Account = readerOf(c).Account
	if c.Request.Method != http.MethodPost || v.Path == "" {
		v.Path = c.Request.URL.RequestURI()
	}
	if v.Done == "" {
		v.Done = doneWords[c.Query("done")]
	}
	html, err := render(name, v)
	if err != nil {
		return err
	}
	header := c.Writer.Header()
	header.Set("Content-Security-Policy", pagePolicy)
	header.Set("Referrer-Policy", formPolicy)
	if header.Get("Cache-Control") == "" { // else it is stricter
		header.Set("Cache-Control", "private, no-cache")
	}
	header.Set("Vary", "Accept, Authorization, Cookie")
	c.Data(status, pageType, html)
	return nil
}

func render(name string, v view) ([]byte, error) {
	var html bytes.Buffer
	if err := views[name].ExecuteTemplate(&html, "layout", v); err != nil {
		return nil, fmt.Errorf("write the page %s: %w", name, err)
	}
	return html.Bytes(), nil
}

// leave sends a browser from the form that it has sent to a page that says what was done, so that reading that again does
// nothing again.
func leave(c *gin.Context, path, done string) error {
	if done != "" {
		path += "?done=" + url.QueryEscape(done)
	}
	c.Redirect(http.StatusSeeOther, path)
	return nil
}

// under tells whether a page is one of those below a path.
func under(path, top string) bool {
	path, _, _ = strings.Cut(path, "?")
	return path == top || strings.HasPrefix(path, top+"/")
}
