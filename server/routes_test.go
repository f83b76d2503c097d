package server

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"limn/storage"
)

// What is described can be asked for, what can be asked for is described, and so is who may.
func TestRoutesAreThoseDescribed(t *testing.T) {
	text, err := openAPI()
	if err != nil {
		t.Fatal(err)
	}
	d, err := readDescription(text)
	if err != nil {
		t.Fatal(err)
	}
	var described, served []string
	for path, methods := range d.Paths {
		for _, o := range methods {
			needs := ""
			if len(o.Security) > 0 {
				needs = " with an account"
			}
			described = append(described, o.Method+" "+path+needs)
		}
	}
	for _, r := range (&Server{}).routes() {
		needs := ""
		if r.needs != nothing {
			needs = " with an account"
		}
		served = append(served, r.method+" "+r.path+needs)
	}
	slices.Sort(described)
	slices.Sort(served)
	if !slices.Equal(described, served) {
		t.Errorf("described:\n%s\nserved:\n%s", strings.Join(described, "\n"), strings.Join(served, "\n"))
	}
}

// The type of each problem leads to where its code is explained.
func TestEveryProblemIsExplained(t *testing.T) {
	web, err := NewWeb(nil, Manual{Papers: os.DirFS("..")})
	if err != nil {
		t.Fatal(err)
	}
	page, _ := web.document("/docs/api")
	docs := string(page.content)
	for _, p := range problemCodes() {
		if n := strings.Count(docs, `id="`+p.Code+`"`); n != 1 {
			t.Errorf("%s is explained %d times", p.Code, n)
		}
	}
	for _, err := range []error{
		&unreadableError{"the query", "is not well-formed"}, &storage.URLError{Detail: "must have a host"},
		&storage.InvalidError{Fields: []storage.FieldError{{Pointer: "/note", Detail: "is missing"}}}, errors.New("a fault"), errNoRoute,
	} {
		if p := problemOf(err); !strings.Contains(docs, `id="`+strings.TrimPrefix(p.Type, "/docs/api#")+`"`) {
			t.Errorf("%s is not explained", p.Type)
		}
	}
}
