package storage

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// An Item is one thing of a file that is taken in: a highlight, or one of what belongs to one. Whatever is not there is nil.
type Item struct {
	Line    int64  // of the file, from 1
	Pointer string // into the file's document, or into the line if each line is one
	Part    bool   // of the item that follows: it is only told of if it is refused
	Err     error  // why it cannot be read; then only an id may be there besides

	Highlight *Highlight
	Verified  *time.Time // when the highlight was first verified
	Reply     *Reply     // under Reply.Highlight; the nil UUID: under what InReplyTo is under, or is
	Event     *Event     // of a highlight's history
	File      *File
	Piece     *Piece
	Group     *GroupDetails // that of a highlight which follows
	Foreign   string        // the id that the highlight or reply has elsewhere; each stands for one of ours
	Answers   string        // likewise that of what the reply answers
}

// A File is an attachment without its content, which follows in pieces.
type File struct {
	Attachment
	On       Attached
	StoredAt time.Time
}

// A Piece is a part of a file's content.
type Piece struct {
	File    uuid.UUID
	Place   int64 // of its first byte
	Content []byte
}

// An Intake says how a file is taken in.
type Intake struct {
	Author  Reader // whose all of it becomes; the names of others stay as text
	Restore bool   // for who runs the server: everything as it was, with its ids, authors, numbers, verdicts and history
	Group   string // where all of it goes; empty: where the file says

	Changed func(page uuid.UUID) // is called for each page that has changed, after the commit
	Told    func(Outcome) error  // is told what became of each item
}

// An Outcome is what became of an item.
type Outcome struct {
	Line    int64  `json:"line"`
	Pointer string `json:"pointer"`
	ID      string `json:"id,omitempty"`
	Status  int    `json:"status"` // as HTTP has them: 201 made, 200 here already, else refused
	Detail  string `json:"detail,omitempty"`
}

// A Tally counts outcomes.
type Tally struct {
	Created int64 `json:"created"`
	Present int64 `json:"present"` // here already
	Refused int64 `json:"refused"`
}

// TakeIn stores what a file has. What cannot be taken is told of and left out, the rest goes in; asked again, nothing is there
// twice. The items are gathered in temporary tables first, which keeps no page locked and no memory in use, however slowly they
// arrive, and lets each answer find what it answers, wherever in the file that stands. Then they are written some
// thousands at once, each as a change of its page.
func (s *Store) TakeIn(ctx context.Context, in Intake, items iter.Seq2[Item, error]) (tally Tally, err error) {
	conn, err := s.Connect(ctx) // of its own: the tables and their memory go with it
	if err != nil {
		return tally, err
	}
	st := newStaging(s, conn, in)
	defer st.close(ctx)
	if _, err := conn.Exec(ctx, stagingMemory+stagingTables); err != nil {
		return tally, translate(err, "take in a file")
	}
	if err := st.gather(ctx, items); err != nil {
		return tally, err
	}
	if err := st.judge(ctx); err != nil {
		return tally, translate(err, "judge a file")
	}
	if err := st.tell(ctx, &tally, `intake i WHERE i.status > 0`, pgx.NamedArgs{}); err != nil {
		return tally, err
	}
	err = st.write(ctx, &tally)
	return tally, err
}

// refusal is how an item that cannot be taken is told of.
func refusal(err error) (status int, pointer, detail string) {
	var invalid *InvalidError
	var url *URLError
	switch {
	case errors.As(err, &invalid) && invalid.Fields[0].Pointer == "": // the item itself, which is no request
		return http.StatusUnprocessableEntity, "", invalid.Fields[0].Detail
	case errors.As(err, &invalid):
		return http.StatusUnprocessableEntity, invalid.Fields[0].Pointer, invalid.Error()
	case errors.As(err, &url):
		return http.StatusUnprocessableEntity, "/page/url", url.Error()
	}
	return http.StatusUnprocessableEntity, "", err.Error()
}

// tell tells of the staged items i that are chosen, in their order in the file. What was only refused when it was about to be
// written has the negative status.
func (st *staging) tell(ctx context.Context, tally *Tally, which string, args pgx.NamedArgs) error {
	rows, _ := st.conn.Query(ctx, `
		SELECT i.line, i.pointer, coalesce(i.id::text, ''), CASE i.status WHEN 0 THEN 201 ELSE abs(i.status) END, i.detail
		FROM `+which+` AND NOT (i.part AND i.status IN (0, 200)) ORDER BY i.n`, args)
	var o Outcome
	var told error
	_, err := pgx.ForEachRow(rows, []any{&o.Line, &o.Pointer, &o.ID, &o.Status, &o.Detail}, func() error {
		tally.count(o)
		told = st.in.Told(o)
		return told
	})
	if told != nil {
		return fmt.Errorf("tell of what was taken in: %w", told)
	}
	return translate(err, "tell of what was taken in")
}

func (t *Tally) count(o Outcome) {
	switch o.Status {
	case http.StatusCreated:
		t.Created++
	case http.StatusOK:
		t.Present++
	default:
		t.Refused++
	}
}
