package extension

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// The browsers that there is an extension for.
const (
	Chrome  = "chrome"
	Firefox = "firefox"
)

// ErrBrowser is the answer for a browser that there is no extension for.
var ErrBrowser = errors.New("there is an extension for chrome and for firefox")

// WriteZip writes the extension for a browser, with the address of its server in it. The same browser and
// server give the same bytes. The caller has checked that serverURL is an http or https origin.
func WriteZip(w io.Writer, browser, serverURL string) error {
	files, err := pack(browser, serverURL)
	if err != nil {
		return err
	}
	out := zip.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
		header.SetMode(0o644)
		f, err := out.CreateHeader(header)
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if _, err := f.Write(files[name]); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write the extension: %w", err)
	}
	return nil
}

// WriteDir writes the same unpacked, as browsers load it while one develops. The folder is made if it is missing.
func WriteDir(dir, browser, serverURL string) error {
	files, err := pack(browser, serverURL)
	if err != nil {
		return err
	}
	for name, data := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return fmt.Errorf("write the extension: %w", err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return fmt.Errorf("write the extension: %w", err)
		}
	}
	return nil
}

// pack is every file of the extension by its name.
func pack(browser, serverURL string) (map[string][]byte, error) {
	parts, ok := scripts[browser]
	if !ok {
		return nil, ErrBrowser
	}
	server, err := url.Parse(serverURL)
	if err != nil {
		return nil, fmt.Errorf("read the server's address: %w", err)
	}
	common, err := shared()
	if err != nil {
		return nil, err
	}
	files := maps.Clone(common)
	maps.DeleteFunc(files, func(name string, _ []byte) bool {
		return strings.HasSuffix(name, ".js") && !slices.Contains(parts, name) ||
			browser == Firefox && name == "offscreen.html"
	})
	version, err := Version()
	if err != nil {
		return nil, err
	}
	if files["manifest.json"], err = manifestFor(browser, server, version); err != nil {
		return nil, err
	}
	files["config.json"], err = json.Marshal(map[string]string{"server": strings.TrimSuffix(serverURL, "/")})
	return files, err
}

// Version is what browsers are told of the extension, such as 1.2.3.
func Version() (string, error) {
	var described struct{ Version string }
	data, err := sources.ReadFile("package.json")
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(data, &described); err != nil {
		return "", fmt.Errorf("read package.json: %w", err)
	}
	return described.Version, nil
}

// scripts are the entries that each browser's extension is made of, src/NAME.ts bundled to NAME.js.
var scripts = map[string][]string{
	Chrome:  {"content.js", "offscreen.js", "options.js", "popup.js", "side.js", "worker.js"},
	Firefox: {"background.js", "content.js", "options.js", "popup.js", "side.js"},
}

// shared is what does not depend on the server, made once: bundles, pages, style sheets and icons.
var shared = sync.OnceValues(func() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, parts := range scripts {
		for _, name := range parts {
			if files[name] != nil {
				continue
			}
			script, err := bundle("src/browser/"+strings.TrimSuffix(name, ".js")+".ts", defaultLocale)
			if err != nil {
				return nil, err
			}
			files[name] = script
		}
	}
	for name, from := range map[string]string{
		"offscreen.html": "static/offscreen.html",
		"options.html":   "static/options.html",
		"page.css":       "static/page.css",
		"popup.html":     "static/popup.html",
		"side.html":      "static/side.html",
		"side.css":       "static/side.css",
		"paint.css":      "src/paint/paint.css",
	} {
		data, err := sources.ReadFile(from)
		if err != nil {
			return nil, err
		}
		files[name] = data
	}
	if err := addLocales(files); err != nil {
		return nil, err
	}
	for _, size := range iconSizes {
		data, err := icon(size)
		if err != nil {
			return nil, fmt.Errorf("draw the icon: %w", err)
		}
		files[iconName(size)] = data
	}
	return files, nil
})
