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

// A visit is told the errors of the best match that ends behind a number of units.
type visit func(read, errors int)

// forward tells them wherever they are within a limit. Anchored, a match starts where the text does; else anywhere.
func (p *pattern) forward(text []uint16, anchored bool, limit int, visit visit) {
	p.scan(text, false, anchored, limit, visit)
}

// backward is the same from the end of the text, for a reversed pattern.
func (p *pattern) backward(text []uint16, anchored bool, limit int, visit visit) {
	p.scan(text, true, anchored, limit, visit)
}

func (p *pattern) scan(text []uint16, back, anchored bool, limit int, visit visit) {
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
		if up, down, errors = next(up, down, errors, p.equal(u), top); errors <= limit {
			visit(i+1, errors)
		}
	}
}

// anywhere is scan for a match that may start wherever it likes, in half the time: each step waits for the one before, but
// a processor does two at once that do not wait for each other. So the text is read in two parts, of which the second begins
// as far before the end of the first as a match reaches.
func (p *pattern) anywhere(text []uint16, back bool, limit int, visit visit) {
	reach := p.length + limit
	steps := (len(text) + reach + 1) / 2
	if steps >= len(text) {
		p.scan(text, back, false, limit, visit)
		return
	}
	at, stride := 0, 1
	if back {
		at, stride = len(text)-1, -1
	}
	skipped := len(text) - steps
	var later hits
	up, down, errors := ^uint64(0), uint64(0), p.length
	up2, down2, errors2 := up, down, errors
	for i := range steps {
		up, down, errors = next(up, down, errors, p.equal(text[at]), 0)
		up2, down2, errors2 = next(up2, down2, errors2, p.equal(text[at+skipped*stride]), 0)
		if errors <= limit {
			visit(i+1, errors)
		}
		if errors2 <= limit && skipped+i >= steps {
			later = append(later, hit{skipped + i + 1, errors2})
		}
		at += stride
	}
	for _, h := range later {
		visit(h.at, h.errors)
	}
}

// equal is where a unit stands in the pattern.
func (p *pattern) equal(u uint16) uint64 {
	slot := u & 0xff
	if p.units[slot] == u {
		return p.masks[slot]
	}
	return p.others[u]
}

// next goes from one column of the table to the next. A column is kept as the differences between neighbours, up and down, and
// its last number.
func next(up, down uint64, errors int, equal, top uint64) (uint64, uint64, int) {
	vertical := equal | down
	horizontal := ((equal & up) + up) ^ up | equal
	rise := down | ^(horizontal | up)
	fall := up & horizontal
	errors += int(rise>>(word-1)) - int(fall>>(word-1))
	rise = rise<<1 | top
	return fall<<1 | ^(vertical | rise), rise & vertical, errors
}
