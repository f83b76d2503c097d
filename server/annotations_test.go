package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const (
	annotationType = `application/ld+json; profile="http://www.w3.org/ns/anno.jsonld"`
	preferIRIs     = `return=representation;include="http://www.w3.org/ns/oa#PreferContainedIRIs"`
	preferWhole    = `return=representation;include="http://www.w3.org/ns/oa#PreferContainedDescriptions"`
	preferMinimal  = `return=representation;include="http://www.w3.org/ns/ldp#PreferMinimalContainer"`
)

// annotates makes one request of the Web Annotation Protocol. path may be a whole IRI.
func (c client) annotates(method, path, body string, headers ...string) answer {
	c.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = c.url + path
	}
	return c.ask(http.DefaultClient.Do, method, path, body, append(c.ownHeaders(body, annotationType), headers...)...)
}

// marks posts an annotation of a page.
func (c client) marks(note string) answer {
	c.t.Helper()
	return c.annotates("POST", "/annotations/", `{"@context":"http://www.w3.org/ns/anno.jsonld","type":"Annotation","motivation":"commenting",
		"body":{"type":"TextualBody","value":"`+note+`"},"target":"https://example.org/a"}`).is(http.StatusCreated)
}

func linksTo(a answer, iri, rel string) bool {
	return slices.Contains(a.header.Values("Link"), "<"+iri+`>; rel="`+rel+`"`)
}

func containsAll(list string, words ...string) bool {
	for _, word := range words {
		if !strings.Contains(list, word) {
			return false
		}
	}
	return true
}

// Section 3.1: GET, HEAD and OPTIONS; JSON-LD with the profile; Link to ldp#Resource; ETag, Allow and Vary.
func TestProtocol31AnnotationRetrieval(t *testing.T) {
	s := startService(t)
	at := s.signUp("Ada").marks("so").header.Get("Location")

	for _, method := range []string{"GET", "HEAD"} {
		got := s.anonymous().annotates(method, at, "").is(http.StatusOK)
		if got.header.Get("Content-Type") != annotationType || got.header.Get("ETag") != `"1"` || !linksTo(got, "http://www.w3.org/ns/ldp#Resource", "type") ||
			!containsAll(got.header.Get("Allow"), "GET", "HEAD", "OPTIONS", "PUT", "DELETE") || !containsAll(got.header.Get("Vary"), "Accept") {
			t.Errorf("%s: %v", method, got.header)
		}
		if method == "GET" && (got.text("id") != at || got.text("type") != "Annotation") {
			t.Errorf("it is %s", got.body)
		}
	}
	if options := s.anonymous().annotates("OPTIONS", at, ""); options.status > 299 || !containsAll(options.header.Get("Allow"), "GET", "PUT", "DELETE") {
		t.Errorf("OPTIONS: %d %v", options.status, options.header)
	}
}

// Section 4.1: the container's IRI ends in a slash; GET, HEAD and OPTIONS; its types and constraints in Links; ETag, Vary, Allow and
// Accept-Post.
func TestProtocol41ContainerRetrieval(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	ada.marks("so")

	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		got := s.anonymous().annotates(method, "/annotations/", "")
		if got.status > 299 || !linksTo(got, "http://www.w3.org/ns/ldp#BasicContainer", "type") ||
			!linksTo(got, "http://www.w3.org/TR/annotation-protocol/", "http://www.w3.org/ns/ldp#constrainedBy") ||
			!containsAll(got.header.Get("Allow"), "GET", "HEAD", "OPTIONS", "POST") || !containsAll(got.header.Get("Vary"), "Accept", "Prefer") ||
			got.header.Get("Accept-Post") != annotationType {
			t.Errorf("%s: %d %v", method, got.status, got.header)
		}
		if method != "OPTIONS" && (got.header.Get("ETag") == "" || got.header.Get("Content-Type") != annotationType) {
			t.Errorf("%s: %v", method, got.header)
		}
	}
	before := s.anonymous().annotates("GET", "/annotations/", "").header.Get("ETag")
	ada.marks("more")
	if after := s.anonymous().annotates("GET", "/annotations/", "").header.Get("ETag"); after == before {
		t.Error("the container has changed, its ETag has not")
	}
}

