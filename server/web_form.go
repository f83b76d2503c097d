package server

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"limn/storage"
)

// A form is what somebody has typed, and what is wrong with it. The zero form is one that nobody has filled in.
type form struct {
	Values  url.Values
	Problem string            // what is wrong with all of it
	Errors  map[string]string // and with its fields
}

// filled gives a handler the form that one of our own pages has sent.
func filled(handle func(*gin.Context, form) error) func(*gin.Context) error {
	return ownForm(func(c *gin.Context, values url.Values) error {
		for _, all := range values {
			for _, value := range all {
				if strings.ContainsRune(value, 0) {
					return &unreadableError{"the form", "is no text"}
				}
			}
		}
		return handle(c, form{Values: values})
	})
}

// text is what was typed into a field, with the line ends of the web's forms made those of text.
func (f form) text(name string) string { return strings.ReplaceAll(f.Values.Get(name), "\r\n", "\n") }

// Value is what a field shows: what was typed, or what is there.
func (f form) Value(name, stored string) string {
	if f.Values.Has(name) {
		return f.Values.Get(name)
	}
	return stored
}

// Error is what is wrong with a field; empty: nothing.
func (f form) Error(name string) string { return f.Errors[name] }

// refuse says what is wrong with a field.
func (f form) refuse(name, detail string) form {
	f.Errors = map[string]string{name: detail}
	return f
}

// formFields are the fields that some errors are about, though they do not say so.
var formFields = map[error]string{
	storage.ErrNameTaken:   "name",
	storage.ErrCredentials: "current_password",
}

// judge is the form with what a failed request says of it, to be shown again. What is not the form's fault stays an error.
func (f form) judge(err error) (judged form, status int, fault error) {
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError || p.Status == http.StatusNotFound || p.Status == http.StatusUnauthorized && !errors.Is(err, storage.ErrCredentials) {
		return f, 0, err
	}
	f.Errors = map[string]string{}
	for _, e := range p.Errors {
		if name := strings.TrimPrefix(e.Pointer, "/"); !strings.Contains(name, "/") {
			f.Errors[name] = "It " + e.Detail + "."
		}
	}
	for sentinel, name := range formFields {
		if errors.Is(err, sentinel) {
			f.Errors[name] = p.Detail
		}
	}
	if len(f.Errors) == 0 {
		f.Problem = p.Detail
	}
	return f, p.Status, nil
}
