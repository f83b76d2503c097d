package export

import (
	"io"

	"limn/storage"
)

// An ndjsonSheet has the items of json, one a line: for what reads line by line, and for what is too large to be held.
type ndjsonSheet struct{ io.Writer }

func beginNDJSON(w io.Writer, _ string) sheet { return ndjsonSheet{w} }

func (s ndjsonSheet) add(t storage.Thread) error {
	if err := writeItem(s.Writer, t); err != nil {
		return err
	}
	_, err := io.WriteString(s.Writer, "\n")
	return err
}

func (s ndjsonSheet) end() error { return nil }
