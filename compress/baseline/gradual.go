package baseline

import (
	"encoding/json"
	"math"

	"onnxcompress/compress/train"
)

// Ramp says when groups go: in Rounds between two shares of the training, many in
// the first ones and few in the last, as a cubic ramp has it.
type Ramp struct {
	Start, End float64
	Rounds     int
}

// UsualRamp takes ten rounds until the middle of the training.
func UsualRamp() Ramp { return Ramp{Start: 0.05, End: 0.5, Rounds: 10} }

// at is the step of a round, from 1.
func (r Ramp) at(s *train.Step, round int) int {
	start := s.At(r.Start)
	return start + round*max(s.At(r.End)-start, 0)/max(r.Rounds, 1)
}

// next is the first round that is not over before a step.
func (r Ramp) next(s *train.Step) int {
	round := 1
	for round < r.Rounds && r.at(s, round) < s.N {
		round++
	}
	return round
}

// last is the last round of the step of a round.
func (r Ramp) last(s *train.Step, round int) int {
	for round < r.Rounds && r.at(s, round+1) == r.at(s, round) {
		round++
	}
	return round
}

// share is how much of what must go is gone after a round.
func (r Ramp) share(round int) float64 {
	return 1 - math.Pow(1-float64(round)/float64(max(r.Rounds, 1)), 3)
}

// Gradual is a train.Method that removes groups in rounds. In each it chooses
// anew among those that are left.
type Gradual struct {
	Rating
	Ramp
	once
}

// NewGradual is a method at its start.
func NewGradual(r Rating, ramp Ramp) *Gradual { return &Gradual{Rating: r, Ramp: ramp} }

// Observe implements train.Method.
func (g *Gradual) Observe(s *train.Step) error {
	if !g.Ended {
		g.see(s, &g.Seen, g.at(s, g.next(s)))
	}
	return nil
}

// Move implements train.Method.
func (g *Gradual) Move(s *train.Step) error {
	round := g.next(s)
	if g.Ended || s.N < g.at(s, round) {
		return nil
	}
	round = g.last(s, round)
	groups, err := g.choose(s, &g.Seen)
	if err != nil {
		return err
	}
	gone := s.Net.Removed()
	want := int(math.Ceil(g.share(round) * float64(gone+len(groups))))
	s.Remove(groups[:max(min(want-gone, len(groups)), 0)]...)
	g.once = once{Ended: round >= g.Rounds}
	return nil
}

// Done implements train.Method.
func (g *Gradual) Done() bool { return g.Ended }

// State implements train.Method.
func (g *Gradual) State() any { return &g.once }

// Restore implements train.Method.
func (g *Gradual) Restore(b []byte) error {
	g.once = once{}
	return json.Unmarshal(b, &g.once)
}
