package op

import (
	"slices"

	"onnxcompress/runtime/kernel"
)

// layoutReduce: the axes that are left must lie in their order either way.
func layoutReduce(n *Node) (Layout, bool) {
	if !n.In[0].Known || n.In[0].Rank() < 3 {
		return Layout{}, false
	}
	drop, _, known, err := reduced(n, n.In[0].Rank())
	if err != nil || !known {
		return Layout{}, false
	}
	space := slices.Contains(drop[2:], false)
	ok := keepsDims(n)
	switch {
	case ok:
	case !drop[1]:
		ok = !space || !drop[0] && n.Out[0].Rank() > 2
	default:
		ok = n.Out[0].Rank() < 3
	}
	return Layout{In: []int{0}}, ok
}

func (k *reduction) compile(n *Node) (*Routine, error) {
	if !floats(n, 0) {
		return nil, nil
	}
	drop, none, known, err := reduced(n, n.In[0].Rank())
	if err != nil || !known {
		return nil, err
	}
	r, shape := k.run, n.stored(n.In[0].Shape)
	g := newFolding(shape, arranged(n, drop))
	switch {
	case r.same && (none || g.length() == 1 && product(shape) > 0):
		return &Routine{View: true, Pass: []int{0}}, nil
	case product(shape) == 0:
		return k.constant(), nil
	}
	return r.routine(g), nil
}

// constant is the routine of a reduction of no elements.
func (k *reduction) constant() *Routine {
	return &Routine{
		Forward:  func(f *Frame) { kernel.Fill(f.Y(0), float32(k.nothing)) },
		Backward: func(*Frame) {},
	}
}

func (r *reducing) routine(g *folding) *Routine {
	out := &Routine{Adds: true}
	if r.in {
		out.KeepIn = []int{0}
	}
	if r.out {
		out.KeepOut = []int{0}
	}
	out.Forward = g.lists(func(f *Frame, worker, at, from, n int) {
		r.forward(g, f.Y(0)[at:at+n], f.X(0), from, f.Pool.Scratch(worker, temporary))
	})
	switch {
	case r.once:
		out.Backward = backwardFirst(g)
	case r.slope == nil:
		out.Backward = backwardProduct(g)
	default:
		out.Backward = r.backward(g)
	}
	return out
}

// backward sets or adds the slopes run by run.
func (r *reducing) backward(g *folding) func(*Frame) {
	count := g.length()
	return g.lists(func(f *Frame, worker, at, from, n int) {
		t := f.Pool.Scratch(worker, temporary)
		dy, t := t[:n], t[n:]
		copy(dy, f.DOut[0].Float32s()[at:at+n])
		var y, x []float32
		if r.out {
			y = f.Y(0)[at : at+n]
		}
		for j := range g.within {
			dx := g.run(f.DIn[0].Float32s(), from, j, n)
			if r.in {
				x = g.run(f.X(0), from, j, n)
			}
			for len(dx) > 0 {
				m := min(len(dx), len(t))
				var xs []float32
				if r.in {
					xs = x[:m]
				}
				to := dx[:m]
				if f.Add[0] {
					to = t[:m]
				}
				r.slope(to, dy, y, xs, count)
				if f.Add[0] {
					kernel.Add(dx[:m], dx[:m], to)
				}
				if dx = dx[m:]; r.in {
					x = x[m:]
				}
			}
		}
	})
}

// backwardFirst gives the gradient of a list to the first element that is the
// result.
func backwardFirst(g *folding) func(*Frame) {
	return g.lists(func(f *Frame, worker, at, from, n int) {
		left, y := f.Pool.Scratch(worker, n), f.Y(0)[at:at+n]
		copy(left, f.DOut[0].Float32s()[at:at+n])
		for j := range g.within {
			x, dx := g.run(f.X(0), from, j, n), g.run(f.DIn[0].Float32s(), from, j, n)
			if !f.Add[0] {
				clear(dx)
			}
			if !g.along {
				for i, v := range x {
					if v == y[i] {
						dx[i] += left[i]
						left[i] = 0
					}
				}
			} else if i := slices.Index(x, y[0]); i >= 0 {
				dx[i] += left[0]
				left[0] = 0
			}
		}
	})
}

// backwardProduct divides the product by each factor, or multiplies the others
// where one is zero.
func backwardProduct(g *folding) func(*Frame) {
	return g.lists(func(f *Frame, worker, at, from, n int) {
		t := f.Pool.Scratch(worker, 2*n)
		rest, zeros := t[:n], t[n:]
		kernel.Fill(rest, 1)
		clear(zeros)
		for j := range g.within {
			for i, v := range g.run(f.X(0), from, j, n) {
				k := min(i, n-1)
				if v == 0 {
					zeros[k]++
				} else {
					rest[k] *= v
				}
			}
		}
		dy := f.DOut[0].Float32s()[at : at+n]
		for j := range g.within {
			x, dx := g.run(f.X(0), from, j, n), g.run(f.DIn[0].Float32s(), from, j, n)
			for i, v := range x {
				k, d := min(i, n-1), float32(0)
				switch {
				case zeros[k] == 0:
					d = dy[k] * rest[k] / v
				case zeros[k] == 1 && v == 0:
					d = dy[k] * rest[k]
				}
				if f.Add[0] {
					d += dx[i]
				}
				dx[i] = d
			}
		}
	})
}
