package server_test

import (
	"cmp"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"limn/storage/storagetest"
)

// found makes a group, and returns its id.
func (c client) found(name, kind string) string {
	c.t.Helper()
	return c.do("POST", "/groups", `{"name":`+quoted(name)+`,"kind":"`+kind+`"}`).is(http.StatusCreated).text("id")
}

// id is that of the client's account.
func (c client) id() string { return c.do("GET", "/me", "").text("id") }

// puts gives somebody a role in a group.
func (c client) puts(who client, group, role string) answer {
	c.t.Helper()
	return c.do("PUT", "/groups/"+group+"/members/"+who.id(), `{"role":"`+role+`"}`)
}

func TestGroupIsFounded(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")

	made := ada.do("POST", "/groups", `{"name":"  Book  club "}`).is(http.StatusCreated)

	if made.text("name") != "Book club" || made.text("kind") != "closed" || made.text("role") != "owner" {
		t.Errorf("founded as %s", made.body)
	}
	if list := ada.do("GET", "/groups", "").items(); len(list) != 1 || list[0]["id"] != made.text("id") {
		t.Errorf("her groups are %v", list)
	}
	for _, name := range []string{"book club", "ＢＯＯＫ CLUB", "Book\u200d club"} {
		bob.do("POST", "/groups", `{"name":`+quoted(name)+`}`).isProblem(http.StatusConflict, "name_taken")
	}
	for body, pointer := range map[string]string{
		`{}`:                         "/name",
		`{"name":" "}`:               "/name",
		`{"name":"a\u202eb"}`:        "/name",
		`{"name":"B","kind":"half"}`: "/kind",
		`{"name":"B","id":"00000000-0000-0000-0000-000000000000"}`: "/id",
		`{"name":"B","id":"00000000-0000-7000-c000-000000000001"}`: "/id",
	} {
		bob.do("POST", "/groups", body).isProblem(http.StatusUnprocessableEntity, "invalid", pointer)
	}
	s.anonymous().do("POST", "/groups", `{"name":"B"}`).isProblem(http.StatusUnauthorized, "unauthenticated")
}

// An id is chosen by whoever founds a group, but never that of a place that somebody else writes in.
func TestGroupTakesNobodysPlace(t *testing.T) {
	s := startService(t)
	ada, eve := s.signUp("Ada"), s.signUp("Eve")
	ada.mark("secret", "me")

	eve.do("POST", "/groups", `{"name":"Ada's","id":"`+ada.id()+`"}`).isProblem(http.StatusConflict, "id_in_use")

	id := uuid.NewString()
	body := `{"name":"Mine","id":"` + id + `"}`
	eve.do("POST", "/groups", body).is(http.StatusCreated)
	eve.do("POST", "/groups", body).is(http.StatusOK)
	eve.do("POST", "/groups", `{"name":"Other","id":"`+id+`"}`).isProblem(http.StatusConflict, "id_in_use")
	ada.do("POST", "/groups", body).isProblem(http.StatusConflict, "id_in_use")
	eve.do("DELETE", "/groups/"+id, "").is(http.StatusNoContent)
	ada.do("POST", "/groups", body).isProblem(http.StatusConflict, "id_in_use")
	eve.do("POST", "/groups", `{"name":"Mine"}`).is(http.StatusCreated)
}

