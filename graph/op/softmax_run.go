package op

import "onnxcompress/runtime/kernel"

// rowwise is a function of the elements along an axis, on rows of cols numbers.
type rowwise struct {
	forward  func(y, x []float32, cols int)
	backward func(dx, dy, y []float32, cols int)
}

// compileRowwise serves where the axes of a row lie behind each other.
func compileRowwise(w rowwise) func(n *Node) (*Routine, error) {
	return func(n *Node) (*Routine, error) {
		x := n.In[0].Shape
		if !floats(n, 0) || product(x) == 0 {
			return nil, nil
		}
		drop, err := softmaxAxes(n, len(x))
		if err != nil {
			return nil, err
		}
		shape, first, last := n.stored(x), -1, -1
		cols := 1
		for axis, d := range shape {
			at := axis
			if n.Last {
				at = unplace(axis, len(x))
			}
			if d != 1 && drop[at] {
				if first < 0 {
					first = axis
				}
				last, cols = axis, cols*int(d)
			}
		}
		if first < 0 {
			first, last = len(shape), len(shape)
		} else if product(shape[first:last+1]) != int64(cols) {
			return nil, nil
		}
		if last < len(shape) && product(shape[last+1:]) != 1 {
			return turnedRowwise(w, int(product(shape[:first])), cols, int(product(shape[last+1:]))), nil
		}
		rows := int(product(x)) / cols
		var inPlace []int
		if cols%vectorFloats == 0 {
			inPlace = []int{0}
		}
		return &Routine{
			KeepOut: []int{0}, InPlace: inPlace,
			Forward: shared(rows, 4*cols, func(f *Frame, _, lo, hi int) {
				w.forward(f.Y(0)[lo*cols:hi*cols], f.X(0)[lo*cols:hi*cols], cols)
			}),
			Backward: shared(rows, 2*cols, func(f *Frame, _, lo, hi int) {
				w.backward(f.DIn[0].Float32s()[lo*cols:hi*cols], f.DOut[0].Float32s()[lo*cols:hi*cols], f.Y(0)[lo*cols:hi*cols], cols)
			}),
		}, nil
	}
}

// vectorFloats is the number of floats in the longest vector. A row whose last is not
// full is stored under a mask, which holds up loads of what follows it: in place
// the next row would wait for it.
const vectorFloats = 16

// unplace is the axis that is stored at a place with channels last.
func unplace(at, rank int) int {
	switch {
	case rank < 3 || at == 0:
		return at
	case at == rank-1:
		return 1
	}
	return at + 1
}

// turnedRowwise gathers the elements along axes that are not the last.
func turnedRowwise(w rowwise, outer, cols, inner int) *Routine {
	block := cols * inner
	return &Routine{
		KeepOut: []int{0},
		Forward: shared(outer, 8*block, func(f *Frame, worker, lo, hi int) {
			t := f.Pool.Scratch(worker, block)
			for i := lo; i < hi; i++ {
				kernel.Transpose(t, f.X(0)[i*block:], cols, inner, cols, inner)
				w.forward(t, t, cols)
				kernel.Transpose(f.Y(0)[i*block:], t, inner, cols, inner, cols)
			}
		}),
		Backward: shared(outer, 8*block, func(f *Frame, worker, lo, hi int) {
			t := f.Pool.Scratch(worker, 2*block)
			dy, y := t[:block], t[block:]
			for i := lo; i < hi; i++ {
				kernel.Transpose(dy, f.DOut[0].Float32s()[i*block:], cols, inner, cols, inner)
				kernel.Transpose(y, f.Y(0)[i*block:], cols, inner, cols, inner)
				w.backward(dy, dy, y, cols)
				kernel.Transpose(f.DIn[0].Float32s()[i*block:], dy, inner, cols, inner, cols)
			}
		}),
	}
}