// Section 4.2: both types and contexts; what is preferred is embedded; Content-Location is the id of what is sent.
func TestProtocol42ContainerRepresentations(t *testing.T) {
	s := startService(t)
	if empty := s.anonymous().annotates("GET", "/annotations/", "").is(http.StatusOK); empty.number("total") != 0 || empty.json["first"] != nil {
		t.Errorf("an empty container is %s", empty.body)
	}
	at := s.signUp("Ada").marks("so").header.Get("Location")
	for prefer, first := range map[string]func(any) bool{
		"":            func(first any) bool { return len(items(first)) == 1 && items(first)[0].(map[string]any)["id"] == at },
		preferWhole:   func(first any) bool { return len(items(first)) == 1 && items(first)[0].(map[string]any)["id"] == at },
		preferIRIs:    func(first any) bool { return len(items(first)) == 1 && items(first)[0] == at },
		preferMinimal: func(first any) bool { iri, is := first.(string); return is && strings.HasPrefix(iri, s.url) },
	} {
		got := s.anonymous().annotates("GET", "/annotations/", "", "Prefer", prefer).is(http.StatusOK)
		types, contexts := fmt.Sprint(got.json["type"]), fmt.Sprint(got.json["@context"])
		if !containsAll(types, "BasicContainer", "AnnotationCollection") || !containsAll(contexts, "http://www.w3.org/ns/anno.jsonld", "http://www.w3.org/ns/ldp.jsonld") ||
			got.header.Get("Content-Location") != got.text("id") || got.number("total") != 1 || got.text("last") == "" || !first(got.json["first"]) {
			t.Errorf("with %q it is %v %s", prefer, got.header, got.body)
		}
	}
}

func items(page any) []any {
	object, _ := page.(map[string]any)
	list, _ := object["items"].([]any)
	return list
}

// Section 4.3: pages say what they are part of and lead to each other; the first in the container is the first of them.
func TestProtocol43AnnotationPages(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	var want, got []string
	for i := range 101 {
		want = append(want, ada.marks(fmt.Sprint(i)).header.Get("Location"))
	}

	container := s.anonymous().annotates("GET", "/annotations/", "", "Prefer", preferIRIs)
	next, prev, last, index := container.at("first.id").(string), "", "", 0
	for next != "" {
		page := s.anonymous().annotates("GET", next, "").is(http.StatusOK)
		if page.text("type") != "AnnotationPage" || page.text("id") != next || page.text("partOf.id") != container.text("id") || page.text("prev") != prev ||
			page.number("startIndex") != int64(index) || page.text("@context") != "http://www.w3.org/ns/anno.jsonld" {
			t.Fatalf("the page is %s", page.body)
		}
		for _, item := range page.json["items"].([]any) {
			got = append(got, item.(string))
			index++
		}
		prev, last, next = next, next, page.text("next")
	}
	if !slices.Equal(got, want) || last != container.text("last") {
		t.Errorf("%d annotations on the pages, want %d; the last is %s, want %s", len(got), len(want), last, container.text("last"))
	}
	s.anonymous().annotates("GET", container.text("id")+"&page=3", "").is(http.StatusNotFound)
}

// Section 5.1: 201 with the new IRI in Location and in the body; the canonical IRI stays, the one it came with becomes its via.
func TestProtocol51CreateAnAnnotation(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	sent := `{"@context":"http://www.w3.org/ns/anno.jsonld","id":"https://elsewhere.example/anno1","canonical":"urn:uuid:dbfb1861-0ecf-41ad-be94-a584e5c4f1df","type":"Annotation",
		"body":[{"type":"TextualBody","value":"I like this"},{"type":"TextualBody","value":"nice","purpose":"tagging"}],
		"target":{"source":"https://example.org/a","selector":[{"type":"TextQuoteSelector","exact":"👍 the best","prefix":"é","suffix":"of times"},
		{"type":"TextPositionSelector","start":1,"end":11}]}}`

	made := ada.annotates("POST", "/annotations/", sent).is(http.StatusCreated)

	at := made.header.Get("Location")
	if !strings.HasPrefix(at, s.url+"/annotations/") || made.text("id") != at || made.text("via") != "https://elsewhere.example/anno1" ||
		made.text("canonical") != "urn:uuid:dbfb1861-0ecf-41ad-be94-a584e5c4f1df" || made.header.Get("ETag") == "" || !linksTo(made, "http://www.w3.org/ns/ldp#Resource", "type") {
		t.Errorf("%v %s", made.header, made.body)
	}
	selectors := made.at("target.selector").([]any)
	if position := selectors[len(selectors)-1].(map[string]any); position["start"] != 1.0 || position["end"] != 11.0 {
		t.Errorf("the selectors are %v", selectors)
	}
	h := ada.do("GET", "/highlights/"+at[len(s.url+"/annotations/"):], "").is(http.StatusOK)
	position := h.json["ranges"].([]any)[0].(map[string]any)["position"].(map[string]any)
	if h.text("note") != "I like this" || h.text("group") != "public" || position["start"] != 1.0 || position["end"] != 12.0 {
		t.Errorf("the highlight is %s", h.body)
	}
	answered := ada.annotates("POST", "/annotations/", `{"type":"Annotation","motivation":"replying","body":{"type":"TextualBody","value":"why?"},"target":"`+at+`"}`).is(http.StatusCreated)
	if answered.text("target") != at || s.anonymous().annotates("GET", at, "").text("canonical") != made.text("canonical") {
		t.Errorf("the answer is %s", answered.body)
	}
}

