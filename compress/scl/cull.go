package scl

import (
	"math"

	"onnxcompress/compress"
	"onnxcompress/compress/train"
)

// cull removes groups if it is time for a round, all that must still go in the
// last one.
func (m *Method) cull(s *train.Step) error {
	rounds := m.due(s)
	if rounds == 0 {
		return nil
	}
	groups, err := s.Choose(m.means(s.Net), false)
	if err != nil {
		return err
	}
	share := 1 - math.Pow(1-float64(rounds)/float64(m.Rounds), 3)
	gone := s.Net.Removed()
	want := int(math.Ceil(share*float64(gone+len(groups)))) - gone
	if want = min(want, len(groups)); want > 0 {
		s.Remove(groups[:want]...)
		m.close(s.Net)
	}
	return nil
}

// due is the number of the last round that ends with a step, 0 if none does.
func (m *Method) due(s *train.Step) int {
	if m.Rounds > 0 && s.N >= s.At(m.Freeze) {
		return m.Rounds
	}
	begin := s.At(m.Begin)
	for r := m.Rounds; r > 0; r-- {
		if begin+r*max(s.At(m.Freeze)-begin, 0)/m.Rounds == s.N {
			return r
		}
	}
	return 0
}

// means are those of the groups' masks, but for connections that went with other
// groups: these are no longer there once the net has shrunk.
func (m *Method) means(n *train.Net) compress.Scores {
	open := n.Present()
	for v := range open {
		if m.masks[v] == nil {
			open[v] = nil
		}
	}
	scores := compress.Scores(n.Dot(m.masks, open, train.Both))
	for g, count := range n.Dot(open, open, train.Both) {
		scores[g] /= math.Max(count, 1)
	}
	return scores
}
