package server

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"limn/storage"
)

// A list is one page of a list.
type list[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next"` // the cursor of the next page; null: there is none
}

// newList makes an answer of a page of a list, with a link to the next.
func newList[T any](c *gin.Context, items []T, next string) list[T] {
	if next == "" {
		return list[T]{Items: items}
	}
	link := *c.Request.URL
	values := link.Query()
	values.Set("after", next)
	link.RawQuery = values.Encode()
	c.Header("Link", fmt.Sprintf(`<%s>; rel="next"`, link.RequestURI()))
	return list[T]{Items: items, Next: &next}
}

var (
	etag     = regexp.MustCompile(`^(W/)?"[^"]*"$`)
	etagHere = regexp.MustCompile(`^"([0-9]{1,18})"$`)
)

// noVersion is what an ETag names that was never given.
const noVersion = -1

// ifMatch is the version that a change is meant for; nil: whatever there is.
func ifMatch(c *gin.Context) (*int64, error) {
	value := strings.TrimSpace(c.GetHeader("If-Match"))
	if value == "" || value == "*" {
		return nil, nil
	}
	if !etag.MatchString(value) {
		return nil, &unreadableError{"the header If-Match", `must be one ETag, such as "3"`}
	}
	match := etagHere.FindStringSubmatch(value)
	if match == nil { // a weak one, or another server's
		return new(int64(noVersion)), nil
	}
	version, err := strconv.ParseInt(match[1], 10, 64)
	return &version, err
}

func setETag(c *gin.Context, version int64) { c.Header("ETag", `"`+strconv.FormatInt(version, 10)+`"`) }

// listUnder answers with what is listed under the thing that the path names, a page at a time.
func listUnder[T any](list func(context.Context, storage.Reader, uuid.UUID, storage.Paging) ([]T, string, error)) func(*gin.Context) error {
	return func(c *gin.Context) error {
		id, err := pathID(c)
		if err != nil {
			return err
		}
		q := readQuery(c, "limit", "after")
		paging := q.paging()
		if q.err != nil {
			return q.err
		}
		items, next, err := list(c, readerOf(c), id, paging)
		if err != nil {
			return err
		}
		c.JSON(http.StatusOK, newList(c, items, next))
		return nil
	}
}
