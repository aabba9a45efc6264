package op

// compileCenterCropPad copies the middle into zeros.
func compileCenterCropPad(n *Node) (*Routine, error) {
	if _, known := n.Input(1).Ints(); !floats(n, 0) || !known {
		return nil, nil
	}
	shape, out := n.stored(n.In[0].Shape), n.stored(n.Out[0].Shape)
	tables, steps := make([][]int64, len(shape)), strides(shape)
	for axis, size := range shape {
		tables[axis] = line(out[axis], (size-out[axis])/2, 1)
		for i, at := range tables[axis] {
			if tables[axis][i] = at * steps[axis]; at < 0 || at >= size {
				tables[axis][i] = -1
			}
		}
	}
	return newPicking(tables, product(shape), 0).routine(), nil
}

// compileCompress copies what a known condition names.
func compileCompress(n *Node) (*Routine, error) {
	condition, known := n.Input(1).Ints()
	if !floats(n, 0) || !known {
		return nil, nil
	}
	shape, axis := n.In[0].Shape, 0
	if _, ok := n.Attrs["axis"]; !ok {
		shape = []int64{product(shape)}
	} else {
		var err error
		if axis, err = Axis(n.Attrs.Int("axis", 0), len(shape)); err != nil {
			return nil, err
		}
	}
	at, step := chosen(condition), strides(shape)[axis]
	for i, k := range at {
		if k >= shape[axis] {
			return nil, nil
		}
		at[i] = k * step
	}
	tables := lines(shape)
	tables[axis] = at
	return newPicking(tables, product(shape), 0).routine(), nil
}
