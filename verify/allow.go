package verify

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"
)

// Allow is what the fetcher may reach besides the public internet. Its zero value is nothing.
type Allow struct {
	places []place
}

// A place is a network, on one port or on all.
type place struct {
	network netip.Prefix
	port    uint16 // 0: any
}

// ParseAllow reads a list of networks and ports, "CIDR:port,…", where a port may be *.
func ParseAllow(s string) (Allow, error) {
	var allow Allow
	for entry := range strings.SplitSeq(s, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		p, ok := parsePlace(entry)
		if !ok {
			return Allow{}, fmt.Errorf("%q must be a network and a port, such as 10.0.0.0/8:443, [fd00::]/8:443 or 127.0.0.0/8:*", entry)
		}
		allow.places = append(allow.places, p)
	}
	return allow, nil
}

func parsePlace(entry string) (p place, ok bool) {
	colon := strings.LastIndexByte(entry, ':')
	if colon < 0 {
		return place{}, false
	}
	network, port := strings.NewReplacer("[", "", "]", "").Replace(entry[:colon]), entry[colon+1:]
	if port != "*" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return place{}, false
		}
		p.port = uint16(n)
	}
	if addr, err := netip.ParseAddr(network); err == nil {
		network = fmt.Sprintf("%s/%d", network, addr.BitLen())
	}
	prefix, err := netip.ParsePrefix(network)
	if err != nil || prefix.Addr().Is4In6() {
		return place{}, false
	}
	p.network = prefix.Masked()
	return p, true
}

func (a Allow) has(target netip.AddrPort) bool {
	for _, p := range a.places {
		if p.network.Contains(target.Addr()) && (p.port == 0 || p.port == target.Port()) {
			return true
		}
	}
	return false
}

// errRefused is the answer to an address that policy keeps the fetcher from.
var errRefused = errors.New("the address is not of the public internet")

// public is the library's judgement of what is not the internet: every network of the IANA special-purpose
// registries, and for IPv6 all but global unicast. Which ports are a page's is decided on the URL.
var public = ssrf.New(ssrf.WithAnyPort())

// check refuses an address that must not be dialled.
func (a Allow) check(target netip.AddrPort) error {
	addr := target.Addr().Unmap()
	switch {
	case addr.Zone() != "": // an interface of this machine
		return errRefused
	case isMetadata(addr):
		return errRefused
	case a.has(netip.AddrPortFrom(addr, target.Port())):
		return nil
	case public.SafeAddr(addr) != nil:
		return errRefused
	}
	return nil
}

// control is asked by the dialer for each address that it is about to connect to, after all names are resolved:
// what a name meant a moment ago does not matter.
func (a Allow) control(_, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return errRefused
	}
	return a.check(target)
}

// checkLiteral refuses a URL whose host is, in so many words, an address that must not be dialled. It looks
// at nothing but the URL, so its answer tells nobody anything.
func (a Allow) checkLiteral(u *url.URL) error {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761
		host = "127.0.0.1"
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return nil
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil {
		port = map[string]uint64{"http": 80, "https": 443}[u.Scheme]
	}
	return a.check(netip.AddrPortFrom(addr, uint16(port)))
}

// metadata are the addresses where clouds tell a machine its secrets. No list can open them: not all of them
// are private, and an allowed network may contain them by accident.
var metadata = []netip.Prefix{
	netip.MustParsePrefix("169.254.0.0/16"),     // AWS, Azure, Google, Oracle and others; link-local as a whole
	netip.MustParsePrefix("100.100.100.200/32"), // Alibaba
	netip.MustParsePrefix("168.63.129.16/32"),   // Azure, in public address space
	netip.MustParsePrefix("192.0.0.192/32"),     // Oracle
	netip.MustParsePrefix("fd00:ec2::/32"),      // AWS
	netip.MustParsePrefix("fd20:ce::254/128"),   // Google
	netip.MustParsePrefix("fd00:42::42/128"),    // Scaleway
}

func isMetadata(addr netip.Addr) bool {
	inner := embedded(addr)
	for _, prefix := range metadata {
		if prefix.Contains(addr) || prefix.Contains(inner) {
			return true
		}
	}
	return false
}

// embedded is the IPv4 address that a gateway would make of an IPv6 one, as far as its prefix tells.
func embedded(addr netip.Addr) netip.Addr {
	if !addr.Is6() {
		return netip.Addr{}
	}
	b := addr.As16()
	for _, t := range translations {
		if t.prefix.Contains(addr) {
			return netip.AddrFrom4([4]byte(b[t.at:]))
		}
	}
	return netip.Addr{}
}

// translations are the prefixes that carry an IPv4 address, and at which byte.
var translations = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},   // NAT64 (RFC 6052)
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12}, // NAT64 of one's own (RFC 8215)
	{netip.MustParsePrefix("::/96"), 12},          // IPv4-compatible (RFC 4291)
	{netip.MustParsePrefix("2002::/16"), 2},       // 6to4 (RFC 3056)
}
