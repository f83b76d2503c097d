package server

import (
	"testing"

	"limn/xpath"
)

func TestTextDirectiveFollowsWhatFragmentThereIs(t *testing.T) {
	ranges := []xpath.Range{{Quote: &xpath.Quote{Exact: "a well-known, phrase"}}}
	for url, directive := range map[string]string{
		"https://example.org/":        "#:~:text=a%20well%2Dknown%2C%20phrase",
		"https://example.org/#/route": ":~:text=a%20well%2Dknown%2C%20phrase",
	} {
		if got := textDirective(url, ranges); got != directive {
			t.Errorf("%s: %s, want %s", url, got, directive)
		}
	}
}
