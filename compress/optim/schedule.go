package optim

import "math"

// Schedule says what the rate is multiplied with at each step. What a step is,
// a batch or an epoch, is the caller's choice.
type Schedule interface {
	// At is the factor at a step, counted from 0.
	At(step int) float64
}

// Constant is the same factor at every step.
type Constant float64

// At implements Schedule.
func (c Constant) At(int) float64 { return float64(c) }

// Step multiplies with Factor after every so many steps; Every must be
// positive.
type Step struct {
	Every  int
	Factor float64
}

// At implements Schedule.
func (s Step) At(step int) float64 { return math.Pow(s.Factor, float64(step/s.Every)) }

// MultiStep multiplies with Factor at each of the steps in Marks.
type MultiStep struct {
	Marks  []int
	Factor float64
}

// At implements Schedule.
func (s MultiStep) At(step int) float64 {
	factor := 1.0
	for _, mark := range s.Marks {
		if step >= mark {
			factor *= s.Factor
		}
	}
	return factor
}

// Cosine falls from 1 to Floor over half a cosine wave of a positive number of
// Steps. Beyond, it rises again, as PyTorch's does.
type Cosine struct {
	Steps int
	Floor float64
}

// At implements Schedule.
func (s Cosine) At(step int) float64 {
	return swing(1, s.Floor, float64(step)/float64(s.Steps))
}

// OneCycle rises to 1 in the first part of a run and falls close to nothing in
// the rest, both along half a cosine wave. The rate it multiplies is the
// highest of the run. The run ends with step Steps-1; where it goes on, the
// factor stays.
type OneCycle struct {
	Steps int
	Rise  float64 // share of the steps that rise; 0 stands for 0.3
	Start float64 // 1 over the first factor; 0 stands for 25
	End   float64 // the first factor over the last; 0 stands for 10000
}

// At implements Schedule.
func (s OneCycle) At(step int) float64 {
	first := 1 / orElse(s.Start, 25)
	final := first / orElse(s.End, 1e4)
	peak := orElse(s.Rise, 0.3)*float64(s.Steps) - 1
	last := float64(s.Steps - 1)
	switch t := float64(step); {
	case t <= peak && peak > 0:
		return swing(first, 1, t/peak)
	case t >= last:
		return final
	default:
		return swing(1, final, (t-peak)/(last-peak))
	}
}

// Warmup rises along a line from From to 1 in a number of Steps, and goes on
// with the first step of Then.
type Warmup struct {
	Steps int
	From  float64
	Then  Schedule
}

// At implements Schedule.
func (s Warmup) At(step int) float64 {
	if step >= s.Steps {
		return s.Then.At(step - s.Steps)
	}
	return s.From + (1-s.From)*float64(step)/float64(s.Steps)
}

// swing goes from a to b along half a cosine wave while t goes from 0 to 1.
func swing(a, b, t float64) float64 { return b + (a-b)*(1+math.Cos(math.Pi*t))/2 }

func orElse(v, otherwise float64) float64 {
	if v == 0 {
		return otherwise
	}
	return v
}
