package storage

import (
	"time"

	"github.com/google/uuid"
)

// A Reply is one entry of the thread under a highlight.
type Reply struct {
	ID        uuid.UUID  `json:"id"`
	Highlight uuid.UUID  `json:"highlight"`
	InReplyTo *uuid.UUID `json:"in_reply_to,omitempty"`
	Author    Author     `json:"author"`
	Note      string     `json:"note"` // Markdown
	Seq       int64      `json:"seq"`
	Version   int64      `json:"version"`
	CreatedAt time.Time  `json:"created_at"`
	UpdatedAt time.Time  `json:"updated_at"`
}
