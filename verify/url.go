package verify

import (
	"github.com/nlnwa/whatwg-url/url"

	"limn/storage"
)

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
