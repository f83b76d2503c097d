package intake

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"limn/xpath"
)

// body is where a range stands of which only the quote is known: the checker and the readers find the quote.
const body = "/html[1]/body[1]"

// quoted is the range of a quote.
func quoted(exact, prefix, suffix string) xpath.Range {
	start := xpath.Point{XPath: body}
	return xpath.Range{Anchor: start, Focus: start, Quote: &xpath.Quote{Exact: exact, Prefix: lastUnits(prefix), Suffix: firstUnits(suffix)}}
}

// lastUnits is the end of a text, as much of it as is kept beside a quote.
func lastUnits(text string) string {
	for units := xpath.Units(text); units > xpath.ContextLength; {
		r, size := utf8.DecodeRuneInString(text)
		units -= max(1, utf16.RuneLen(r))
		text = text[size:]
	}
	return text
}

func firstUnits(text string) string {
	units := 0
	for i, r := range text {
		if units += max(1, utf16.RuneLen(r)); units > xpath.ContextLength {
			return text[:i]
		}
	}
	return text
}

// lastPoints counts the UTF-16 code units of the last so many code points of a text. Not ok: the text has fewer.
func lastPoints(text string, points int) (units int, ok bool) {
	for ; points > 0 && text != ""; points-- {
		r, size := utf8.DecodeLastRuneInString(text)
		units += max(1, utf16.RuneLen(r))
		text = text[:len(text)-size]
	}
	return units, points == 0
}

// split is a list of texts that were written as one.
func split(text, separator string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, separator)
}
