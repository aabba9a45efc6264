package op

import "onnxcompress/runtime/kernel"

// strided is a view of a tensor's elements in another order: element i of the
// view, along axes of the given sizes, is that many steps along each from
// offset. The view may leave elements out and repeat them.
type strided struct {
	axes   []stridedAxis
	offset int
	// outer is the number of blocks: places along all axes but rows and the last.
	outer int
	// rows is the axis that makes blocks of runs along the last; -1 for none. Where
	// elements do not lie side by side along the last axis, it is the one along
	// which they do, and the block is turned.
	rows   int
	turned bool
	inner  stridedAxis
}

type stridedAxis struct{ size, step, own int }

// newStrided joins axes that lie behind each other.
func newStrided(sizes, steps []int64, offset int64) *strided {
	s := &strided{offset: int(offset), rows: -1, outer: 1, inner: stridedAxis{1, 1, 1}}
	for i, d := range sizes {
		if d == 1 {
			continue
		}
		a := stridedAxis{size: int(d), step: int(steps[i])}
		if k := len(s.axes) - 1; k >= 0 && s.axes[k].step == a.step*a.size {
			s.axes[k] = stridedAxis{size: s.axes[k].size * a.size, step: a.step}
			continue
		}
		s.axes = append(s.axes, a)
	}
	own := 1
	for i := len(s.axes) - 1; i >= 0; i-- {
		s.axes[i].own = own
		own *= s.axes[i].size
	}
	if last := len(s.axes) - 1; last >= 0 {
		s.inner, s.axes = s.axes[last], s.axes[:last]
	}
	if s.inner.step == 1 {
		s.rows = len(s.axes) - 1
	}
	for i, a := range s.axes {
		if s.inner.step > 1 && a.step == 1 {
			s.rows, s.turned = i, true
		}
	}
	for i, a := range s.axes {
		if i != s.rows {
			s.outer *= a.size
		}
	}
	for _, d := range sizes {
		if d == 0 {
			s.outer = 0
		}
	}
	return s
}

// at is where block i begins in the tensor and in the view.
func (s *strided) at(i int) (tensor, view int) {
	tensor = s.offset
	for k := len(s.axes) - 1; k >= 0; k-- {
		if k == s.rows {
			continue
		}
		a := &s.axes[k]
		tensor += i % a.size * a.step
		view += i % a.size * a.own
		i /= a.size
	}
	return tensor, view
}

// length is the number of elements of a block.
func (s *strided) length() int { return s.inner.size * s.block().size }

// block is the axis of a block's rows.
func (s *strided) block() stridedAxis {
	if s.rows < 0 {
		return stridedAxis{size: 1}
	}
	return s.axes[s.rows]
}

// read copies block i of the view of x to y, which holds the view.
func (s *strided) read(y, x []float32, i int) {
	from, to := s.at(i)
	in, rows := s.inner, s.block()
	switch {
	case s.turned:
		kernel.Transpose(y[to:], x[from:], in.size, rows.size, rows.own, in.step)
	case in.step == 1 && rows.step >= 0 && rows.size > 1:
		kernel.CopyRows(y[to:], x[from:], rows.size, in.size, rows.own, rows.step)
	default:
		for r := range rows.size {
			in.read(y[to+r*rows.own:], x, from+r*rows.step)
		}
	}
}

// read copies a run of the tensor x, from an element on, to y.
func (a stridedAxis) read(y, x []float32, from int) {
	switch a.step {
	case 1:
		copy(y[:a.size], x[from:from+a.size])
	case 0:
		kernel.Fill(y[:a.size], x[from])
	default:
		for k := range a.size {
			y[k] = x[from+k*a.step]
		}
	}
}

// write adds block i of y, which holds the view, to x.
func (s *strided) write(x, y []float32, i int) {
	to, from := s.at(i)
	in := s.inner
	rows := s.block()
	for r := range rows.size {
		run, at := y[from+r*rows.own:][:in.size], to+r*rows.step
		switch in.step {
		case 1:
			kernel.Add(x[at:at+in.size], x[at:at+in.size], run)
		case 0:
			x[at] += float32(kernel.Sum(run))
		default:
			for k, v := range run {
				x[at+k*in.step] += v
			}
		}
	}
}

// routine copies the view of input 0 to output 0. back is the view of the output
// that is the input, where each element is there once; nil where some are
// missing or repeated.
func (s *strided) routine(back *strided) *Routine {
	r := &Routine{
		Adds: true,
		Forward: shared(s.outer, s.length(), func(f *Frame, _, lo, hi int) {
			for i := lo; i < hi; i++ {
				s.read(f.Y(0), f.X(0), i)
			}
		}),
	}
	var inverse func(*Frame)
	if back != nil {
		inverse = shared(back.outer, back.length(), func(f *Frame, _, lo, hi int) {
			for i := lo; i < hi; i++ {
				back.read(f.DIn[0].Float32s(), f.DOut[0].Float32s(), i)
			}
		})
	}
	r.Backward = func(f *Frame) {
		if back != nil && !f.Add[0] {
			inverse(f)
			return
		}
		dx := f.begin(0, true)
		for i := range s.outer {
			s.write(dx, f.DOut[0].Float32s(), i)
		}
	}
	return r
}

// compileTranspose: a permutation that moves axes of one element only is a view.
func compileTranspose(n *Node) (*Routine, error) {
	if !floats(n, 0) {
		return nil, nil
	}
	x, y := n.In[0].Shape, n.Out[0].Shape
	perm, err := permutation(n, len(x))
	if err != nil {
		return nil, err
	}
	in, out := strides(x), strides(y)
	ahead, back, last, kept := make([]int64, len(x)), make([]int64, len(x)), int64(-1), true
	for i, p := range perm {
		ahead[i], back[p] = in[p], out[i]
		if x[p] != 1 {
			kept = kept && p > last
			last = p
		}
	}
	if kept {
		return &Routine{View: true}, nil
	}
	return newStrided(y, ahead, 0).routine(newStrided(x, back, 0)), nil
}

// compileExpand repeats what it is given.
func compileExpand(n *Node) (*Routine, error) {
	if !floats(n, 0) {
		return nil, nil
	}
	x, y := n.In[0].Shape, n.Out[0].Shape
	if product(x) == product(y) {
		return &Routine{View: true}, nil
	}
	return newStrided(y, broadcastStrides(x, len(y)), 0).routine(nil), nil
}

// compileSlice takes every step-th element of some axes.
func compileSlice(n *Node) (*Routine, error) {
	if !floats(n, 0) {
		return nil, nil
	}
	x, y := n.In[0].Shape, n.Out[0].Shape
	list, ok, err := stretches(n, x)
	if !ok || err != nil {
		return nil, err
	}
	shape := n.stored(x)
	steps, offset := strides(shape), int64(0)
	for _, s := range list {
		if !s.known {
			return nil, nil
		}
		axis := n.storedAxis(s.axis, len(x))
		offset += s.start * steps[axis]
		steps[axis] *= s.step
	}
	return newStrided(n.stored(y), steps, offset).routine(nil), nil
}
