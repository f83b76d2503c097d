package export

import (
	"io"
	"regexp"
	"time"

	"github.com/google/uuid"

	"limn/storage"
	"limn/xpath"
)

// A hypothesisSheet is what Hypothesis's client writes and reads: annotations as its API has them, a reply being one that
// refers to what it answers, from the highlight down. Selections in text nodes cannot be said in its paths without the page,
// so a target has the position, which counts UTF-16 units there as here, and the quote.
type hypothesisSheet struct {
	list
}

func beginHypothesis(w io.Writer, origin string) sheet {
	now := time.Now().UTC().Format(time.RFC3339Nano)
	return &hypothesisSheet{list{w: w, head: `{"export_date":"` + now + `","export_userid":"","client_version":"limn","annotations":[`, tail: "]}\n"}}
}

type hypothesisAnnotation struct {
	ID          uuid.UUID             `json:"id"`
	Created     time.Time             `json:"created"`
	Updated     time.Time             `json:"updated"`
	User        string                `json:"user"`
	UserInfo    hypothesisUser        `json:"user_info"`
	URI         string                `json:"uri"`
	Text        string                `json:"text"`
	Tags        []string              `json:"tags"`
	Group       string                `json:"group"`
	Permissions hypothesisPermissions `json:"permissions"`
	References  []uuid.UUID           `json:"references,omitempty"`
	Target      []hypothesisTarget    `json:"target"`
	Document    hypothesisDocument    `json:"document"`
	Links       map[string]string     `json:"links"`
	Hidden      bool                  `json:"hidden"`
	Flagged     bool                  `json:"flagged"`
}

type hypothesisUser struct {
	Name string `json:"display_name"`
}

type hypothesisPermissions struct {
	Read   []string `json:"read"`
	Admin  []string `json:"admin"`
	Update []string `json:"update"`
	Delete []string `json:"delete"`
}

type hypothesisTarget struct {
	Source   string     `json:"source"`
	Selector []selector `json:"selector,omitempty"`
}

type hypothesisDocument struct {
	Title []string `json:"title"`
}

func (s *hypothesisSheet) add(t storage.Thread) error {
	h := t.Highlight
	a := hypothesisAnnotation{
		ID: h.ID, Created: h.CreatedAt.UTC(), Updated: h.UpdatedAt.UTC(), URI: h.Page.URL, Text: h.Note, Tags: append([]string{}, h.Tags...),
		Group: "__world__", Document: hypothesisDocument{[]string{h.Page.Title}}, Links: map[string]string{}, Hidden: h.Hidden,
	}
	if h.Group != "public" && h.Group != "me" {
		a.Group = h.Group
	}
	readers := "group:" + a.Group
	a.by(h.Author)
	if h.Group == "me" {
		readers = a.User
	}
	a.Permissions.Read = []string{readers}
	whole := []hypothesisTarget{{Source: h.Page.URL}}
	for _, r := range h.Ranges {
		a.Target = append(a.Target, hypothesisTarget{h.Page.URL, hypothesisSelectors(r)})
	}
	if a.Target == nil {
		a.Target = whole
	}
	if err := s.list.add(a); err != nil {
		return err
	}
	answers := map[uuid.UUID][]uuid.UUID{} // what each reply refers to
	for _, r := range t.Replies {
		answers[r.ID] = []uuid.UUID{h.ID}
		if r.InReplyTo != nil && answers[*r.InReplyTo] != nil {
			answers[r.ID] = append(append([]uuid.UUID{}, answers[*r.InReplyTo]...), *r.InReplyTo)
		}
		reply := a
		reply.ID, reply.Created, reply.Updated, reply.Text = r.ID, r.CreatedAt.UTC(), r.UpdatedAt.UTC(), r.Note
		reply.Tags, reply.References, reply.Target = []string{}, answers[r.ID], whole
		reply.by(r.Author)
		if err := s.list.add(reply); err != nil {
			return err
		}
	}
	return nil
}

// by names who wrote an annotation, and may change it.
func (a *hypothesisAnnotation) by(author storage.Account) {
	name := author.Name
	if !hypothesisName.MatchString(name) {
		name = author.ID.String()
	}
	a.User, a.UserInfo = "acct:"+name+"@limn", hypothesisUser{author.Name}
	own := []string{a.User}
	a.Permissions.Admin, a.Permissions.Update, a.Permissions.Delete = own, own, own
}

// hypothesisName is a name that Hypothesis's accounts may have.
var hypothesisName = regexp.MustCompile(`^[A-Za-z0-9._]{3,30}$`)

func hypothesisSelectors(r xpath.Range) (list []selector) {
	if p := r.Position; p != nil {
		list = append(list, position(p.Start, p.End))
	}
	if q := r.Quote; q != nil && q.Exact != "" {
		list = append(list, selector{Type: "TextQuoteSelector", Exact: q.Exact, Prefix: q.Prefix, Suffix: q.Suffix})
	}
	return list
}
