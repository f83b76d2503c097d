package storage

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// markOf reads "who from-to", as "a 10-20"; a number before the name is the highlight's, where it has several ranges.
func markOf(t interface{ Fatal(...any) }, text string, n int) mark {
	var who string
	m := mark{at: time.Unix(int64(n), 0), highlight: uuid.NewSHA1(uuid.Nil, []byte{byte(n >> 8), byte(n)})}
	if _, err := fmt.Sscanf(text, "%s %d-%d", &who, &m.start, &m.end); err != nil {
		t.Fatal(text, err)
	}
	name, which, several := strings.Cut(who, "#")
	m.author = uuid.NewSHA1(uuid.Nil, []byte(name))
	if several {
		m.highlight = uuid.NewSHA1(m.author, []byte(which))
	}
	return m
}

func written(found []passage) string {
	var all []string
	for _, p := range found {
		all = append(all, fmt.Sprintf("%d-%d:%d/%d", p.start, p.end, p.People, p.Highlights))
	}
	return strings.Join(all, " ")
}

func TestPassages(t *testing.T) {
	for _, c := range []struct{ name, marks, want string }{
		{"one", "a 10-20", "10-20:1/1"},
		{"what overlaps is counted together", "a 10-20, b 15-30, c 18-25", "18-25:3/3"},
		{"it stands where the most have their range", "a 10-20, b 15-30, c 10-20", "10-20:3/3"},
		{"what only touches does not overlap", "a 10-20, b 20-30, b 20-30", "20-30:1/2 10-20:1/1"},
		{"people count more than highlights", "a 10-20, a 10-20, a 10-20, b 40-50, c 40-50", "40-50:2/2 10-20:1/3"},
		{"of as many people, the highlights", "a 10-20, a 10-20, b 40-50", "10-20:1/2 40-50:1/1"},
		{"of as many of both, what is more recent", "a 10-20, b 40-50", "40-50:1/1 10-20:1/1"},
		{"a mark of the whole page joins nothing", "z 0-100, a 10-20, b 10-20, c 40-50", "10-20:3/3 40-50:1/1"},
		{"a chain is not one passage", "a 0-10, b 9-20, c 19-30", "0-10:2/2 19-30:1/1"},
		{"a highlight with two ranges counts once in each place", "a#1 10-20, a#1 15-25, a#1 40-50, b 40-50", "40-50:2/2 10-20:1/1"},
		{"a mark of nothing is none", "a 10-10", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var marks []mark
			for i, text := range strings.Split(c.marks, ", ") {
				marks = append(marks, markOf(t, text, i))
			}
			if got := written(passages(marks, 10)); got != c.want {
				t.Errorf("the passages are %s, want %s", got, c.want)
			}
		})
	}
}

// Whatever the order in which they arrive: each mark counts for one passage, the best first, and no place has more
// people than the first passage.
func TestPassagesDoNotDependOnTheOrderOfMarks(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("the seed is %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 500 {
		var marks []mark
		for n := range r.IntN(30) {
			start := r.IntN(40)
			m := markOf(t, fmt.Sprintf("%d %d-%d", r.IntN(6), start, start+r.IntN(15)), n)
			m.at, m.line = time.Unix(r.Int64N(5), 0), []string{"", "/html[1]"}[r.IntN(2)]
			marks = append(marks, m)
		}
		found := passages(marks, len(marks)+1)
		shuffled := slices.Clone(marks)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if again := passages(shuffled, len(marks)+1); !slices.Equal(found, again) {
			t.Fatalf("%v in another order are %s, not %s", marks, written(again), written(found))
		}

		counted, most := 0, 0
		for _, p := range found {
			counted += p.Highlights
			most = max(most, p.People)
		}
		real := 0
		for _, m := range marks {
			if m.start < m.end {
				real++
			}
		}
		if counted != real {
			t.Fatalf("%d of %d marks are counted", counted, real)
		}
		for at := range 60 {
			for _, line := range []string{"", "/html[1]"} {
				people := map[uuid.UUID]bool{}
				for _, m := range marks {
					if m.line == line && m.start <= at && at < m.end {
						people[m.author] = true
					}
				}
				if len(people) > most {
					t.Fatalf("%d people at %d, and the most of a passage are %d", len(people), at, most)
				}
			}
		}
		if !slices.IsSortedFunc(found, func(a, b passage) int { return b.compare(a.popularity) }) {
			t.Fatalf("the passages are %s", written(found))
		}
	}
}

func TestHeatCountsEachHighlightOnceInEachPart(t *testing.T) {
	marks := []mark{markOf(t, "a#1 0-10", 0), markOf(t, "a#1 0-5", 1), markOf(t, "b 5-1000", 2), markOf(t, "c 990-1000", 3)}
	heat := heatOf(marks)
	if heat.Length != 1000 || heat.Buckets[0] != 2 || heat.Buckets[1] != 1 || heat.Buckets[98] != 1 || heat.Buckets[99] != 2 {
		t.Errorf("the heat is %v", heat)
	}
	if nothing := heatOf(nil); nothing.Length != 0 || len(nothing.Buckets) != heatBuckets {
		t.Errorf("the heat of nothing is %v", nothing)
	}
}
