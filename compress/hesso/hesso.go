package hesso

import (
	"encoding/json"

	"onnxcompress/compress"
	"onnxcompress/compress/optim"
	"onnxcompress/compress/saliency"
	"onnxcompress/compress/train"
)

// Options are the settings of the method. Usual gives them.
type Options struct {
	// Mix and By are how groups are scored, over as many Batches before each
	// period as there are. PerCost sets harm against what groups cost, where Mix
	// is one of amounts.
	Mix     saliency.Mix
	By      saliency.By
	Batches int
	PerCost bool
	// Start and End are shares of the training between which Periods lie.
	Start, End float64
	Periods    int
	// Cric scores groups along the way to zero before the first period, within
	// half the time; nil for not.
	Cric *Cric
}

// Usual are the settings of the paper but for the pace, which is that of short
// trainings, and for balance: the paper's scores alone empty whole layers.
func Usual() Options {
	return Options{
		Mix:     saliency.Even(),
		Batches: 50, Start: 0.1, End: 0.5, Periods: 10,
	}
}

// Method is a train.Method, and a train.Carrier for the sake of CRIC.
type Method struct {
	Options
	state
	// origin are the weights that CRIC comes back to.
	origin train.Arrays
	// memory is the optimiser's before a step of a sweep.
	memory []optim.Memory
}

// state is what a run goes on from.
type state struct {
	// Shrinking are the groups of the period.
	Shrinking []int         `json:"shrinking"`
	Ended     bool          `json:"ended"`
	Seen      saliency.Sums `json:"seen"`
	// Loss is a sum over as many steps as Losses.
	Loss   float64 `json:"loss"`
	Losses int     `json:"losses"`
	// Trial is CRIC's, Tried that it was begun if it could be, and Final the scores
	// that it came to.
	Tried bool            `json:"tried"`
	Trial *trial          `json:"trial,omitempty"`
	Final compress.Scores `json:"final,omitempty"`
	// First is the first step of the first period, later than the start by what
	// CRIC has taken.
	First int `json:"first"`
}

// New is a method at its start.
func New(o Options) *Method { return &Method{Options: o} }

// Observe implements train.Method.
func (m *Method) Observe(s *train.Step) error {
	if m.Trial != nil {
		m.listen(s)
		return nil
	}
	m.see(s)
	return nil
}

// see counts a step that is close enough before a period.
func (m *Method) see(s *train.Step) {
	if m.Ended || m.Final != nil {
		return
	}
	next := m.begin(s)
	if s.N > next {
		first, last := m.period(s)
		if next = first; s.N > first {
			next = last + 1
		}
	}
	if next-s.N >= max(m.Batches, 1) {
		return
	}
	m.Seen.See(s, m.By)
	if s.Before == nil {
		m.Loss += s.Loss
		m.Losses++
	}
}

// Move implements train.Method.
func (m *Method) Move(s *train.Step) error {
	if m.Trial != nil {
		m.try(s)
		return nil
	}
	m.see(s)
	if m.Ended || s.N < m.begin(s) {
		return nil
	}
	if m.Cric != nil && !m.Tried {
		if begun, err := m.tryOut(s); begun || err != nil {
			return err
		}
	}
	first, last := m.period(s)
	if s.N == first {
		if err := m.choose(s); err != nil {
			return err
		}
	}
	s.Shrink(train.Fade(s.N, first, last), m.Shrinking...)
	m.Ended = s.N >= m.end(s)
	return nil
}

// end is the last step of the last period.
func (m *Method) end(s *train.Step) int { return max(s.At(m.End), m.begin(s)) }

// begin is the first step of the first period.
func (m *Method) begin(s *train.Step) int { return max(s.At(m.Start), m.First) }

// periods is how many there are: no more than steps.
func (m *Method) periods(s *train.Step) int {
	return max(min(m.Periods, m.end(s)-m.begin(s)+1), 1)
}

// bound is the first step of a period.
func (m *Method) bound(s *train.Step, period int) int {
	begin := m.begin(s)
	return begin + period*(m.end(s)+1-begin)/m.periods(s)
}

// number is that of the period of a step.
func (m *Method) number(s *train.Step) int {
	for p := m.periods(s) - 1; p > 0; p-- {
		if m.bound(s, p) <= s.N {
			return p
		}
	}
	return 0
}

// period is the first and the last step of the period of a step.
func (m *Method) period(s *train.Step) (first, last int) {
	p := m.number(s)
	return m.bound(s, p), m.bound(s, p+1) - 1
}

// choose takes the least important of the groups that must still go: as many as
// leave the periods to come their even share.
func (m *Method) choose(s *train.Step) error {
	scores := m.Final
	if scores == nil {
		scores = m.Seen.Scores(s.Net, m.Mix)
	}
	groups, err := s.Choose(scores, m.perCost())
	if err != nil {
		return err
	}
	left := m.periods(s) - m.number(s)
	m.Shrinking = groups[:(len(groups)+left-1)/left]
	m.forget()
	return nil
}

// forget begins to look anew.
func (m *Method) forget() {
	m.Seen, m.Loss, m.Losses = saliency.Sums{}, 0, 0
}

func (m *Method) perCost() bool { return m.PerCost && m.Mix.Amounts() }

// Done implements train.Method.
func (m *Method) Done() bool { return m.Ended }

// State implements train.Method.
func (m *Method) State() any { return &m.state }

// Restore implements train.Method.
func (m *Method) Restore(b []byte) error {
	m.state = state{}
	return json.Unmarshal(b, &m.state)
}
