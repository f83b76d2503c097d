package xpath

import (
	"unicode/utf16"
	"unicode/utf8"
)

const (
	replacement = '\uFFFD'
	astralSize  = 4 // bytes in UTF-8 of a character that is two units in UTF-16
)

// Units counts the UTF-16 code units of a text.
func Units(s string) int {
	n := len(s)
	if isASCII(s) {
		return n
	}
	for i := range len(s) {
		switch b := s[i]; {
		case b < 0x80:
		case b < 0xc0: // not the first byte of a character
			n--
		case b >= 0xf0: // two units
			n++
		}
	}
	return n
}

func isASCII(s string) bool {
	for ; len(s) >= 8; s = s[8:] {
		if (s[0]|s[1]|s[2]|s[3]|s[4]|s[5]|s[6]|s[7])&0x80 != 0 {
			return false
		}
	}
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func units(s string) []uint16 {
	u := make([]uint16, 0, len(s))
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			u = append(u, uint16(s[i]))
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		u = utf16.AppendRune(u, r)
		i += size
	}
	return u
}

func text16(u []uint16) string { return string(utf16.Decode(u)) }
