package storage

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"limn/xpath"
)

// What a highlight and a reply may hold. Text is counted in bytes of UTF-8 unless it says characters.
const (
	maxTitle  = 500 // characters; a longer one is cut, because no person chose it
	maxNote   = 64 << 10
	maxRanges = 100
	maxMarks  = 256 << 10 // all paths, quotes and contexts of a highlight together
	maxTags   = 50
	maxTag    = 100           // characters
	maxOffset = math.MaxInt32 // UTF-16 code units or child nodes
)

// MaxQuote is how much of what a range holds is kept.
const MaxQuote = 64 << 10

// colors are the inks that have a name.
var colors = []string{"yellow", "green", "blue", "pink", "purple", "orange", "red"}

var hexColor = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func checkColor(invalid *InvalidError, color string) {
	if !slices.Contains(colors, color) && !hexColor.MatchString(color) {
		invalid.refuse("/color", "must be one of %s, or #rrggbb", strings.Join(colors, ", "))
	}
}

// CheckColor refuses a color that there is not.
func CheckColor(color string) error {
	var invalid InvalidError
	checkColor(&invalid, color)
	return invalid.orNil()
}

// checkText refuses what Postgres cannot hold and what is too long, in bytes.
func checkText(invalid *InvalidError, pointer, text string, limit int) {
	switch {
	case len(text) > limit:
		invalid.refuse(pointer, "must have at most %d bytes", limit)
	case strings.ContainsRune(text, 0):
		invalid.refuse(pointer, "must not contain the character NUL")
	case !utf8.ValidString(text):
		invalid.refuse(pointer, "must be valid UTF-8")
	}
}

func checkTags(invalid *InvalidError, tags []string) {
	if len(tags) > maxTags {
		invalid.refuse("/tags", "must have at most %d tags", maxTags)
		return
	}
	for i, tag := range tags {
		pointer := "/tags/" + strconv.Itoa(i)
		switch {
		case strings.TrimSpace(tag) == "":
			invalid.refuse(pointer, "must not be empty")
		case utf8.RuneCountInString(tag) > maxTag:
			invalid.refuse(pointer, "must have at most %d characters", maxTag)
		default:
			checkText(invalid, pointer, tag, maxTag*utf8.UTFMax)
		}
	}
}

// CheckRanges refuses ranges that cannot be stored; pointers begin at /ranges.
func CheckRanges(ranges []xpath.Range) error {
	var invalid InvalidError
	checkRanges(&invalid, ranges)
	return invalid.orNil()
}

func checkRanges(invalid *InvalidError, ranges []xpath.Range) {
	if len(ranges) > maxRanges {
		invalid.refuse("/ranges", "must have at most %d ranges", maxRanges)
		return
	}
	for i, r := range ranges {
		pointer := "/ranges/" + strconv.Itoa(i)
		checkPoint(invalid, pointer+"/anchor", r.Anchor)
		checkPoint(invalid, pointer+"/focus", r.Focus)
		if q := r.Quote; q != nil {
			checkText(invalid, pointer+"/quote/exact", q.Exact, MaxQuote)
			checkContext(invalid, pointer+"/quote/prefix", q.Prefix)
			checkContext(invalid, pointer+"/quote/suffix", q.Suffix)
		}
		if p := r.Position; p != nil {
			switch {
			case p.Start < 0 || p.Start > maxOffset:
				invalid.refuse(pointer+"/position/start", "must be from 0 to %d", maxOffset)
			case p.End < p.Start || p.End > maxOffset:
				invalid.refuse(pointer+"/position/end", "must be from the start to %d", maxOffset)
			}
		}
		if r.Landmarks != nil && !r.Landmarks.Valid() {
			invalid.refuse(pointer+"/landmarks", "must have at most %d on each side, and a number of twins for each and one more", xpath.MaxLandmarks)
		}
	}
	if sizeOf(ranges) > maxMarks {
		invalid.refuse("/ranges", "must have at most %d bytes of paths and quotes together", maxMarks)
	}
}

// sizeOf is how much text ranges hold, in bytes.
func sizeOf(ranges []xpath.Range) (size int) {
	for _, r := range ranges {
		size += len(r.Anchor.XPath) + len(r.Focus.XPath)
		if q := r.Quote; q != nil {
			size += len(q.Exact) + len(q.Prefix) + len(q.Suffix)
		}
	}
	return size
}

func checkPoint(invalid *InvalidError, pointer string, p xpath.Point) {
	if _, err := xpath.Parse(p.XPath); err != nil {
		invalid.refuse(pointer+"/xpath", "is no path: %v", err)
	} else {
		checkText(invalid, pointer+"/xpath", p.XPath, len(p.XPath)) // an id in it may hold anything
	}
	if p.Offset < 0 || p.Offset > maxOffset {
		invalid.refuse(pointer+"/offset", "must be from 0 to %d", maxOffset)
	}
}

func checkContext(invalid *InvalidError, pointer, text string) {
	if xpath.Units(text) > xpath.ContextLength {
		invalid.refuse(pointer, "must have at most %d UTF-16 code units", xpath.ContextLength)
		return
	}
	checkText(invalid, pointer, text, len(text))
}

// truncate cuts a text after some number of characters.
func truncate(text string, characters int) string {
	for i := range text {
		if characters == 0 {
			return text[:i]
		}
		characters--
	}
	return text
}
