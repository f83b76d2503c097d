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
		slot := u & 0xff
		if p.masks[slot] == 0 {
			p.units[slot] = u
		}
		if p.units[slot] == u {
			p.masks[slot] |= 1 << i
			continue
		}
		if p.others == nil {
			p.others = map[uint16]uint64{}
		}
		p.others[u] |= 1 << i
	}
	return p
}

// forward gives visit, for each number of units read, the errors of the best match that ends there. Anchored, a
// match starts where the text does; else anywhere.
func (p *pattern) forward(text []uint16, anchored bool, visit func(read, errors int)) {
	c := p.column(anchored)
	for i, u := range text {
		c.step(p.mask(u))
		visit(i+1, c.errors)
	}
}

// backward is the same from the end of the text, for a reversed pattern.
func (p *pattern) backward(text []uint16, anchored bool, visit func(read, errors int)) {
	c := p.column(anchored)
	for i := len(text) - 1; i >= 0; i-- {
		c.step(p.mask(text[i]))
		visit(len(text)-i, c.errors)
	}
}

func (p *pattern) mask(u uint16) uint64 {
	if slot := u & 0xff; p.units[slot] == u {
		return p.masks[slot]
	}
	if p.others == nil {
		return 0
	}
	return p.others[u]
}

// A column holds the differences between neighbours in a column of the table, and its last number.
type column struct {
	up, down uint64
	last     uint64 // the pattern's last unit
	top      uint64 // 1 where the first row counts up, since the text before a match counts
	errors   int
}

func (p *pattern) column(anchored bool) column {
	c := column{up: ^uint64(0), last: 1 << (p.length - 1), errors: p.length}
	if anchored {
		c.top = 1
	}
	return c
}

func (c *column) step(equal uint64) {
	vertical := equal | c.down
	horizontal := (((equal & c.up) + c.up) ^ c.up) | equal
	rise := c.down | ^(horizontal | c.up)
	fall := c.up & horizontal
	if rise&c.last != 0 {
		c.errors++
	} else if fall&c.last != 0 {
		c.errors--
	}
	rise = rise<<1 | c.top
	fall <<= 1
	c.up = fall | ^(vertical | rise)
	c.down = rise & vertical
}
