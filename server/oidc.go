package server

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/gin-gonic/gin"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"limn/storage"
)

// OIDC names a provider of OpenID Connect that people may sign in with.
type OIDC struct {
	Issuer       string // its address, as it names itself; empty: there is none
	ClientID     string
	ClientSecret string // empty: the provider knows us by PKCE alone
}

// A provider is asked for its description when the first one signs in: one that is down must not keep limn from starting.
type provider struct {
	OIDC
	client *http.Client
	asking singleflight.Group

	mu    sync.Mutex
	known *oidc.Provider
}

const (
	providerTimeout   = 10 * time.Second // for one answer of the provider
	maxProviderAnswer = 1 << 20          // bytes
	maxInviteCode     = 100              // bytes: what is longer is none, and would not fit into the cookie
	oidcPath          = "/signin/oidc"
	oidcCookie        = "limn_oidc"
	oidcLife          = 10 * time.Minute // for a person to sign in at the provider
)

func newProvider(config OIDC) *provider {
	if config.Issuer == "" {
		return nil
	}
	return &provider{OIDC: config, client: &http.Client{Timeout: providerTimeout, Transport: bounded{http.DefaultTransport}}}
}

// Name is what people are told that they sign in with.
func (p *provider) Name() string {
	if u, err := url.Parse(p.Issuer); err == nil && u.Host != "" {
		return u.Host
	}
	return p.Issuer
}

// describe is the provider's description of itself, which is asked for once.
func (p *provider) describe(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	known := p.known
	p.mu.Unlock()
	if known != nil {
		return known, nil
	}
	answered := p.asking.DoChan("", func() (any, error) {
		asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), providerTimeout)
		defer cancel()
		found, err := oidc.NewProvider(oidc.ClientContext(asking, p.client), p.Issuer)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errProvider, err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.known = found
		return found, nil
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case result := <-answered:
		found, _ := result.Val.(*oidc.Provider)
		return found, result.Err
	}
}

func (p *provider) oauth(known *oidc.Provider, origin string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: known.Endpoint(),
		RedirectURL: origin + oidcPath + "/callback", Scopes: []string{oidc.ScopeOpenID, "profile"},
	}
}

// A visit is what the browser remembers while its person is at the provider. That it has the state shows that it is the one
// that went there.
type visit struct {
	State, Nonce, Verifier, Next, Invite string
}

// leave sends somebody to the provider. The page leads on by itself: Chrome holds each redirect that follows a form against
// the page's policy, and where the provider leads nobody knows.
func (s *Server) leave(c *gin.Context, form url.Values) error {
	if s.provider == nil {
		return errNoRoute
	}
	page := s.newSignInPage(c, form)
	known, err := s.provider.describe(c)
	if err == nil {
		err = s.limits.costly(c)
	}
	if err != nil {
		return s.refuseSignIn(c, err, page)
	}
	if len(page.Invite) > maxInviteCode {
		return s.refuseSignIn(c, storage.ErrNotFound, page)
	}
	v := visit{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: page.Next, Invite: page.Invite}
	remembered, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("remember a visit to the provider: %w", err)
	}
	s.setVisit(c, base64.RawURLEncoding.EncodeToString(remembered), int(oidcLife.Seconds()))
	page.Away = s.provider.oauth(known, s.origin(c)).AuthCodeURL(v.State, oidc.Nonce(v.Nonce), oauth2.S256ChallengeOption(v.Verifier))
	return s.answerSignIn(c, http.StatusOK, page)
}

func (s *Server) setVisit(c *gin.Context, value string, seconds int) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: oidcCookie, Value: value, Path: oidcPath, MaxAge: seconds,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.isSecure(c),
	})
}

