package server

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"limn/export"
	"limn/storage"
)

// A dataView is how what one has written gets out.
type dataView struct {
	Formats  []choice
	Groups   []storage.Group
	Operator bool
}

// formatWords say what a format is for.
var formatWords = map[string]string{
	"json": "JSON: everything, to be read in again", "ndjson": "JSON, a highlight a line", "jsonld": "W3C Web Annotations",
	"csv": "CSV, for spreadsheets", "readwise": "Readwise", "hypothesis": "Hypothesis", "markdown": "Markdown, for Obsidian and others",
	"html": "A page to read or print",
}

func (s *Server) viewData(c *gin.Context) error {
	body := dataView{Operator: readerOf(c).Operator}
	for _, f := range export.Formats {
		body.Formats = append(body.Formats, choice{Value: f.Name, Words: formatWords[f.Name]})
	}
	var err error
	if body.Groups, _, err = s.store.ListGroups(c, readerOf(c), storage.Paging{Limit: maxLimit}); err != nil {
		return err
	}
	return s.show(c, http.StatusOK, "data", view{Title: "Your data", Body: body})
}
