package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/gin-gonic/gin"

	"limn/live"
	"limn/storage"
)

// A problem is an error answer: RFC 9457, with a code that stays the same and the fields that were refused.
type problem struct {
	Type   string               `json:"type"`
	Title  string               `json:"title"`
	Status int                  `json:"status"`
	Detail string               `json:"detail,omitempty"`
	Code   string               `json:"code"`
	Errors []storage.FieldError `json:"errors,omitempty"`
}

// What only HTTP knows of.
var (
	errNoRoute          = errors.New("there is nothing at this address")
	errNoMethod         = errors.New("this method is not for this address")
	errNoAccount        = errors.New("this needs an account: send its token as Authorization: Bearer")
	errBadToken         = errors.New("the token is unknown, or no longer valid")
	errCrossOrigin      = errors.New("a session's cookie counts only for requests from the server's own pages")
	errSignup           = errors.New("nobody can sign up here")
	errProvider         = errors.New("the provider that you sign in with does not answer as it should")
	errNotLeft          = errors.New("this is not the way back of a sign-in that this browser has begun in the last minutes")
	errDeclined         = errors.New("the provider has not signed you in")
	errUninvited        = errors.New("signing up here takes an invite to a group")
	errScope            = errors.New("the token is not for this: it lacks the scope")
	errTooLarge         = errors.New("the request is too large")
	errTooMany          = errors.New("too many requests from this address")
	errTooManyOfAccount = errors.New("too many requests of this account")
	errTooManyStreams   = errors.New("too many streams of this account")
	errTooManyIntakes   = errors.New("a file of this account is being taken in, or as many of others as may be")
	errFull             = errors.New("no more streams fit here at the moment: come again when Retry-After says")
	errNotTried         = errors.New("an operation before this one could not be done: send it again, and all after it")
	errTooSlow          = errors.New("the request took too long to arrive")
)

// kinds is the one place where an error becomes a status and a code. A detail replaces the error's own words.
var kinds = []kind{
	{errNoRoute, http.StatusNotFound, "no_route", "No such address", ""},
	{errNoMethod, http.StatusMethodNotAllowed, "method_not_allowed", "Method not allowed", ""},
	{errNoAccount, http.StatusUnauthorized, "unauthenticated", "Not signed in", ""},
	{errBadToken, http.StatusUnauthorized, "bad_token", "Bad token", ""},
	{storage.ErrCredentials, http.StatusUnauthorized, "bad_credentials", "Wrong name or password", "The name or the password is wrong."},
	{storage.ErrCode, http.StatusUnauthorized, "bad_code", "Bad code", "The code is unknown, was used or has expired, or it is another program's. Sign in again."},
	{errCrossOrigin, http.StatusForbidden, "cross_origin", "Request from a foreign page", ""},
	{errNotLeft, http.StatusBadRequest, "signin_lost", "Sign-in lost", ""},
	{errDeclined, http.StatusForbidden, "signin_declined", "Sign-in declined", ""},
	{errProvider, http.StatusBadGateway, "provider", "The provider does not answer", ""},
	{errUninvited, http.StatusForbidden, "invite_needed", "Sign-up by invitation", ""},
	{errScope, http.StatusForbidden, "scope", "Not what the token is for", ""},
	{errSignup, http.StatusForbidden, "signup_closed", "Sign-up is closed", ""},
	{storage.ErrForbidden, http.StatusForbidden, "forbidden", "Not allowed", "You may see this, but not do that to it: it is somebody else's, or your role does not suffice."},
	{storage.ErrNotFound, http.StatusNotFound, "not_found", "Not found", "It is not here, or not for you to see."},
	{storage.ErrNameTaken, http.StatusConflict, "name_taken", "The name is taken", "Somebody else has this name. Choose another one."},
	{storage.ErrLastOwner, http.StatusConflict, "last_owner", "The last owner", "A group needs an owner. Make somebody else one first, or delete the group."},
	{storage.ErrAnswered, http.StatusConflict, "answered", "Others have answered", "What others wrote in this group stays in it, and the highlight with it."},
	{storage.ErrUnmoderated, http.StatusConflict, "unmoderated", "Nobody moderates there", "It is yours alone, so nobody else would look at it."},
	{storage.ErrTooMany, http.StatusConflict, "too_many", "Too many", "There are as many as there may be. Take something away first."},
	{storage.ErrConflict, http.StatusConflict, "id_in_use", "The id is in use", "Something else was stored under this id. Choose a new one."},
	{storage.ErrStale, http.StatusPreconditionFailed, "stale_version", "Changed in the meantime", "It has changed since the version named in If-Match. Read it again."},
	{storage.ErrCursor, http.StatusBadRequest, "bad_cursor", "Bad cursor", "The parameter after is not a cursor of this server."},
	{storage.ErrTooLarge, http.StatusRequestEntityTooLarge, "too_large", "Too large", "A file may have at most 10 MB."},
	{errTooLarge, http.StatusRequestEntityTooLarge, "too_large", "Too large", ""},
	{errTooSlow, http.StatusRequestTimeout, "too_slow", "Too slow", ""},
	{errTooMany, http.StatusTooManyRequests, "too_many_requests", "Too many requests", ""},
	{errTooManyOfAccount, http.StatusTooManyRequests, "too_many_requests", "Too many requests", ""},
	{errTooManyStreams, http.StatusTooManyRequests, "too_many_requests", "Too many streams", ""},
	{errTooManyIntakes, http.StatusTooManyRequests, "too_many_requests", "Too many files", ""},
	{errFull, http.StatusServiceUnavailable, "full", "Full", ""},
	{errNotTried, http.StatusServiceUnavailable, "not_tried", "Not tried", ""},
	{storage.ErrUnavailable, http.StatusServiceUnavailable, "unavailable", "Not available", "The database does not answer. Try again in a moment."},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "unavailable", "Not available", "It took too long. Try again in a moment."},
	{live.ErrClosing, http.StatusServiceUnavailable, "stopping", "Stopping", "The server is stopping. Try again in a moment."},
}

