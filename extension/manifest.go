package extension

import (
	"encoding/json"
	"fmt"
	"net/url"
)

// A manifest says to the browser what the extension is and may do. Its fields keep their order, so that the
// same extension is the same bytes.
type manifest struct {
	ManifestVersion int                `json:"manifest_version"`
	Name            string             `json:"name"`
	Version         string             `json:"version"`
	Description     string             `json:"description"`
	DefaultLocale   string             `json:"default_locale"`
	Icons           map[string]string  `json:"icons"`
	Action          action             `json:"action"`
	Background      background         `json:"background"`
	Commands        map[string]command `json:"commands"`
	Options         options            `json:"options_ui"`
	ContentScripts  []contentScript    `json:"content_scripts"`
	Permissions     []string           `json:"permissions"`
	HostPermissions []string           `json:"host_permissions"`
	CSP             csp                `json:"content_security_policy"`
	SidePanel       *sidePanel         `json:"side_panel,omitempty"`
	Sidebar         *sidebar           `json:"sidebar_action,omitempty"`
	MinimumChrome   string             `json:"minimum_chrome_version,omitempty"`
	Gecko           *gecko             `json:"browser_specific_settings,omitempty"`
}

type action struct {
	Title string            `json:"default_title"`
	Popup string            `json:"default_popup"`
	Icon  map[string]string `json:"default_icon"`
}

type background struct {
	ServiceWorker string   `json:"service_worker,omitempty"`
	Scripts       []string `json:"scripts,omitempty"`
}

type contentScript struct {
	Matches []string `json:"matches"`
	CSS     []string `json:"css"`
	JS      []string `json:"js"`
	Frames  bool     `json:"all_frames"` // the script itself leaves alone those of other sites
	RunAt   string   `json:"run_at"`
}

type command struct {
	Key         map[string]string `json:"suggested_key"`
	Description string            `json:"description"`
}

type sidePanel struct {
	Path string `json:"default_path"`
}

type sidebar struct {
	Title     string            `json:"default_title"`
	Panel     string            `json:"default_panel"`
	Icon      map[string]string `json:"default_icon"`
	AtInstall bool              `json:"open_at_install"`
}

type options struct {
	Page  string `json:"page"`
	InTab bool   `json:"open_in_tab"`
}

type csp struct {
	ExtensionPages string `json:"extension_pages"`
}

type gecko struct {
	Gecko struct {
		ID         string `json:"id"`
		MinVersion string `json:"strict_min_version"`
		Data       struct {
			Required []string `json:"required"`
		} `json:"data_collection_permissions"`
	} `json:"gecko"`
}

// manifestFor writes the manifest for a browser and a server. The only host that is asked for is the server's
// own; the pages are reached by the content script alone.
func manifestFor(browser string, server *url.URL, version string) ([]byte, error) {
	icons := map[string]string{}
	for _, size := range iconSizes {
		icons[fmt.Sprint(size)] = iconName(size)
	}
	m := manifest{
		ManifestVersion: 3,
		Name:            "limn",
		Version:         version,
		Description:     "__MSG_description__",
		DefaultLocale:   defaultLocale,
		Icons:           icons,
		Action:          action{Title: "limn", Popup: "popup.html", Icon: icons},
		Commands: map[string]command{
			"mark": {Key: map[string]string{"default": "Alt+Shift+H"}, Description: "__MSG_commandMark__"},
			"side": {Key: map[string]string{"default": "Alt+Shift+L"}, Description: "__MSG_openPanel__"},
		},
		Options: options{Page: "options.html", InTab: true},
		ContentScripts: []contentScript{{
			Matches: []string{"http://*/*", "https://*/*"}, CSS: []string{"paint.css"}, JS: []string{"content.js"},
			Frames: true, RunAt: "document_idle",
		}},
		// A match pattern names no port: Firefox refuses one, and without it every port is meant.
		HostPermissions: []string{server.Scheme + "://" + server.Hostname() + "/*"},
		// Said in full because Firefox would otherwise turn http into https, and a server at home has no certificate.
		CSP: csp{fmt.Sprintf("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' %s://%s",
			server.Scheme, server.Host)},
	}
	switch browser {
	case Chrome:
		m.Background.ServiceWorker = "worker.js"
		m.Permissions = []string{"activeTab", "alarms", "contextMenus", "identity", "offscreen", "sidePanel", "storage"}
		m.SidePanel = &sidePanel{Path: "side.html"}
		m.MinimumChrome = "128" // caretPositionFromPoint
	case Firefox:
		m.Background.Scripts = []string{"background.js"}
		m.Permissions = []string{"activeTab", "alarms", "contextMenus", "identity", "storage"}
		m.Sidebar = &sidebar{Title: "limn", Panel: "side.html", Icon: icons}
		m.Gecko = &gecko{}
		m.Gecko.Gecko.ID = "limn@limn.invalid"
		m.Gecko.Gecko.MinVersion = "142.0" // CSS.highlights since 140; on Android it asks about data since 142
		m.Gecko.Gecko.Data.Required = []string{"browsingActivity", "websiteContent"}
	default:
		return nil, ErrBrowser
	}
	return json.MarshalIndent(m, "", "  ")
}
