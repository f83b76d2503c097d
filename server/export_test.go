package server_test

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
)

func TestExport(t *testing.T) {
	s := startService(t)
	ada, bob := s.signUp("Ada"), s.signUp("Bob")
	made := ada.do("POST", "/highlights", `{"url":"https://example.org/a","title":"An article","group":"public","note":"=1+1","ranges":[`+
		passage[:len(passage)-1]+`,"quote":{"exact":"best of times"}}]}`).is(http.StatusCreated)
	bob.do("POST", "/highlights/"+made.text("id")+"/replies", `{"note":"why?"}`).is(http.StatusCreated)
	ada.do("POST", "/highlights", `{"url":"https://example.org/a","note":"for me alone"}`).is(http.StatusCreated)

	for format, extension := range map[string]string{"json": "json", "jsonld": "jsonld", "csv": "csv", "markdown": "md"} {
		public := s.anonymous().do("GET", "/export?url=https://example.org/a&format="+format, "").is(http.StatusOK)
		own := ada.do("GET", "/export?format="+format, "").is(http.StatusOK)
		if disposition := public.header.Get("Content-Disposition"); !strings.HasPrefix(disposition, "attachment;") || !strings.HasSuffix(disposition, "."+extension+`"`) {
			t.Errorf("%s: the disposition is %q", format, disposition)
		}
		if !strings.Contains(public.body, "best of times") || !strings.Contains(public.body, s.url) && format != "json" {
			t.Errorf("%s: a stranger gets %s", format, public.body)
		}
		if strings.Contains(public.body, "for me alone") || !strings.Contains(own.body, "for me alone") {
			t.Errorf("%s: who may read it is not who gets it", format)
		}
		if format != "csv" && !strings.Contains(public.body, "why?") {
			t.Errorf("%s: the thread is missing: %s", format, public.body)
		}
	}
	rows, err := csv.NewReader(strings.NewReader(s.anonymous().do("GET", "/export?format=csv", "").body)).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Errorf("the table is %v (%v)", rows, err)
	}
	s.anonymous().do("GET", "/export?format=docx", "").isProblem(http.StatusBadRequest, "unreadable")
	s.anonymous().do("GET", "/export?state=lost", "").isProblem(http.StatusBadRequest, "unreadable")
}
