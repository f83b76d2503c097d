package server

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"limn/export"
	"limn/intake"
	"limn/storage"
)

// A dataView is how what one has written gets out, and what one has elsewhere comes in.
type dataView struct {
	Formats  []choice // to be written
	Readable []choice
	Groups   []storage.Group // to take out of
	Write    []storage.Group // to take into
	Operator bool
	Taken    *takenView // what became of a file
}

// A takenView is what became of a file.
type takenView struct {
	storage.Tally
	Refusals []storage.Outcome // the first of them
}

const maxRefusals = 100 // that are shown

// formatWords say what a format is for.
var formatWords = map[string]string{
	"json": "JSON: everything, to be read in again", "ndjson": "JSON, a highlight a line", "jsonld": "W3C Web Annotations",
	"csv": "CSV, for spreadsheets", "readwise": "Readwise", "hypothesis": "Hypothesis", "markdown": "Markdown, for Obsidian and others",
	"html": "A page to read or print",
}

// readableWords say where a file of a format comes from.
var readableWords = map[string]string{
	"json": "limn, JSON", "ndjson": "limn, a highlight a line", "jsonld": "W3C Web Annotations", "csv": "limn, CSV",
	"readwise": "Readwise, CSV", "hypothesis": "Hypothesis, JSON",
}

func (s *Server) viewData(c *gin.Context) error { return s.answerData(c, http.StatusOK, form{}, nil) }

func (s *Server) answerData(c *gin.Context, status int, typed form, taken *takenView) error {
	body := dataView{Operator: readerOf(c).Operator, Taken: taken}
	for _, f := range export.Formats {
		body.Formats = append(body.Formats, choice{Value: f.Name, Words: formatWords[f.Name]})
	}
	for _, f := range intake.Formats {
		body.Readable = append(body.Readable, choice{Value: f.Name, Words: readableWords[f.Name]})
	}
	var err error
	if body.Groups, _, err = s.store.ListGroups(c, readerOf(c), storage.Paging{Limit: maxLimit}); err != nil {
		return err
	}
	for _, g := range body.Groups {
		if *g.Role != storage.RoleReader {
			body.Write = append(body.Write, g)
		}
	}
	return s.show(c, status, "data", view{Title: "Your data", Scripts: []string{"/data.js"}, Form: typed, Body: body})
}

// takeInOnPage takes a file in that a form has sent, as it arrives, and then says what became of it. With scripts the page
// asks the API instead, and shows how far it is.
func (s *Server) takeInOnPage(c *gin.Context) error {
	if crossOrigin.Check(c.Request) != nil {
		return errCrossOrigin
	}
	_, parameters, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil || parameters["boundary"] == "" {
		return &unreadableError{"the form", "is not one with a file"}
	}
	parts := multipart.NewReader(http.MaxBytesReader(c.Writer, patientReader{c}, maxIntake), parameters["boundary"])
	var f form
	f.Values = map[string][]string{}
	for {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return s.answerData(c, http.StatusUnprocessableEntity, f.refuse("file", "Choose a file."), nil)
		case err != nil:
			return bodyError(err)
		case part.FormName() == "file" && part.FileName() != "":
			return s.takePart(c, f, part)
		}
		value, err := io.ReadAll(io.LimitReader(part, maxForm))
		if err != nil {
			return bodyError(err)
		}
		f.Values.Set(part.FormName(), string(value))
	}
}

// takePart takes in the file of a form whose other fields came before.
func (s *Server) takePart(c *gin.Context, f form, file io.Reader) error {
	i := slices.IndexFunc(intake.Formats, func(known intake.Format) bool { return known.Name == f.text("format") })
	if i < 0 {
		return s.answerData(c, http.StatusUnprocessableEntity, f.refuse("format", "Choose one of these."), nil)
	}
	taken := &takenView{}
	var err error
	taken.Tally, err = s.takeFile(c, intake.Formats[i], f.text("group"), file, func(o storage.Outcome) error {
		if o.Status >= http.StatusBadRequest && len(taken.Refusals) < maxRefusals {
			taken.Refusals = append(taken.Refusals, o)
		}
		return nil
	})
	if err != nil {
		judged, status, fault := f.judge(err)
		if fault != nil {
			return fault
		}
		return s.answerData(c, status, judged, nil)
	}
	return s.answerData(c, http.StatusOK, f, taken)
}
