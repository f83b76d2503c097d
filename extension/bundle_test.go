package extension_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"limn/extension"
)

const server = "https://limn.example:8443"

func TestEmbedIsOneScript(t *testing.T) {
	script, err := extension.Embed("")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(script, []byte("(()=>{")) {
		t.Errorf("embed.js begins with %q: its names would be the page's", script[:20])
	}
	if lines := bytes.Count(script, []byte("\n")); lines > 50 {
		t.Errorf("embed.js has %d lines: it is not minified", lines)
	}
}

func TestEmbedSpeaksTheReadersLanguage(t *testing.T) {
	for accepted, want := range map[string]string{
		"":                          "Select some text to begin.",
		"de-AT,de;q=0.9,en;q=0.8":   "Wähle Text aus",
		"ja,es-MX;q=0.5":            "Selecciona texto",
		"zh-TW":                     "选中一些文字",
		"fr":                        "Select some text to begin.",
		"xx;q=,;;":                  "Select some text to begin.",
		strings.Repeat("de,", 9999): "Select some text to begin.",
	} {
		script, err := extension.Embed(accepted)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(script, []byte(want)) {
			t.Errorf("for %.30q embed.js does not say %q", accepted, want)
		}
	}
}

func TestTheExtensionForEachBrowser(t *testing.T) {
	for browser, want := range map[string]struct {
		permissions []string
		scripts     []string
	}{
		extension.Chrome:  {[]string{"activeTab", "alarms", "contextMenus", "identity", "offscreen", "sidePanel", "storage"}, []string{"worker.js", "offscreen.js", "content.js", "options.js", "popup.js", "side.js", "side.html"}},
		extension.Firefox: {[]string{"activeTab", "alarms", "contextMenus", "identity", "storage"}, []string{"background.js", "content.js", "options.js", "popup.js", "side.js", "side.html"}},
	} {
		files := unzip(t, pack(t, browser))
		var manifest struct {
			Version    string `json:"version"`
			Manifest   int    `json:"manifest_version"`
			Background struct {
				Worker  string   `json:"service_worker"`
				Scripts []string `json:"scripts"`
			} `json:"background"`
			Content []struct {
				JS, CSS []string
			} `json:"content_scripts"`
			Permissions []string          `json:"permissions"`
			Hosts       []string          `json:"host_permissions"`
			Icons       map[string]string `json:"icons"`
			Action      struct {
				Popup string `json:"default_popup"`
			} `json:"action"`
			Settings *struct {
				Gecko struct{ ID string }
			} `json:"browser_specific_settings"`
		}
		if err := json.Unmarshal(files["manifest.json"], &manifest); err != nil {
			t.Fatal(err)
		}
		if manifest.Manifest != 3 || manifest.Version == "" {
			t.Errorf("%s: manifest version %d, version %q", browser, manifest.Manifest, manifest.Version)
		}
		if !slices.Equal(manifest.Permissions, want.permissions) {
			t.Errorf("%s asks for %q, want %q", browser, manifest.Permissions, want.permissions)
		}
		for _, page := range []string{"../README.md", "../docs/privacy.md"} {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			for _, permission := range manifest.Permissions {
				if !bytes.Contains(text, []byte("\n| `"+permission+"`")) {
					t.Errorf("%s does not say what %s is for", page, permission)
				}
			}
		}
		if !slices.Equal(manifest.Hosts, []string{"https://limn.example/*"}) {
			t.Errorf("%s asks for the hosts %q", browser, manifest.Hosts)
		}
		if (manifest.Settings != nil && manifest.Settings.Gecko.ID != "") != (browser == extension.Firefox) {
			t.Errorf("%s: an id for Firefox belongs into Firefox's manifest alone", browser)
		}
		named := append(want.scripts, manifest.Action.Popup, "config.json", "page.css", "options.html", "_locales/en/messages.json")
		named = append(named, manifest.Content[0].JS...)
		named = append(named, manifest.Content[0].CSS...)
		named = append(named, manifest.Background.Scripts...)
		if manifest.Background.Worker != "" {
			named = append(named, manifest.Background.Worker)
		}
		for size, name := range manifest.Icons {
			named = append(named, name)
			if img, err := png.DecodeConfig(bytes.NewReader(files[name])); err != nil || size != strings.Trim(name, "icon-.pg") || img.Width < 16 {
				t.Errorf("%s: icon %s for size %s: %v", browser, name, size, err)
			}
		}
		for _, name := range named {
			if len(files[name]) == 0 {
				t.Errorf("%s: %s is missing", browser, name)
			}
		}
		var config struct{ Server string }
		if err := json.Unmarshal(files["config.json"], &config); err != nil || config.Server != server {
			t.Errorf("%s: config.json names %q, %v", browser, config.Server, err)
		}
	}
}

func TestNoRemoteCode(t *testing.T) {
	remote := regexp.MustCompile(`\beval\(|new Function\(|importScripts|import\(|<script[^>]+src="?https?:|@import`)
	for _, browser := range []string{extension.Chrome, extension.Firefox} {
		for name, data := range unzip(t, pack(t, browser)) {
			if at := remote.FindIndex(data); at != nil {
				t.Errorf("%s: %s has %q", browser, name, data[at[0]:min(at[1]+40, len(data))])
			}
		}
	}
}

func TestTheContentScriptHasNoToken(t *testing.T) {
	content := unzip(t, pack(t, extension.Chrome))["content.js"]
	for _, word := range []string{"Authorization", "Bearer", "storage.local"} {
		if bytes.Contains(content, []byte(word)) {
			t.Errorf("content.js has %q: only the background talks to the server", word)
		}
	}
}

// Each page pays for the content script, also where limn is off.
func TestTheContentScriptIsSmall(t *testing.T) {
	const most = 40 << 10
	var packed bytes.Buffer
	out, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write(unzip(t, pack(t, extension.Chrome))["content.js"]); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if packed.Len() > most {
		t.Errorf("content.js has %d bytes gzipped, more than %d", packed.Len(), most)
	}
}

func TestTheSameBytesAgain(t *testing.T) {
	if !bytes.Equal(pack(t, extension.Chrome), pack(t, extension.Chrome)) {
		t.Error("two zips of the same extension differ")
	}
}

func TestUnpackedIsTheSame(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	if err := extension.WriteDir(dir, extension.Firefox, server); err != nil {
		t.Fatal(err)
	}
	files := unzip(t, pack(t, extension.Firefox))
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		if !bytes.Equal(data, files[name]) {
			t.Errorf("%s differs", name)
		}
		delete(files, name)
		return err
	})
	if err != nil || len(files) > 0 {
		t.Errorf("%d files are missing, %v", len(files), err)
	}
}

func TestAnotherBrowser(t *testing.T) {
	if err := extension.WriteZip(io.Discard, "netscape", server); !errors.Is(err, extension.ErrBrowser) {
		t.Errorf("got %v, want ErrBrowser", err)
	}
	if err := extension.WriteDir(t.TempDir(), "netscape", server); !errors.Is(err, extension.ErrBrowser) {
		t.Errorf("got %v, want ErrBrowser", err)
	}
}

func pack(t *testing.T, browser string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := extension.WriteZip(&out, browser, server); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func unzip(t *testing.T, data []byte) map[string][]byte {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, file := range archive.File {
		f, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[file.Name], err = io.ReadAll(f); err != nil {
			t.Fatal(err)
		}
	}
	return files
}
