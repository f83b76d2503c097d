package server_test

import (
	"net/http"
	"strings"
	"testing"
)

// What is hidden is gone for all but those who moderate, by every way and at once, and comes back whole.
func TestHighlightIsHiddenAndShown(t *testing.T) {
	s := startService(t)
	ada, mod, bob := s.signUp("Ada"), s.signUp("Mod"), s.signUp("Bob")
	group := ada.found("Club", "closed")
	ada.puts(mod, group, "moderator").is(http.StatusCreated)
	ada.puts(bob, group, "member").is(http.StatusCreated)
	made := bob.mark("rude", group).text("id")
	reply := ada.do("POST", "/highlights/"+made+"/replies", `{"note":"why?"}`).is(http.StatusCreated).text("id")
	bobs, mods := bob.settled("/stream?url="+streamed), mod.settled("/stream?url="+streamed)

	bob.do("PUT", "/highlights/"+made+"/hidden", "").isProblem(http.StatusForbidden, "forbidden")
	mod.do("PUT", "/highlights/"+made+"/hidden", "").is(http.StatusNoContent)
	mod.do("PUT", "/highlights/"+made+"/hidden", "").is(http.StatusNoContent)

	bobs.awaits(t, "removed", func(e event) bool { return e.data.text("id") == reply })
	bobs.awaits(t, "removed", func(e event) bool { return e.data.text("id") == made })
	mods.awaits(t, "highlight", func(e event) bool { return e.data.at("hidden") == true && e.data.text("group") == group })
	bob.do("GET", "/highlights/"+made, "").isProblem(http.StatusNotFound, "not_found")
	bob.do("GET", "/highlights/"+made+"/replies", "").isProblem(http.StatusNotFound, "not_found")
	bob.do("PATCH", "/highlights/"+made, `{"group":"public"}`).isProblem(http.StatusNotFound, "not_found")
	bob.do("DELETE", "/replies/"+reply, "").isProblem(http.StatusNotFound, "not_found")
	for _, path := range []string{"/highlights?group=" + group, "/highlights?q=rude", "/export?format=json"} {
		if got := bob.do("GET", path, "").is(http.StatusOK); strings.Contains(got.body, made) {
			t.Errorf("%s has it: %s", path, got.body)
		}
	}
	if got := mod.do("GET", "/highlights?group="+group, "").items(); len(got) != 1 || got[0]["hidden"] != true {
		t.Errorf("a moderator sees %v", got)
	}
	ada.puts(mod, group, "member").is(http.StatusOK)
	mod.do("GET", "/highlights/"+made, "").isProblem(http.StatusNotFound, "not_found")

	ada.do("DELETE", "/highlights/"+made+"/hidden", "").is(http.StatusNoContent)

	bobs.untilNote("rude")
	back := bob.do("GET", "/highlights/"+made, "").is(http.StatusOK)
	if back.at("hidden") != nil || back.number("replies") != 1 || back.number("version") != 1 {
		t.Errorf("it comes back as %s", back.body)
	}
	var kinds []string
	for _, e := range bob.do("GET", "/highlights/"+made+"/history", "").items() {
		if e["kind"] != "checked" {
			kinds = append(kinds, e["kind"].(string)+" "+e["by"].(map[string]any)["name"].(string))
		}
	}
	if got := strings.Join(kinds, ", "); got != "shown Ada, hidden Mod, created Bob" {
		t.Errorf("its history is %s", got)
	}
}

