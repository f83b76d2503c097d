package storage_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"limn/storage"
)

func TestNormalizeURL(t *testing.T) {
	data, err := os.ReadFile("testdata/urls.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, In string
		Out      *string
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		got, err := storage.NormalizeURL(c.In)
		var refused *storage.URLError
		switch {
		case c.Out == nil && !errors.As(err, &refused):
			t.Errorf("%s: NormalizeURL(%q) = %q, %v; want it refused", c.Name, c.In, got, err)
		case c.Out != nil && (err != nil || got != *c.Out):
			t.Errorf("%s: NormalizeURL(%q) = %q, %v; want %q", c.Name, c.In, got, err, *c.Out)
		}
	}
	if _, err := storage.NormalizeURL("https://example.org/" + strings.Repeat("a", 1<<20)); err == nil {
		t.Error("a URL of 1 MB was not refused")
	}
}

func FuzzNormalizeURL(f *testing.F) {
	f.Add("https://user@EXAMPLE.org:443/a/../b?utm_x=1&c#!/d")
	f.Add("http://[::ffff:7f00:1]/")
	f.Fuzz(func(t *testing.T, raw string) {
		once, err := storage.NormalizeURL(raw)
		if err != nil {
			return
		}
		if twice, err := storage.NormalizeURL(once); err != nil || twice != once {
			t.Fatalf("NormalizeURL(%q) = %q, and of that %q, %v", raw, once, twice, err)
		}
	})
}
