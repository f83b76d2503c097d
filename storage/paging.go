package storage

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Paging is where a page of a list begins, and how long it may be.
type Paging struct {
	Limit int
	After string // the cursor that the page before ended with; empty: from the start
}

// A cursor is the place in a list after a row: its time, to the microsecond, and its id.
type cursor struct {
	Time time.Time
	ID   uuid.UUID
}

func (c cursor) String() string {
	b := binary.BigEndian.AppendUint64(nil, uint64(c.Time.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(b, c.ID[:]...))
}

// parseCursor reads a cursor; the empty one is before everything.
func parseCursor(s string) (cursor, error) {
	if s == "" {
		return cursor{}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != 24 {
		return cursor{}, ErrCursor
	}
	c := cursor{Time: time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC(), ID: uuid.UUID(b[8:])}
	if c.Time.Year() < 1 || c.Time.Year() > 9999 {
		return cursor{}, ErrCursor
	}
	return c, nil
}

// maxHeld is how many bytes of rows are held at once, but for the last of them: what a list or a replay takes of the
// memory does not depend on what people write.
const maxHeld = 4 << 20

// collectSome reads rows until there are no more, or more than are to be held: cut.
func collectSome[T any](rows pgx.Rows, scan pgx.RowToFunc[T]) (list []T, cut bool, err error) {
	defer rows.Close()
	list = []T{}
	for held := 0; rows.Next(); {
		if held > maxHeld {
			return list, true, nil
		}
		for _, value := range rows.RawValues() {
			held += len(value)
		}
		row, err := scan(rows)
		if err != nil {
			return nil, false, err
		}
		list = append(list, row)
	}
	return list, false, rows.Err()
}

// cutPage takes away the row that was read only to see whether there are more. A page that was cut before has more.
func cutPage[T any](rows []T, limit int, cut bool, at func(T) cursor) (page []T, next string) {
	if len(rows) > limit {
		rows, cut = rows[:limit], true
	}
	if !cut {
		return rows, ""
	}
	return rows, at(rows[len(rows)-1]).String()
}
