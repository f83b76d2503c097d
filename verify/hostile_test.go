package verify

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// numbered repeats a format with rising numbers.
func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// filled repeats a piece until a page is as long as it may be.
func filled(piece string) string { return strings.Repeat(piece, maxPage/len(piece)) }

// maxPatience is far more than a page may cost, and far less than what it would without limits; the race
// detector makes everything several times slower.
const maxPatience = 20 * time.Second

// anyReason is right where it depends on the machine whether time or memory ends first, or whether they end at all.
const anyReason = "any"

// hostilePages are pages that cost much, and why they are not read; empty: they are.
var hostilePages = func() map[string]struct{ page, reason string } {
	loaded := "<b " + numbered("a%d ", 5_000) + "z" // and a number
	many := "<p " + numbered("a%d ", 100_000) + ">"
	return map[string]struct{ page, reason string }{
		"100k nested divs":                      {strings.Repeat("<div>", 100_000), reasonDepth},
		"a million nested divs":                 {filled("<div>"), reasonComplex},
		"nested templates":                      {strings.Repeat("<template>", 100_000), reasonDepth},
		"nested tables":                         {strings.Repeat("<table><tr><td>", 160) + strings.Repeat("a<tr>", 300_000), reasonDepth},
		"20k html tags":                         {numbered("<html a%d=1>", 20_000), reasonComplex},
		"20k body tags":                         {numbered("<body a%d=1>", 20_000), reasonComplex},
		"one tag with 100k attributes":          {many, reasonComplex},
		"one tag with a million attributes":     {"<p " + filled("a=1 ") + ">", reasonComplex},
		"40 tags with 9000 attributes":          {strings.Repeat("<p "+numbered("a%d ", 9_000)+">x", 40), anyReason},
		"100 formats with 5000 attributes":      {numbered(loaded+"%d>", 100), reasonComplex},
		"the same in a title of SVG, quoted":    {`<script>a<b c="</script><svg><title>` + numbered(loaded+"%d>", 100), reasonComplex},
		"400 formats with 90 attributes":        {"<p>" + numbered("<i "+numbered("a%d ", 89)+"z%d>", 400) + "</p>" + strings.Repeat("<p>x</p>", 60_000), reasonComplex},
		"400 formats with 20 attributes":        {"<p>" + numbered("<i "+numbered("a%d ", 19)+"z%d>", 400) + "</p>" + strings.Repeat("<p>x</p>", 60_000), reasonComplex},
		"tags within tags":                      {strings.Repeat(`<a a="`, 100_000), reasonComplex},
		"a script with a picture in it":         {"<script>for(i=0;i<n;i++){x='" + strings.Repeat("iVBORw0KGgoAAAANSUhEU/gAAAAUAAAAF", 5_000) + "'}</script><p>x", ""},
		"the same in a noscript":                {"<noscript>" + many + "</noscript>", reasonComplex},
		"the same in a title of SVG":            {"<svg><title>" + many, reasonComplex},
		"600k tags":                             {strings.Repeat("<p>", 600_000), reasonComplex},
		"600k nodes":                            {strings.Repeat("a<br>", 300_000), reasonComplex},
		"400 open formats in 10k blocks":        {"<p>" + numbered("<b a%d>", 400) + "</p>" + strings.Repeat("<p>x</p>", 60_000), reasonComplex},
		"30 open formats in 200k blocks":        {"<p>" + numbered("<b a%d>", 30) + "</p>" + strings.Repeat("<p>x", 200_000), reasonComplex},
		"400 open formats in 10k cells":         {"<p>" + numbered("<font a%d>", 400) + strings.Repeat("<table><td>x</table><p>x</p>", 40_000), reasonComplex},
		"links around many blocks":              {"<a>" + strings.Repeat("<p>", 300) + strings.Repeat("<a>x", 200_000), anyReason},
		"text in many pieces":                   {strings.Repeat("a</y>", 50_000), ""},
		"text fostered out of a table":          {"<table>" + strings.Repeat("a<tr>", 20_000), ""},
		"400k rows with text fostered":          {"<table>" + strings.Repeat("a<tr>", 400_000), anyReason},
		"paragraphs in 500 open elements":       {strings.Repeat("<div>", 500) + strings.Repeat("<p></q>", 20_000), ""},
		"end tags of nothing in 300 groups":     {"<svg>" + strings.Repeat("<g>", 300) + strings.Repeat("</x>", 400_000), anyReason},
		"attributes with the same name":         {"<p " + strings.Repeat("a ", 5_000) + ">x", ""},
		"300k elements with one id":             {strings.Repeat("<p id=x>a", 300_000), anyReason},
		"noscript as a large page":              {"<noscript>" + strings.Repeat("<p>a</p>", 200_000) + "</noscript>", anyReason},
		"a large script":                        {"<script>" + strings.Repeat("if(a<b && c){d>e}\n", 5_000) + "</script><p>x", ""},
		"one text":                              {"<p>" + filled("text ")[:maxPage-3], ""},
		"one letter":                            {filled("a"), ""},
		"nothing but spaces":                    {filled(" "), ""},
		"nothing but NUL":                       {filled("\x00"), ""},
		"entities":                              {filled("&amp;"), ""},
		"entities that are none":                {filled("&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), anyReason},
		"comments between letters":              {strings.Repeat("<!---->a", 240_000), anyReason},
		"a text of 2 MB, then open formats":     {"<p>" + strings.Repeat("text ", 400_000) + numbered("<b a%d>", 400) + "</p>" + strings.Repeat("<p>x</p>", 60_000), reasonComplex},
		"unclosed quotes, comments and a CDATA": {strings.Repeat(`<p a="`, 10) + strings.Repeat("<!--", 10_000) + strings.Repeat("<![CDATA[", 10_000), ""},
	}
}()

func TestHostilePagesAreRefusedInBoundedTime(t *testing.T) {
	for name, c := range hostilePages {
		before := time.Now()
		_, failed := parse([]byte(c.page), "text/html")
		t.Logf("%s: %d KB, %v, %+v", name, len(c.page)>>10, time.Since(before), failed)
		if took := time.Since(before); took > maxPatience {
			t.Errorf("%s: it took %v", name, took)
		}
		reason := ""
		if failed != nil {
			reason = failed.reason
		}
		if reason != c.reason && c.reason != anyReason {
			t.Errorf("%s: %+v; want reason %q", name, failed, c.reason)
		}
	}
}
