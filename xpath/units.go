package xpath

import "unicode/utf16"

const (
	replacement = '\uFFFD'
	astralSize  = 4 // bytes in UTF-8 of a character that is two units in UTF-16
)

// Units counts the UTF-16 code units of a text.
func Units(s string) int {
	n := 0
	for i := range len(s) {
		if s[i]&0xc0 != 0x80 {
			n++
		}
		if s[i] >= 0xf0 {
			n++
		}
	}
	return n
}

func units(s string) []uint16 {
	u := make([]uint16, 0, len(s))
	for _, r := range s {
		u = utf16.AppendRune(u, r)
	}
	return u
}

func text16(u []uint16) string { return string(utf16.Decode(u)) }
