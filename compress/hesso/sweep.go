package hesso

import (
	"cmp"
	"math"
	"slices"

	"onnxcompress/compress/train"
)

// sweep is CRIC's account of what the loss does when the least important part of
// a family is zero for one batch.
type sweep struct {
	// Shares are the parts of families that are tried, and At counts the trials.
	Shares []float64 `json:"shares"`
	At     int       `json:"at"`
	// Harm sums, for every group, its part of the relative rise of the loss, over
	// Probes trials.
	Harm   []float64 `json:"harm"`
	Probes []int     `json:"probes"`
}

// newSweep is one of as many shares as steps allow for.
func newSweep(n *train.Net, shares []float64, steps int) sweep {
	families := len(n.Graph.Families)
	s := sweep{Harm: make([]float64, len(n.Graph.Groups)), Probes: make([]int, len(n.Graph.Groups))}
	switch {
	case families*len(shares) <= steps:
		s.Shares = shares
	case families <= steps && len(shares) > 0:
		s.Shares = shares[len(shares)/2:][:1]
	}
	return s
}

// over reports whether everything has been tried.
func (w *sweep) over(n *train.Net) bool { return w.At >= len(w.Shares)*len(n.Graph.Families) }

// part are the groups of the trial that is on.
func (w *sweep) part(n *train.Net, scores []float64) []int {
	groups := slices.Clone(n.Graph.Families[w.At/len(w.Shares)].Groups)
	slices.SortStableFunc(groups, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	return groups[:int(w.Shares[w.At%len(w.Shares)]*float64(len(groups)))]
}

// note books a loss under the trial that is on, against what it is otherwise.
func (w *sweep) note(n *train.Net, scores []float64, loss, usual float64) {
	part := w.part(n, scores)
	if usual <= 0 {
		return
	}
	rise := math.Max(loss/usual-1, 0)
	for _, g := range part {
		w.Harm[g] += rise / float64(len(part))
		w.Probes[g]++
	}
}

// harm is the mean of a group, for one that was in no trial the most of its
// families. It is divided by its norm over all groups, as measures of saliency
// are: where the loss is small, what it rises by relatively has no bounds.
func (w *sweep) harm(n *train.Net) []float64 {
	mean := make([]float64, len(w.Harm))
	for g, sum := range w.Harm {
		mean[g] = sum / float64(max(w.Probes[g], 1))
	}
	for _, f := range n.Graph.Families {
		most := 0.0
		for _, g := range f.Groups {
			if w.Probes[g] > 0 {
				most = math.Max(most, mean[g])
			}
		}
		for _, g := range f.Groups {
			if w.Probes[g] == 0 {
				mean[g] = math.Max(mean[g], most)
			}
		}
	}
	norm := 0.0
	for _, v := range mean {
		norm += v * v
	}
	if norm > 0 {
		for g := range mean {
			mean[g] /= math.Sqrt(norm)
		}
	}
	return mean
}
