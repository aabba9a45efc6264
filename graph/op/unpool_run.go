package op

import (
	"slices"

	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/kernel"
)

// compileMaxUnpool writes elements to their places among zeros; of several for
// one place the last stays. Where the shape of the output is given the places
// themselves tell what they count in, which the definition finds out.
func compileMaxUnpool(n *Node) (*Routine, error) {
	if n.Has(2) || !floats(n, 0) || !indexed(n, 1) || product(n.In[0].Shape) != product(n.In[1].Shape) {
		return nil, nil
	}
	plain := *n
	plain.In = n.In[:2]
	if f, err := inferMaxUnpool(&plain); err != nil || !slices.Equal(f[0].Shape, n.Out[0].Shape) {
		return nil, err // what positions count then depends on all of them
	}
	size := product(n.Out[0].Shape)
	a := &address{slot: 1, run: 1, rows: make([]int, product(n.In[0].Shape)), find: func(rows []int, t *tensor.Tensor) (err error) {
		for i := range rows {
			if rows[i], err = indexAt(t, i, size); err != nil {
				return err
			}
		}
		return nil
	}}
	last := make([]int, size)
	return &Routine{
		KeepIn: []int{1}, Adds: true,
		Forward: func(f *Frame) {
			y := zeroed(f.Y(0))
			if !a.found(f) {
				return
			}
			for i, at := range a.rows {
				y[at] = f.X(0)[i]
			}
		},
		Backward: func(f *Frame) {
			if !a.found(f) {
				return
			}
			for i, at := range a.rows {
				last[at] = i
			}
			a.take(f, 0, last)
		},
	}, a.settle(n)
}

// compileTensorScatter writes steps into a cache, from a position of each sample
// on.
func compileTensorScatter(n *Node) (*Routine, error) {
	if !floats(n, 0, 1) || n.Has(2) && !indexed(n, 2) || n.Attrs.Str("reduction", "none") != "none" {
		return nil, nil
	}
	cache, update := n.In[0].Shape, n.In[1].Shape
	axis, err := Axis(n.Attrs.Int("axis", -2), len(cache))
	if err != nil || axis == 0 || product(cache) == 0 || product(update)*cache[axis] != product(cache)*update[axis] || update[axis] > cache[axis] {
		return nil, err
	}
	most, steps := int(cache[axis]), int(update[axis])
	circular := n.Attrs.Str("mode", "linear") == "circular"
	rows, each := int(product(cache[:axis])), int(product(cache[1:axis]))
	a := &address{slot: 2, run: int(product(cache[axis+1:])), rows: make([]int, rows*steps)}
	a.find = func(list []int, t *tensor.Tensor) error {
		for row := range rows {
			start := int64(0)
			if t != nil {
				start = t.IntAt(row / each)
			}
			if start < 0 || !circular && start > int64(most-steps) {
				return indexError{start, int64(most - steps + 1)}
			}
			for s := range steps {
				list[row*steps+s] = row*most + (int(start%int64(most))+s)%most
			}
		}
		return nil
	}
	return a.scattering(n, 1), a.settle(n)
}

// compileCol2Im adds up blocks, each at its place.
func compileCol2Im(n *Node) (*Routine, error) {
	block, known := n.Input(2).Ints()
	if !floats(n, 0) || !known || !allKnown(n.Out[0]) {
		return nil, nil
	}
	out := n.Out[0].Shape
	if len(block) != len(out)-2 || len(block) == 0 || product(n.In[0].Shape)*product(out) == 0 {
		return nil, nil
	}
	w, err := windowsOf(n, out[2:], block)
	if err != nil {
		return nil, err
	}
	places, err := w.counts(out[2:])
	if err != nil {
		return nil, err
	}
	s, err := newSweep(&w, out[2:], places)
	if err != nil || int64(s.taps*s.places)*out[1]*out[0] != product(n.In[0].Shape) {
		return nil, err
	}
	columns := s.taps * s.places
	return &Routine{
		Adds: true,
		Forward: shared(int(out[0]*out[1]), columns, func(f *Frame, _, lo, hi int) {
			for i := lo; i < hi; i++ {
				s.assemble(f.X(0)[i*columns:(i+1)*columns], zeroed(f.Y(0)[i*s.data:(i+1)*s.data]))
			}
		}),
		Backward: shared(int(out[0]*out[1]), columns, func(f *Frame, _, lo, hi int) {
			for i := lo; i < hi; i++ {
				dx := f.DIn[0].Float32s()[i*columns : (i+1)*columns]
				if !f.Add[0] {
					clear(dx)
				}
				s.disassemble(dx, f.DOut[0].Float32s()[i*s.data:(i+1)*s.data])
			}
		}),
	}, nil
}

// assemble adds the blocks, [taps, places], to the data that they lie on;
// disassemble adds to every block the data under it.
func (s *sweep) assemble(blocks, data []float32) {
	for _, r := range s.rows {
		for k, p := range s.spans {
			from := blocks[(r.tap+k)*s.places:][r.place+p.first : r.place+p.end]
			if at := r.data + p.from; s.stride == 1 && len(from) > 0 {
				kernel.Add(data[at:at+len(from)], data[at:at+len(from)], from)
			} else {
				for i, v := range from {
					data[at+i*s.stride] += v
				}
			}
		}
	}
}

func (s *sweep) disassemble(blocks, data []float32) {
	for _, r := range s.rows {
		for k, p := range s.spans {
			to := blocks[(r.tap+k)*s.places:][r.place+p.first : r.place+p.end]
			at := r.data + p.from
			for i := range to {
				to[i] += data[at+i*s.stride]
			}
		}
	}
}
