package verify

import (
	neturl "net/url"

	"github.com/nlnwa/whatwg-url/url"

	"limn/storage"
)

// CheckTarget refuses what CheckURL does, and what names an address, in so many words, that is not to be reached. It looks at nothing
// but the URL, so that it tells nobody anything.
func (f *Fetcher) CheckTarget(raw string) error {
	if err := CheckURL(raw); err != nil {
		return err
	}
	normal, err := storage.NormalizeURL(raw) // which writes an address in one way
	if err != nil {
		return err
	}
	u, err := neturl.Parse(normal)
	if err != nil || f.allow.checkLiteral(u) != nil {
		return &storage.URLError{Detail: "must not name an address that is not of the public internet"}
	}
	return nil
}

// CheckURL refuses what cannot be asked for as a page: everything but http and https, user info, hosts that are
// read in more than one way, and ports that browsers open no page on. The error is a *storage.URLError.
func CheckURL(raw string) error {
	if _, err := storage.NormalizeURL(raw); err != nil {
		return err
	}
	if u, err := url.Parse(raw); err == nil && (u.Username() != "" || u.Password() != "") {
		return &storage.URLError{Detail: "must not contain a user name or a password"}
	}
	return nil
}
