package train

import (
	"onnxcompress/compress"
	"onnxcompress/compress/optim"
	"onnxcompress/depgraph"
)

// Method drives groups, or single weights, to zero.
type Method interface {
	// Observe sees the gradients of a step before the optimiser does, and may
	// change them.
	Observe(s *Step) error
	// Move follows the optimiser's step. It may move weights further, and
	// remove groups with s.Remove. The net may shrink between two calls: arrays
	// of the length of variables must not be kept across steps, but by a method
	// that is a Carrier.
	Move(s *Step) error
	// Done reports whether nothing is left to remove.
	Done() bool
	// State is what a checkpoint needs to go on: a value that encoding/json
	// writes and reads back with nothing lost. Restore takes what State's JSON was.
	State() any
	Restore(json []byte) error
}

// Carrier is a method that keeps arrays of the length of variables: the net cuts
// them when it shrinks, and a checkpoint holds them.
type Carrier interface {
	// Carried are the arrays by name, each laid out as the variables are.
	Carried() map[string]Arrays
	// Carry takes them back, cut.
	Carry(arrays map[string]Arrays)
}

// Step is one step of a training as a Method sees it.
type Step struct {
	Net *Net
	// N is the number of the step, from 0, of Total.
	N, Total int
	// LR is the rate of the step, and Loss what it minimises.
	LR, Loss float64
	// Before are the variables before the optimiser's step; nil in Observe.
	Before Arrays
	// Select chooses groups for the target.
	Select Selector

	memory func() []optim.Memory
}

// Remove sets groups to zero for good, and lets the optimiser forget them.
func (s *Step) Remove(groups ...int) {
	if len(groups) == 0 {
		return
	}
	var memory []optim.Memory
	if s.memory != nil {
		memory = s.memory()
	}
	s.Net.Remove(memory, groups...)
}

// Selector chooses the groups that go: those of the lowest scores, until the
// target is met, among them all that are gone already. With perCost it takes
// first what does the least harm for what it saves, which needs scores that are
// amounts. Every choice can be carried out.
type Selector func(scores compress.Scores, perCost bool, gone *depgraph.Cut) (*depgraph.Cut, error)
