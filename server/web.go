package server

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"limn/extension"
)

// Web is the server's own pages. It needs no database, so that the checker can read them within the process.
type Web struct {
	origins []string
	assets  map[string]asset
	home    asset // as a stranger reads it: the checker, too
	docs    func() (*docs, error)
}

// An asset is a file of the server's own, at a path.
type asset struct {
	contentType string
	content     []byte
	etag        string
}

//go:embed openapi.yaml templates web
var files embed.FS

// pagePolicy lets a page of ours load what the server serves, and nothing else; nobody may frame it.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// NewWeb prepares the pages, with the docs. origins are the addresses that lead to this server, as "http://host:port".
func NewWeb(origins []string, manual Manual) (*Web, error) {
	w := &Web{origins: origins, assets: map[string]asset{}}
	if err := w.addFiles(); err != nil {
		return nil, err
	}
	description, err := openAPI()
	if err != nil {
		return nil, err
	}
	w.add("/openapi.json", "application/json", description)
	if err := w.addFilesOf(manual.Papers); err != nil {
		return nil, err
	}
	w.docs = docsOf(manual, description)
	home, err := render("home", strangersHome)
	if err != nil {
		return nil, err
	}
	w.home = newAsset(pageType, home)
	return w, nil
}

const pageType = "text/html; charset=utf-8"

// addFiles gives each file of web its name as its path, a page's without the end.
func (w *Web) addFiles() error {
	paths, err := fs.Glob(files, "web/*")
	if err != nil {
		return fmt.Errorf("list the pages: %w", err)
	}
	for _, file := range append(paths, "openapi.yaml") {
		content, err := files.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read a page: %w", err)
		}
		name := path.Base(file)
		switch path.Ext(file) {
		case ".html":
			w.add("/"+strings.TrimSuffix(name, ".html"), pageType, content)
		case ".js":
			w.add("/"+name, "text/javascript; charset=utf-8", content)
		case ".css":
			w.add("/"+name, "text/css; charset=utf-8", content)
		case ".svg":
			w.add("/"+name, "image/svg+xml", content)
		case ".yaml":
			w.add("/"+name, "application/yaml", content)
		}
	}
	return nil
}

func (w *Web) add(path, contentType string, content []byte) {
	w.assets[path] = newAsset(contentType, content)
}

func newAsset(contentType string, content []byte) asset {
	sum := sha256.Sum256(content)
	return asset{contentType, content, `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// Own is what serves a URL if it is one of this server's own pages.
func (w *Web) Own(u *url.URL) (http.Handler, bool) {
	return w, slices.Contains(w.origins, strings.ToLower(u.Scheme+"://"+u.Host))
}

// ServeHTTP implements http.Handler.
func (w *Web) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	a, known := w.assets[request.URL.Path]
	if request.URL.Path == "/" {
		a, known = w.home, true
	} else if under(request.URL.Path, "/docs") && !known {
		a, known = w.document(request.URL.Path)
	}
	if !known {
		http.NotFound(answer, request)
		return
	}
	a.serve(answer, request)
}

// document is a page of the docs as a stranger reads it.
func (w *Web) document(path string) (asset, bool) {
	docs, err := w.docs()
	if err != nil {
		return asset{}, false // whoever asks the server itself is told
	}
	v, known := docs.viewOf(path)
	if !known {
		return asset{}, false
	}
	html, err := render("docs", v)
	return newAsset(pageType, html), err == nil
}

func (a asset) serve(answer http.ResponseWriter, request *http.Request) {
	header := answer.Header()
	header.Set("Content-Type", a.contentType)
	header.Set("Content-Security-Policy", pagePolicy)
	header.Set("Cache-Control", "no-cache")
	header.Set("ETag", a.etag)
	http.ServeContent(answer, request, "", time.Time{}, bytes.NewReader(a.content))
}

func (w *Web) addRoutes(engine *gin.Engine) {
	for path := range w.assets {
		engine.GET(path, gin.WrapH(w))
		engine.HEAD(path, gin.WrapH(w))
	}
}

// getEmbed serves the script that makes a page one that can be highlighted.
func (s *Server) getEmbed(c *gin.Context) error {
	script, err := extension.Embed(c.GetHeader("Accept-Language"))
	if err != nil {
		return err
	}
	c.Header("Cross-Origin-Resource-Policy", "cross-origin")
	c.Header("Vary", "Accept-Language")
	newAsset("text/javascript; charset=utf-8", script).serve(c.Writer, c.Request)
	return nil
}

// getExtension serves the browser extension with this server's address in it.
func (s *Server) getExtension(c *gin.Context) error {
	browser, isZip := strings.CutSuffix(c.Param("file"), ".zip")
	if !isZip || !slices.Contains([]string{extension.Chrome, extension.Firefox}, browser) {
		return errNoRoute
	}
	if err := s.limits.costly(c); err != nil {
		return err
	}
	var zip bytes.Buffer
	if err := extension.WriteZip(&zip, browser, s.origin(c)); err != nil {
		return err
	}
	c.Header("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "limn-"+browser+".zip"))
	c.Data(http.StatusOK, "application/zip", zip.Bytes())
	return nil
}

// origin is the server's address in absolute links: as configured, else as the request names it.
func (s *Server) origin(c *gin.Context) string {
	if s.config.PublicURL != "" {
		return s.config.PublicURL
	}
	scheme := "http"
	if s.isSecure(c) {
		scheme = "https"
	}
	return scheme + "://" + c.Request.Host
}

// isSecure says whether the client reaches the server by https, perhaps through a proxy that is believed.
func (s *Server) isSecure(c *gin.Context) bool {
	if s.config.PublicURL != "" {
		return strings.HasPrefix(s.config.PublicURL, "https://")
	}
	proxied := c.RemoteIP() != c.ClientIP() // Gin has looked whether the proxy may be believed
	return c.Request.TLS != nil || proxied && c.GetHeader("X-Forwarded-Proto") == "https"
}
