package server_test

import (
	"fmt"
	"net/http"
	"testing"
)

// marksAt highlights a place in a page's text.
func (c client) marksAt(url, group string, start, end int) answer {
	return c.do("POST", "/highlights", fmt.Sprintf(`{"url":%q,"group":%q,"ranges":[{
		"anchor":{"xpath":"/html/body/p/text()","offset":%d},"focus":{"xpath":"/html/body/p/text()","offset":%d},
		"quote":{"exact":"words %d"},"position":{"start":%[3]d,"end":%[4]d}}]}`, url, group, start, end, start)).is(http.StatusCreated)
}

func TestPopularCountsWhatIsThereNow(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	ada.marksAt("https://one.example/", "public", 10, 20)
	h := bob.marksAt("https://one.example/", "public", 15, 25)
	ada.marksAt("https://two.example/", "public", 0, 5)

	got := s.anonymous().do("GET", "/popular?window=1h&limit=1", "").is(http.StatusOK)
	passages, pages := got.at("passages").([]any), got.at("pages").([]any)
	if len(passages) != 1 || len(pages) != 1 || passages[0].(map[string]any)["people"] != 2.0 || pages[0].(map[string]any)["highlights"] != 2.0 {
		t.Errorf("popular is %s", got.body)
	}
	bob.do("DELETE", "/highlights/"+h.text("id"), "").is(http.StatusNoContent)
	got = s.anonymous().do("GET", "/popular?url=https://one.example/", "").is(http.StatusOK)
	if passages = got.at("passages").([]any); len(passages) != 1 || passages[0].(map[string]any)["people"] != 1.0 || got.at("heat.length") != 20.0 {
		t.Errorf("after a deletion it is %s", got.body)
	}
	for _, query := range []string{"window=25h", "limit=51", "page=x", "group=", "group=x"} {
		if refused := s.anonymous().do("GET", "/popular?"+query, ""); refused.status != http.StatusBadRequest && refused.status != http.StatusNotFound {
			t.Errorf("%s is answered %d", query, refused.status)
		}
	}
}

func TestPopularIsStreamedWhenItChanges(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	group := ada.found("Readers", "closed")
	ada.puts(bob, group, "member")
	public, inGroup := s.anonymous().follow("/popular/stream"), bob.follow("/popular/stream?group="+group)
	for _, stream := range []*stream{public, inGroup} {
		if first := stream.any(); first.name != "popular" || len(first.data.at("passages").([]any)) != 0 {
			t.Fatalf("the stream begins with %s %s", first.name, first.data.body)
		}
	}
	people := func(e event) any { return e.data.at("passages").([]any)[0].(map[string]any)["people"] }

	ada.marksAt("https://one.example/", group, 10, 20)
	if e := inGroup.any(); e.name != "popular" || people(e) != 1.0 {
		t.Errorf("the group's stream says %s", e.data.body)
	}
	ada.marksAt("https://one.example/", "public", 10, 20)
	if e := public.any(); e.name != "popular" || people(e) != 1.0 || len(e.data.at("pages").([]any)) != 1 {
		t.Errorf("the public's stream says %s", e.data.body)
	}
	bob.marksAt("https://one.example/", "public", 10, 20)
	if e := public.any(); people(e) != 2.0 {
		t.Errorf("the public's stream then says %s", e.data.body)
	}

	// Who is put out of the group is told nothing more.
	ada.do("DELETE", "/groups/"+group+"/members/"+bob.id(), "").is(http.StatusNoContent)
	ada.marksAt("https://two.example/", group, 10, 20)
	if e, open := <-inGroup.events; open {
		t.Errorf("who is out of the group is told %s %s", e.name, e.data.body)
	}
	bob.do("GET", "/popular/stream?group="+group, "").isProblem(http.StatusNotFound, "not_found")
	bob.do("GET", "/popular?group="+group, "").isProblem(http.StatusNotFound, "not_found")
}
