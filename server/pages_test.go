package server_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
)

func TestPageAndItsCounts(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	url, reads := serveArticle(t, article)
	made := ada.do("POST", "/highlights", `{"url":`+quoted(url)+`,"group":"public","ranges":[`+passage+`]}`, "Prefer", "wait=5").is(http.StatusCreated)
	ada.do("POST", "/highlights", `{"url":`+quoted(url)+`,"ranges":[`+passage+`]}`, "Prefer", "wait=5").is(http.StatusCreated)

	byURL := s.anonymous().do("GET", "/pages?url="+url, "").is(http.StatusOK)
	if byURL.number("counts.total") != 1 || byURL.number("counts.verified") != 1 || byURL.text("title") != "An article" {
		t.Errorf("a stranger sees %s", byURL.body)
	}
	byID := ada.do("GET", "/pages/"+made.text("page.id"), "").is(http.StatusOK)
	if byID.number("counts.total") != 2 {
		t.Errorf("Ada sees %s", byID.body)
	}
	s.anonymous().do("GET", "/pages?url=https://example.org/unknown", "").isProblem(http.StatusNotFound, "not_found")
	s.anonymous().do("GET", "/pages", "").isProblem(http.StatusBadRequest, "unreadable")

	before := reads.Load()
	follow := ada.follow("/stream?url=" + url)
	follow.until("live")
	ada.do("POST", "/pages/"+made.text("page.id")+"/check", "").is(http.StatusAccepted)
	eventually(t, func() bool { return reads.Load() > before })
	s.anonymous().do("POST", "/pages/"+made.text("page.id")+"/check", "").isProblem(http.StatusUnauthorized, "unauthenticated")
}

func TestPagesNearAPrefix(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	ada.do("POST", "/highlights", `{"url":"https://example.org/public","group":"public"}`).is(http.StatusCreated)
	ada.do("POST", "/highlights", `{"url":"https://example.org/private"}`).is(http.StatusCreated)
	hash := func(url string) string {
		sum := sha256.Sum256([]byte(url))
		return hex.EncodeToString(sum[:])
	}
	public, private := hash("https://example.org/public"), hash("https://example.org/private")

	near := func(c client, prefix string) string {
		return c.do("GET", "/pages/near/"+prefix, "").is(http.StatusOK).body
	}
	for _, digits := range []int{4, 5, 8} {
		if !strings.Contains(near(s.anonymous(), public[:digits]), public) {
			t.Errorf("%d digits do not find the page", digits)
		}
	}
	if strings.Contains(near(s.anonymous(), private[:4]), private) {
		t.Error("a stranger learns of a private highlight")
	}
	if !strings.Contains(near(ada, strings.ToUpper(private[:6])), private) {
		t.Error("Ada does not find her own page")
	}
	for _, prefix := range []string{"abc", "123456789", "wxyz"} {
		s.anonymous().do("GET", "/pages/near/"+prefix, "").isProblem(http.StatusBadRequest, "unreadable")
	}
}

func TestVerifyKeepsNothing(t *testing.T) {
	s := startService(t)
	url, _ := serveArticle(t, article)

	report := s.anonymous().do("POST", "/verify", `{"url":`+quoted(url)+`,"ranges":[`+passage+`,
		{"anchor":{"xpath":"/html[1]/body[1]/p[7]","offset":0},"focus":{"xpath":"/html[1]/body[1]/p[7]","offset":0}}]}`).is(http.StatusOK)
	ranges := report.at("ranges").([]any)
	first, second := ranges[0].(map[string]any), ranges[1].(map[string]any)
	if first["state"] != "verified" || first["quote"] != "best of times" {
		t.Errorf("the first is %v", first)
	}
	if second["state"] != "orphaned" || second["quote"] != nil {
		t.Errorf("the second is %v", second)
	}
	s.anonymous().do("GET", "/pages?url="+url, "").isProblem(http.StatusNotFound, "not_found")

	for _, refused := range []string{"gopher://example.org/", "data:text/html,x", "javascript:1", "http://u:p@example.org/", `http://a\\@b/`, "http://example.org:22/"} {
		s.anonymous().do("POST", "/verify", `{"url":"`+refused+`"}`).isProblem(http.StatusUnprocessableEntity, "invalid", "/url")
	}
	for _, private := range []string{"http://10.1.2.3/", "http://0x0a.1/", "http://[::ffff:a00:1]/", "http://①⑥⑨.254.169.254/", "http://[fe80::1]/"} {
		report := s.anonymous().do("POST", "/verify", `{"url":`+quoted(private)+`,"ranges":[`+passage+`]}`).is(http.StatusOK)
		if report.text("reason") != "refused_address" {
			t.Errorf("%s: %s", private, report.body)
		}
	}
}
