package op

import "onnxcompress/runtime/kernel"

// layoutAll: all inputs have the rank of the output.
func layoutAll(n *Node) (Layout, bool) {
	if !allKnown(n.In...) || n.In[0].Rank() < 3 {
		return Layout{}, false
	}
	l := Layout{}
	for i := range n.In {
		l.In = append(l.In, i)
	}
	return l, true
}

// joint is a tensor of rows that are made up of one run from each of several.
type joint struct {
	rows, width int
	widths      []int
	starts      []int
}

func newJoint(whole []int64, axis int, sizes []int64) *joint {
	j := &joint{rows: int(product(whole[:axis]))}
	inner := product(whole[axis+1:])
	for _, size := range sizes {
		j.starts = append(j.starts, j.width)
		j.widths = append(j.widths, int(size*inner))
		j.width += int(size * inner)
	}
	return j
}

// take copies rows of part k out of the whole, or adds them.
func (j *joint) take(part, whole []float32, k, lo, hi int, add bool) {
	w := j.widths[k]
	if w == 0 || lo == hi {
		return
	}
	move := kernel.CopyRows
	if add {
		move = kernel.AddRows
	}
	move(part[lo*w:hi*w], whole[lo*j.width+j.starts[k]:], hi-lo, w, w, j.width)
}

// put copies rows of part k into the whole.
func (j *joint) put(whole, part []float32, k, lo, hi int) {
	w := j.widths[k]
	if w == 0 || lo == hi {
		return
	}
	kernel.CopyRows(whole[lo*j.width+j.starts[k]:], part[lo*w:hi*w], hi-lo, w, j.width, w)
}

func compileConcat(n *Node) (*Routine, error) {
	rank := n.Out[0].Rank()
	axis, err := Axis(n.Attrs.Int("axis", 0), rank)
	if err != nil {
		return nil, err
	}
	var sizes []int64
	for i, in := range n.In {
		if !floats(n, i) {
			return nil, nil
		}
		sizes = append(sizes, in.Shape[axis])
	}
	j := newJoint(n.stored(n.Out[0].Shape), n.storedAxis(axis, rank), sizes)
	if product(n.Out[0].Shape) == 0 {
		j.rows = 0
	}
	return &Routine{
		Adds: true,
		Forward: shared(j.rows, j.width, func(f *Frame, _, lo, hi int) {
			for k := range f.In {
				j.put(f.Y(0), f.X(k), k, lo, hi)
			}
		}),
		Backward: shared(j.rows, j.width, func(f *Frame, _, lo, hi int) {
			for k, d := range f.DIn {
				if d != nil {
					j.take(d.Float32s(), f.DOut[0].Float32s(), k, lo, hi, f.Add[k])
				}
			}
		}),
	}, nil
}

func layoutSplit(n *Node) (Layout, bool) {
	return Layout{In: []int{0}}, n.In[0].Known && n.In[0].Rank() > 2
}

func compileSplit(n *Node) (*Routine, error) {
	if !floats(n, 0) {
		return nil, nil
	}
	x := n.In[0].Shape
	axis, sizes, known, err := parts(n, x)
	if !known || err != nil {
		return nil, err
	}
	j := newJoint(n.stored(x), n.storedAxis(axis, len(x)), sizes)
	if product(x) == 0 {
		j.rows = 0
	}
	return &Routine{
		Forward: shared(j.rows, j.width, func(f *Frame, _, lo, hi int) {
			for k, out := range f.Out {
				if out != nil {
					j.take(out.Float32s(), f.X(0), k, lo, hi, false)
				}
			}
		}),
		Backward: shared(j.rows, j.width, func(f *Frame, _, lo, hi int) {
			dx := f.DIn[0].Float32s()
			for k := range j.widths {
				if k < len(f.DOut) && f.DOut[k] != nil {
					j.put(dx, f.DOut[k].Float32s(), k, lo, hi)
					continue
				}
				for r := lo; r < hi; r++ {
					clear(dx[r*j.width+j.starts[k]:][:j.widths[k]])
				}
			}
		}),
	}, nil
}

// compileGather takes runs by indices that may change from call to call.
func compileGather(n *Node) (*Routine, error) {
	if !floats(n, 0) || n.DType(1) == 0 || !n.In[1].Known {
		return nil, nil
	}
	x := n.In[0].Shape
	axis, err := Axis(n.Attrs.Int("axis", 0), len(x))
	if err != nil {
		return nil, err
	}
	g := &indexing{
		rows: int(product(x[:axis])), size: int(x[axis]), width: int(product(x[axis+1:])),
		index: make([]int, product(n.In[1].Shape)),
	}
	return &Routine{
		Adds: true,
		Forward: func(f *Frame) {
			if !g.read(f) {
				return
			}
			count := len(g.index) * g.width
			for r := range g.rows {
				kernel.GatherRows(f.Y(0)[r*count:(r+1)*count], f.X(0)[r*g.size*g.width:(r+1)*g.size*g.width], g.index, g.width)
			}
		},
		Backward: func(f *Frame) {
			if !g.read(f) {
				return
			}
			dx, count := f.begin(0, true), len(g.index)*g.width
			for r := range g.rows {
				kernel.ScatterAddRows(dx[r*g.size*g.width:(r+1)*g.size*g.width], f.DOut[0].Float32s()[r*count:(r+1)*count], g.index, g.width)
			}
		},
		KeepIn: []int{1},
	}, nil
}

// indexing picks runs of width out of size for each row.
type indexing struct {
	rows, size, width int
	index             []int
}

// read resolves the indices; it fails the frame where one is out of range.
func (g *indexing) read(f *Frame) bool {
	for i := range g.index {
		k := int(f.In[1].IntAt(i))
		if k < 0 {
			k += g.size
		}
		if k < 0 || k >= g.size {
			f.Fail("index %d is out of range for size %d", f.In[1].IntAt(i), g.size)
			return false
		}
		g.index[i] = k
	}
	return true
}
