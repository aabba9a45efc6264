package connection

import (
	"cmp"
	"slices"

	"onnxcompress/compress/train"
)

// Settle masks what choose gives a negative score and removes the groups that
// nothing is left of, from where on their connections are closed to choose, until
// there are no more such groups. choose is given which connections are open, by 1,
// and closed, by 0. What must stay by the net's limits does, at least one group of
// each family, and as many connections open as least says: what has nothing left
// and stays all the same does no harm. Families of which only such groups are
// left, so that no path leads through them, are returned.
func (m *Mask) Settle(s *train.Step, least int, choose func(open train.Arrays) train.Arrays) (stranded []int, err error) {
	for {
		open := s.Net.Present()
		scores := choose(open)
		dead, left := m.dead(s.Net, scores, m.count(open)-least)
		if dead, err = s.Net.Removable(dead); err != nil {
			return nil, err
		}
		if len(dead) == 0 {
			m.Turn(s, scores)
			return left, nil
		}
		s.Remove(dead...)
	}
}

// count is the number of connections that are open.
func (m *Mask) count(open train.Arrays) int {
	count := 0
	for _, l := range m.layers {
		for _, x := range open[l.Var] {
			if x != 0 {
				count++
			}
		}
	}
	return count
}

// dead finds groups that nothing arrives at, all connections that make them being
// masked, and that nothing hears, all that read them being masked, no more than
// have a number of connections, and no more than the limits allow for. left are
// the families that nothing else is left of.
func (m *Mask) dead(n *train.Net, scores train.Arrays, spare int) (dead, left []int) {
	live, all := m.Arrays(n, 0), m.Arrays(n, 1)
	for v, list := range live {
		for i := range list {
			if scores[v][i] >= 0 {
				list[i] = 1
			}
		}
	}
	makes, made := n.Dot(live, live, train.Makes), n.Dot(all, all, train.Makes)
	reads, read := n.Dot(live, live, train.Reads), n.Dot(all, all, train.Reads)
	// Weights that are not trained have no mask, and are heard.
	fed, heard := n.Still(train.Makes), n.Still(train.Reads)
	dies := make([]bool, len(n.Graph.Groups))
	for g := range dies {
		dies[g] = n.Gone(g) || made[g] > 0 && makes[g] == 0 && !fed[g] || read[g] > 0 && reads[g] == 0 && !heard[g]
	}
	for f, family := range n.Graph.Families {
		if !slices.ContainsFunc(family.Groups, func(g int) bool { return !dies[g] }) {
			left = append(left, f)
		}
	}
	for g := range dies {
		dies[g] = dies[g] && !n.Stays(g)
	}
	weight := func(g int) float64 { return makes[g] + reads[g] }
	for f, family := range n.Graph.Families {
		revive(n, family.Groups, n.Least(f), dies, weight)
	}
	for g, d := range dies {
		if size := int(made[g] + read[g]); d && !n.Gone(g) && size <= spare {
			dead, spare = append(dead, g), spare-size
		}
	}
	return dead, left
}

// revive takes groups of a family off those that die until as many stay as must,
// those first that have the most connections.
func revive(n *train.Net, groups []int, least int, dies []bool, weight func(group int) float64) {
	var dying []int
	for _, g := range groups {
		switch {
		case !dies[g]:
			least--
		case !n.Gone(g):
			dying = append(dying, g)
		}
	}
	slices.SortStableFunc(dying, func(a, b int) int { return cmp.Compare(weight(b), weight(a)) })
	for _, g := range dying[:min(max(least, 0), len(dying))] {
		dies[g] = false
	}
}