// Section 5.3: PUT replaces it and answers with what is stored; an If-Match that is no more is 412; the canonical IRI stays.
func TestProtocol53UpdateAnAnnotation(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	made := ada.marks("before")
	at := made.header.Get("Location")
	changed := strings.Replace(made.body, "before", "after", 1)

	put := ada.annotates("PUT", at, changed, "If-Match", made.header.Get("ETag")).is(http.StatusOK)

	if put.text("id") != at || !strings.Contains(put.body, "after") || put.header.Get("ETag") == made.header.Get("ETag") || !containsAll(put.header.Get("Allow"), "PUT") {
		t.Errorf("%v %s", put.header, put.body)
	}
	ada.annotates("PUT", at, changed, "If-Match", made.header.Get("ETag")).is(http.StatusPreconditionFailed)
	ada.annotates("PUT", at, strings.Replace(changed, "urn:uuid:", "urn:x:", 1)).is(http.StatusUnprocessableEntity)
	s.signUp("Eve").annotates("PUT", at, changed).is(http.StatusForbidden)
}

// Section 5.4: DELETE answers 204, and the IRI stands for nothing any more.
func TestProtocol54DeleteAnAnnotation(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	made := ada.marks("so")
	at := made.header.Get("Location")

	ada.annotates("DELETE", at, "", "If-Match", `"9"`).is(http.StatusPreconditionFailed)
	ada.annotates("DELETE", at, "", "If-Match", made.header.Get("ETag")).is(http.StatusNoContent)

	ada.annotates("GET", at, "").is(http.StatusNotFound)
	ada.annotates("DELETE", at, "").is(http.StatusNotFound)
}

// Section 6: what is wrong is answered with its status. Pages of other origins see all that a client needs.
func TestProtocol6ErrorsAndOtherOrigins(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada")
	for body, status := range map[string]int{
		`{`: 422, `[]`: 422, `{"type":"Annotation"}`: 422, `{"type":"Other","target":"https://example.org/"}`: 422,
		`{"type":"Annotation","target":"javascript:alert(1)"}`: 422, `{"type":"Annotation","target":["https://example.org/a","https://example.org/b"]}`: 422,
		`{"type":"Annotation","target":"https://example.org/","bodyValue":"a","body":"https://example.org/b"}`: 422,
	} {
		ada.annotates("POST", "/annotations/", body).is(status)
	}
	ada.annotates("POST", "/annotations/", `{}`, "Content-Type", "text/turtle").is(http.StatusBadRequest)
	s.anonymous().annotates("POST", "/annotations/", `{"type":"Annotation","target":"https://example.org/"}`).is(http.StatusUnauthorized)
	s.anonymous().annotates("GET", "/annotations/?page=x", "").is(http.StatusBadRequest)
	got := s.anonymous().annotates("OPTIONS", "/annotations/", "", "Origin", "https://app.example", "Access-Control-Request-Method", "POST")
	if got.header.Get("Access-Control-Allow-Origin") != "*" ||
		!containsAll(got.header.Get("Access-Control-Expose-Headers"), "ETag", "Allow", "Vary", "Link", "Content-Location", "Location", "Accept-Post") {
		t.Errorf("other origins see %v", got.header)
	}
}
