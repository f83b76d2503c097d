package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"limn/storage"
)

// cookieName is the session's cookie, for the pages that the server itself serves.
const cookieName = "limn_session"

// crossOrigin refuses unsafe requests that another site's page makes with a cookie.
var crossOrigin = http.NewCrossOriginProtection()

// authenticate finds out who asks: by a bearer token, which has to be good, or by the session's cookie, which
// counts for nothing when it is not.
func (s *Server) authenticate(c *gin.Context) {
	reader, err := s.identify(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Set(readerKey, reader)
}

const readerKey = "reader"

// identify finds who a request is from.
func (s *Server) identify(c *gin.Context) (storage.Reader, error) {
	if len(c.Request.Header.Values("Authorization")) > 1 { // a proxy may have looked at the other one
		return storage.Reader{}, &unreadableError{"the header Authorization", "is there more than once"}
	}
	token, byCookie := tokenOf(c.Request)
	if token == "" {
		if c.GetHeader("Authorization") != "" {
			return storage.Reader{}, errBadToken
		}
		return storage.Anonymous, nil
	}
	ctx, cancel := context.WithTimeout(c, handleTimeout)
	defer cancel()
	reader, err := s.store.Authenticate(ctx, token)
	switch {
	case errors.Is(err, storage.ErrNotFound) && byCookie:
		return storage.Anonymous, nil
	case errors.Is(err, storage.ErrNotFound):
		return storage.Reader{}, errBadToken
	case err != nil:
		return storage.Reader{}, err
	case byCookie && crossOrigin.Check(c.Request) != nil:
		return storage.Reader{}, errCrossOrigin
	}
	return reader, nil
}

// tokenOf is the token that a request brings: in its header or, without one, in its cookie. Of two different cookies one was
// set by a neighbour's page, for a narrower path or the whole domain, so that somebody acts in the neighbour's name: neither counts.
func tokenOf(r *http.Request) (token string, byCookie bool) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return "", false
		}
		return strings.TrimSpace(token), false
	}
	cookies := r.CookiesNamed(cookieName)
	if len(cookies) == 0 || slices.ContainsFunc(cookies, func(c *http.Cookie) bool { return c.Value != cookies[0].Value }) {
		return "", false
	}
	return cookies[0].Value, true
}

// readerOf is who asks; the anonymous reader when nobody is signed in.
func readerOf(c *gin.Context) storage.Reader { return c.MustGet(readerKey).(storage.Reader) }

// maxGroups is how many groups may be asked for at once: each is looked up, and looked at in each delivery.
const maxGroups = 100

// readerIn is who asks, with no more than the groups that they ask for; with all of theirs if they ask for none.
func (s *Server) readerIn(c *gin.Context, groups []string) (storage.Reader, error) {
	switch {
	case len(groups) == 0:
		return readerOf(c), nil
	case len(groups) > maxGroups:
		return storage.Reader{}, &unreadableError{"the parameter group", "is there more than " + strconv.Itoa(maxGroups) + " times"}
	}
	return s.store.Only(c, readerOf(c), groups...)
}

// admit refuses requests that do not bring what a route needs.
func (r route) admit(handle func(*gin.Context) error) func(*gin.Context) error {
	return func(c *gin.Context) error {
		switch reader := readerOf(c); {
		case reader.Account == (storage.Account{}):
			if r.needs != nothing {
				return errNoAccount
			}
		case r.needs != anyToken && !reader.Has(r.scope()):
			return fmt.Errorf("%w %s", errScope, r.scope())
		}
		return handle(c)
	}
}

// scope is what a token has to be for.
func (r route) scope() storage.Scope {
	switch {
	case r.needs == personal:
		return storage.ScopeAdmin
	case r.needs == nothing, r.method == http.MethodGet:
		return storage.ScopeRead
	}
	return storage.ScopeWrite
}

// allowOtherOrigins lets every page's scripts use the API with a token of their own; cookies are not for them.
func allowOtherOrigins(c *gin.Context) {
	container := strings.HasPrefix(c.Request.URL.Path, containerPath)
	if !container && !strings.HasPrefix(c.Request.URL.Path, apiBase+"/") {
		return
	}
	header := c.Writer.Header()
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Expose-Headers", "Accept-Post, Allow, Content-Location, ETag, Link, Location, Preference-Applied, Retry-After, Vary")
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	header.Set("Cache-Control", "no-store")
	if c.Request.Method == http.MethodOptions {
		header.Set("Access-Control-Allow-Methods", "GET, POST, PATCH, PUT, DELETE")
		header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match, Last-Event-ID, Prefer, Slug")
		header.Set("Access-Control-Max-Age", "86400")
		if !container { // which says more of itself
			c.AbortWithStatus(http.StatusNoContent)
		}
	}
}
