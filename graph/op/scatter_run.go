package op

import "onnxcompress/runtime/kernel"

func compileScatterElements(n *Node) (*Routine, error) {
	if !floats(n, 0, 2) || !indexed(n, 1) {
		return nil, nil
	}
	a, err := elementAddress(n)
	if err != nil {
		return nil, err
	}
	return a.scattering(n, 2), nil
}

func compileScatterND(n *Node) (*Routine, error) {
	if !floats(n, 0, 2) || !indexed(n, 1) {
		return nil, nil
	}
	a, err := tupleAddress(n, 0)
	if err != nil {
		return nil, err
	}
	return a.scattering(n, 2), nil
}

// scattering is the routine that writes rows of input updates over those of input
// 0, or adds them; for other reductions there is none.
func (a *address) scattering(n *Node, updates int) *Routine {
	r := &Routine{KeepIn: []int{a.slot}, Adds: true, InPlace: []int{0}}
	switch n.Attrs.Str("reduction", "none") {
	case "add":
		r.Pass = []int{0}
		r.Forward = func(f *Frame) {
			copy(f.Y(0), f.X(0))
			if a.found(f) && a.run > 0 {
				kernel.ScatterAddRows(f.Y(0), f.X(updates), a.rows, a.run)
			}
		}
		r.Backward = func(f *Frame) {
			if f.DIn[updates] != nil && a.found(f) {
				a.take(f, updates, nil)
			}
		}
	case "none":
		// last has, of each row that is written, the update that stays.
		r.Scratch = int(product(n.In[0].Shape))
		last := make([]int, int(product(n.In[0].Shape))/max(a.run, 1))
		r.Forward = func(f *Frame) {
			y, x := f.Y(0), f.X(updates)
			copy(y, f.X(0))
			if !a.found(f) {
				return
			}
			for i, row := range a.rows {
				copy(y[row*a.run:(row+1)*a.run], x[i*a.run:])
			}
		}
		r.Backward = func(f *Frame) {
			if !a.found(f) {
				return
			}
			for i, row := range a.rows {
				last[row] = i
			}
			if f.DIn[0] != nil {
				a.spare(f)
			}
			if f.DIn[updates] != nil {
				a.take(f, updates, last)
			}
		}
	default:
		return nil
	}
	return r
}

// spare gives the data the gradient of what was not written over.
func (a *address) spare(f *Frame) {
	dx, dy := f.DIn[0].Float32s(), f.DOut[0].Float32s()
	if !f.Add[0] {
		copy(dx, dy)
		for _, row := range a.rows {
			clear(dx[row*a.run : (row+1)*a.run])
		}
		return
	}
	// What is written over gets back what it had.
	for _, row := range a.rows {
		copy(f.Scratch[row*a.run:(row+1)*a.run], dx[row*a.run:])
	}
	kernel.Add(dx, dx, dy)
	for _, row := range a.rows {
		copy(dx[row*a.run:(row+1)*a.run], f.Scratch[row*a.run:])
	}
}

// take gives the updates, input slot, the gradients of their rows; one that another
// wrote over, as last tells where it is given, has none.
func (a *address) take(f *Frame, slot int, last []int) {
	dx, dy := f.begin(slot, false), f.DOut[0].Float32s()
	for i, row := range a.rows {
		to, from := dx[i*a.run:(i+1)*a.run], dy[row*a.run:(row+1)*a.run]
		switch stays := last == nil || last[row] == i; {
		case stays && f.Add[slot]:
			kernel.Add(to, to, from)
		case stays:
			copy(to, from)
		case !f.Add[slot]:
			clear(to)
		}
	}
}
