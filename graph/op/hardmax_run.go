package op

// compileHardmax marks the first of the largest. It is flat wherever it has a slope
// at all, so that there is nothing to train through it.
func compileHardmax(n *Node) (*Routine, error) {
	if !floats(n, 0) {
		return nil, nil
	}
	drop, err := softmaxAxes(n, n.In[0].Rank())
	if err != nil {
		return nil, err
	}
	shape := n.In[0].Shape
	axis, behind := len(drop), 0
	for a := range drop {
		if drop[a] {
			axis, behind = min(axis, a), a+1
		}
	}
	behind = max(behind, axis)
	l := lane{int(product(shape[:axis])), int(product(shape[axis:behind])), int(product(shape[behind:]))}
	return &Routine{
		Forward: shared(l.count(), l.size, func(f *Frame, _, lo, hi int) {
			for i := lo; i < hi; i++ {
				mark(f.Y(0)[l.start(i):], f.X(0)[l.start(i):], l.size, l.inner)
			}
		}),
	}, nil
}

// mark sets y, of size elements step apart, to one where x is largest.
func mark(y, x []float32, size, step int) {
	best := 0
	for i := range size {
		y[i*step] = 0
		if x[i*step] > x[best*step] {
			best = i
		}
	}
	y[best*step] = 1
}
