package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"limn/storage"
)

// addSignIn adds the page on which people sign in and out, and let a browser's extension do so.
func (s *Server) addSignIn(engine *gin.Engine) {
	pages := engine.Group("", s.limitRequests, s.takeTurns, s.authenticate)
	pages.GET("/signin", s.handle(inTime(s.showSignIn)))
	pages.POST("/signin", s.handle(inTime(ownForm(s.signIn))))
	pages.POST("/signin/consent", s.handle(inTime(ownForm(s.consent))))
	pages.POST(oidcPath, s.handle(inTime(ownForm(s.leave))))
	pages.GET(oidcPath+"/callback", s.handle(inTime(s.comeBack)))
	pages.POST("/signout", s.handle(inTime(ownForm(s.signOut))))
}

// A signInPage is what signin.html shows.
type signInPage struct {
	Account storage.Account // who is signed in; the zero Account: nobody
	New     bool            // whether an account is to be made
	Signup  string          // who may sign up
	Next    string          // where signing in leads
	Name    string          // as it was typed
	Invite  string
	Problem string       // why it did not work, as a sentence
	Request *codeRequest // an extension's, which is asked about
	With    string       // the provider that one may sign in with; empty: none
	Away    string       // its address, which the page leads on to
}

func (s *Server) showSignIn(c *gin.Context) error {
	values := c.Request.URL.Query()
	if values.Has("redirect_uri") {
		return s.askConsent(c, values)
	}
	return s.answerSignIn(c, http.StatusOK, s.newSignInPage(c, values))
}

func (s *Server) newSignInPage(c *gin.Context, values url.Values) signInPage {
	with := ""
	if s.provider != nil {
		with = s.provider.Name()
	}
	return signInPage{
		With: with, Account: personOf(c), New: values.Get("new") != "" && s.config.Signup != SignupClosed, Signup: s.config.Signup,
		Next: nextPath(values.Get("next")), Name: values.Get("name"), Invite: values.Get("invite"),
	}
}

// personOf is who has signed in. A program's token that may not do everything must not make a session that may.
func personOf(c *gin.Context) storage.Account {
	if !readerOf(c).HasAll() {
		return storage.Account{}
	}
	return readerOf(c).Account
}

// signIn is both of the page's forms: an account's name and password, or a new account's.
func (s *Server) signIn(c *gin.Context, form url.Values) error {
	page := s.newSignInPage(c, form)
	account, err := s.accountOf(c, page, form.Get("password"))
	if err == nil {
		err = s.startSession(c, account)
	}
	if err != nil {
		return s.refuseSignIn(c, err, page)
	}
	c.Redirect(http.StatusSeeOther, page.Next)
	return nil
}

// refuseSignIn shows the page again, with the reason. In an extension's window the status is 200: Chrome closes one that is
// answered with a status of 400 or more, and a slip of the finger would end it all.
func (s *Server) refuseSignIn(c *gin.Context, err error, page signInPage) error {
	p := s.judge(c, err)
	page.Problem = p.Detail
	status := p.Status
	if under(page.Next, "/signin") {
		status = http.StatusOK
	}
	return s.answerSignIn(c, status, page)
}

// accountOf finds the account that a form names, or makes it.
func (s *Server) accountOf(c *gin.Context, page signInPage, password string) (storage.Account, error) {
	if err := s.limits.costly(c); err != nil {
		return storage.Account{}, err
	}
	if password != "" {
		if err := s.limits.hash(c, page.Name); err != nil {
			return storage.Account{}, err
		}
	}
	if !page.New {
		return s.store.SignIn(c, page.Name, password)
	}
	if err := s.maySignUp(page.Invite); err != nil {
		return storage.Account{}, err
	}
	return s.store.CreateAccount(c, storage.NewAccount{Name: page.Name, Password: password, Invite: page.Invite})
}

// startSession gives the browser a session's cookie. The session that it had before ends.
func (s *Server) startSession(c *gin.Context, account storage.Account) error {
	token, expires, err := s.store.CreateSession(c, account.ID)
	if err != nil {
		return err
	}
	if err := s.endSession(c); err != nil {
		return err
	}
	s.setCookie(c, token, expires)
	return nil
}

func (s *Server) signOut(c *gin.Context, _ url.Values) error {
	if err := s.endSession(c); err != nil {
		return err
	}
	s.forgetCookie(c)
	c.Redirect(http.StatusSeeOther, "/")
	return nil
}

// endSession ends the session whose cookie a request brings, if it does.
func (s *Server) endSession(c *gin.Context) error {
	reader := readerOf(c)
	if _, byCookie := tokenOf(c.Request); !byCookie || reader.Token == uuid.Nil {
		return nil
	}
	if err := s.store.DeleteToken(c, reader, reader.Token); err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	s.hub.Dismiss(reader.Account.ID)
	return nil
}

// A codeRequest is an extension that asks for a code: RFC 6749, 4.1.1, with RFC 7636.
type codeRequest struct {
	RedirectURI, State, Challenge string
	challenge                     storage.Challenge
}

// redirectURIs are those that Chrome and Firefox give their extensions: nobody but the browser that runs the extension ever
// sees what is there. They end before a query or a fragment.
var redirectURIs = regexp.MustCompile(`^(https://(?:[a-p]{32}\.chromiumapp\.org|[0-9a-f]{40}\.extensions\.allizom\.org))/[A-Za-z0-9._~/-]{0,200}$`)

// states are what RFC 6749 lets be one.
var states = regexp.MustCompile(`^[\x20-\x7e]{0,200}$`)

