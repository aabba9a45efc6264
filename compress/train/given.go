package train

import "encoding/json"

// Given removes groups that were chosen beforehand, all in the first step, and
// leaves the rest of the training to make up for them.
type Given struct {
	Groups []int `json:"groups"`
	Gone   bool  `json:"gone"`
}

// Observe implements Method: the groups go before anything moves.
func (g *Given) Observe(s *Step) error {
	if !g.Gone {
		s.Remove(g.Groups...)
		s.Net.SilenceGradients()
		g.Gone = true
	}
	return nil
}

// Move implements Method.
func (g *Given) Move(*Step) error { return nil }

// Done implements Method.
func (g *Given) Done() bool { return g.Gone }

// State implements Method.
func (g *Given) State() any { return g }

// Restore implements Method.
func (g *Given) Restore(b []byte) error { return json.Unmarshal(b, g) }

// Silent lists the groups whose channels nothing hears: the weights that read them
// are zero.
func (n *Net) Silent() []int {
	values := n.Values()
	sums, counts := n.Dot(values, values, Reads), n.Elements(Reads)
	var list []int
	for g, sum := range sums {
		if sum == 0 && counts[g] > 0 {
			list = append(list, g)
		}
	}
	return list
}
