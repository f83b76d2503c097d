package verify

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParseAllowReadsNetworksAndPorts(t *testing.T) {
	allow := mustAllow(t, "127.0.0.0/8:*, 10.1.2.3/8:443,192.168.1.1:80,[fd00::]/8:8080,")
	for _, c := range []struct {
		target string
		want   bool
	}{
		{"127.9.9.9:1", true},
		{"10.200.0.1:443", true},
		{"10.200.0.1:80", false},
		{"192.168.1.1:80", true},
		{"192.168.1.2:80", false},
		{"[fd12::1]:8080", true},
		{"[fd12::1]:8081", false},
		{"[::1]:80", false},
		{"[::ffff:127.0.0.1]:80", true}, // the same place as 127.0.0.1
		{"[fd12::1%eth0]:8080", false},
	} {
		if err := allow.check(netip.MustParseAddrPort(c.target)); (err == nil) != c.want {
			t.Errorf("check(%s) = %v; want allowed: %v", c.target, err, c.want)
		}
	}
}

func TestParseAllowRefusesTheRestInOneSentence(t *testing.T) {
	for _, list := range []string{"localhost:80", "10.0.0.0/8", "10.0.0.0/33:80", "10.0.0.0/8:0", "10.0.0.0/8:65536", "10.0.0.0/8:http", "::ffff:10.0.0.1:80", ":*", "10.0.0.0/8:80;"} {
		if _, err := ParseAllow(list); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("ParseAllow(%q): %v; want it refused in one sentence", list, err)
		}
	}
}

func FuzzAllow(f *testing.F) {
	f.Add("10.0.0.0/8:443,[fd00::]/8:*")
	f.Fuzz(func(t *testing.T, list string) {
		allow, err := ParseAllow(list)
		if err == nil && allow.check(netip.MustParseAddrPort("169.254.169.254:80")) == nil {
			t.Fatalf("%q opens the metadata address", list)
		}
	})
}

func TestOnlyThePublicInternetIsDialled(t *testing.T) {
	for _, public := range []string{"93.184.215.14:80", "1.1.1.1:8443", "[2606:4700:4700::1111]:443"} {
		if err := (Allow{}).check(netip.MustParseAddrPort(public)); err != nil {
			t.Errorf("%s: %v; want it allowed", public, err)
		}
	}
	for _, private := range []string{
		"127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1",
		"192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "169.254.1.1",
		"::1", "::", "::ffff:7f00:1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2001::1", "2001:db8::1",
		"fec0::1", "fc00::1", "fd00::1", "fe80::1", "fe80::1%lo", "ff02::1", "2606:4700::1%eth0",
	} {
		if (Allow{}).check(netip.AddrPortFrom(netip.MustParseAddr(private), 80)) == nil {
			t.Errorf("%s is allowed", private)
		}
	}
}

func TestMetadataAddressesAreNeverDialled(t *testing.T) {
	everything := mustAllow(t, "0.0.0.0/0:*,::/0:*")
	for _, address := range []string{
		"169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254",
		"::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "64:ff9b:1::a9fe:a9fe", "2002:a9fe:a9fe::1", "::169.254.169.254",
	} {
		if everything.check(netip.AddrPortFrom(netip.MustParseAddr(address), 80)) == nil {
			t.Errorf("%s is allowed", address)
		}
	}
	for _, address := range []string{"127.0.0.1", "10.0.0.1", "fd12::1", "64:ff9b::1.1.1.1"} {
		if err := everything.check(netip.AddrPortFrom(netip.MustParseAddr(address), 80)); err != nil {
			t.Errorf("%s: %v; want it allowed", address, err)
		}
	}
}
