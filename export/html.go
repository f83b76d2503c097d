package export

import (
	_ "embed"
	"html/template"
	"io"
	"regexp"

	"limn/storage"
)

// An htmlSheet is one document to read, print or keep, which loads nothing: a heading a page, a quote a highlight, its note
// and its thread.
type htmlSheet struct {
	w      io.Writer
	origin string
	begun  bool
	page   string // the URL of the last heading
}

func beginHTML(w io.Writer, origin string) sheet { return &htmlSheet{w: w, origin: origin} }

//go:embed html.tmpl
var htmlText string

var htmlTemplates = template.Must(template.New("").Funcs(template.FuncMap{"note": NoteHTML, "date": date, "ink": inkCSS, "quotes": Quotes}).Parse(htmlText))

func (s *htmlSheet) add(t storage.Thread) error {
	if err := s.begin(); err != nil {
		return err
	}
	if h := t.Highlight; s.page != h.Page.URL {
		s.page = h.Page.URL
		if err := htmlTemplates.ExecuteTemplate(s.w, "page", h.Page); err != nil {
			return err
		}
	}
	return htmlTemplates.ExecuteTemplate(s.w, "thread", struct {
		storage.Thread
		Link string
	}{t, highlightURL(s.origin, t.Highlight)})
}

func (s *htmlSheet) end() error {
	if err := s.begin(); err != nil {
		return err
	}
	return htmlTemplates.ExecuteTemplate(s.w, "end", nil)
}

func (s *htmlSheet) begin() error {
	if s.begun {
		return nil
	}
	s.begun = true
	return htmlTemplates.ExecuteTemplate(s.w, "begin", nil)
}

// inks are as bright as those on the page.
var inks = map[string]template.CSS{
	"yellow": "#f2d64b", "green": "#7fd495", "blue": "#8ec5ee", "pink": "#f2a6c4", "purple": "#c9b0f0", "orange": "#f5b66e", "red": "#f09a92",
}

var hexInk = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func inkCSS(color string) template.CSS {
	if ink, named := inks[color]; named {
		return ink
	}
	if hexInk.MatchString(color) {
		return template.CSS(color)
	}
	return inks["yellow"]
}
