package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"limn/live"
	"limn/server"
	"limn/verify"
)

// A config is all that the environment decides.
type config struct {
	Listen      string          // LIMN_LISTEN: address and port
	PublicURL   string          // LIMN_PUBLIC_URL: without a slash at its end; empty: as requests name the server
	DatabaseURL string          // LIMN_DATABASE_URL: empty: a private Postgres in DataDir
	DataDir     string          // LIMN_DATA_DIR
	Signup      string          // LIMN_SIGNUP: as server.Config has it
	OIDC        server.OIDC     // LIMN_OIDC_ISSUER, _CLIENT_ID, _CLIENT_SECRET: without an issuer there is no provider
	FetchAllow  verify.Allow    // LIMN_FETCH_ALLOW
	Limits      bool            // LIMN_LIMITS
	Proxies     []netip.Prefix  // LIMN_TRUSTED_PROXIES: as server.Config has it
	Retention   time.Duration   // LIMN_RETENTION: as server.Config has it
	Log         string          // LIMN_LOG: logText or logJSON
	Traces      bool            // OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: whether they are sent
	Kafka       live.KafkaTopic // LIMN_BUS: without brokers Postgres carries the hints
}

// How the log is written.
const (
	logText = "text"
	logJSON = "json"
)

// readConfig reads the environment. Its errors are sentences that name the variable.
func readConfig(getenv func(string) string) (c config, err error) {
	e := environment{getenv: getenv}
	c = config{
		Listen:      e.text("LIMN_LISTEN", "127.0.0.1:8080"),
		PublicURL:   e.publicURL("LIMN_PUBLIC_URL"),
		DatabaseURL: e.secret("LIMN_DATABASE_URL"),
		DataDir:     e.text("LIMN_DATA_DIR", ""),
		Signup:      e.oneOf("LIMN_SIGNUP", server.SignupOpen, server.SignupInvite, server.SignupClosed),
		OIDC:        e.oidc("LIMN_OIDC_ISSUER", "LIMN_OIDC_CLIENT_ID", "LIMN_OIDC_CLIENT_SECRET"),
		FetchAllow:  e.allow("LIMN_FETCH_ALLOW"),
		Limits:      e.oneOf("LIMN_LIMITS", "on", "off") == "on",
		Proxies:     e.networks("LIMN_TRUSTED_PROXIES"),
		Retention:   e.days("LIMN_RETENTION", 90),
		Log:         e.oneOf("LIMN_LOG", logText, logJSON),
		Traces:      e.traces("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL"),
		Kafka:       e.bus("LIMN_BUS"),
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		e.refuse("LIMN_LISTEN", "must be an address and a port, such as 127.0.0.1:8080")
	}
	if c.DataDir == "" && c.DatabaseURL == "" {
		if c.DataDir, err = defaultDataDir(getenv); err != nil {
			e.refuse("LIMN_DATA_DIR", "must be set, because "+err.Error())
		}
	}
	return c, errors.Join(e.problems...)
}

// defaultDataDir is where the XDG Base Directory Specification puts it; root's Postgres runs as somebody else, who
// cannot look into root's home.
func defaultDataDir(getenv func(string) string) (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib/limn", nil
	}
	if dir := getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "limn"), nil
	}
	home := getenv("HOME")
	if home == "" {
		return "", errors.New("there is neither XDG_DATA_HOME nor HOME")
	}
	return filepath.Join(home, ".local", "share", "limn"), nil
}

// An environment reads variables and gathers what is wrong with them.
type environment struct {
	getenv   func(string) string
	problems []error
}

func (e *environment) refuse(name, detail string) {
	e.problems = append(e.problems, fmt.Errorf("%s %s", name, detail))
}

func (e *environment) text(name, otherwise string) string {
	if value := strings.TrimSpace(e.getenv(name)); value != "" {
		return value
	}
	return otherwise
}

