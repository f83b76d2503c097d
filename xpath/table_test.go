package xpath

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"testing"
)

// The tables in testdata are run by the extension's tests as well; testdata/README.md says where their values are from.
func table[T any](t *testing.T, name string) (cases []T) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestTableOfPaths(t *testing.T) {
	type pathCase struct {
		Path   string
		Offset *int // of the first bad character
		ID     string
		Every  bool
		Steps  []Step
	}
	for _, c := range table[pathCase](t, "paths.json") {
		path, err := Parse(c.Path)
		var syntax *SyntaxError
		switch {
		case c.Offset == nil && (err != nil || path.ID != c.ID || path.Every != c.Every || !reflect.DeepEqual(path.Steps, c.Steps) && len(c.Steps) > 0):
			t.Errorf("Parse(%.60q) = %+v, %v", c.Path, path, err)
		case c.Offset != nil && (!errors.As(err, &syntax) || syntax.Offset != *c.Offset):
			t.Errorf("Parse(%.60q) = %v; want an error at offset %d", c.Path, err, *c.Offset)
		}
	}
}

func TestTableOfPlaces(t *testing.T) {
	type page struct {
		Name, HTML string
		Cases      []struct {
			Anchor, Focus Point
			Text          *string
		}
	}
	for _, p := range table[page](t, "resolve.json") {
		d := document(t, p.HTML)
		for _, c := range p.Cases {
			quote, _, ok := d.Holds(Range{Anchor: c.Anchor, Focus: c.Focus})
			if ok != (c.Text != nil) || ok && quote.Exact != *c.Text {
				want := "nothing"
				if c.Text != nil {
					want = *c.Text
				}
				t.Errorf("%s: %+v to %+v holds %q, %v; want %q", p.Name, c.Anchor, c.Focus, quote.Exact, ok, want)
			}
		}
	}
}

func TestTableOfChecks(t *testing.T) {
	type check struct {
		Name, HTML string
		Range      Range
		State      State
		Now        *struct {
			Anchor, Focus Point
			Exact         string
			Position      Position
		}
	}
	for _, c := range table[check](t, "check.json") {
		v := document(t, c.HTML).Check(c.Range)
		if v.State != c.State {
			t.Errorf("%s: %s, want %s (%+v)", c.Name, v.State, c.State, v.Now)
			continue
		}
		if (v.Now != nil) != (c.Now != nil) {
			t.Errorf("%s: now %+v, want %+v", c.Name, v.Now, c.Now)
			continue
		}
		if c.Now != nil && (v.Now.Anchor != c.Now.Anchor || v.Now.Focus != c.Now.Focus || v.Now.Quote.Exact != c.Now.Exact || *v.Now.Position != c.Now.Position) {
			t.Errorf("%s: now %+v %q at %v, want %+v", c.Name, *v.Now, v.Now.Quote.Exact, *v.Now.Position, *c.Now)
		}
	}
}