// comeBack is where the provider leads.
func (s *Server) comeBack(c *gin.Context) error {
	if s.provider == nil {
		return errNoRoute
	}
	if err := s.limits.costly(c); err != nil {
		return err
	}
	v, err := visitOf(c)
	s.setVisit(c, "", -1)
	page := s.newSignInPage(c, url.Values{"next": {v.Next}, "invite": {v.Invite}})
	if err == nil {
		err = s.receive(c, v)
	}
	if errors.Is(err, errUninvited) || errors.Is(err, storage.ErrNotFound) {
		page.New = true // where there is a field for the invite
	}
	if err != nil {
		return s.refuseSignIn(c, err, page)
	}
	c.Redirect(http.StatusSeeOther, page.Next)
	return nil
}

// visitOf is what the browser remembers, if it is the one that the provider's answer is for.
func visitOf(c *gin.Context) (v visit, err error) {
	cookie, err := c.Request.Cookie(oidcCookie)
	if err != nil {
		return visit{}, errNotLeft
	}
	remembered, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil || json.Unmarshal(remembered, &v) != nil || v.State == "" {
		return visit{}, errNotLeft
	}
	if subtle.ConstantTimeCompare([]byte(v.State), []byte(c.Query("state"))) == 0 {
		return visit{}, errNotLeft
	}
	return v, nil
}

// receive signs in who comes back, and makes them an account the first time, as far as sign-up goes.
func (s *Server) receive(c *gin.Context, v visit) error {
	identity, name, err := s.provider.identify(c, v, s.origin(c))
	if err != nil {
		return err
	}
	account, err := s.store.FindIdentity(c, identity)
	if errors.Is(err, storage.ErrNotFound) {
		if err = s.maySignUp(v.Invite); err == nil {
			account, err = s.store.CreateIdentity(c, identity, name, v.Invite)
		}
	}
	if err != nil {
		return err
	}
	return s.startSession(c, account)
}

// identify asks the provider who has come back, and checks what it says.
func (p *provider) identify(c *gin.Context, v visit, origin string) (i storage.Identity, name string, err error) {
	code := c.Query("code")
	if code == "" { // with an error, as RFC 6749, 4.1.2.1
		return i, "", errDeclined
	}
	known, err := p.describe(c)
	if err != nil {
		return i, "", err
	}
	ctx := oidc.ClientContext(c, p.client)
	token, err := p.oauth(known, origin).Exchange(ctx, code, oauth2.VerifierOption(v.Verifier))
	if err != nil {
		return i, "", p.fault(err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := known.Verifier(&oidc.Config{ClientID: p.ClientID}).Verify(ctx, raw)
	switch {
	case err != nil:
		return i, "", p.fault(err)
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(v.Nonce)) == 0:
		return i, "", p.fault(errors.New("its answer is to another question"))
	}
	var said profile
	if err := id.Claims(&said); err != nil {
		return i, "", p.fault(err)
	}
	if said == (profile{}) { // most say it only when they are asked for it
		info, err := known.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil || info.Subject != id.Subject || info.Claims(&said) != nil {
			said = profile{} // a name is not worth a failure
		}
	}
	return storage.Identity{Issuer: p.Issuer, Subject: id.Subject}, said.name(), nil
}

// fault is an error of the provider's. An answer that was refused names neither code nor secret.
func (p *provider) fault(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return fmt.Errorf("%w: %s %s", errProvider, refused.Response.Status, refused.ErrorCode)
	}
	return fmt.Errorf("%w: %w", errProvider, err)
}

// A profile is what a provider says of somebody: OpenID Connect Core 1.0, section 5.1.
type profile struct {
	PreferredUsername string `json:"preferred_username"`
	Name              string `json:"name"`
}

// name is what others may read. Some have a mail address for a name, which is nobody's business.
func (p profile) name() string {
	for _, name := range []string{p.PreferredUsername, p.Name} {
		if name != "" && !strings.Contains(name, "@") {
			return name
		}
	}
	name, _, _ := strings.Cut(p.PreferredUsername+p.Name, "@")
	return name
}

// bounded is a transport whose answers have an end.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(request)
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, maxProviderAnswer), response.Body}
	}
	return response, err
}
