// Package optim trains parameters: the rules by which a gradient moves a
// weight, the clipping of gradients before, and schedules of the rate. They
// give PyTorch's numbers. It knows flat slices only; what a rule remembers of a
// parameter has the parameter's length and order, so that it can be written to
// a checkpoint, and cut as the parameter is cut.
package optim

import (
	"fmt"

	"onnxcompress/runtime/kernel"
)

// Param is one tensor of weights and the gradient of the loss with respect to
// it, element for element. A parameter whose Grad is nil rests.
type Param struct {
	Value, Grad []float32
	// NoDecay exempts the parameter from weight decay, as is usual for biases
	// and for the scales of normalisations.
	NoDecay bool
}

// Memory is what a rule keeps of one parameter between steps: how often the
// parameter was moved, and running means of the length of its Value. Without
// any move there are none.
type Memory struct {
	Steps   int
	Moments [][]float32
}

// Optimiser moves parameters against their gradients.
type Optimiser interface {
	// Step moves every parameter that has a gradient. The parameters must be
	// the same, in the same order, in each call; where they are not, or lengths
	// differ, Step returns an error and has moved nothing. From the second call
	// on nothing is allocated.
	Step(params []Param) error
	// SetLR changes the rate from the next step on.
	SetLR(lr float64)
	// Memories gives what is kept of each parameter, in the order of the
	// parameters, and nothing before the first step. It is shared with the
	// optimiser, not copied.
	Memories() []Memory
	// Recall continues from memories, which the optimiser then owns. The next
	// step checks that they fit.
	Recall(memories []Memory)
}

// ledger holds the memories of an optimiser.
type ledger struct{ memories []Memory }

// Memories implements Optimiser.
func (l *ledger) Memories() []Memory { return l.memories }

// Recall implements Optimiser.
func (l *ledger) Recall(memories []Memory) { l.memories = memories }

// open checks that params fit what is remembered, and makes room for a number
// of moments of each parameter that is to move for the first time.
func (l *ledger) open(params []Param, moments int) error {
	if l.memories != nil && len(l.memories) != len(params) {
		return fmt.Errorf("%d parameters, but memories of %d", len(params), len(l.memories))
	}
	for i, p := range params {
		if p.Grad != nil && len(p.Grad) != len(p.Value) {
			return fmt.Errorf("parameter %d has %d elements and a gradient of %d", i, len(p.Value), len(p.Grad))
		}
		if l.memories == nil || len(l.memories[i].Moments) == 0 {
			continue
		}
		if n := len(l.memories[i].Moments); n != moments {
			return fmt.Errorf("parameter %d is remembered by %d moments, want %d", i, n, moments)
		}
		for _, m := range l.memories[i].Moments {
			if len(m) != len(p.Value) {
				return fmt.Errorf("parameter %d has %d elements and a moment of %d", i, len(p.Value), len(m))
			}
		}
	}
	if l.memories == nil {
		l.memories = make([]Memory, len(params))
	}
	for i, p := range params {
		if m := &l.memories[i]; p.Grad != nil && len(m.Moments) < moments {
			m.Moments = make([][]float32, moments)
			for k := range m.Moments {
				m.Moments[k] = make([]float32, len(p.Value))
			}
		}
	}
	return nil
}

// stepOf is a step of a parameter, its weight decay as part of the gradient or
// apart from it.
func stepOf(p Param, lr, weightDecay float64, decoupled bool) kernel.Step {
	s := kernel.Step{Rate: lr}
	switch {
	case p.NoDecay:
	case decoupled:
		s.Decay = weightDecay
	default:
		s.L2 = weightDecay
	}
	return s
}