func TestRolesAreGiven(t *testing.T) {
	s := startService(t)
	owner, moderator, member, stranger := s.signUp("Owner"), s.signUp("Moderator"), s.signUp("Member"), s.signUp("Stranger")
	group := owner.found("Club", "closed")

	owner.puts(moderator, group, "moderator").is(http.StatusCreated)
	moderator.puts(member, group, "member").is(http.StatusCreated)
	owner.puts(member, group, "reader").is(http.StatusOK)

	moderator.puts(stranger, group, "moderator").isProblem(http.StatusForbidden, "forbidden")
	moderator.puts(owner, group, "reader").isProblem(http.StatusForbidden, "forbidden")
	moderator.puts(moderator, group, "owner").isProblem(http.StatusForbidden, "forbidden")
	member.puts(member, group, "member").isProblem(http.StatusForbidden, "forbidden")
	member.puts(stranger, group, "reader").isProblem(http.StatusForbidden, "forbidden")
	stranger.puts(stranger, group, "reader").isProblem(http.StatusNotFound, "not_found")
	owner.puts(stranger, group, "king").isProblem(http.StatusUnprocessableEntity, "invalid", "/role")
	owner.do("PUT", "/groups/"+group+"/members/"+uuid.NewString(), `{}`).isProblem(http.StatusNotFound, "not_found")
	owner.do("PUT", "/groups/"+group+"/members/x", `{}`).isProblem(http.StatusNotFound, "not_found")
	moderator.do("DELETE", "/groups/"+group+"/members/"+owner.id(), "").isProblem(http.StatusForbidden, "forbidden")
	member.do("DELETE", "/groups/"+group+"/members/"+moderator.id(), "").isProblem(http.StatusForbidden, "forbidden")
	member.do("PATCH", "/groups/"+group, `{"name":"Mine"}`).isProblem(http.StatusForbidden, "forbidden")
	moderator.do("DELETE", "/groups/"+group, "").isProblem(http.StatusForbidden, "forbidden")

	moderator.do("DELETE", "/groups/"+group+"/members/"+member.id(), "").is(http.StatusNoContent)
	moderator.do("DELETE", "/groups/"+group+"/members/"+member.id(), "").isProblem(http.StatusNotFound, "not_found")
	member.do("GET", "/groups/"+group+"/members", "").isProblem(http.StatusNotFound, "not_found")
	var list []string
	for _, m := range owner.do("GET", "/groups/"+group+"/members", "").is(http.StatusOK).items() {
		list = append(list, m["account"].(map[string]any)["name"].(string)+" "+m["role"].(string))
	}
	if got := strings.Join(list, ", "); got != "Owner owner, Moderator moderator" {
		t.Errorf("the members are %s", got)
	}
}

// A group always has somebody who owns it.
func TestLastOwnerStays(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	group := ada.found("Club", "closed")
	me := "/groups/" + group + "/members/" + ada.id()
	ada.puts(bob, group, "moderator").is(http.StatusCreated)

	ada.do("DELETE", me, "").isProblem(http.StatusConflict, "last_owner")
	ada.puts(ada, group, "reader").isProblem(http.StatusConflict, "last_owner")
	ada.puts(bob, group, "owner").is(http.StatusOK)
	ada.do("DELETE", me, "").is(http.StatusNoContent)
	ada.do("GET", "/groups/"+group, "").isProblem(http.StatusNotFound, "not_found")
	if got := bob.do("GET", "/groups/"+group, "").is(http.StatusOK).text("role"); got != "owner" {
		t.Errorf("Bob is %s", got)
	}
}

// Of two owners who leave at once, one stays.
func TestOwnersWhoLeaveAtOnceDoNotBothLeave(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	group := ada.found("Club", "closed")
	ada.puts(bob, group, "owner").is(http.StatusCreated)

	var left atomic.Int32
	var leaving sync.WaitGroup
	for _, c := range []client{ada, bob} {
		leaving.Go(func() {
			if c.do("DELETE", "/groups/"+group+"/members/"+c.id(), "").status == http.StatusNoContent {
				left.Add(1)
			}
		})
	}
	leaving.Wait()

	if left.Load() != 1 {
		t.Errorf("%d left", left.Load())
	}
}

