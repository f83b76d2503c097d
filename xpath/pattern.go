package xpath

// word is how many units of a pattern are compared at once.
const word = 64

// A pattern is 1 to word units that are looked for with errors, by the bit-parallel algorithm of Myers (1999): a
// column of the table of edit distances is two words, and the next one costs a dozen operations.
type pattern struct {
	length int
	units  [256]uint16 // a unit by its low byte,
	masks  [256]uint64 // and where it stands in the pattern
	others map[uint16]uint64
}

func newPattern(units []uint16) *pattern {
	p := &pattern{length: len(units)}
	for i, u := range units {
		slot, bit := u&0xff, uint64(1)<<(word-len(units)+i) // the last unit is the highest bit
		if p.masks[slot] == 0 {
			p.units[slot] = u
		}
		if p.units[slot] == u {
			p.masks[slot] |= bit
			continue
		}
		if p.others == nil {
			p.others = map[uint16]uint64{}
		}
		p.others[u] |= bit
	}
	return p
}

// forward gives visit the errors of the best match that ends behind a number of units, wherever they are within a limit.
// Anchored, a match starts where the text does; else anywhere.
func (p *pattern) forward(text []uint16, anchored bool, limit int, visit func(read, errors int)) {
	p.scan(text, false, anchored, limit, visit)
}

// backward is the same from the end of the text, for a reversed pattern.
func (p *pattern) backward(text []uint16, anchored bool, limit int, visit func(read, errors int)) {
	p.scan(text, true, anchored, limit, visit)
}

// scan keeps a column of the table as the differences between neighbours, up and down, and its last number. It is most of
// what a search costs: what it needs for each unit stays in registers.
func (p *pattern) scan(text []uint16, back, anchored bool, limit int, visit func(read, errors int)) {
	up, down, errors := ^uint64(0), uint64(0), p.length
	top := uint64(0)
	if anchored {
		top = 1 << (word - p.length) // the first row counts up, since the text before a match counts
	}
	for i := range text {
		u := text[i]
		if back {
			u = text[len(text)-1-i]
		}
		equal := p.masks[u&0xff]
		if p.units[u&0xff] != u {
			equal = 0
			if p.others != nil {
				equal = p.others[u]
			}
		}
		vertical := equal | down
		horizontal := (((equal & up) + up) ^ up) | equal
		rise := down | ^(horizontal | up)
		fall := up & horizontal
		errors += int(rise>>(word-1)) - int(fall>>(word-1))
		rise = rise<<1 | top
		up = fall<<1 | ^(vertical | rise)
		down = rise & vertical
		if errors <= limit {
			visit(i+1, errors)
		}
	}
}
