package storage

import (
	"time"

	"github.com/google/uuid"

	"limn/xpath"
)

// A Highlight is what somebody marked on a page, as every reader of it sees it.
type Highlight struct {
	ID     uuid.UUID     `json:"id"`
	Page   PageRef       `json:"page"`
	Group  string        `json:"group"` // "public", "me", or a group's id
	Author Author        `json:"author"`
	Ranges []xpath.Range `json:"ranges"` // none: a note on the whole page
	Color  string        `json:"color"`  // one of Colors, or "#rrggbb"
	Note   string        `json:"note"`   // Markdown
	Tags   []string      `json:"tags"`

	Replies   int       `json:"replies"` // how many there are
	Check     Check     `json:"check"`
	Seq       int64     `json:"seq"`     // the page's number of its last change
	Version   int64     `json:"version"` // counts its author's edits: the ETag
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// A PageRef names a page inside another thing.
type PageRef struct {
	ID    uuid.UUID `json:"id"`
	URL   string    `json:"url"`
	Title string    `json:"title"`
}

// An Author is an account as others see it.
type Author struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
}

// A Check is the server's own verdict on whether a highlight still stands where it was made.
type Check struct {
	State     xpath.State   `json:"state"`
	Reason    string        `json:"reason"`
	CheckedAt *time.Time    `json:"checked_at"` // null while pending
	Ranges    []xpath.Range `json:"ranges"`     // where the quotes stand now, when moved; else null
}
