package storage

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"

	"limn/xpath"
)

// A mark is one range of a highlight, where it stands now.
type mark struct {
	highlight, author uuid.UUID
	at                time.Time
	line              string // what it lies on: empty is the page's text; else it is not known where in that it is
	start, end        int    // on the line
	quote             string
}

// A popularity is how much something is highlighted. More people count more than more highlights of the same people, then
// those, then what is more recent.
type popularity struct {
	People     int       `json:"people"`
	Highlights int       `json:"highlights"`
	Latest     time.Time `json:"latest"` // when the last of them was made
}

func (p popularity) compare(q popularity) int {
	return cmp.Or(cmp.Compare(p.People, q.People), cmp.Compare(p.Highlights, q.Highlights), p.Latest.Compare(q.Latest))
}

// A passage is what overlapping marks have in common.
type passage struct {
	popularity
	mark // the one that stands for all: of the range that most of them have, the first
}

// passages are the most highlighted passages of a page, up to a number of them, the most popular first.
//
// Where the most people have marks, there is a passage; of two such places, where there are more highlights, then where there
// are more of their ranges, and then the one that is further ahead. All marks that are there are counted for it, and for no other: without them the next passage is
// looked for in the same way. So marks that overlap are counted together, but a mark of the whole page joins nothing that
// has nothing else in common. A passage stands where the most of its highlights have exactly their range; of several such ranges the shortest, and
// then the one that is further ahead. Marks of nothing are none. The order of the marks does not matter.
func passages(marks []mark, most int) (found []passage) {
	marks = slices.Clone(marks)
	marks = slices.DeleteFunc(marks, func(m mark) bool { return m.start >= m.end })
	slices.SortFunc(marks, func(a, b mark) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end), a.at.Compare(b.at), bytes.Compare(a.highlight[:], b.highlight[:]))
	})
	for len(found) < most && len(marks) > 0 {
		line, at := peak(marks)
		var together, rest []mark
		for _, m := range marks {
			if m.line == line && m.start <= at && at < m.end {
				together = append(together, m)
			} else {
				rest = append(rest, m)
			}
		}
		found, marks = append(found, passage{popularityOf(together), standsForAll(together)}), rest
	}
	slices.SortStableFunc(found, func(a, b passage) int { return b.compare(a.popularity) })
	return found
}

// peak is the first place where the most people have marks, and of those with the most highlights and ranges. The marks are sorted.
func peak(marks []mark) (line string, at int) {
	people, highlights, ranges := map[uuid.UUID]int{}, map[uuid.UUID]int{}, 0
	ends := slices.Clone(marks)
	slices.SortStableFunc(ends, func(a, b mark) int { return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.end, b.end)) })
	leave := func(m mark) {
		ranges--
		for _, count := range []struct {
			of map[uuid.UUID]int
			id uuid.UUID
		}{{people, m.author}, {highlights, m.highlight}} {
			if count.of[count.id]--; count.of[count.id] == 0 {
				delete(count.of, count.id)
			}
		}
	}
	mostPeople, mostHighlights, mostRanges := 0, 0, 0
	for _, m := range marks { // what is most begins where a mark does
		for ends[0].line < m.line || ends[0].line == m.line && ends[0].end <= m.start {
			leave(ends[0])
			ends = ends[1:]
		}
		people[m.author]++
		highlights[m.highlight]++
		ranges++
		if cmp.Or(cmp.Compare(len(people), mostPeople), cmp.Compare(len(highlights), mostHighlights), cmp.Compare(ranges, mostRanges)) > 0 {
			mostPeople, mostHighlights, mostRanges, line, at = len(people), len(highlights), ranges, m.line, m.start
		}
	}
	return line, at
}

// popularityOf counts people and highlights once each.
func popularityOf(marks []mark) (p popularity) {
	people, highlights := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	for _, m := range marks {
		people[m.author], highlights[m.highlight] = true, true
		if m.at.After(p.Latest) {
			p.Latest = m.at
		}
	}
	p.People, p.Highlights = len(people), len(highlights)
	return p
}

// standsForAll is the first mark of the range that most of them have. The marks are sorted.
func standsForAll(marks []mark) mark {
	same := map[xpath.Position]int{}
	for _, m := range marks {
		same[xpath.Position{Start: m.start, End: m.end}]++
	}
	return slices.MaxFunc(marks, func(a, b mark) int {
		return cmp.Or(
			cmp.Compare(same[xpath.Position{Start: a.start, End: a.end}], same[xpath.Position{Start: b.start, End: b.end}]),
			cmp.Compare(b.end-b.start, a.end-a.start), cmp.Compare(b.start, a.start), b.at.Compare(a.at), bytes.Compare(b.highlight[:], a.highlight[:]))
	})
}

// heatBuckets are how many parts of a page have a heat.
const heatBuckets = 100

// A Heat is how often each part of a page is highlighted.
type Heat struct {
	Length  int   `json:"length"`  // UTF-16 code units of the page's text that the buckets divide: up to the last highlight's end
	Buckets []int `json:"buckets"` // how many highlights have something in each part
}

// heatOf counts those marks that lie on the page's text.
func heatOf(marks []mark) Heat {
	heat := Heat{Buckets: make([]int, heatBuckets)}
	for _, m := range marks {
		if m.line == "" {
			heat.Length = max(heat.Length, m.end)
		}
	}
	type touch struct {
		highlight uuid.UUID
		bucket    int
	}
	touched := map[touch]bool{}
	for _, m := range marks {
		if m.line != "" || m.start >= m.end || m.start < 0 {
			continue
		}
		first, end := m.start*heatBuckets/heat.Length, (m.end*heatBuckets+heat.Length-1)/heat.Length
		for bucket := first; bucket < end; bucket++ {
			if t := (touch{m.highlight, bucket}); !touched[t] {
				touched[t] = true
				heat.Buckets[bucket]++
			}
		}
	}
	return heat
}
