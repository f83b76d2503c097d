//go:build linux

package main

import "fmt"

const (
	memberRounds = 5
	memberGroups = 3
)

// members compares viewers who are signed in, and those who read three groups, with viewers who are nobody in particular:
// the same notes for everybody, on the same server, in turn.
func members(limn string, viewers int) error {
	s, err := start("limn", limn)
	if err != nil {
		return err
	}
	defer s.stop()
	signedIn, err := s.signUp("Ada")
	if err != nil {
		return err
	}
	member, err := s.signUp("Bob")
	if err != nil {
		return err
	}
	for n := range memberGroups {
		if err := s.post("/api/v1/groups", member, fmt.Sprintf(`{"name":"Group %d"}`, n), new(any)); err != nil {
			return err
		}
	}
	readers := []string{"", signedIn, member}
	cost := make([][]float64, len(readers))
	for range memberRounds {
		for kind, token := range readers {
			s.reader = token
			c, err := connect(s, viewers, 1)
			if err != nil {
				return err
			}
			s.awaitQuiet()
			r, err := c.run(load{posts: pacedPosts, rate: float64(paced) / float64(viewers), size: noteSize})
			if err != nil {
				return err
			}
			c.close()
			s.awaitQuiet()
			cost[kind] = append(cost[kind], r.cpu/float64(r.events))
		}
	}
	ratio := func(kind int) float64 {
		var ratios []float64
		for n := range memberRounds {
			ratios = append(ratios, cost[kind][n]/cost[0][n])
		}
		return middle(ratios)
	}
	fmt.Printf("a delivery to viewers who are signed in costs %.2f of one to nobody in particular (%.1f µs); to members of %d groups %.2f\n",
		ratio(1), middle(cost[0]), memberGroups, ratio(2))
	return nil
}
