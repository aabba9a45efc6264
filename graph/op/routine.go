package op

import (
	"fmt"

	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/kernel"
)

// Routine computes one node on float32 tensors whose shapes are fixed. Spec's
// Compile makes it once; an executor then calls it any number of times, and
// it allocates nothing when called.
type Routine struct {
	// Forward fills f.Out from f.In.
	Forward func(f *Frame)
	// Backward fills those of f.DIn that are not nil from f.DOut, the gradients
	// of the outputs. Nil for a node that has no derivative.
	Backward func(f *Frame)
	// KeepIn and KeepOut list the inputs and outputs that Backward reads.
	KeepIn, KeepOut []int
	// Scratch is the number of floats of working memory that a call wants, State
	// the number that Forward leaves for Backward.
	Scratch, State int
	// InPlace lists inputs whose buffer output 0 may take over: each element is
	// read for the last time before its place is written.
	InPlace []int
	// View says that output 0 is input 0 under another shape: the executor lets
	// both share a buffer and calls nothing.
	View bool
	// Pass lists inputs whose gradient is that of output 0 as it is.
	Pass []int
	// Adds says that Backward adds to a gradient where f.Add asks for it; a
	// routine that cannot is given a buffer of its own.
	Adds bool
}

// Frame is the memory that one call of a Routine works on. In and Out are
// aligned with the node's inputs and outputs, nil where one is absent; DIn and
// DOut hold their gradients, nil where one is not wanted or not there.
type Frame struct {
	Pool      *kernel.Pool
	In, Out   []*tensor.Tensor
	DIn, DOut []*tensor.Tensor
	// Add marks the gradients that are to be added to.
	Add []bool
	// Scratch and State are as long as the routine asked for. State keeps its
	// content from Forward to Backward.
	Scratch, State []float32
	// Err is what a call fails with whose inputs cannot be computed with.
	Err error
	// Seed is another number in each step of a training, from which what is
	// random follows.
	Seed uint64
	// Again says that Forward ran in this step before, on the same inputs: what it
	// changes beside its outputs and State it has changed.
	Again bool
}

// X views input i.
func (f *Frame) X(i int) []float32 { return f.In[i].Float32s() }

// Y views output i.
func (f *Frame) Y(i int) []float32 { return f.Out[i].Float32s() }

// Layout says which tensors of a node may hold axis 1, the channels, last.
type Layout struct {
	// In lists the inputs that are stored so when the node runs so. All outputs
	// are.
	In []int
	// Prefers says that the node gains by it, so that others are converted to
	// suit it; without it the node does what its inputs do.
	Prefers bool
}

// stored is a shape as the node stores it.
func (n *Node) stored(shape []int64) []int64 { return arranged(n, shape) }

// arranged lists what belongs to the axes of a tensor in the order in which they
// are stored.
func arranged[T any](n *Node, axes []T) []T {
	if !n.Last || len(axes) < 3 {
		return axes
	}
	return Rotate(axes)
}

// storedAxis is the place at which an axis of a tensor of that rank is stored.
func (n *Node) storedAxis(axis, rank int) int {
	switch {
	case !n.Last || rank < 3 || axis == 0:
		return axis
	case axis == 1:
		return rank - 1
	}
	return axis - 1
}

// Rotate moves what belongs to axis 1 to the end.
func Rotate[T any](axes []T) []T {
	out := append([]T{axes[0]}, axes[2:]...)
	return append(out, axes[1])
}

// Unrotate moves the last axis of a shape back to place 1.
func Unrotate(shape []int64) []int64 {
	last := len(shape) - 1
	out := append([]int64{shape[0]}, shape[last])
	return append(out, shape[1:last]...)
}

// Turn is the routine that moves axis 1 of a tensor to its end or, where last is
// false, the last axis back to place 1. shape is that of the input. Where the
// elements lie the same either way it is a view.
func Turn(shape []int64, last bool) *Routine {
	rows, cols := int64(1), int64(1) // of a transpose within each item of the batch
	if last {
		rows, cols = shape[1], product(shape[2:])
	} else {
		rows, cols = product(shape[1:len(shape)-1]), shape[len(shape)-1]
	}
	if rows == 1 || cols == 1 {
		return &Routine{View: true, Pass: []int{0}}
	}
	turn := func(f *Frame, dst, src []float32, rows, cols int) {
		size := rows * cols
		for at := 0; at < len(src); at += size {
			kernel.Transpose(dst[at:at+size], src[at:at+size], rows, cols, rows, cols)
		}
	}
	r, c := int(rows), int(cols)
	return &Routine{
		Forward:  func(f *Frame) { turn(f, f.Y(0), f.X(0), r, c) },
		Backward: func(f *Frame) { turn(f, f.DIn[0].Float32s(), f.DOut[0].Float32s(), c, r) },
	}
}

// begin is the gradient of input i, cleared if zero says so and it is not to be
// added to.
func (f *Frame) begin(i int, zero bool) []float32 {
	dx := f.DIn[i].Float32s()
	if zero && !f.Add[i] {
		clear(dx)
	}
	return dx
}

// beta is what the gradient of input i is multiplied by before the term of that
// number is added to it.
func (f *Frame) beta(i, term int) float32 {
	if term > 0 || f.Add[i] {
		return 1
	}
	return 0
}

// Adding is the routine of the sum of two tensors of n elements.
func Adding(n int) *Routine {
	return &Routine{Forward: shared(n, 1, func(f *Frame, _, lo, hi int) {
		kernel.Add(f.Y(0)[lo:hi], f.X(0)[lo:hi], f.X(1)[lo:hi])
	})}
}

// Fail says why a call came to nothing.
func (f *Frame) Fail(format string, args ...any) { f.Err = fmt.Errorf(format, args...) }
