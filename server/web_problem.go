package server

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"limn/storage"
)

// A fault is what the page of an error says.
type fault struct {
	Status int
	Detail string
	Ways   []wayOn
}

// A wayOn is a link to somewhere that there is something.
type wayOn struct {
	Path, Words string
	Main        bool
}

// faults are what people are told, who did not ask in JSON; other errors say what they say to programs. What is hidden reads
// like what was never there.
var faults = map[int]struct{ title, detail string }{
	http.StatusNotFound:            {"There is nothing here", "It was taken away, or never was; or it is not for you to see."},
	http.StatusForbidden:           {"That is not yours to do", ""},
	http.StatusTooManyRequests:     {"That was too much at once", "Wait a moment, then try again."},
	http.StatusServiceUnavailable:  {"limn is away for a moment", "Its database does not answer. Nothing is lost. Try again shortly."},
	http.StatusInternalServerError: {"Something went wrong here", "It was written down, and is not your fault."},
	http.StatusMethodNotAllowed:    {"There is nothing here", "It was taken away, or never was; or it is not for you to see."},
}

// wantsPage tells whether an answer is for a person's browser rather than a program.
func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html") && !strings.HasPrefix(r.URL.Path, apiBase+"/")
}

// cameFrom is the page of ours that a form was sent from; the start, if it is not known.
func cameFrom(r *http.Request) string {
	from, err := url.Parse(r.Referer())
	if err != nil || from.Host != r.Host {
		return "/"
	}
	return from.RequestURI()
}

// showFault answers with the page of an error. Who has to sign in first is led to where that is done.
func (s *Server) showFault(c *gin.Context, err error, p problem) {
	if _, asked := c.Get(readerKey); !asked {
		reader, failed := s.identify(c)
		if failed != nil {
			reader = storage.Anonymous
		}
		c.Set(readerKey, reader)
	}
	if errors.Is(err, errNoAccount) && c.Request.Method == http.MethodGet {
		c.Redirect(http.StatusSeeOther, "/signin?next="+url.QueryEscape(c.Request.URL.RequestURI()))
		return
	}
	v := view{Title: p.Title}
	body := fault{Status: p.Status, Detail: p.Detail, Ways: []wayOn{{"/", "To the start", true}, {"/search", "Search", false}}}
	if words, has := faults[p.Status]; has {
		v.Title = words.title
		if words.detail != "" {
			body.Detail = words.detail
		}
	}
	if errors.Is(err, errNoAccount) {
		v.Title, body.Detail = "You are signed out", "Nothing was changed. Sign in, or go back: what you typed is still there."
		body.Ways[0] = wayOn{"/signin?next=" + url.QueryEscape(cameFrom(c.Request)), "Sign in", true}
	}
	if p.Status >= http.StatusInternalServerError || p.Status == http.StatusTooManyRequests {
		body.Ways[0] = wayOn{c.Request.URL.RequestURI(), "Try again", true}
		if c.Request.Method != http.MethodGet {
			body.Ways = body.Ways[1:]
		}
	}
	v.Body = body
	if err := s.show(c, p.Status, "problem", v); err != nil {
		s.log.ErrorContext(c, "the page of an error cannot be shown", "error", err)
	}
}
