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

// textFragment is the directive that has browsers scroll to a highlight's first passage
// (https://wicg.github.io/scroll-to-text-fragment/).
func textFragment(ranges []xpath.Range) string {
	if len(ranges) == 0 || ranges[0].Quote == nil {
		return ""
	}
	words := strings.Fields(ranges[0].Quote.Exact)
	switch {
	case len(words) == 0:
		return ""
	case len(words) <= 2*endWords || len(ranges[0].Quote.Exact) <= wholeText:
		return "#:~:text=" + fragmentText(words)
	}
	return "#:~:text=" + fragmentText(words[:endWords]) + "," + fragmentText(words[len(words)-endWords:])
}

// fragmentText escapes what has a meaning in the directive, the hyphen too.
func fragmentText(words []string) string {
	text := strings.ReplaceAll(url.QueryEscape(strings.Join(words, " ")), "+", "%20")
	return strings.ReplaceAll(text, "-", "%2D")
}
