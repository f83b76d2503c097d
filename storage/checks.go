package storage

import (
	"time"

	"github.com/google/uuid"

	"limn/xpath"
)

// A DuePage is a page whose highlights are to be looked at, claimed by the caller until Lease.
type DuePage struct {
	ID           uuid.UUID
	URL          string // normalised
	ETag         string // of the last reading, to ask only for what changed
	LastModified string // likewise
	Lease        time.Time
}

// An Unchecked is a highlight that a visit to its page has to judge.
type Unchecked struct {
	ID      uuid.UUID
	Version int64
	Ranges  []xpath.Range
	State   xpath.State // the last verdict
}

// A Verdict is what a visit found of one highlight.
type Verdict struct {
	Highlight uuid.UUID
	Version   int64         // of the highlight that was judged: a newer one is left alone
	Ranges    []xpath.Range // as stored, with the quotes and positions that were missing filled in
	Check     Check
}

// A Visit is what one reading of a page found.
type Visit struct {
	Page         DuePage
	ReadAt       time.Time
	Reason       string // why the page could not be read; empty: it could
	Title        string // the page's own, when it could be read
	ETag         string
	LastModified string
	NextAt       *time.Time // when to look again; nil: when there is something new to judge
	Verdicts     []Verdict
}