func TestFlagsAreForWhoModerates(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	group := ada.found("Club", "closed")
	ada.puts(bob, group, "reader").is(http.StatusCreated)
	made := ada.mark("dubious", group).text("id")

	bob.do("POST", "/highlights/"+made+"/flags", `{"reason":"not true"}`).is(http.StatusNoContent)
	bob.do("POST", "/highlights/"+made+"/flags", `{"reason":"not true at all"}`).is(http.StatusNoContent)

	flags := ada.do("GET", "/groups/"+group+"/flags", "").is(http.StatusOK).items()
	if len(flags) != 1 || flags[0]["reason"] != "not true at all" || flags[0]["highlight"].(map[string]any)["id"] != made {
		t.Errorf("the flags are %v", flags)
	}
	bob.do("GET", "/groups/"+group+"/flags", "").isProblem(http.StatusForbidden, "forbidden")
	bob.do("POST", "/highlights/"+made+"/flags", `{"reason":"`+long(1001)+`"}`).isProblem(http.StatusUnprocessableEntity, "invalid", "/reason")
	bob.do("POST", "/highlights/"+made+"/flags", `{"reason":"\u0000"}`).isProblem(http.StatusUnprocessableEntity, "invalid", "/reason")
	ada.do("POST", "/highlights/"+ada.mark("for me", "me").text("id")+"/flags", `{}`).isProblem(http.StatusConflict, "unmoderated")
	ada.do("DELETE", "/highlights/"+made+"/flags", "").is(http.StatusNoContent)
	if flags := ada.do("GET", "/groups/"+group+"/flags", "").items(); len(flags) != 0 {
		t.Errorf("afterwards there are %v", flags)
	}
	bob.do("POST", "/highlights/"+made+"/flags", `{"reason":"a secret reason"}`).is(http.StatusNoContent)
	ada.do("DELETE", "/highlights/"+made, "").is(http.StatusNoContent)
	if s.holds("a secret reason") > 0 {
		t.Error("the flag outlives what it was about")
	}
}

func TestLogTellsWhoDidWhat(t *testing.T) {
	s := startService(t)
	ada, bob, eve := s.signUp("Ada"), s.signUp("Bob"), s.signUp("Eve")
	group := ada.found("Club", "closed")
	code := ada.do("POST", "/groups/"+group+"/invites", `{"role":"reader"}`).is(http.StatusCreated).text("code")
	bob.do("POST", "/invites/"+code+"/accept", "").is(http.StatusOK)
	ada.puts(bob, group, "moderator").is(http.StatusOK)
	bob.puts(eve, group, "member").is(http.StatusCreated)
	made := eve.mark("spam", group).text("id")
	reply := eve.do("POST", "/highlights/"+made+"/replies", `{"note":"more spam"}`).is(http.StatusCreated).text("id")
	bob.do("DELETE", "/replies/"+reply, "").is(http.StatusNoContent)
	file := eve.attaches("/highlights/"+made, "spam.txt", "spam", "").is(http.StatusCreated).header.Get("Location")[len(api):]
	bob.do("DELETE", file, "").is(http.StatusNoContent)
	bob.do("PUT", "/highlights/"+made+"/hidden", "").is(http.StatusNoContent)
	bob.do("DELETE", "/highlights/"+made, "").is(http.StatusNoContent)
	bob.do("DELETE", "/groups/"+group+"/members/"+eve.id(), "").is(http.StatusNoContent)
	ada.do("PATCH", "/groups/"+group, `{"name":"The club","kind":"open"}`).is(http.StatusOK)

	var got []string
	next := ""
	for more := true; more; more = next != "" {
		page := bob.do("GET", "/groups/"+group+"/log?limit=4&after="+next, "").is(http.StatusOK)
		for _, e := range page.items() {
			line := e["by"].(map[string]any)["name"].(string) + " " + e["action"].(string)
			if account, ok := e["account"].(map[string]any); ok {
				line += " " + account["name"].(string)
			}
			if detail := e["detail"].(string); detail != "" {
				line += " " + detail
			}
			got = append(got, line)
		}
		next = page.text("next")
	}

	want := "Ada opened, Ada renamed The club, Bob removed Eve, Bob erased Eve, Bob hidden Eve, Bob erased_attachment Eve, Bob erased_reply Eve, Bob added Eve member, " +
		"Ada role Bob moderator, Bob joined Bob reader, Ada invited reader"
	if strings.Join(got, ", ") != want {
		t.Errorf("the log is\n%s, want\n%s", strings.Join(got, ", "), want)
	}
	eve.do("GET", "/groups/"+group+"/log", "").isProblem(http.StatusForbidden, "forbidden")
	s.signUp("Stranger").do("GET", "/groups/"+group+"/log", "").isProblem(http.StatusForbidden, "forbidden")
}
