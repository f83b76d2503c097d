//go:build linux

package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"hash/maphash"
	"strconv"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// An event is one of a stream's, as it arrived.
type event struct {
	name, id, data string
}

// nextEvent reads up to the end of an event; one that is cut off never was.
func nextEvent(lines *bufio.Reader) (e event, err error) {
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return event{}, err
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if e.name != "" {
				return e, nil
			}
		}
	}
}

// A content is what an event says, read once however many readers get the same bytes.
type content struct {
	hash   uint64 // of the bytes
	digest uint64 // of what is put, as row.digest
	id     uuid.UUID
	page   uuid.UUID // the nil UUID in a reply, which does not say
	thread uuid.UUID // the highlight that a reply is under
	seq    int64     // 0 in a removal, which does not say
	bad    bool      // it cannot be read
}

// contents remembers what it has read.
type contents struct {
	mu    sync.Mutex
	known map[uint64]*content
}

func (c *contents) read(e event) *content {
	hash := maphash.String(seed, e.name+"\x00"+e.data)
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.known[hash]
	if known == nil {
		known = readContent(e)
		known.hash = hash
		c.known[hash] = known
	}
	return known
}

func readContent(e event) *content {
	var said struct {
		ID        uuid.UUID
		Highlight uuid.UUID
		Page      json.RawMessage
		Group     string
		Author    struct{ ID uuid.UUID }
		Note      string
		Color     string
		Replies   int64
		Check     struct{ State string }
		Seq       int64
		Version   int64
	}
	err := json.Unmarshal([]byte(e.data), &said)
	if err != nil {
		return &content{bad: true}
	}
	c := &content{id: said.ID, thread: said.Highlight, seq: said.Seq}
	r := row{
		Kind: e.name, ID: said.ID, Highlight: said.Highlight, Author: said.Author.ID, Seq: said.Seq, Version: said.Version,
		Note: said.Note, Color: said.Color, Replies: said.Replies, State: said.Check.State,
	}
	switch e.name {
	case "highlight":
		var page struct{ ID uuid.UUID }
		c.bad = json.Unmarshal(said.Page, &page) != nil
		c.page = page.ID
		switch said.Group {
		case "public":
		case "me":
			r.Group = said.Author.ID
		default:
			r.Group, err = uuid.Parse(said.Group)
			c.bad = c.bad || err != nil
		}
		c.digest = r.digest()
	case "reply":
		c.digest = r.digest()
	case "removed", "live", "resync":
		c.bad = json.Unmarshal(said.Page, &c.page) != nil
	}
	return c
}

// numbers are the numbers that a cursor names, by page: the epoch and each page with its number, as live/cursor.go
// writes them.
func numbers(cursor string) map[uuid.UUID]int64 {
	numbers := map[uuid.UUID]int64{}
	for _, part := range strings.Split(cursor, ".")[1:] {
		const length = 22 // characters of base64url for 16 bytes
		if len(part) < length+2 {
			continue
		}
		id, err := base64.RawURLEncoding.DecodeString(part[:length])
		seq, err2 := strconv.ParseInt(part[length+1:], 10, 64)
		if err == nil && err2 == nil {
			numbers[uuid.UUID(id)] = seq
		}
	}
	return numbers
}