func TestInvites(t *testing.T) {
	s := startService(t)
	ada, bob, eve := s.signUp("Ada"), s.signUp("Bob"), s.signUp("Eve")
	group := ada.found("Club", "closed")
	invites := "/groups/" + group + "/invites"

	made := ada.do("POST", invites, `{"role":"reader","max_uses":1,"expires_in":3600}`).is(http.StatusCreated)

	code := made.text("code")
	if !strings.HasSuffix(made.text("url"), code) || made.text("role") != "reader" || made.number("max_uses") != 1 {
		t.Errorf("the invite is %s", made.body)
	}
	joined := bob.do("POST", "/invites/"+code+"/accept", "").is(http.StatusOK)
	if joined.text("id") != group || joined.text("role") != "reader" {
		t.Errorf("Bob joined %s", joined.body)
	}
	bob.do("POST", "/invites/"+code+"/accept", "").is(http.StatusOK) // who is in stays in
	eve.do("POST", "/invites/"+code+"/accept", "").isProblem(http.StatusNotFound, "not_found")
	eve.do("POST", "/invites/nonsense/accept", "").isProblem(http.StatusNotFound, "not_found")
	list := ada.do("GET", invites, "").is(http.StatusOK).items()
	if len(list) != 1 || list[0]["uses"] != 1.0 || list[0]["code"] != nil {
		t.Errorf("the list is %v", list)
	}

	revoked := ada.do("POST", invites, `{}`).is(http.StatusCreated)
	ada.do("DELETE", "/invites/"+revoked.text("id"), "").is(http.StatusNoContent)
	eve.do("POST", "/invites/"+revoked.text("code")+"/accept", "").isProblem(http.StatusNotFound, "not_found")
	expired := ada.do("POST", invites, `{"expires_in":1}`).is(http.StatusCreated)
	eventually(t, func() bool { return len(ada.do("GET", invites, "").items()) == 1 })
	eve.do("POST", "/invites/"+expired.text("code")+"/accept", "").isProblem(http.StatusNotFound, "not_found")

	bob.do("GET", invites, "").isProblem(http.StatusForbidden, "forbidden")
	bob.do("POST", invites, `{}`).isProblem(http.StatusForbidden, "forbidden")
	eve.do("GET", invites, "").isProblem(http.StatusNotFound, "not_found")
	eve.do("DELETE", "/invites/"+made.text("id"), "").isProblem(http.StatusNotFound, "not_found")
	for body, pointer := range map[string]string{
		`{"role":"king"}`: "/role", `{"max_uses":0}`: "/max_uses", `{"max_uses":-1}`: "/max_uses", `{"max_uses":10001}`: "/max_uses",
		`{"expires_in":0}`: "/expires_in", `{"expires_in":9223372036854775807}`: "/expires_in", `{"expires_in":31536001}`: "/expires_in",
	} {
		ada.do("POST", invites, body).isProblem(http.StatusUnprocessableEntity, "invalid", pointer)
	}
	ada.puts(bob, group, "moderator").is(http.StatusOK)
	bob.do("POST", invites, `{"role":"moderator"}`).isProblem(http.StatusForbidden, "forbidden")
	bob.do("POST", invites, `{"role":"member"}`).is(http.StatusCreated)
}

func TestInviteHasOneLastUse(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	group := ada.found("Club", "closed")
	code := ada.do("POST", "/groups/"+group+"/invites", `{"max_uses":1}`).is(http.StatusCreated).text("code")
	var joined atomic.Int32
	var joining sync.WaitGroup
	for _, name := range []string{"A", "B", "C", "D", "E", "F", "G", "H"} {
		c := s.signUp(name)
		joining.Go(func() {
			if c.do("POST", "/invites/"+code+"/accept", "").status == http.StatusOK {
				joined.Add(1)
			}
		})
	}
	joining.Wait()

	if joined.Load() != 1 {
		t.Errorf("%d have joined", joined.Load())
	}
	if n := len(ada.do("GET", "/groups/"+group+"/members", "").items()); n != 2 {
		t.Errorf("there are %d members", n)
	}
}

