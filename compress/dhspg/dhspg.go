package dhspg

import (
	"encoding/json"
	"math"

	"onnxcompress/compress/saliency"
	"onnxcompress/compress/train"
)

// Options are the settings of the method. Usual gives those of the paper.
type Options struct {
	Rule
	// Epsilon is how much of a group's weights must be left of them in their own
	// direction after a step, lest they are set to zero: 0 to below 1.
	Epsilon float64
	// Mix and By are how groups are told redundant, over as many Batches before
	// the choice as there are. PerCost sets harm against what groups cost, where
	// Mix is one of amounts.
	Mix     saliency.Mix
	By      saliency.By
	Batches int
	PerCost bool
	// Start, Deadline and End are shares of the training: where groups are
	// chosen, where what is not zero begins to shrink, and where it is zero.
	Start, Deadline, End float64
	// Revisions is how often between Start and Deadline groups are chosen anew
	// among those that are not zero yet.
	Revisions int
	// Paced makes the least penalty what takes a group to zero by the deadline.
	Paced bool
}

// Usual are the settings of the paper, for an optimiser that scales steps as Adam
// does or one that does not, but for the pace, which is that of short trainings,
// and for balance: the paper's scores alone empty whole layers.
func Usual(adaptive bool) Options {
	o := Options{
		Rule: Rule{Lambda: 1e-3, Amplify: 2, Cap: 10}, Epsilon: 0.95,
		Mix: saliency.Mix{Cosine: -0.5, Inverse: -0.5, Balance: 1}, By: saliency.Effective, Batches: 50,
		Start: 0.1, Deadline: 0.4, End: 0.5,
	}
	if adaptive {
		o.Rule = Rule{Lambda: 1e-2, Amplify: 20, Cap: 1e3}
	}
	return o
}

// Method is a train.Method.
type Method struct {
	Options
	state
}

// state is what a run goes on from.
type state struct {
	// Redundant are the groups that have been chosen and are not zero yet.
	Redundant []int         `json:"redundant"`
	Ended     bool          `json:"ended"`
	Seen      saliency.Sums `json:"seen"`
}

// New is a method at its start.
func New(o Options) *Method { return &Method{Options: o} }

// Observe implements train.Method.
func (m *Method) Observe(s *train.Step) error {
	m.see(s)
	return nil
}

// see counts a step that is close enough before a choice.
func (m *Method) see(s *train.Step) {
	if next := m.nextChoice(s); s.N <= next && next-s.N < max(m.Batches, 1) {
		m.Seen.See(s, m.By)
	}
}

// nextChoice is the step of the next choice of groups, or one that is over.
func (m *Method) nextChoice(s *train.Step) int {
	start, deadline := s.At(m.Start), s.At(m.Deadline)
	for k := range m.Revisions + 1 {
		if at := start + k*max(deadline-start, 0)/(m.Revisions+1); at >= s.N {
			return at
		}
	}
	return -1
}

// Move implements train.Method.
func (m *Method) Move(s *train.Step) error {
	m.see(s)
	start := s.At(m.Start)
	if m.Ended || s.N < start {
		return nil
	}
	if m.nextChoice(s) == s.N {
		var err error
		if m.Redundant, err = s.Choose(m.Seen.Scores(s.Net, m.Mix), m.PerCost && m.Mix.Amounts()); err != nil {
			return err
		}
		m.Seen = saliency.Sums{}
	}
	deadline := max(s.At(m.Deadline), start)
	end := max(s.At(m.End), deadline)
	if s.N < deadline {
		m.push(s, deadline)
	} else {
		s.Shrink(train.Fade(s.N, deadline, end), m.Redundant...)
	}
	m.settle(s, end)
	return nil
}

// settle forgets groups that are zero.
func (m *Method) settle(s *train.Step, end int) {
	var left []int
	for _, g := range m.Redundant {
		if !s.Net.Gone(g) {
			left = append(left, g)
		}
	}
	m.Redundant = left
	m.Ended = s.N >= end || len(left) == 0
}

// push moves redundant groups against their penalties, and projects them.
func (m *Method) push(s *train.Step, deadline int) {
	n := s.Net
	v := s.Direction()
	xx, xv, vv := n.Dot(s.Before, s.Before, train.Own), n.Dot(s.Before, v, train.Own), n.Dot(v, v, train.Own)
	factors := make([]float64, len(xx))
	for _, g := range m.Redundant {
		if xx[g] > 0 {
			norm := math.Sqrt(xx[g])
			factors[g] = -s.LR * m.penalty(xx[g], xv[g], vv[g], m.least(norm, s, deadline)) / norm
		}
	}
	n.Add(factors, s.Before, train.Own)
	xy := n.Dot(s.Before, n.Values(), train.Own)
	var zero []int
	for _, g := range m.Redundant {
		if xx[g] == 0 || projected(xy[g], xx[g], m.Epsilon) {
			zero = append(zero, g)
		}
	}
	s.Remove(zero...)
}

// least is the least penalty of a group whose weights have a norm.
func (m *Method) least(norm float64, s *train.Step, deadline int) float64 {
	if !m.Paced || s.LR == 0 {
		return m.Lambda
	}
	return math.Max(m.Lambda, norm/(s.LR*float64(max(deadline-s.N, 1))))
}

// Done implements train.Method.
func (m *Method) Done() bool { return m.Ended }

// State implements train.Method.
func (m *Method) State() any { return &m.state }

// Restore implements train.Method.
func (m *Method) Restore(b []byte) error {
	m.state = state{}
	return json.Unmarshal(b, &m.state)
}
