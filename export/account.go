package export

import (
	"encoding/json"
	"io"
	"iter"

	"limn/storage"
)

// An Account is what there is of an account, but for what it wrote.
type Account struct {
	Account storage.Account `json:"account"`
	Groups  []storage.Group `json:"groups"`
	Tokens  []storage.Token `json:"tokens"`
}

// Write writes an account with all that it wrote:
//
//	{"version": 1, "account": {…}, "groups": […], "tokens": […], "highlights": [{…}, …], "replies": [{…}, …]}
func (a Account) Write(w io.Writer, highlights iter.Seq2[storage.Highlight, error], replies iter.Seq2[storage.Reply, error]) error {
	head, err := json.Marshal(a)
	if err != nil {
		return err
	}
	first := `{"version":` + jsonVersion + `,` + string(head[1:len(head)-1])
	if err := writeAll(&list{w: w, head: first + `,"highlights":[`, tail: "],"}, highlights); err != nil {
		return err
	}
	return writeAll(&list{w: w, head: `"replies":[`, tail: "]}\n"}, replies)
}

func writeAll[T any](l *list, items iter.Seq2[T, error]) error {
	for item, err := range items {
		if err == nil {
			err = l.add(item)
		}
		if err != nil {
			return err
		}
	}
	return l.end()
}
