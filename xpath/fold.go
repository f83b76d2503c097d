package xpath

import "sort"

// A folded text is what a reader sees of a text: each run of space is one space, scripts and styles are not there.
type folded struct {
	units []uint16
	at    []int32 // where each of them stands in the text it was made of, with its end last
}

// fold folds the text of the body.
func (d *Document) fold() folded {
	f := folded{units: make([]uint16, 0, d.length()-d.origin), at: make([]int32, 0, d.length()-d.origin+1)}
	text := d.wide()
	for i, c := range d.chunks[:len(d.chunks)-1] {
		if !c.hidden && int(c.unit) >= d.origin {
			f.add(text[c.unit:d.chunks[i+1].unit], c.unit)
		}
	}
	f.at = append(f.at, int32(len(text)))
	return f
}

func fold(units []uint16) folded {
	var f folded
	f.add(units, 0)
	f.at = append(f.at, int32(len(units)))
	return f
}

func (f *folded) add(units []uint16, at int32) {
	for i, u := range units {
		if isSpace(u) {
			u = ' '
			if n := len(f.units); n > 0 && f.units[n-1] == ' ' {
				continue
			}
		}
		f.units = append(f.units, u)
		f.at = append(f.at, at+int32(i))
	}
}

// index is the first folded unit that stands at a place or after it.
func (f folded) index(at int) int {
	return sort.Search(len(f.units), func(i int) bool { return int(f.at[i]) >= at })
}

func isSpace(u uint16) bool {
	return u == ' ' || u >= '\t' && u <= '\r' || u == 0xa0 || u == 0x3000
}