// secret is a variable that may be in a file instead, which NAME_FILE names.
func (e *environment) secret(name string) string {
	value, file := e.text(name, ""), e.text(name+"_FILE", "")
	switch {
	case file == "":
		return value
	case value != "":
		e.refuse(name, "and "+name+"_FILE are both set: keep one")
		return value
	}
	content, err := os.ReadFile(file)
	if err != nil {
		e.refuse(name+"_FILE", "names a file that cannot be read: "+err.Error())
	}
	return strings.TrimSpace(string(content))
}

// oneOf is one of some words, the first when nothing is set.
func (e *environment) oneOf(name string, words ...string) string {
	value := e.text(name, words[0])
	for _, word := range words {
		if value == word {
			return value
		}
	}
	e.refuse(name, fmt.Sprintf("must be %s, not %q", strings.Join(words, " or "), value))
	return words[0]
}

// days is a number of days.
func (e *environment) days(name string, otherwise int) time.Duration {
	days, err := strconv.Atoi(e.text(name, strconv.Itoa(otherwise)))
	if err != nil || days < 1 || days > maxDays {
		e.refuse(name, fmt.Sprintf("must be a number of days from 1 to %d", maxDays))
		return 0
	}
	return time.Duration(days) * 24 * time.Hour
}

const maxDays = 36500

func (e *environment) publicURL(name string) string {
	value := strings.TrimRight(e.text(name, ""), "/")
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
		u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		e.refuse(name, "must be an address such as https://limn.example.org, with nothing after the host and port")
		return ""
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}

// oidc is a provider of OpenID Connect. What people prove there must not be read on the way, but on this machine itself.
func (e *environment) oidc(issuer, clientID, clientSecret string) server.OIDC {
	o := server.OIDC{Issuer: e.text(issuer, ""), ClientID: e.text(clientID, ""), ClientSecret: e.secret(clientSecret)}
	if o == (server.OIDC{}) {
		return o
	}
	u, err := url.Parse(o.Issuer)
	local := err == nil && u.Scheme == "http" && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())
	switch {
	case o.Issuer == "":
		e.refuse(clientID, "is set without "+issuer)
	case err != nil || u.Scheme != "https" && !local || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		e.refuse(issuer, "must be the provider's address, such as https://accounts.example.org")
	case o.ClientID == "":
		e.refuse(clientID, "must be set together with "+issuer)
	}
	return o
}

func (e *environment) allow(name string) verify.Allow {
	allow, err := verify.ParseAllow(e.text(name, ""))
	if err != nil {
		e.refuse(name, err.Error())
	}
	return allow
}

// networks is a list of networks or single addresses.
func (e *environment) networks(name string) (list []netip.Prefix) {
	for entry := range strings.SplitSeq(e.text(name, ""), ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		network, err := netip.ParsePrefix(entry)
		if addr, single := netip.ParseAddr(entry); single == nil && addr.Zone() == "" {
			network, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil || network.Addr().Is4In6() {
			e.refuse(name, fmt.Sprintf("must be networks or addresses with commas between them, such as 10.0.0.0/8,fd00::7, not %q", entry))
			return nil
		}
		list = append(list, network.Masked())
	}
	return list
}

// traces tells whether a receiver of traces is named. The library that sends them reads all of OpenTelemetry's variables
// itself, but it only logs what is wrong with them.
func (e *environment) traces(endpoint, traces, protocol string) (sent bool) {
	for _, name := range []string{endpoint, traces} {
		value := e.text(name, "")
		if value == "" {
			continue
		}
		if u, err := url.Parse(value); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			e.refuse(name, "must be the address of a receiver of OTLP over HTTP, such as http://127.0.0.1:4318")
		}
		sent = true
	}
	if sent && e.text(protocol, "http/protobuf") != "http/protobuf" {
		e.refuse(protocol, "must be http/protobuf: limn sends traces in no other way")
	}
	return sent
}

// bus is a Kafka topic, or one without brokers for Postgres.
func (e *environment) bus(name string) live.KafkaTopic {
	value := e.text(name, "postgres")
	if value == "postgres" {
		return live.KafkaTopic{}
	}
	topic, err := live.ParseKafkaTopic(value)
	if err != nil {
		e.refuse(name, "must be postgres, or "+err.Error())
	}
	return topic
}
