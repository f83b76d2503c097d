package server

import (
	"net/url"
	"strings"

	"limn/xpath"
)

const (
	wholeText = 300 // bytes of a quote that a text fragment gives whole; of a longer one its two ends
	endWords  = 5
)

// textDirective is what a page's URL needs at its end for browsers to scroll to a highlight's first passage
// (https://wicg.github.io/scroll-to-text-fragment/). A URL that has a fragment, because it is a route, keeps it.
func textDirective(pageURL string, ranges []xpath.Range) string {
	if len(ranges) == 0 || ranges[0].Quote == nil {
		return ""
	}
	words := strings.Fields(ranges[0].Quote.Exact)
	if len(words) == 0 {
		return ""
	}
	directive := ":~:text="
	if !strings.Contains(pageURL, "#") {
		directive = "#" + directive
	}
	if len(words) <= 2*endWords || len(ranges[0].Quote.Exact) <= wholeText {
		return directive + fragmentText(words)
	}
	return directive + fragmentText(words[:endWords]) + "," + fragmentText(words[len(words)-endWords:])
}

// fragmentText escapes what has a meaning in the directive, the hyphen too.
func fragmentText(words []string) string {
	text := strings.ReplaceAll(url.QueryEscape(strings.Join(words, " ")), "+", "%20")
	return strings.ReplaceAll(text, "-", "%2D")
}
