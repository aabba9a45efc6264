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
	// Stages divide the time between Start and Deadline. In each, groups are chosen
	// anew among those that are not zero yet, and as many are pushed as leave the
	// stages to come their even share: 1 chooses once and pushes all.
	Stages int
	// Paced makes the least penalty what takes a group to zero in its stage.
	Paced bool
}

// Usual are the settings of the paper, for an optimiser that scales steps as Adam
// does or one that does not, but for the pace, which is that of short trainings,
// and for balance: the paper's scores alone empty whole layers.
func Usual(adaptive bool) Options {
	o := Options{
		Rule: Rule{Lambda: 1e-3, Amplify: 2, Cap: 10}, Epsilon: 0.95,
		Mix: saliency.Mix{Cosine: -0.5, Inverse: -0.5, Balance: 1}, By: saliency.Effective, Batches: 50,
		Start: 0.1, Deadline: 0.4, End: 0.5, Stages: 1,
	}
	if adaptive {
		o.Rule = Rule{Lambda: 1e-2, Amplify: 20, Cap: 1e3}
	}
	return o
}

// Short are settings for trainings of some thousand steps, in which the penalties
// of the paper take hardly any group to zero before the deadline: every group at
// the pace of its stage, and scored by all measures.
func Short(adaptive bool) Options {
	o := Usual(adaptive)
	o.Paced, o.Stages, o.Deadline = true, 5, 0.48
	o.Mix, o.By = saliency.Even(), saliency.Gradient
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
	if next := m.next(s); s.N <= next && next-s.N < max(m.Batches, 1) {
		m.Seen.See(s, m.By)
	}
}

// stages is how many there are: no more than steps.
func (m *Method) stages(s *train.Step) int {
	return max(min(m.Stages, s.At(m.Deadline)-s.At(m.Start)), 1)
}

// bound is the first step of a stage, and behind the last one the deadline.
func (m *Method) bound(s *train.Step, stage int) int {
	start := s.At(m.Start)
	return start + stage*max(s.At(m.Deadline)-start, 0)/m.stages(s)
}

// stage is the number of the stage that begins next, or with this step.
func (m *Method) stage(s *train.Step) int {
	stage := 0
	for stage < m.stages(s) && m.bound(s, stage) < s.N {
		stage++
	}
	return stage
}

// next is the first step of the stage that begins next, -1 where none does.
func (m *Method) next(s *train.Step) int {
	if stage := m.stage(s); stage < m.stages(s) {
		return m.bound(s, stage)
	}
	return -1
}

// choose takes the groups of the stage that begins.
func (m *Method) choose(s *train.Step) error {
	groups, err := s.Choose(m.Seen.Scores(s.Net, m.Mix), m.PerCost && m.Mix.Amounts())
	left := m.stages(s) - m.stage(s)
	m.Redundant = groups[:(len(groups)+left-1)/left]
	m.Seen = saliency.Sums{}
	return err
}

// Move implements train.Method.
func (m *Method) Move(s *train.Step) error {
	m.see(s)
	start := s.At(m.Start)
	if m.Ended || s.N < start {
		return nil
	}
	if m.next(s) == s.N {
		if err := m.choose(s); err != nil {
			return err
		}
	}
	deadline := max(s.At(m.Deadline), start)
	end := max(s.At(m.End), deadline)
	if s.N < deadline {
		m.push(s)
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
	m.Ended = s.N >= end || len(left) == 0 && m.last(s)
}

// last reports whether a step is in the last stage, or behind it.
func (m *Method) last(s *train.Step) bool { return s.N >= m.bound(s, m.stages(s)-1) }

// push moves redundant groups against their penalties, and projects them.
func (m *Method) push(s *train.Step) {
	n, left := s.Net, m.left(s)
	v := s.Direction()
	xx, xv, vv := n.Dot(s.Before, s.Before, train.Own), n.Dot(s.Before, v, train.Own), n.Dot(v, v, train.Own)
	factors := make([]float64, len(xx))
	for _, g := range m.Redundant {
		if xx[g] > 0 {
			norm := math.Sqrt(xx[g])
			factors[g] = -s.LR * m.penalty(xx[g], xv[g], vv[g], m.least(norm, s.LR*float64(left))) / norm
		}
	}
	n.Add(factors, s.Before, train.Own)
	xy := n.Dot(s.Before, n.Values(), train.Own)
	var zero []int
	for _, g := range m.Redundant {
		if xx[g] == 0 || projected(xy[g], xx[g], m.threshold(left)) {
			zero = append(zero, g)
		}
	}
	s.Remove(zero...)
}

// left counts the steps of a step's stage from that step on.
func (m *Method) left(s *train.Step) int {
	stage := m.stage(s)
	if m.bound(s, stage) == s.N {
		stage++
	}
	return max(m.bound(s, stage)-s.N, 1)
}

// least is the least penalty of a group whose weights have a norm and can move by
// a part of a penalty in the time left.
func (m *Method) least(norm, part float64) float64 {
	if !m.Paced || part == 0 {
		return m.Lambda
	}
	return math.Max(m.Lambda, norm/part)
}

// threshold is how much of a group must be left after a step with so many left,
// besides what its pace takes.
func (m *Method) threshold(left int) float64 {
	if !m.Paced || left <= 1 {
		return m.Epsilon
	}
	return m.Epsilon * (1 - 1/float64(left))
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
