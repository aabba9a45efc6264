package op

import "slices"

// compileEinsum serves the product of two operands, of which no axis is a
// diagonal and none is summed over alone, and the transposition or the sum of
// one.
func compileEinsum(n *Node) (*Routine, error) {
	for i := range n.In {
		if !floats(n, i) {
			return nil, nil
		}
	}
	e, err := readEquation(n)
	if err != nil || repeated(e.out) || slices.ContainsFunc(e.in, repeated) {
		return nil, err
	}
	switch len(n.In) {
	case 1:
		if len(e.out) < len(e.in[0]) {
			return summed(n.In[0].Shape, e), nil
		}
		return reordered(n.In[0].Shape, e), nil
	case 2:
		return contracted(n, e), nil
	}
	return nil, nil
}

// repeated reports that a term has a label twice.
func repeated(term []rune) bool { return len(distinctLabels(term)) < len(term) }

// summed serves a sum that leaves the axes in their order.
func summed(shape []int64, e *equation) *Routine {
	drop := make([]bool, len(shape))
	var left []rune
	for axis, label := range e.in[0] {
		if drop[axis] = !slices.Contains(e.out, label); !drop[axis] {
			left = append(left, label)
		}
	}
	if !slices.Equal(left, e.out) || product(shape) == 0 {
		return nil
	}
	sum := &reducing{forward: foldSum, slope: slopeSum}
	return sum.routine(newFolding(shape, drop))
}

func reordered(shape []int64, e *equation) *Routine {
	if len(e.out) != len(shape) {
		return nil
	}
	perm := make([]int64, len(shape))
	for i, label := range e.out {
		perm[i] = int64(slices.Index(e.in[0], label))
	}
	if slices.Equal(perm, line(int64(len(perm)), 0, 1)) {
		return &Routine{View: true, Pass: []int{0}}
	}
	return permuted(shape, perm)
}

// contracted: the gradient of an operand is the product of the result's with the
// other operand, over the same labels.
func contracted(n *Node, e *equation) *Routine {
	var extents []extent
	terms := [3][]rune{e.in[0], e.in[1], e.out}
	shapes := [3][]int64{n.In[0].Shape, n.In[1].Shape, n.Out[0].Shape}
	for _, label := range distinctLabels(slices.Concat(terms[:]...)) {
		l := extent{size: 1}
		for k, term := range terms {
			axis := slices.Index(term, label)
			if axis >= 0 && shapes[k][axis] != 1 {
				l.size, l.stride[k] = int(shapes[k][axis]), max(int(strides(shapes[k])[axis]), 1)
			}
		}
		extents = append(extents, l)
	}
	turned := func(a, b, c int) (contraction, bool) {
		list := slices.Clone(extents)
		for i, l := range list {
			list[i].stride = [3]int{l.stride[a], l.stride[b], l.stride[c]}
		}
		return newContraction(list)
	}
	forward, ok := turned(0, 1, 2)
	left, okLeft := turned(2, 1, 0)
	right, okRight := turned(0, 2, 1)
	if !ok || !okLeft || !okRight {
		return nil
	}
	return &Routine{
		KeepIn: []int{0, 1}, Adds: true,
		Forward: func(f *Frame) { forward.product(f, f.X(0), f.X(1), f.Y(0), false) },
		Backward: func(f *Frame) {
			dy := f.DOut[0].Float32s()
			if f.DIn[0] != nil {
				left.product(f, dy, f.X(1), f.DIn[0].Float32s(), f.Add[0])
			}
			if f.DIn[1] != nil {
				right.product(f, f.X(0), dy, f.DIn[1].Float32s(), f.Add[1])
			}
		},
	}
}
