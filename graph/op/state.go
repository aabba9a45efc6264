package op

import "math"

// StateKind orders what a dead channel may hold.
type StateKind uint8

// The kinds of content of a dead channel.
const (
	// Zero: every element is exactly zero.
	ZeroState StateKind = iota
	// ConstState: every element is the same known number.
	ConstState
	// VaryingState: finite numbers that depend on the input.
	VaryingState
	// BadState: possibly NaN or infinite, which no zero weight silences.
	BadState
)

// State is the content of the dead channels of a value along an axis: an
// abstract value, so that zero-invariance is proved and not assumed.
type State struct {
	Kind StateKind
	// C is the number of a ConstState.
	C float64
}

// The states without a number.
var (
	Zero    = State{Kind: ZeroState}
	Varying = State{Kind: VaryingState}
	Bad     = State{Kind: BadState}
)

// Const is the state of channels that hold c: Zero for 0, Bad for a number
// that is not finite.
func Const(c float64) State {
	switch {
	case c == 0:
		return Zero
	case math.IsNaN(c) || math.IsInf(c, 0):
		return Bad
	}
	return State{ConstState, c}
}

// Join is the state of channels of which some are in state s and some in t.
func (s State) Join(t State) State {
	switch {
	case s == t:
		return s
	case s.Kind == BadState || t.Kind == BadState:
		return Bad
	}
	return Varying
}

// Number returns what a Zero or ConstState channel holds.
func (s State) Number() (float64, bool) {
	return s.C, s.Kind == ZeroState || s.Kind == ConstState
}
