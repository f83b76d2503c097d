package storage

import (
	"fmt"
	"strings"

	"github.com/nlnwa/whatwg-url/url"
)

// maxURL bounds a URL, in bytes: browsers and servers agree on no more.
const maxURL = 8 << 10

// tracking are the query parameters that say where a reader came from, not what the page is; and utm_*.
var tracking = map[string]bool{
	"gclid": true, "dclid": true, "fbclid": true, "msclkid": true, "twclid": true,
	"mc_cid": true, "mc_eid": true, "_ga": true, "_gl": true, "igshid": true,
}

// closedPorts are never a page's: those that browsers refuse to open (Fetch Standard, "bad port"), and the
// well-known ones of databases.
var closedPorts = func() map[int]bool {
	ports := map[int]bool{}
	for _, port := range []int{
		1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
		111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
		540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
		6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
		3306, 5432, 6379, 11211, 27017,
	} {
		ports[port] = true
	}
	return ports
}()

// A URLError says why a URL cannot be a page's.
type URLError struct {
	Detail string
}

func (e *URLError) Error() string { return e.Detail }

// NormalizeURL is a page's identity: two URLs that give the same are the same page. It reads them as the WHATWG
// URL Standard does, keeps http and https apart and the query in its order, and drops user info, the default
// port, tracking parameters and the fragment, unless that is a route (#! or #/). The error is a *URLError.
func NormalizeURL(raw string) (string, error) {
	if len(raw) > maxURL {
		return "", &URLError{fmt.Sprintf("must have at most %d bytes", maxURL)}
	}
	if strings.ContainsFunc(raw, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", &URLError{"must not contain control characters"}
	}
	if before, _, _ := strings.Cut(raw, "?"); strings.Contains(strings.SplitN(before, "#", 2)[0], `\`) {
		return "", &URLError{"must not contain a backslash: what is the host then is read in more than one way"}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", &URLError{"must be an absolute http or https URL"}
	}
	if u.Scheme() != "http" && u.Scheme() != "https" {
		return "", &URLError{"must be an http or https URL"}
	}
	if u.Hostname() == "" {
		return "", &URLError{"must have a host"}
	}
	if closedPorts[u.DecodedPort()] {
		return "", &URLError{fmt.Sprintf("must not be on port %s: browsers open no page there", u.Port())}
	}
	normal := u.Scheme() + "://" + u.Host() + u.Pathname()
	if query := withoutTracking(u.Query()); query != "" {
		normal += "?" + query
	}
	if fragment := u.Fragment(); strings.HasPrefix(fragment, "!") || strings.HasPrefix(fragment, "/") {
		normal += "#" + fragment
	}
	return normal, nil
}

func withoutTracking(query string) string {
	var kept []string
	for parameter := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(parameter, "=")
		if !tracking[name] && !strings.HasPrefix(name, "utm_") {
			kept = append(kept, parameter)
		}
	}
	return strings.Join(kept, "&")
}
