package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"limn/live"
	"limn/server"
)

func environ(pairs ...string) func(string) string {
	values := map[string]string{"HOME": "/home/ada"}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return values[name] }
}

func TestConfigIsReadFromTheEnvironment(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(secret, []byte("postgres://db/limn\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	c, err := readConfig(environ("LIMN_LISTEN", "0.0.0.0:80", "LIMN_PUBLIC_URL", "https://Limn.example.org/",
		"LIMN_DATABASE_URL_FILE", secret, "LIMN_OIDC_ISSUER", "https://a.example", "LIMN_OIDC_CLIENT_ID", "limn", "LIMN_OIDC_CLIENT_SECRET_FILE", secret, "LIMN_SIGNUP", "closed", "LIMN_LIMITS", "off", "LIMN_FETCH_ALLOW", "127.0.0.0/8:*"))

	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "0.0.0.0:80" || c.PublicURL != "https://limn.example.org" || c.DatabaseURL != "postgres://db/limn" || c.Signup != server.SignupClosed || c.Limits ||
		c.OIDC != (server.OIDC{Issuer: "https://a.example", ClientID: "limn", ClientSecret: "postgres://db/limn"}) {
		t.Errorf("read %+v", c)
	}
}

func TestConfigNamesAKafkaTopic(t *testing.T) {
	c, err := readConfig(environ("LIMN_BUS", "kafka://one:9092,[::1]:9093/limn.hints"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (live.KafkaTopic{Brokers: []string{"one:9092", "[::1]:9093"}, Name: "limn.hints"}); !reflect.DeepEqual(c.Kafka, want) {
		t.Errorf("read %+v, want %+v", c.Kafka, want)
	}
}

func TestConfigNamesProxies(t *testing.T) {
	c, err := readConfig(environ("LIMN_TRUSTED_PROXIES", "10.0.3.7, 172.16.5.0/12,fd00::7"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "[10.0.3.7/32 172.16.0.0/12 fd00::7/128]"; fmt.Sprint(c.Proxies) != want {
		t.Errorf("read %v, want %s", c.Proxies, want)
	}
}

func TestConfigStandsWithoutTheEnvironment(t *testing.T) {
	c, err := readConfig(environ())
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:8080" || c.PublicURL != "" || c.Signup != server.SignupOpen || !c.Limits || c.DataDir == "" || c.Kafka.Brokers != nil {
		t.Errorf("read %+v", c)
	}
}

// A wrong value is told of in one sentence that names its variable.
func TestConfigRefusesWhatIsWrong(t *testing.T) {
	for name, values := range map[string][]string{
		"LIMN_LISTEN":                        {"8080", "localhost"},
		"LIMN_PUBLIC_URL":                    {"limn.example.org", "ftp://a", "https://a/b", "https://u:p@a", "https://a?b"},
		"LIMN_DATABASE_URL_FILE":             {"/nowhere/at/all"},
		"LIMN_SIGNUP":                        {"yes", "Invite"},
		"LIMN_LIMITS":                        {"none"},
		"LIMN_RETENTION":                     {"0", "-1", "90d", "36501"},
		"LIMN_LOG":                           {"xml"},
		"OTEL_EXPORTER_OTLP_ENDPOINT":        {"127.0.0.1:4318", "grpc://collector:4317", "http://"},
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": {"collector"},
		"LIMN_TRUSTED_PROXIES":               {"proxy", "10.0.0.0/33", "10.0.0.1 10.0.0.2", "::ffff:10.0.0.1", "fe80::1%lo", "10.0.0.1:80"},
		"LIMN_BUS": {
			"redis", "kafka", "kafka://", "kafka://k:9092", "kafka://k:9092/", "kafka:///t", "kafka://k/t", "kafka://k:0/t",
			"kafka://k:65536/t", "kafka://k:9092,/t", "kafka://ada:secret@k:9092/t", "kafka://k:9092/t/u", "kafka://k:9092/t?x=1",
			"kafka://k:9092/..", "kafka://k:9092/" + strings.Repeat("t", 241),
		},
		"LIMN_OIDC_ISSUER":    {"accounts.example.org", "http://accounts.example.org", "https://a?b", "https://u:p@a", "https://a#b"},
		"LIMN_OIDC_CLIENT_ID": {"limn"},
		"LIMN_FETCH_ALLOW":    {"everything", "10.0.0.0/33:80", "10.0.0.0/8:http"},
	} {
		for _, value := range values {
			_, err := readConfig(environ(name, value))
			if err == nil || !strings.HasPrefix(err.Error(), name+" ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s=%s: %v", name, value, err)
			}
		}
	}
	if _, err := readConfig(environ("LIMN_DATABASE_URL", "postgres://a", "LIMN_DATABASE_URL_FILE", "/etc/hostname")); err == nil {
		t.Error("two values for one thing are taken")
	}
}

// What the files of Docker Compose set is known here, and is as it has to be.
func TestComposeSetsWhatThereIsToSet(t *testing.T) {
	compose := readCompose(t, "docker-compose.yml")
	cluster, alone := compose["instance"], compose["limn"]
	behindTLS := maps.Clone(alone)
	maps.Copy(behindTLS, readCompose(t, "docker-compose.tls.yml")["limn"])
	for name, settings := range map[string]map[string]string{"limn": alone, "instance": cluster, "limn behind TLS": behindTLS} {
		known := map[string]bool{}
		c, err := readConfig(func(variable string) string {
			known[variable] = true
			return settings[variable]
		})
		if err != nil || c.DatabaseURL == "" {
			t.Errorf("%s: %v, with the database %q", name, err, c.DatabaseURL)
		}
		for variable := range settings {
			if strings.HasPrefix(variable, "LIMN_") && !known[variable] {
				t.Errorf("%s: %s is no variable of limn's", name, variable)
			}
		}
	}
	if cluster["LIMN_BUS"] == "" || cluster["LIMN_DATABASE_URL"] != alone["LIMN_DATABASE_URL"] {
		t.Errorf("the instances of the cluster have %v", cluster)
	}
}

// readCompose reads the environment of each service, with what holds for variables that nobody has set.
func readCompose(t *testing.T, name string) map[string]map[string]string {
	t.Helper()
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Services map[string]struct{ Environment map[string]string }
	}
	if err := yaml.UnmarshalWithOptions(file, &compose, yaml.AllowDuplicateMapKey()); err != nil { // of what is merged and set anew
		t.Fatal(err)
	}
	byDefault, needed := regexp.MustCompile(`\$\{\w+:-(.*)\}`), regexp.MustCompile(`\$\{\w+:\?.*\}`)
	services := map[string]map[string]string{}
	for name, service := range compose.Services {
		services[name] = map[string]string{}
		for variable, value := range service.Environment {
			services[name][variable] = needed.ReplaceAllString(byDefault.ReplaceAllString(value, "$1"), "limn.example.org")
		}
	}
	return services
}
