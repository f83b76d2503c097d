package export

import (
	"encoding/json"
	"io"
	"iter"

	"limn/storage"
)

// An Account is all that there is of an account: who it is, and what it wrote.
type Account struct {
	Account    storage.Account    `json:"account"`
	Identities []storage.Identity `json:"identities"`
	Groups     []storage.Group    `json:"groups"`
	Tokens     []storage.Token    `json:"tokens"`
	Webhooks   []storage.Webhook  `json:"webhooks"`

	Highlights iter.Seq2[storage.Highlight, error]     `json:"-"`
	Replies    iter.Seq2[storage.Reply, error]         `json:"-"`
	Flags      iter.Seq2[storage.OwnFlag, error]       `json:"-"`
	Files      iter.Seq2[*storage.AttachedFile, error] `json:"-"`
}

// Write writes it, with the files in pieces, as the json format has them:
//
//	{"version": 1, "account": {…}, "identities": […], "groups": […], "tokens": […], "webhooks": […], "highlights": [{…}, …], "replies": [{…}, …],
//	 "flags": [{…}, …], "files": [{"id": …, "highlight": …, "content": ["…", …]}, …]}
func (a Account) Write(w io.Writer) error {
	head, err := json.Marshal(a)
	if err != nil {
		return err
	}
	first := `{"version":` + jsonVersion + `,` + string(head[1:len(head)-1])
	if err := writeAll(&list{w: w, head: first + `,"highlights":[`, tail: "],"}, a.Highlights); err != nil {
		return err
	}
	if err := writeAll(&list{w: w, head: `"replies":[`, tail: "],"}, a.Replies); err != nil {
		return err
	}
	if err := writeAll(&list{w: w, head: `"flags":[`, tail: "],"}, a.Flags); err != nil {
		return err
	}
	files := &list{w: w, head: `"files":[`, tail: "]}\n"}
	for f, err := range a.Files {
		if err == nil {
			err = files.next()
		}
		if err == nil {
			err = writeFile(w, f, &f.On.Highlight)
		}
		if err != nil {
			return err
		}
	}
	return files.end()
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
