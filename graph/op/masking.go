package op

import (
	"math"

	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/kernel"
)

// Hiding is what takes the place of elements: Fill, where a boolean is When.
type Hiding struct {
	Fill float32
	When bool
}

// masking is what is added to scores, or hides some of them.
type masking struct {
	in int // of the routine
	// steps are how far apart elements lie along the axes of the scores, row along
	// that of the queries; those for one query lie side by side.
	steps  []int64
	row    int
	hides  *Hiding // where it is of booleans
	learns bool    // there may be a gradient
	spread *spread
}

var lowest = float32(math.Inf(-1))

// newMasking lets a mask of a shape lie over scores; ok is false where it is none
// that attention has a routine for.
func newMasking(n *Node, slot int, shape, scores []int64, hides *Hiding) (m *masking, ok bool) {
	f := n.Input(slot)
	rank := len(scores)
	if !f.Known || len(shape) < 1 || len(shape) > rank || !n.place(slot).Plain(f.Shape) {
		return nil, false
	}
	if whole := f.DType == tensor.Bool; whole != (hides != nil) || !whole && f.DType != tensor.Float32 {
		return nil, false
	}
	for axis, d := range padded(shape, rank) {
		if d != scores[axis] && (d != 1 || axis == rank-1) {
			return nil, false
		}
	}
	m = &masking{in: n.place(slot).In, hides: hides, learns: n.Train && hides == nil && !f.Static, spread: newSpread(scores, shape)}
	m.steps = broadcastStrides(shape, rank)
	m.row = int(m.steps[rank-2])
	return m, true
}

// apply masks scores, from an element of the mask on.
func (m *masking) apply(f *Frame, s []float32, at int) {
	if m.hides == nil {
		kernel.Add(s, s, f.X(m.in)[at:at+len(s)])
		return
	}
	for j, b := range f.In[m.in].Data[at : at+len(s)] {
		if (b != 0) == m.hides.When {
			s[j] = m.hides.Fill
		}
	}
}

// returns reports whether what is hidden may still have a share, which the scores
// have no part in.
func (m *masking) returns() bool { return m.hides != nil && m.hides.Fill != lowest }

// forget takes the gradient from what was hidden.
func (m *masking) forget(f *Frame, ds []float32, at int) {
	for j, b := range f.In[m.in].Data[at : at+len(ds)] {
		if (b != 0) == m.hides.When {
			ds[j] = 0
		}
	}
}

// gradient adds up those of the scores, to nothing if alone says that the mask
// shares its input with nothing else.
func (m *masking) gradient(f *Frame, ds []float32, alone bool) {
	addend{m.spread, 1}.gradient(f.begin(m.in, alone), ds)
}