// A kind is an error and how it is answered.
type kind struct {
	err         error
	status      int
	code, title string
	detail      string
}

func (k kind) problem() problem {
	p := problem{Status: k.status, Code: k.code, Title: k.title, Detail: k.detail}
	if p.Detail == "" {
		p.Detail = sentence(k.err.Error())
	}
	return p
}

// An unreadableError is a request that cannot be read; field is the JSON Pointer or the parameter at fault.
type unreadableError struct {
	field, detail string
}

func (e *unreadableError) Error() string {
	return strings.Replace(e.field, "/", "the field ", 1) + " " + e.detail
}

// The problems that have no sentinel: their words are the error's own.
var (
	unreadable = problem{Status: http.StatusBadRequest, Code: "unreadable", Title: "Cannot be read"}
	invalid    = problem{Status: http.StatusUnprocessableEntity, Code: "invalid", Title: "Refused"}
	internal   = problem{
		Status: http.StatusInternalServerError, Code: "internal", Title: "Fault of the server",
		Detail: "Something went wrong here. It has been written to the log.",
	}
)

// problemOf is what the client is told of an error.
func problemOf(err error) problem {
	p := internal
	var refused *storage.InvalidError
	var url *storage.URLError
	var unread *unreadableError
	if errors.As(err, &url) {
		err = &storage.InvalidError{Fields: []storage.FieldError{{Pointer: "/url", Detail: url.Detail}}}
	}
	switch {
	case errors.As(err, &refused):
		p = invalid
		p.Detail, p.Errors = sentence(refused.Error()), refused.Fields
	case errors.As(err, &unread):
		p = unreadable
		p.Detail = sentence(unread.Error())
		if strings.HasPrefix(unread.field, "/") {
			p.Errors = []storage.FieldError{{Pointer: unread.field, Detail: unread.detail}}
		}
	default:
		for _, k := range kinds {
			if errors.Is(err, k.err) {
				p = k.problem()
				break
			}
		}
	}
	p.Type = "/docs/api#" + p.Code
	return p
}

// sentence makes an error's words one.
func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

// handle makes a handler that may fail one of Gin's.
func (s *Server) handle(f func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := f(c); err != nil {
			s.fail(c, err)
		}
	}
}

// fail answers with a problem.
func (s *Server) fail(c *gin.Context, err error) {
	p := s.judge(c, err)
	if c.Writer.Written() {
		return
	}
	if wantsPage(c.Request) {
		s.showFault(c, err, p)
		return
	}
	if p.Status == http.StatusUnauthorized {
		c.Header("WWW-Authenticate", "Bearer")
	}
	c.Header("Content-Type", "application/problem+json")
	c.Header("Cache-Control", "no-store")
	c.JSON(p.Status, p)
}

// judge ends a request with a problem, which is still to be told. Faults of ours are written to the log, once, here.
func (s *Server) judge(c *gin.Context, err error) problem {
	c.Abort()
	if c.Request.Context().Err() != nil && errors.Is(err, context.Canceled) {
		// Who only has nothing more to say still reads, and an answer without a word would be a 200.
		panic(http.ErrAbortHandler)
	}
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError {
		s.log.ErrorContext(c, "a request failed", "method", c.Request.Method, "path", c.FullPath(), "code", p.Code, "error", err)
	}
	if p.Status == http.StatusServiceUnavailable && c.Writer.Header().Get("Retry-After") == "" {
		c.Header("Retry-After", "1")
	}
	return p
}

// recoverPanics turns a panic into an answer like any fault.
func (s *Server) recoverPanics(c *gin.Context) {
	defer func() {
		switch fault := recover(); {
		case fault == nil:
		case fault == http.ErrAbortHandler: // the way to break an answer off
			panic(fault)
		default:
			s.log.ErrorContext(c, "a request panicked", "path", c.FullPath(), "panic", fault, slog.String("stack", string(debug.Stack())))
			s.fail(c, fmt.Errorf("panic: %v", fault))
		}
	}()
	c.Next()
}
