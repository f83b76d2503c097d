package verify

import (
	"bytes"
	"fmt"
)

// Limits of what the parser does in one step, where nothing can stop it.
const (
	maxTags       = 500_000 // of anything that begins like one
	maxAttributes = 10_000  // of one tag
	maxFormat     = 1_000   // of the tag of a formatting element: see formats
	maxFormats    = 5_000   // of all their tags together, not counting the first plainFormat of each
	plainFormat   = 20
	maxMerged     = 1_000 // of all html and body tags together: the parser merges them, one by one
	maxScans      = 32    // bytes looked at, for each byte of the page
)

// formats are the elements that the parser opens again in each block after one in which they were left open: it copies
// their attributes every time, and compares them with those of every other open format, each with each. What looks like one
// in a script may have hundreds, but not many do.
var formats = map[string]bool{
	"a": true, "b": true, "big": true, "code": true, "em": true, "font": true, "i": true, "nobr": true, "s": true,
	"small": true, "strike": true, "strong": true, "tt": true, "u": true,
}

// guard refuses pages with tags that are beyond these limits. It does not ask whether a tag stands in a title or a script,
// where it would be text: that depends on where the parser is, and a page can be made to mislead. Wherever
// the parser sees a tag, there is a "<", and what follows is read the same way.
func guard(page []byte) error {
	tags, merged, copied, scanned := 0, 0, 0, 0
	for at := 0; ; {
		next := bytes.IndexByte(page[at:], '<')
		if next < 0 {
			return nil
		}
		at += next + 1
		name, attributes, length := scanTag(page[at:])
		limit := maxAttributes
		switch {
		case formats[name]:
			limit = maxFormat
			copied += max(0, attributes-plainFormat)
		case name == "html" || name == "body":
			merged += attributes
		}
		tags++
		scanned += length
		switch {
		case tags > maxTags:
			return fmt.Errorf("more than %d tags", maxTags)
		case attributes > limit || merged > maxMerged || copied > maxFormats:
			return fmt.Errorf("%d attributes of %s", max(attributes, merged, copied), name)
		case scanned > maxScans*len(page):
			return fmt.Errorf("tags within tags")
		}
	}
}

// scanTag reads the start tag that follows a "<", as the tokenizer does (HTML Standard, 13.2.5.6 to 13.2.5.39): its
// name in lower case, how many attributes it has, doubles included, and its length in bytes. What is no
// start tag has no name.
func scanTag(text []byte) (name string, attributes, length int) {
	if len(text) == 0 || !isLetter(text[0]) {
		return "", 0, 0
	}
	at := until(text, 0, "/>")
	name = string(bytes.ToLower(text[:min(at, len("strike"))]))
	if at > len("strike") {
		name += "…"
	}
	for {
		for at < len(text) && (isSpace(text[at]) || text[at] == '/') {
			at++
		}
		if at == len(text) || text[at] == '>' || attributes > maxAttributes {
			return name, attributes, at
		}
		attributes++
		at = until(text, at+1, "/>=")
		at = skipSpace(text, at)
		if at == len(text) || text[at] != '=' {
			continue
		}
		at = skipSpace(text, at+1)
		switch {
		case at == len(text):
		case text[at] == '"' || text[at] == '\'':
			end := bytes.IndexByte(text[at+1:], text[at])
			if end < 0 {
				return name, attributes, len(text)
			}
			at += end + 2
		default:
			at = until(text, at, ">")
		}
	}
}

// until is the place of the next white space, or of one of some characters.
func until(text []byte, at int, ends string) int {
	for at < len(text) && !isSpace(text[at]) && bytes.IndexByte([]byte(ends), text[at]) < 0 {
		at++
	}
	return at
}

func skipSpace(text []byte, at int) int {
	for at < len(text) && isSpace(text[at]) {
		at++
	}
	return at
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r' }
