package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"limn/storage"
)

const (
	threadReplies  = 100 // of a thread at once
	historyEntries = 20  // the newest
)

// A highlightView is a highlight with its thread and what happened to it.
type highlightView struct {
	Highlight storage.Highlight
	GroupName string
	Passage   string // the page's URL, with what makes a browser go to the passage
	Rights    storage.Rights
	Replies   []threadReply
	Next      string
	History   []storage.Entry
	Stream    string
}

// A threadReply is a reply with what its reader may do, and to whom it answers.
type threadReply struct {
	storage.Reply
	To    string // the name of whom it answers, if that stands above; empty: the highlight
	Erase bool
}

// viewHighlight is where a highlight's link leads: people read it, with or without the extension, and open the page at the
// passage with one click. Programs that do not ask for a page are sent on to there.
func (s *Server) viewHighlight(c *gin.Context) error {
	c.Header("Vary", "Accept, Authorization, Cookie")
	if !strings.Contains(c.GetHeader("Accept"), "text/html") {
		return s.openHighlight(c)
	}
	return s.answerHighlight(c, http.StatusOK, form{})
}

func (s *Server) answerHighlight(c *gin.Context, status int, typed form) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	reader, after := readerOf(c), c.Query("after")
	h, err := s.store.GetHighlight(c, reader, id)
	if err != nil {
		return err
	}
	body := highlightView{Highlight: h, Passage: h.Page.URL + textDirective(h.Page.URL, h.Ranges), Rights: reader.RightsOn(h)}
	if body.Stream, err = s.streamAround(c, h); err != nil {
		return err
	}
	if body.Replies, body.Next, err = s.thread(c, h, after); err != nil {
		return err
	}
	if body.History, _, err = s.store.ListHistory(c, reader, id, storage.Paging{Limit: historyEntries}); err != nil {
		return err
	}
	if body.GroupName, err = s.groupName(c, h.Group); err != nil {
		return err
	}
	title := short(h)
	if title == "" {
		title = "A note on " + named(h.Page)
	}
	return s.show(c, status, "highlight", view{Title: truncate(title, 80), Path: "/h/" + id.String(), Scripts: []string{"/live.js"}, Form: typed, Body: body})
}

// streamAround tells what changes on a highlight's page, in its group too if that is an open one of which one is no member.
func (s *Server) streamAround(c *gin.Context, h storage.Highlight) (string, error) {
	reader, groups := readerOf(c), []string(nil)
	if group, err := uuid.Parse(h.Group); err == nil && reader.Roles[group] == "" {
		groups = []string{h.Group}
		if reader, err = s.store.Only(c, reader, groups...); err != nil {
			return "", err
		}
	}
	return streamPath(s.hub.Cursor(reader, map[uuid.UUID]int64{h.Page.ID: h.Seq}), groups, []uuid.UUID{h.Page.ID}), nil
}

// thread is a part of the replies to a highlight.
func (s *Server) thread(c *gin.Context, h storage.Highlight, after string) (thread []threadReply, next string, err error) {
	replies, next, err := s.store.ListReplies(c, readerOf(c), h.ID, storage.Paging{Limit: threadReplies, After: after})
	if err != nil {
		return nil, "", err
	}
	names := map[uuid.UUID]string{}
	for _, r := range replies {
		names[r.ID] = r.Author.Name
		reply := threadReply{Reply: r, Erase: readerOf(c).MayErase(h, r)}
		if r.InReplyTo != nil {
			reply.To = names[*r.InReplyTo]
		}
		thread = append(thread, reply)
	}
	if next != "" {
		next = "/h/" + h.ID.String() + "?after=" + next
	}
	return thread, next, nil
}

// groupName is what the group of a highlight is called that one reads; empty: it is public.
func (s *Server) groupName(c *gin.Context, name string) (string, error) {
	switch id, err := uuid.Parse(name); {
	case name == "me":
		return "Only me", nil
	case err != nil:
		return "", nil
	default:
		g, err := s.store.GetGroup(c, readerOf(c), id)
		return g.Name, err
	}
}

// openHighlight sends a browser to the page, at the passage: it looks for the text itself.
func (s *Server) openHighlight(c *gin.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	h, err := s.store.GetHighlight(c, readerOf(c), id)
	if err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, h.Page.URL+textDirective(h.Page.URL, h.Ranges))
	return nil
}

// formOf is a form's handler on a highlight's page: what it refuses is said there.
func (s *Server) formOf(do func(*gin.Context, form, uuid.UUID) (done string, err error)) func(*gin.Context) error {
	return filled(func(c *gin.Context, f form) error {
		id, err := pathID(c)
		if err != nil {
			return err
		}
		done, err := do(c, f, id)
		if err == nil {
			return leave(c, "/h/"+id.String(), done)
		}
		judged, status, fault := f.judge(err)
		if fault != nil {
			return fault
		}
		return s.answerHighlight(c, status, judged)
	})
}

func (s *Server) replyOnPage(c *gin.Context, f form, id uuid.UUID) (string, error) {
	if strings.TrimSpace(f.text("note")) == "" {
		return "", refused("/note", "needs a word or two")
	}
	_, page, _, err := s.store.CreateReply(c, readerOf(c), storage.NewReply{Highlight: id, Note: f.text("note")})
	if err == nil {
		s.hub.Changed(page)
	}
	return "", err
}

func (s *Server) editOnPage(c *gin.Context, f form, id uuid.UUID) (string, error) {
	note := f.text("note-of-highlight")
	h, err := s.store.UpdateHighlight(c, readerOf(c), id, storage.HighlightEdit{Note: &note})
	if err == nil {
		s.hub.Changed(h.Page.ID)
	}
	return "edited", err
}

func (s *Server) deleteReplyOnPage(c *gin.Context, _ form, _ uuid.UUID) (string, error) {
	reply, err := uuid.Parse(c.Param("reply"))
	if err != nil {
		return "", storage.ErrNotFound
	}
	page, err := s.store.DeleteReply(c, readerOf(c), reply, nil)
	if err == nil {
		s.hub.Changed(page)
	}
	return "reply-deleted", err
}

func (s *Server) flagOnPage(c *gin.Context, f form, id uuid.UUID) (string, error) {
	return "flagged", s.store.FlagHighlight(c, readerOf(c), id, f.text("reason"))
}

func (s *Server) unflagOnPage(c *gin.Context, _ form, id uuid.UUID) (string, error) {
	return "unflagged", s.store.DeleteFlags(c, readerOf(c), id)
}

func (s *Server) hideOnPage(c *gin.Context, f form, id uuid.UUID) (string, error) {
	hide := f.text("hide") != "no"
	page, err := s.store.HideHighlight(c, readerOf(c), id, hide)
	if err == nil {
		s.hub.Changed(page)
	}
	return map[bool]string{true: "hidden", false: "shown"}[hide], err
}

// deleteOnPage erases a highlight, and leads to the page that it stood on, if there is anything left of it to see.
func (s *Server) deleteOnPage(c *gin.Context, _ form) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	page, err := s.store.DeleteHighlight(c, readerOf(c), id, nil)
	if err != nil {
		return err
	}
	s.hub.Changed(page)
	_, err = s.store.GetPage(c, readerOf(c), page)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return leave(c, "/", "deleted")
	case err != nil:
		return err
	}
	return leave(c, "/p/"+page.String(), "deleted")
}
