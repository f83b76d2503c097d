package server

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
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
