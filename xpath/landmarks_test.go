package xpath

import (
	"reflect"
	"strings"
	"testing"
)

func TestLandmarksAreWhatThePageHasOnce(t *testing.T) {
	page := "<title>t</title><p>a</p><p>same</p><p>twin words</p><p>same</p><script>b</script><p>twin words</p><p> c \n c </p><p>d</p><p>e</p><p>f</p><p>g</p>"
	d := document(t, page)
	r := Range{Anchor: Point{"/html/body/p[5]/text()", 0}, Focus: Point{"/html/body/p[5]/text()", 4}}
	got := d.Landmarks(d.Check(r).Range, NewBudget())
	// 32 bits of FNV-1a, as others publish them
	want := &Landmarks{
		Before: []uint32{0xe40c292c},
		After:  []uint32{hash(units("c c")), 0xe10c2473, 0xe00c22e0, 0xe30c2799},
		Twins:  &Twins{Before: []int{1, 1}, After: []int{0, 0, 0, 0, 0}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v %+v, want %+v %+v", got, got.Twins, want, want.Twins)
	}
	if l := d.Landmarks(at(0, 1), NewBudget()); l != nil {
		t.Errorf("a range without a quote has landmarks: %+v", l)
	}
	if l := d.Landmarks(d.Check(r).Range, new(Budget)); l != nil {
		t.Errorf("taken with nothing to spend: %+v", l)
	}
}

func TestOneOfThousandsHasNoLandmarks(t *testing.T) {
	d := document(t, "<p>first</p>"+strings.Repeat("<p>x</p>", 2*maxHits)+"<p>last</p>")
	r := Range{Anchor: Point{"/html/body/p[9]/text()", 0}, Focus: Point{"/html/body/p[9]/text()", 1}}
	if l := d.Landmarks(d.Check(r).Range, NewBudget()); l != nil {
		t.Errorf("got %+v", l)
	}
}

func TestLandmarksThatNobodyTookAreInvalid(t *testing.T) {
	five := []uint32{1, 2, 3, 4, 5}
	for name, c := range map[string]struct {
		landmarks Landmarks
		valid     bool
	}{
		"none":                      {Landmarks{}, true},
		"as they are taken":         {Landmarks{five[:4], five[:1], &Twins{Before: []int{0, 0, 1, 1, 2}, After: []int{0, 0}}}, true},
		"too many":                  {Landmarks{Before: five}, false},
		"twins that are not listed": {Landmarks{five[:1], nil, &Twins{Before: []int{0}, After: []int{0}}}, false},
		"less than no twin":         {Landmarks{nil, nil, &Twins{Before: []int{-1}, After: []int{0}}}, false},
		"more than are counted":     {Landmarks{nil, nil, &Twins{Before: []int{0}, After: []int{maxHits + 1}}}, false},
	} {
		if got := c.landmarks.Valid(); got != c.valid {
			t.Errorf("%s: valid %v", name, got)
		}
	}
}
