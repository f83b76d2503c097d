package export

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"limn/storage"
)

// appendItem writes a thread as JSON by hand, as encoding/json would: that takes three times as long, and exports are long.
func appendItem(b []byte, t storage.Thread) ([]byte, error) {
	h := t.Highlight
	var err error
	b = appendID(b, `{"id":`, h.ID)
	b = appendID(b, `,"page":{"id":`, h.Page.ID)
	b = appendText(b, `,"url":`, h.Page.URL)
	b = appendText(b, `,"title":`, h.Page.Title)
	b = appendText(b, `},"group":`, h.Group)
	if h.Hidden {
		b = append(b, `,"hidden":true`...)
	}
	b = appendID(b, `,"author":{"id":`, h.Author.ID)
	b = appendText(b, `,"name":`, h.Author.Name)
	b = append(b, `},"ranges":`...)
	if t.Ranges != nil {
		b = appendInert(b, t.Ranges)
	} else if b, err = appendValue(b, ``, h.Ranges); err != nil {
		return nil, err
	}
	b = appendText(b, `,"color":`, h.Color)
	b = appendText(b, `,"note":`, h.Note)
	b = append(b, `,"tags":[`...)
	for i, tag := range h.Tags {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, ``, tag)
	}
	b = appendNumber(b, `],"replies":`, h.Replies)
	if len(h.Attachments) > 0 {
		if b, err = appendValue(b, `,"attachments":`, h.Attachments); err != nil {
			return nil, err
		}
	}
	b = appendText(b, `,"check":{"state":`, string(h.Check.State))
	b = appendText(b, `,"reason":`, h.Check.Reason)
	if b = append(b, `,"checked_at":`...); h.Check.CheckedAt != nil {
		b = appendTime(b, ``, *h.Check.CheckedAt)
	} else {
		b = append(b, `null`...)
	}
	if h.Check.Ranges == nil {
		b = append(b, `,"ranges":null`...)
	} else if b, err = appendValue(b, `,"ranges":`, h.Check.Ranges); err != nil {
		return nil, err
	}
	b = appendNumber(b, `},"seq":`, h.Seq)
	b = appendNumber(b, `,"version":`, h.Version)
	b = appendTime(b, `,"created_at":`, h.CreatedAt)
	b = appendTime(b, `,"updated_at":`, h.UpdatedAt)
	if t.VerifiedAt != nil {
		b = appendTime(b, `,"verified_at":`, *t.VerifiedAt)
	}
	if t.Group != nil {
		if b, err = appendValue(b, `,"group_details":`, t.Group); err != nil {
			return nil, err
		}
	}
	if len(t.History) > 0 {
		if b, err = appendValue(b, `,"history":`, t.History); err != nil {
			return nil, err
		}
	}
	b = append(b, `,"thread":[`...)
	for i, r := range t.Replies {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendValue(b, ``, r); err != nil {
			return nil, err
		}
	}
	return append(b, "]}"...), nil
}

func appendID(b []byte, before string, id uuid.UUID) []byte {
	return append(append(append(append(b, before...), '"'), id.String()...), '"')
}

func appendNumber(b []byte, before string, n int64) []byte {
	return strconv.AppendInt(append(b, before...), n, 10)
}

func appendTime(b []byte, before string, t time.Time) []byte {
	b = append(append(b, before...), '"')
	return append(t.UTC().AppendFormat(b, time.RFC3339Nano), '"')
}

func appendText(b []byte, before, text string) []byte {
	b = append(b, before...)
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(text)
			if err != nil {
				return append(b, `""`...) // a text has none
			}
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

func appendValue(b []byte, before string, v any) ([]byte, error) {
	b = append(b, before...)
	text, err := json.Marshal(v)
	return append(b, text...), err
}

// appendInert writes JSON so that it cannot end a script that holds it.
func appendInert(b, text []byte) []byte {
	for _, c := range text {
		if c == '<' || c == '>' || c == '&' || c == 0xe2 { // with which the separators of lines and paragraphs begin
			var inert bytes.Buffer
			json.HTMLEscape(&inert, text)
			return append(b, inert.Bytes()...)
		}
	}
	return append(b, text...)
}
