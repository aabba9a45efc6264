package saliency

import (
	"math"

	"onnxcompress/compress"
)

// Mix says how much each measure counts in a score. x are the weights that make
// a group's channels and v is the direction against which they move. Each
// measure is divided by its norm over all groups of a net first. A measure that
// is large for what is redundant counts negatively.
type Mix struct {
	// Magnitude is |x|, Average |x| over the number of weights, Inverse one over
	// that.
	Magnitude, Average, Inverse float64
	// Cosine is that of the angle between x and v, Shifted one more. Where it is
	// positive, descent makes the weights smaller.
	Cosine, Shifted float64
	// Taylor1 is |<x, v>|: what the loss would change by without the group, to
	// first order. Taylor2 is <x, v>²/2, the second order under the Fisher matrix
	// of the batches.
	Taylor1, Taylor2 float64
	// Balance draws scores towards the groups' ranks in their families: 0 not at
	// all, 1 so far that every family loses the same share.
	Balance float64
}

// Even counts all measures of HESSO alike, as it does, and balances families.
func Even() Mix {
	return Mix{Magnitude: 0.2, Average: 0.2, Shifted: 0.2, Taylor1: 0.2, Taylor2: 0.2, Balance: 1}
}

// Amounts reports whether scores are harm that adds up, so that they can be set
// against what a group costs.
func (m Mix) Amounts() bool {
	return m.Balance == 0 && m.Magnitude == 0 && m.Average == 0 && m.Inverse == 0 && m.Cosine == 0 && m.Shifted == 0 &&
		m.Taylor1 >= 0 && m.Taylor2 >= 0 && m.Taylor1+m.Taylor2 > 0
}

// little is what OTO adds to an average before it divides by it.
const little = 1e-6

// measures are what is known of the groups, by group.
type measures struct {
	norms    []float64
	elements []int
	sums     *Sums
	// counted are the groups that take part.
	counted []bool
}

// scores adds measures up. What does not take part scores zero.
func (m Mix) scores(of measures) compress.Scores {
	scores := make(compress.Scores, len(of.norms))
	average := func(g int) float64 { return of.norms[g] / float64(max(of.elements[g], 1)) }
	s := of.sums
	batches := float64(max(s.Batches, 1))
	for _, t := range []struct {
		weight  float64
		measure func(g int) float64
	}{
		{m.Magnitude, func(g int) float64 { return of.norms[g] }},
		{m.Average, average},
		{m.Inverse, func(g int) float64 { return 1 / (average(g) + little) }},
		{m.Cosine, s.cosine},
		{m.Shifted, func(g int) float64 { return 1 + s.cosine(g) }},
		{m.Taylor1, func(g int) float64 { return s.Absolute[g] / batches }},
		{m.Taylor2, func(g int) float64 { return s.Square[g] / batches / 2 }},
	} {
		if t.weight == 0 {
			continue
		}
		values, norm := make([]float64, len(scores)), 0.0
		for g := range values {
			if of.counted[g] {
				values[g] = t.measure(g)
				norm += values[g] * values[g]
			}
		}
		if norm == 0 {
			continue
		}
		norm = math.Sqrt(norm)
		for g, v := range values {
			scores[g] += t.weight * v / norm
		}
	}
	return scores
}
