// Package baseline has the plain methods that others are measured against: they
// remove groups at once or in rounds, by scores of the weights as they are, and
// leave the rest of a training to make up for them. All meet the user's target
// exactly.
package baseline

import (
	"cmp"
	"math"
	"slices"

	"onnxcompress/compress"
	"onnxcompress/compress/saliency"
	"onnxcompress/compress/train"
)

// By is what groups are scored by.
type By int

// Magnitude is the root mean square of a group's weights, relative to its family.
// Taylor is what the loss changes by without the group, to first order. Random is
// by chance. Uniform removes the same share of every family, by Magnitude.
const (
	Magnitude By = iota
	Taylor
	Random
	Uniform
)

// Rating says how groups are scored.
type Rating struct {
	By By
	// Batches is how many Taylor looks at, and PerCost whether it sets harm
	// against what groups cost.
	Batches int
	PerCost bool
	// Seed is that of Random.
	Seed int64
}

// see counts a step that is so close before a choice.
func (r Rating) see(s *train.Step, seen *saliency.Sums, choice int) {
	if r.By == Taylor && s.N <= choice && choice-s.N < max(r.Batches, 1) {
		seen.See(s, saliency.Gradient)
	}
}

// choose are the groups that must still go, the first to go first.
func (r Rating) choose(s *train.Step, seen *saliency.Sums) ([]int, error) {
	var scores compress.Scores
	switch r.By {
	case Taylor:
		return s.Choose(seen.Scores(s.Net, saliency.Mix{Taylor1: 1}), r.PerCost)
	case Random:
		scores = compress.Random(s.Net.Graph, r.Seed)
	case Uniform:
		scores = uniform(s.Net)
	default:
		scores = magnitude(s.Net)
	}
	return s.Choose(scores, false)
}

// magnitude scores by the weights as they are.
func magnitude(n *train.Net) compress.Scores {
	scores := squares(n)
	for g := range scores {
		scores[g] = math.Sqrt(scores[g])
	}
	compress.Relative(n.Graph, scores)
	return scores
}

// squares are means over the groups' weights.
func squares(n *train.Net) compress.Scores {
	values := n.Values()
	sums := n.Dot(values, values, train.Both)
	for g, count := range n.Elements(train.Both) {
		sums[g] /= float64(max(count, 1))
	}
	return sums
}

// uniform scores a group by the share of its family that is smaller, so that
// whoever takes the lowest first takes the same share of each family.
func uniform(n *train.Net) compress.Scores {
	size := squares(n)
	scores := make(compress.Scores, len(size))
	for _, f := range n.Graph.Families {
		order := slices.Clone(f.Groups)
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(size[a], size[b]) })
		for rank, g := range order {
			scores[g] = (float64(rank) + 0.5) / float64(len(order))
		}
	}
	return scores
}
