package live

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// A cursor is how far a stream has come: the life of the database, and of each page the number of the last
// change sent. As text, in the alphabet of URLs:
//
//	cursor = id *( "." id "-" number )    ; epoch, then page and number
//	id     = 22 characters of base64url
type cursor struct {
	epoch uuid.UUID
	seqs  map[uuid.UUID]int64
}

// maxCursor is the longest cursor that is read, in bytes: more than MaxPages pages take.
const maxCursor = 2 << 10

// parseCursor reads a cursor; not ok: it is none.
func parseCursor(s string) (c cursor, ok bool) {
	if len(s) > maxCursor {
		return cursor{}, false
	}
	parts := strings.Split(s, ".")
	if c.epoch, ok = parseID(parts[0]); !ok {
		return cursor{}, false
	}
	c.seqs = make(map[uuid.UUID]int64, len(parts)-1)
	for _, part := range parts[1:] {
		if len(part) < idLength+2 || part[idLength] != '-' {
			return cursor{}, false
		}
		page, ok := parseID(part[:idLength])
		number := part[idLength+1:]
		seq, err := strconv.ParseUint(number, 10, 63)
		if !ok || err != nil {
			return cursor{}, false
		}
		c.seqs[page] = int64(seq)
	}
	return c, true
}

// appendPage adds a page's part to the text of a cursor.
func appendPage(b []byte, page uuid.UUID, seq int64) []byte {
	b = append(b, '.')
	b = appendID(b, page)
	b = append(b, '-')
	return strconv.AppendInt(b, seq, 10)
}

const idLength = 22 // characters of base64url for 16 bytes

func appendID(b []byte, id uuid.UUID) []byte { return base64.RawURLEncoding.AppendEncode(b, id[:]) }

func parseID(s string) (id uuid.UUID, ok bool) {
	if len(s) != idLength {
		return uuid.Nil, false
	}
	n, err := base64.RawURLEncoding.Strict().Decode(id[:], []byte(s))
	return id, err == nil && n == len(id)
}