// readCodeRequest reads a request for a code. One that does not say where an answer may go cannot be answered but on
// the page; of others that are not as they have to be, the extension is told.
func readCodeRequest(values url.Values) (r *codeRequest, valid bool, err error) {
	r = &codeRequest{RedirectURI: values.Get("redirect_uri"), State: values.Get("state"), Challenge: values.Get("code_challenge")}
	if !redirectURIs.MatchString(r.RedirectURI) {
		return nil, false, &unreadableError{"the parameter redirect_uri", "is not the address of a browser's extension"}
	}
	if !states.MatchString(r.State) {
		return nil, false, &unreadableError{"the parameter state", "is not as RFC 6749 has it, or longer than 200 characters"}
	}
	r.challenge, valid = storage.ParseChallenge(r.Challenge)
	return r, valid && values.Get("code_challenge_method") == "S256", nil
}

// origin is that of the extension's address.
func (r *codeRequest) origin() string { return redirectURIs.FindStringSubmatch(r.RedirectURI)[1] }

// Path is the page's own address with the request in it.
func (r *codeRequest) Path() string {
	return "/signin?" + url.Values{
		"redirect_uri": {r.RedirectURI}, "state": {r.State}, "code_challenge": {r.Challenge}, "code_challenge_method": {"S256"},
	}.Encode()
}

// answer leads back to the extension.
func (r *codeRequest) answer(c *gin.Context, name, value string) error {
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, r.RedirectURI+"?"+url.Values{name: {value}, "state": {r.State}}.Encode())
	return nil
}

// askConsent asks whether an extension may use limn as who is signed in. Without the question, any site could have a
// browser make sessions.
func (s *Server) askConsent(c *gin.Context, values url.Values) error {
	request, valid, err := readCodeRequest(values)
	page := s.newSignInPage(c, nil)
	switch {
	case err != nil:
		return s.refuseSignIn(c, err, page)
	case !valid:
		return request.answer(c, "error", "invalid_request")
	case page.Account == (storage.Account{}):
		page.Next = request.Path()
	default:
		page.Request = request
	}
	return s.answerSignIn(c, http.StatusOK, page)
}

// consent is the answer of who was asked.
func (s *Server) consent(c *gin.Context, form url.Values) error {
	request, valid, err := readCodeRequest(form)
	account := personOf(c)
	switch {
	case err != nil:
		return err
	case !valid:
		return request.answer(c, "error", "invalid_request")
	case form.Get("answer") != "allow":
		return request.answer(c, "error", "access_denied")
	case account == (storage.Account{}), account.ID.String() != form.Get("account"): // somebody else has signed in meanwhile
		c.Redirect(http.StatusSeeOther, request.Path())
		return nil
	}
	code, err := s.store.CreateCode(c, account.ID, request.challenge)
	if err != nil {
		return err
	}
	return request.answer(c, "code", code)
}

// nextPath is where to go on: a path of this server, and nothing that a browser could take for another one.
func nextPath(next string) string {
	if len(next) > maxNext || !nextPaths.MatchString(next) || strings.HasPrefix(next, "//") {
		return "/"
	}
	return next
}

// nextPaths are visible ASCII: browsers drop tabs and line ends, and take a backslash for a slash.
var nextPaths = regexp.MustCompile(`^/[!-\[\]-~]*$`)

const maxNext = 2000 // bytes: an extension's request fits in, and it in a cookie

const formType = "application/x-www-form-urlencoded"

const maxForm = 512 << 10 // bytes: a note of 64 KiB, with every character escaped

// ownForm gives a handler the form that one of our pages has sent. What another site's page sends is refused, also without a
// cookie: it could sign somebody in as another.
func ownForm(handle func(*gin.Context, url.Values) error) func(*gin.Context) error {
	return func(c *gin.Context) error {
		if crossOrigin.Check(c.Request) != nil {
			return errCrossOrigin
		}
		if c.ContentType() != formType && c.Request.ContentLength != 0 { // which ParseForm would pass over
			return &unreadableError{"the form", "must be sent as " + formType}
		}
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxForm)
		var escape url.EscapeError
		if err := c.Request.ParseForm(); errors.As(err, &escape) {
			return &unreadableError{"the form", "is not encoded as forms are"}
		} else if err != nil {
			return bodyError(err)
		}
		for _, values := range c.Request.PostForm {
			for _, value := range values {
				if !utf8.ValidString(value) {
					return &unreadableError{"the form", "is no text"}
				}
			}
		}
		if err := http.NewResponseController(c.Writer).SetReadDeadline(time.Time{}); err != nil {
			return fmt.Errorf("set a request's deadlines: %w", err)
		}
		if err := beginTurn(c); err != nil {
			return err
		}
		return handle(c, c.Request.PostForm)
	}
}

// answerSignIn writes the page.
func (s *Server) answerSignIn(c *gin.Context, status int, page signInPage) error {
	title := "Sign in"
	switch {
	case page.Request != nil:
		title = "Let this browser use limn?"
	case page.New:
		title = "Create an account"
	}
	html, err := render("signin", view{Title: title, Path: "/signin", Account: readerOf(c).Account, Body: page})
	if err != nil {
		return err
	}
	policy := pagePolicy
	if page.Request != nil {
		policy += " " + page.Request.origin() // to which the form's answer leads: Chrome looks at that, too
	}
	c.Header("Content-Security-Policy", policy)
	c.Header("Cache-Control", "no-store")
	c.Header("Referrer-Policy", formPolicy)
	c.Data(status, pageType, html)
	return nil
}