func TestOpenGroupIsReadAndJoinedByAnybody(t *testing.T) {
	s := startService(t)
	ada, bob, nobody := s.signUp("Ada"), s.signUp("Bob"), s.anonymous()
	group := ada.found("Open club", "open")
	made := ada.mark("in the club", group)

	for _, c := range []client{bob, nobody} {
		if role := c.do("GET", "/groups/"+group, "").is(http.StatusOK).at("role"); role != nil {
			t.Errorf("a stranger is %v", role)
		}
		if n := len(c.do("GET", "/groups?kind=open", "").items()); n != 1 {
			t.Errorf("%d open groups", n)
		}
		c.do("GET", "/highlights/"+made.text("id"), "").is(http.StatusOK)
		if n := len(c.do("GET", "/highlights?group="+group, "").is(http.StatusOK).items()); n != 1 {
			t.Errorf("%d highlights in the group", n)
		}
		if n := len(c.do("GET", "/highlights", "").items()); n != 0 {
			t.Errorf("%d highlights of groups that were not asked for", n)
		}
		if got := notes(c.follow("/stream?group=" + group + "&url=" + streamed).until("live")); got != "in the club" {
			t.Errorf("the stream has %q", got)
		}
	}
	bob.do("POST", "/highlights", `{"url":"`+streamed+`","group":"`+group+`"}`).isProblem(http.StatusForbidden, "forbidden")
	bob.do("POST", "/highlights/"+made.text("id")+"/replies", `{"note":"x"}`).isProblem(http.StatusForbidden, "forbidden")
	bob.puts(bob, group, "owner").isProblem(http.StatusForbidden, "forbidden")

	bob.do("PUT", "/groups/"+group+"/members/"+bob.id(), `{}`).is(http.StatusCreated)
	bob.mark("Bob's", group)
	bob.do("GET", "/stream?url="+streamed+strings.Repeat("&group="+group, 101), "").isProblem(http.StatusBadRequest, "unreadable")
	if n := len(bob.do("GET", "/highlights", "").items()); n != 2 {
		t.Errorf("a member sees %d highlights", n)
	}
}

// What others wrote for a group stays in it.
func TestAnsweredHighlightDoesNotLeaveItsGroup(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	group := ada.found("Club", "closed")
	ada.puts(bob, group, "member").is(http.StatusCreated)
	made := "/highlights/" + ada.mark("hers", group).text("id")
	ada.do("POST", made+"/replies", `{"note":"her own"}`).is(http.StatusCreated)
	ada.do("PATCH", made, `{"group":"public"}`).is(http.StatusOK)
	ada.do("PATCH", made, `{"group":"`+group+`"}`).is(http.StatusOK)

	bob.do("POST", made+"/replies", `{"note":"between us"}`).is(http.StatusCreated)

	ada.do("PATCH", made, `{"group":"public"}`).isProblem(http.StatusConflict, "answered")
	ada.do("PATCH", made, `{"group":"`+ada.found("Other", "closed")+`"}`).isProblem(http.StatusConflict, "answered")
	ada.do("PATCH", made, `{"group":"me"}`).is(http.StatusOK)
	bob.do("GET", made+"/replies", "").isProblem(http.StatusNotFound, "not_found")
}

func TestDeletedGroupIsGoneWithWhatStoodInIt(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	group := ada.found("Club", "closed")
	ada.puts(bob, group, "member").is(http.StatusCreated)
	hers := ada.mark("hers, in the club", group).text("id")
	bob.do("POST", "/highlights/"+hers+"/replies", `{"note":"his, in the club"}`).is(http.StatusCreated)
	kept := ada.mark("elsewhere", "me").text("id")

	ada.do("DELETE", "/groups/"+group, "").is(http.StatusNoContent)

	for _, c := range []client{ada, bob} {
		c.do("GET", "/groups/"+group, "").isProblem(http.StatusNotFound, "not_found")
		c.do("GET", "/highlights/"+hers, "").isProblem(http.StatusNotFound, "not_found")
		c.do("GET", "/highlights?group="+group, "").isProblem(http.StatusNotFound, "not_found")
	}
	ada.do("GET", "/highlights/"+kept, "").is(http.StatusOK)
	ada.do("POST", "/groups", `{"name":"club"}`).is(http.StatusCreated)
	eventually(t, func() bool { return s.holds("in the club") == 0 })
}

