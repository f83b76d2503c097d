package live

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"limn/storage"
)

// A cursor is how far a stream has come: the life of the database, which groups were read, and of each page the number
// of the last change sent. As text, in the alphabet of URLs:
//
//	cursor = id [ "-" groups ] *( "." id "-" number )    ; epoch, then page and number
//	id     = 22 characters of base64url
//	groups = 8 characters of base64url                   ; left out for the public alone
type cursor struct {
	epoch  uuid.UUID
	groups string
	seqs   map[uuid.UUID]int64
}

// groupsOf is what a cursor calls the groups that were read. Whoever comes back to read others holds too little, or too
// much, of what was there before.
func groupsOf(reads []uuid.UUID) string {
	if len(reads) == 1 && reads[0] == storage.Public {
		return ""
	}
	reads = slices.SortedFunc(slices.Values(reads), func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	hash := sha256.New()
	for _, group := range reads {
		hash.Write(group[:])
	}
	return base64.RawURLEncoding.EncodeToString(hash.Sum(nil)[:groupsLength/4*3])
}

const groupsLength = 8 // characters

// maxCursor is the longest cursor that is read, in bytes: more than MaxPages pages take.
const maxCursor = 2 << 10

// parseCursor reads a cursor; not ok: it is none.
func parseCursor(s string) (c cursor, ok bool) {
	if len(s) > maxCursor {
		return cursor{}, false
	}
	parts := strings.Split(s, ".")
	epoch, groups := parts[0], ""
	if len(epoch) == idLength+1+groupsLength && epoch[idLength] == '-' {
		epoch, groups = epoch[:idLength], epoch[idLength+1:]
	}
	if c.epoch, ok = parseID(epoch); !ok {
		return cursor{}, false
	}
	c.groups = groups
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

// Cursor is the last event id of who holds all that a reader may see of some pages, as of these numbers.
func (h *Hub) Cursor(reader storage.Reader, seqs map[uuid.UUID]int64) string {
	b := appendID(nil, h.store.Epoch())
	if groups := groupsOf(reader.Groups); groups != "" {
		b = append(append(b, '-'), groups...)
	}
	for page, seq := range seqs {
		b = appendPage(b, page, seq)
	}
	return string(b)
}
