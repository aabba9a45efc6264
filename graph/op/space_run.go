package op

import "slices"

// compileTile repeats axes; where it repeats none it does nothing.
func compileTile(n *Node) (*Routine, error) {
	if !floats(n, 0) || !allKnown(n.Out[0]) {
		return nil, nil
	}
	shape, out := n.stored(n.In[0].Shape), n.stored(n.Out[0].Shape)
	if slices.Equal(shape, out) {
		return &Routine{View: true, Pass: []int{0}}, nil
	}
	tables, steps := make([][]int64, len(shape)), strides(shape)
	for axis, size := range shape {
		tables[axis] = line(out[axis], 0, 0)
		for i := range tables[axis] {
			tables[axis][i] = int64(i) % size * steps[axis]
		}
	}
	return newPicking(tables, product(shape), 0).routine(), nil
}

// permuted is the routine of a tensor that is read in another order of the axes
// of a view of it.
func permuted(split, perm []int64) *Routine {
	tables, whole := make([][]int64, len(perm)), lines(split)
	for i, axis := range perm {
		tables[i] = whole[axis]
	}
	return newPicking(tables, product(split), 0).routine()
}

// compileDepthToSpace: with channels last they are split in place.
func compileDepthToSpace(n *Node) (*Routine, error) {
	if !floats(n, 0) {
		return nil, nil
	}
	s, b := n.In[0].Shape, n.Attrs.Int("blocksize", 1)
	c := s[1] / (b * b)
	switch {
	case n.Last && columnFirst(n):
		return permuted([]int64{s[0], s[2], s[3], c, b, b}, []int64{0, 1, 4, 2, 5, 3}), nil
	case n.Last:
		return permuted([]int64{s[0], s[2], s[3], b, b, c}, []int64{0, 1, 3, 2, 4, 5}), nil
	case columnFirst(n):
		return permuted([]int64{s[0], c, b, b, s[2], s[3]}, []int64{0, 1, 4, 2, 5, 3}), nil
	}
	return permuted([]int64{s[0], b, b, c, s[2], s[3]}, []int64{0, 3, 4, 1, 5, 2}), nil
}

func compileSpaceToDepth(n *Node) (*Routine, error) {
	if !floats(n, 0) {
		return nil, nil
	}
	s, b := n.In[0].Shape, n.Attrs.Int("blocksize", 1)
	h, w := s[2]/b, s[3]/b
	switch {
	case n.Last && columnFirst(n):
		return permuted([]int64{s[0], h, b, w, b, s[1]}, []int64{0, 1, 3, 5, 2, 4}), nil
	case n.Last:
		return permuted([]int64{s[0], h, b, w, b, s[1]}, []int64{0, 1, 3, 2, 4, 5}), nil
	case columnFirst(n):
		return permuted([]int64{s[0], s[1], h, b, w, b}, []int64{0, 1, 3, 5, 2, 4}), nil
	}
	return permuted([]int64{s[0], s[1], h, b, w, b}, []int64{0, 3, 5, 1, 2, 4}), nil
}

// compileReverseSequence turns around the steps of each sequence, whose lengths
// must be known.
func compileReverseSequence(n *Node) (*Routine, error) {
	lengths, known := n.Input(1).Ints()
	if !floats(n, 0) || !known {
		return nil, nil
	}
	shape := n.In[0].Shape
	time, batch, err := sequenceAxes(n, len(shape))
	if err != nil || int64(len(lengths)) != shape[batch] {
		return nil, err
	}
	// The axes from the outer to the inner of the two are one table.
	outer, inner := min(time, batch), max(time, batch)
	steps, sizes := strides(shape), strides(shape[outer:inner+1])
	table := make([]int64, product(shape[outer:inner+1]))
	for i := range table {
		t, b := int64(i)/sizes[time-outer]%shape[time], int64(i)/sizes[batch-outer]%shape[batch]
		table[i] = int64(i) * steps[inner]
		if length := min(lengths[b], shape[time]); t < length {
			table[i] += (length - 1 - 2*t) * steps[time]
		}
	}
	whole := lines(shape)
	tables := append(append(slices.Clone(whole[:outer]), table), whole[inner+1:]...)
	return newPicking(tables, product(shape), 0).routine(), nil
}

// compileTrilu copies the part of each row that lies on its side of the diagonal.
func compileTrilu(n *Node) (*Routine, error) {
	offset := int64(0)
	if n.Has(1) {
		v, known := n.In[1].Ints()
		if !known || len(v) != 1 {
			return nil, nil
		}
		offset = v[0]
	}
	if !floats(n, 0) || n.In[0].Rank() < 2 {
		return nil, nil
	}
	shape := n.In[0].Shape
	rows, cols := int(shape[len(shape)-2]), int(shape[len(shape)-1])
	offset = max(min(offset, int64(cols)), -int64(rows))
	upper := n.Attrs.Int("upper", 1) != 0
	// part is what is kept of a row.
	part := func(row int) (lo, hi int) {
		diagonal := row%rows + int(offset)
		if upper {
			return max(min(diagonal, cols), 0), cols
		}
		return 0, max(min(diagonal+1, cols), 0)
	}
	mask := func(dst, src []float32, row int, add bool) {
		lo, hi := part(row)
		dst, src = dst[row*cols:(row+1)*cols], src[row*cols:(row+1)*cols]
		if add {
			for i := lo; i < hi; i++ {
				dst[i] += src[i]
			}
			return
		}
		clear(dst[:lo])
		copy(dst[lo:hi], src[lo:hi])
		clear(dst[hi:])
	}
	count := int(product(shape[:len(shape)-1]))
	return &Routine{
		Adds: true, InPlace: []int{0},
		Forward: shared(count, cols, func(f *Frame, _, lo, hi int) {
			for row := lo; row < hi; row++ {
				mask(f.Y(0), f.X(0), row, false)
			}
		}),
		Backward: shared(count, cols, func(f *Frame, _, lo, hi int) {
			for row := lo; row < hi; row++ {
				mask(f.DIn[0].Float32s(), f.DOut[0].Float32s(), row, f.Add[0])
			}
		}),
	}, nil
}
