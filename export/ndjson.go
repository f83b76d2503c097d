package export

import (
	"encoding/json"
	"io"

	"limn/storage"
)

// An ndjsonSheet has the items of json, one a line: for what reads line by line, and for what is too large to be held.
type ndjsonSheet struct{ *json.Encoder }

func beginNDJSON(w io.Writer, _ string) sheet { return ndjsonSheet{json.NewEncoder(w)} }

func (s ndjsonSheet) add(t storage.Thread) error { return s.Encode(itemOf(t)) }

func (s ndjsonSheet) end() error { return nil }
