package hesso

import (
	"cmp"
	"slices"

	"onnxcompress/compress"
	"onnxcompress/compress/train"
)

// Cric are the settings of corrective scoring: groups shrink towards zero on
// trial and are scored on the way, the least important ones at first, and in each
// further cycle those that have turned out to be as little important since.
type Cric struct {
	// Shares are the parts of each family that are zero for a batch, and Harm the
	// weight of what that does to the loss.
	Shares []float64
	Harm   float64
	// Cycles is how many there are at most, each of Steps; they end when no more
	// than Tolerance groups are left to try.
	Cycles, Steps, Tolerance int
}

// UsualCric are the settings of the paper, but for harm, which counts as much as
// each measure of Usual does.
func UsualCric() *Cric {
	return &Cric{Shares: []float64{0.25, 0.5, 0.75}, Harm: 0.2, Cycles: 10, Steps: 10}
}

// trial is where CRIC stands.
type trial struct {
	Sweep sweep `json:"sweep"`
	// Base are the scores at the start, Usual the loss, and Count how many groups
	// go.
	Base  compress.Scores `json:"base"`
	Usual float64         `json:"usual"`
	Count int             `json:"count"`
	// Set are the groups that shrink in the cycle, Next those of the next one, and
	// Tried tells which have been in any.
	Set   []int  `json:"set"`
	Next  []int  `json:"next"`
	Tried []bool `json:"tried"`
	// Cycle and Step count from 0.
	Cycle int `json:"cycle"`
	Step  int `json:"step"`
	// Sum are the scores of Logged steps.
	Sum    []float64 `json:"sum"`
	Logged int       `json:"logged"`
	// Last is the step at which the trial must be over.
	Last int `json:"last"`
	// Statistics are the bytes of the running ones at the start.
	Statistics map[string][]byte `json:"statistics,omitempty"`
}

// tryOut begins a trial. It is false where there is nothing to try, or no time.
func (m *Method) tryOut(s *train.Step) (bool, error) {
	m.Tried = true
	scores := m.Seen.Scores(s.Net, m.Mix)
	groups, err := s.Choose(scores, m.perCost())
	if err != nil {
		return false, err
	}
	time := (m.end(s) - s.N) / 2
	if len(groups) == 0 || time == 0 {
		return false, nil
	}
	count := len(s.Net.Graph.Groups)
	m.Trial = &trial{
		Sweep: newSweep(s.Net, m.Cric.Shares, time/2), Base: scores, Usual: m.Loss / float64(max(m.Losses, 1)),
		Count: len(groups), Set: groups, Tried: make([]bool, count), Sum: make([]float64, count), Last: s.N + time,
		Statistics: map[string][]byte{},
	}
	for name, w := range s.Net.Statistics() {
		m.Trial.Statistics[name] = slices.Clone(w.Data)
	}
	for _, g := range groups {
		m.Trial.Tried[g] = true
	}
	m.forget()
	m.origin = make(train.Arrays, len(s.Net.Variables()))
	for i, v := range s.Net.Values() {
		m.origin[i] = slices.Clone(v)
	}
	m.pose(s)
	return true, nil
}

// listen sees the loss of a trial, or the gradients on the way to zero. In the
// sweep nothing moves: weights are put back, and what the optimiser remembers
// must not come of weights that were zero for a batch, nor of their decay.
func (m *Method) listen(s *train.Step) {
	t := m.Trial
	if t.Sweep.over(s.Net) {
		m.Seen.See(s, m.By)
		return
	}
	t.Sweep.note(s.Net, t.Base, s.Loss, t.Usual)
	m.memory = s.Memory()
	for _, g := range s.Net.Gradients() {
		clear(g)
	}
}

// try is a step of a trial.
func (m *Method) try(s *train.Step) {
	t := m.Trial
	if !t.Sweep.over(s.Net) {
		m.putBack(s)
		s.Recall(m.memory)
		m.memory = nil
		t.Sweep.At++
		m.pose(s)
		return
	}
	m.Seen.See(s, m.By)
	s.Net.Dim(train.Fade(t.Step, 0, m.Cric.Steps-1), t.Set...)
	m.log(s)
	t.Step++
	if t.Step >= m.Cric.Steps || s.N >= t.Last {
		m.turn(s)
	}
}

// pose makes the groups zero that the sweep tries next.
func (m *Method) pose(s *train.Step) {
	if t := m.Trial; !t.Sweep.over(s.Net) {
		s.Net.Dim(0, t.Sweep.part(s.Net, t.Base)...)
	}
}

// log scores groups where they are on the way, and finds those that are among the
// least important now and have not been tried.
func (m *Method) log(s *train.Step) {
	t := m.Trial
	scores := m.Seen.Scores(s.Net, m.Mix)
	m.forget()
	order := make([]int, 0, len(scores))
	for g, v := range scores {
		t.Sum[g] += v
		if !s.Net.Gone(g) {
			order = append(order, g)
		}
	}
	t.Logged++
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	for _, g := range order[:min(t.Count, len(order))] {
		if !t.Tried[g] {
			t.Tried[g] = true
			t.Next = append(t.Next, g)
		}
	}
}

// turn ends a cycle, and the trial if it was the last.
func (m *Method) turn(s *train.Step) {
	t := m.Trial
	m.putBack(s)
	t.Set, t.Next = t.Next, nil
	t.Cycle, t.Step = t.Cycle+1, 0
	if len(t.Set) > m.Cric.Tolerance && t.Cycle < m.Cric.Cycles && s.N < t.Last {
		return
	}
	m.Final = make(compress.Scores, len(t.Sum))
	harm := t.Sweep.harm(s.Net)
	for g, sum := range t.Sum {
		m.Final[g] = sum/float64(t.Logged) + m.Cric.Harm*harm[g]
	}
	m.First, m.Trial, m.origin = s.N+1, nil, nil
}

// putBack gives weights and running statistics what they were at the start of the
// trial: statistics have moved with groups that were zero.
func (m *Method) putBack(s *train.Step) {
	for i, v := range s.Net.Values() {
		copy(v, m.origin[i])
	}
	for name, w := range s.Net.Statistics() {
		copy(w.Data, m.Trial.Statistics[name])
	}
}

// Carried implements train.Carrier.
func (m *Method) Carried() map[string]train.Arrays {
	if m.origin == nil {
		return nil
	}
	return map[string]train.Arrays{"origin": m.origin}
}

// Carry implements train.Carrier.
func (m *Method) Carry(arrays map[string]train.Arrays) { m.origin = arrays["origin"] }