// holds is in how many rows of the database a text stands.
func (s service) holds(text string) (rows int) {
	s.t.Helper()
	conn, err := s.store.Connect(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(s.t.Context())
	tables, _ := conn.Query(s.t.Context(), `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)
	names, err := pgx.CollectRows(tables, pgx.RowTo[string])
	if err != nil {
		s.t.Fatal(err)
	}
	for _, name := range names {
		var n int
		err := conn.QueryRow(s.t.Context(), `SELECT count(*) FROM `+pgx.Identifier{name}.Sanitize()+` t WHERE strpos(t::text, $1) > 0`, text).Scan(&n)
		if err != nil {
			s.t.Fatal(err)
		}
		rows += n
	}
	return rows
}

// ends waits for a stream to end, and returns what it said until then.
func (s *stream) ends() (events []event) {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case e, open := <-s.events:
			if !open {
				return events
			}
			s.lastID = cmp.Or(e.id, s.lastID)
			events = append(events, e)
		case <-deadline:
			s.t.Fatal("the stream goes on")
		}
	}
}

// Whoever is taken out of a group hears nothing more of it, through any instance and on coming back; who is let in again
// has what was there before.
func TestStreamFollowsMembership(t *testing.T) {
	store := storagetest.Open(t)
	here, there := startInstance(t, store), startInstance(t, store)
	ada, bob := here.signUp("Ada"), here.signUp("Bob")
	group := ada.found("Club", "closed")
	ada.mark("before Bob came", group)
	bob.url = there.url
	path := "/stream?url=" + streamed
	stranger := bob.settled(path)

	ada.puts(bob, group, "reader").is(http.StatusCreated)
	stranger.ends()
	member := bob.follow(path, "Last-Event-ID", stranger.lastID)
	events := member.until("live")
	if events[0].name != "resync" || events[0].data.text("reason") != "other_groups" || notes(events) != "before Bob came" {
		t.Errorf("a new member is sent %s and %q", events[0].name, notes(events))
	}
	ada.mark("with Bob", group)
	member.untilNote("with Bob")

	ada.do("DELETE", "/groups/"+group+"/members/"+bob.id(), "").is(http.StatusNoContent)
	ada.mark("without Bob", group)
	if said := textOf(member.ends()); strings.Contains(said, "without Bob") {
		t.Errorf("afterwards he is sent %s", said)
	}
	events = bob.follow(path, "Last-Event-ID", member.lastID).until("live")
	if events[0].name != "resync" || notes(events) != "" {
		t.Errorf("coming back he is sent %s and %q", events[0].name, notes(events))
	}
	public := bob.settled(path + "&group=public")
	public.end()
	if events := bob.follow(path, "Last-Event-ID", public.lastID).until("live"); events[0].name != "resync" {
		t.Errorf("a reader of other groups than before is sent %s", events[0].name)
	}
}

// Who has forgotten a page for a while without a group, and got no further than that, is sent all of it when let in again.
func TestWhoForgotAPageIsSentItAgain(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	group := ada.found("Club", "closed")
	ada.puts(bob, group, "reader").is(http.StatusCreated)
	ada.mark("kept", group)
	path := "/stream?url=" + streamed
	member := bob.follow(path)
	member.until("live")

	ada.do("DELETE", "/groups/"+group+"/members/"+bob.id(), "").is(http.StatusNoContent)
	member.ends()
	stranger := bob.follow(path, "Last-Event-ID", member.lastID)
	stranger.until("resync")
	stranger.end()
	ada.puts(bob, group, "reader").is(http.StatusCreated)

	back := bob.follow(path, "Last-Event-ID", cmp.Or(stranger.lastID, member.lastID)) // as browsers keep it
	if got := notes(back.until("live")); got != "kept" {
		t.Errorf("back in the group the reader holds %q", got)
	}
}

// An open group that closes is closed to those who were reading.
func TestStreamOfGuestEndsWhenTheGroupCloses(t *testing.T) {
	s := startService(t)
	ada, nobody := s.signUp("Ada"), s.anonymous()
	group := ada.found("Club", "open")
	path := "/stream?url=" + streamed + "&group=" + group
	guest := nobody.settled(path)

	ada.do("PATCH", "/groups/"+group, `{"kind":"closed"}`).is(http.StatusOK)

	guest.ends()
	nobody.do("GET", path, "").isProblem(http.StatusNotFound, "not_found")
}

// Asking for what is so already disturbs nobody.
func TestStreamGoesOnWhenNothingChanges(t *testing.T) {
	s := startService(t)
	ada, eve := s.signUp("Ada"), s.signUp("Eve")
	group := ada.found("Club", "open")
	reader := ada.settled("/stream?url=" + streamed)

	eve.puts(ada, group, "owner").is(http.StatusOK)

	ada.mark("still here", group)
	reader.untilNote("still here")
}
