package saliency

import (
	"math"

	"onnxcompress/compress"
	"onnxcompress/compress/train"
)

// By is the direction that sums are made of.
type By int

// Gradient is the loss's own; Effective is the one that the optimiser goes
// against, with momentum, decay and whatever else it adds.
const (
	Gradient By = iota
	Effective
)

// Sums is what was seen of every group's weights x and their direction v, summed
// over batches. The zero value has seen nothing. encoding/json keeps it exactly.
type Sums struct {
	Batches int `json:"batches"`
	// Along are <x, v>, Absolute its absolute values, Square its squares.
	Along    []float64 `json:"along,omitempty"`
	Absolute []float64 `json:"absolute,omitempty"`
	Square   []float64 `json:"square,omitempty"`
	// Weights are <x, x>, Directions <v, v>.
	Weights    []float64 `json:"weights,omitempty"`
	Directions []float64 `json:"directions,omitempty"`
}

// See adds a step, in Observe or in Move as the direction is known there, and
// does nothing in the other.
func (m *Sums) See(s *train.Step, by By) {
	switch {
	case by == Gradient && s.Before == nil:
		m.Add(s.Net, s.Net.Values(), s.Net.Gradients())
	case by == Effective && s.Before != nil:
		m.Add(s.Net, s.Before, s.Direction())
	}
}

// Add adds weights and a direction, both laid out as the variables are.
func (m *Sums) Add(n *train.Net, x, v train.Arrays) {
	m.add(n.Dot(x, v, train.Own), n.Dot(x, x, train.Own), n.Dot(v, v, train.Own))
}

func (m *Sums) add(along, weights, directions []float64) {
	if m.Along == nil {
		for _, list := range []*[]float64{&m.Along, &m.Absolute, &m.Square, &m.Weights, &m.Directions} {
			*list = make([]float64, len(along))
		}
	}
	m.Batches++
	for g, a := range along {
		m.Along[g] += a
		m.Absolute[g] += math.Abs(a)
		m.Square[g] += a * a
		m.Weights[g] += weights[g]
		m.Directions[g] += directions[g]
	}
}

// cosine is that between weights and direction, of one batch exactly, of several
// the more of a batch the longer its direction is.
func (m *Sums) cosine(g int) float64 {
	norms := math.Sqrt(m.Weights[g] * m.Directions[g])
	if norms == 0 {
		return 0
	}
	return math.Max(-1, math.Min(1, m.Along[g]/norms))
}

// Scores rate the groups of a net that are not gone by what was seen, and by how
// large their weights are now. Without a batch, what needs directions counts for
// nothing.
func (m *Sums) Scores(n *train.Net, mix Mix) compress.Scores {
	seen := m
	groups := len(n.Graph.Groups)
	if m.Batches == 0 {
		seen = &Sums{}
		none := make([]float64, groups)
		seen.add(none, none, none)
	}
	values := n.Values()
	of := measures{norms: n.Dot(values, values, train.Own), elements: n.Elements(train.Own), sums: seen, counted: make([]bool, groups)}
	for g := range of.norms {
		of.norms[g] = math.Sqrt(of.norms[g])
		of.counted[g] = !n.Gone(g)
	}
	scores := mix.scores(of)
	if mix.Balance > 0 {
		scores = balanced(n.Graph, scores, n.Gone, mix.Balance)
	}
	return scores
}
