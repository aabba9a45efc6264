// Package sparsify has the plain ways to make single connections zero, for others
// to be measured against: by magnitude over the whole net or layer by layer, or at
// random, at once or gradually. All meet a sparsity exactly, and take out the
// groups that are left without connections.
package sparsify

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"onnxcompress/compress/connection"
	"onnxcompress/compress/train"
)

// By is what connections are chosen by.
type By int

// Magnitude is that of a weight, over the whole net. Uniform is by magnitude, too,
// but the same share of each layer. Random is by chance.
const (
	Magnitude By = iota
	Uniform
	Random
)

// Options are the settings of the method. Gradually and Once give some.
type Options struct {
	By By
	// Sparsity is the share of all connections that are to go.
	Sparsity float64
	// Begin and Freeze are shares of the training: from one to the other masks
	// are chosen anew every so many steps, from the magnitudes that weights have
	// or had when they were masked, for a sparsity that rises along a cubic.
	Begin, Freeze float64
	Every         int
	// Seed is that of Random.
	Seed uint64
}

// Gradually are the settings of Zhu and Gupta (2017) for short trainings.
func Gradually(by By, sparsity float64) Options {
	return Options{By: by, Sparsity: sparsity, Freeze: 0.75, Every: 10}
}

// Once are settings by which all goes at once at a share of the training.
func Once(by By, sparsity, at float64) Options {
	return Options{By: by, Sparsity: sparsity, Begin: at, Freeze: at, Every: 1}
}

// Method is a train.Method and train.Carrier.
type Method struct {
	Options
	state
	mask connection.Mask
	// drawn are the scores of Random.
	drawn train.Arrays
}

// state is what a run goes on from besides arrays.
type state struct {
	Frozen bool `json:"frozen"`
	// Stranded are families that no path leads through any more.
	Stranded []int `json:"stranded,omitempty"`
}

// New is a method at its start.
func New(o Options) *Method { return &Method{Options: o} }

// Observe implements train.Method: what is masked has no gradient.
func (m *Method) Observe(s *train.Step) error {
	m.mask.Ready(s.Net)
	if m.By == Random && m.drawn == nil && !m.Frozen {
		m.draw(s.Net)
	}
	if !m.Frozen && s.N == 0 && s.At(m.Freeze) == 0 {
		if err := m.settle(s); err != nil {
			return err
		}
		s.Net.SilenceGradients()
	}
	m.mask.Silence(s.Net)
	return nil
}

// draw gives every connection a score.
func (m *Method) draw(n *train.Net) {
	rng := rand.New(rand.NewPCG(m.Seed, 0))
	m.drawn = m.mask.Arrays(n, 0)
	for _, list := range m.drawn {
		for i := range list {
			list[i] = rng.Float32()
		}
	}
}

// Move implements train.Method.
func (m *Method) Move(s *train.Step) error {
	begin, freeze := s.At(m.Begin), s.At(m.Freeze)
	switch {
	case m.Frozen || s.N < begin:
		m.mask.Hold(s)
	case s.N >= freeze:
		return m.settle(s)
	case (s.N-begin)%max(m.Every, 1) == 0:
		left := 1 - float64(s.N-begin)/float64(freeze-begin)
		m.mask.Turn(s, m.keep(s.Net, s.Net.Present(), m.Sparsity*(1-math.Pow(left, 3))))
	default:
		m.mask.Hold(s)
	}
	return nil
}

// settle fixes the masks.
func (m *Method) settle(s *train.Step) (err error) {
	m.Stranded, err = m.mask.Settle(s, m.left(m.Sparsity), func(open train.Arrays) train.Arrays { return m.keep(s.Net, open, m.Sparsity) })
	m.Frozen, m.drawn = true, nil
	return err
}

// keep are the masks of a sparsity among the connections that are open.
func (m *Method) keep(n *train.Net, open train.Arrays, sparsity float64) train.Arrays {
	scores := m.drawn
	if m.By != Random {
		scores = m.mask.Arrays(n, 0)
		for _, l := range m.mask.Layers() {
			m.mask.Weigh(n, l, scores[l.Var])
			for i, w := range scores[l.Var] {
				scores[l.Var][i] = float32(math.Abs(float64(w)))
			}
		}
	}
	if m.By == Uniform {
		for v, list := range scores {
			rank(list, open[v])
		}
	}
	return connection.Keep(scores, open, m.left(sparsity))
}

// left is how many connections a sparsity leaves.
func (m *Method) left(sparsity float64) int {
	return int(math.Round((1 - sparsity) * float64(m.mask.Total())))
}

// rank replaces scores of those that are open by the share of all that are not
// among the higher ones of them, so that the highest of several lists are the same
// share of each list, however many are closed.
func rank(scores, open []float32) {
	var order []int
	for i := range scores {
		if open[i] != 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(scores[a], scores[b]), cmp.Compare(b, a)) })
	for place, i := range order {
		scores[i] = float32(1 - (float64(len(order)-place)-0.5)/float64(len(scores)))
	}
}

// Done implements train.Method.
func (m *Method) Done() bool { return m.Frozen }

// State implements train.Method.
func (m *Method) State() any { return &m.state }

// Restore implements train.Method.
func (m *Method) Restore(b []byte) error {
	m.state = state{}
	return json.Unmarshal(b, &m.state)
}

// Carried implements train.Carrier.
func (m *Method) Carried() map[string]train.Arrays {
	all := maps.Clone(m.mask.Carried())
	if m.drawn != nil {
		all["drawn"] = m.drawn
	}
	return all
}

// Carry implements train.Carrier.
func (m *Method) Carry(arrays map[string]train.Arrays) {
	m.mask.Carry(arrays)
	m.drawn = arrays["drawn"]
}
