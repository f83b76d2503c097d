package xpath

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestParseReadsWhatBrowsersWrite(t *testing.T) {
	for _, c := range []struct {
		text string
		want Path
	}{
		{"/", Path{}},
		{"/html[1]/body[1]/p[2]/text()[1]", Path{Steps: []Step{{Name: "html", Index: 1}, {Name: "body", Index: 1}, {Name: "p", Index: 2}, {Text: true, Index: 1}}}},
		{"/html/body/text()", Path{Steps: []Step{{Name: "html", Index: 1}, {Name: "body", Index: 1}, {Text: true, Index: 1}}}},
		{`id("a b")`, Path{ID: "a b"}},
		{`id('it"s')/p[3]`, Path{ID: `it"s`, Steps: []Step{{Name: "p", Index: 3}}}},
		{`//*[@id="main"]/div[2]`, Path{ID: "main", Every: true, Steps: []Step{{Name: "div", Index: 2}}}},
		{`/html/body/*[local-name()="svg"][1]/g`, Path{Steps: []Step{{Name: "html", Index: 1}, {Name: "body", Index: 1}, {Name: "svg", Local: true, Index: 1}, {Name: "g", Index: 1}}}},
		{"/my-element/o:p[7]", Path{Steps: []Step{{Name: "my-element", Index: 1}, {Name: "o:p", Index: 7}}}},
	} {
		got, err := Parse(c.text)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", c.text, got, err, c.want)
		}
	}
}

func TestParseRefusesTheRestWithItsOffset(t *testing.T) {
	for _, c := range []struct {
		text   string
		offset int
	}{
		{"", 0},
		{"p", 0},
		{"//p", 1},
		{"/html/", 6},
		{"/html[0]", 6},
		{"/html[-1]", 6},
		{"/html[99999999999999999999]", 12},
		{"/html[1000001]", 12},
		{"/html[last()]", 6},
		{"/html[1", 7},
		{"/html/*", 6},
		{"/html/ancestor::p", 14},
		{"/html/@id", 6},
		{"/html/p | /html/a", 7},
		{"//*[count(preceding::*)>0]", 1},
		{`id()`, 3},
		{`id("")`, 4},
		{`id("a`, 4},
		{`id("a")p`, 7},
		{strings.Repeat("/a", maxSteps+1), 2*maxSteps + 1},
		{strings.Repeat("/abcdefg", 600), maxPath},
		{"/a\x00", 2},
		{"/a\xff", 2},
	} {
		_, err := Parse(c.text)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Offset != c.offset {
			t.Errorf("Parse(%.40q) = %v; want an error at offset %d", c.text, err, c.offset)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`/html[1]/body/*[local-name()="svg"][2]/text()[1]`)
	f.Add(`//*[@id='x']/p`)
	f.Fuzz(func(t *testing.T, text string) {
		path, err := Parse(text)
		var syntax *SyntaxError
		if err != nil && (!errors.As(err, &syntax) || syntax.Offset > len(text)) {
			t.Fatalf("Parse(%q): %v is not a place in it", text, err)
		}
		if len(path.Steps) > maxSteps {
			t.Fatalf("Parse(%q) has %d steps", text, len(path.Steps))
		}
	})
}
