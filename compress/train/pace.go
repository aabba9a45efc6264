package train

import (
	"cmp"
	"math"
	"slices"

	"onnxcompress/compress"
)

// At is the step at a share of the training, its last one at the latest.
func (s *Step) At(share float64) int {
	return max(min(int(share*float64(s.Total)), s.Total-1), 0)
}

// Fade is what weights are multiplied with in a step from first to last so that
// they shrink by equal parts and are zero after the last.
func Fade(step, first, last int) float64 {
	left := float64(last - max(step, first))
	if left <= 0 {
		return 0
	}
	return left / (left + 1)
}

// Choose are the groups that must still go for the target, the lowest scores first.
// Groups without an element that is trained come last, whatever they score: nothing
// is known of them.
func (s *Step) Choose(scores compress.Scores, perCost bool) ([]int, error) {
	scores = slices.Clone(scores)
	for g, moved := range s.Net.moved {
		if !moved {
			scores[g] = math.Inf(1)
		}
	}
	cut, err := s.Select(scores, perCost, s.Net.Cut())
	if err != nil {
		return nil, err
	}
	var groups []int
	for g := range s.Net.Graph.Groups {
		if cut.Has(g) && !s.Net.Gone(g) {
			groups = append(groups, g)
		}
	}
	slices.SortStableFunc(groups, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	return groups, nil
}

// Shrink multiplies the weights that make groups, and those that hear them however
// small these are, and removes the groups if the factor is zero.
func (s *Step) Shrink(factor float64, groups ...int) {
	if factor == 0 {
		s.Remove(groups...)
		return
	}
	s.Net.Dim(factor, groups...)
}

// Dim multiplies what Step.Shrink does, and removes nothing.
func (n *Net) Dim(factor float64, groups ...int) {
	factors := slices.Repeat([]float64{1}, len(n.Graph.Groups))
	for _, g := range groups {
		factors[g] = factor
	}
	n.Scale(factors, Own)
	n.Scale(factors, Heard)
}
