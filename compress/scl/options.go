package scl

import "math"

// STE is the surrogate whose derivative stands for that of the step function.
type STE int

// The surrogates. All but Rectified have a positive derivative everywhere, so that
// masks move towards where the loss is least; Rectified gives up what is masked.
const (
	Identity STE = iota
	Leaky
	Softplus
	Rectified
)

// leak is the derivative of Leaky below zero.
const leak = 0.1

// slope is the derivative at a mask variable.
func (e STE) slope(m float32) float32 {
	switch {
	case e == Softplus:
		return float32(1 / (1 + math.Exp(-float64(m))))
	case e == Identity || m >= 0:
		return 1
	case e == Leaky:
		return leak
	}
	return 0
}

// Feature is what gradients of masks are normalised over: nothing, all connections
// that lead to one output feature or that come from one input feature, or all of
// a layer.
type Feature int

// The features. Layer is the usual one.
const (
	Layer Feature = iota
	OutFeature
	InFeature
	None
)

// Norm is what gradients are divided by.
type Norm int

// The norms: the root of the sum of squares, and that of their mean.
const (
	L2 Norm = iota
	RMS
)

// Count is what a connection counts for: one, or how often a sample uses it, in
// units of the mean over the net.
type Count int

// The ways to count.
const (
	Weights Count = iota
	MACs
)

// Options are the settings of the method. Usual gives the defaults.
type Options struct {
	// Lambda is the price of connections. It is found in each step where
	// Sparsity is given.
	Lambda float64
	// Sparsity is the share of all connections that are to go; 0 for what
	// Lambda brings about.
	Sparsity float64
	// Begin and Freeze are shares of the training: the sparsity rises from
	// one to the other, as 1-(1-x)^Power does, and then the masks stay.
	Begin, Freeze, Power float64
	STE                  STE
	Feature              Feature
	Norm                 Norm
	Count                Count
	// Rounds is in how many rounds between Begin and Freeze whole groups go for
	// the user's target, those of the lowest mean mask first; 0 for none but those
	// that are left without connections.
	Rounds int
	// Start is what mask variables begin with, and Rate that of their descent.
	Start, Rate float64
}

// Grouped are the settings for a target that counts what a model without whole
// groups has left: connections cost nothing, and their masks tell which groups go.
func Grouped() Options {
	o := Usual(0)
	o.Begin, o.Freeze, o.Rounds = 0.05, 0.5, 10
	return o
}

// Usual are the settings of choice for a sparsity.
func Usual(sparsity float64) Options {
	return Options{Sparsity: sparsity, Freeze: 0.5, Power: 3, Start: 0.1, Rate: 0.05}
}
