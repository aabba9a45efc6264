package op

import (
	"slices"

	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/kernel"
)

// choice is how Where picks: operand 0 of the broadcast is the condition, 1 and
// 2 are what it chooses from.
type choice struct {
	spread *spread
	size   int
}

func compileWhere(n *Node) (*Routine, error) {
	if c := n.Input(0); c == nil || !c.Known || c.DType != tensor.Bool || !floats(n, 1, 2) {
		return nil, nil
	}
	w := &choice{spreadOf(n, []int{0, 1, 2}), int(product(n.Out[0].Shape))}
	r := &Routine{KeepIn: []int{0}, Adds: true, Forward: shared(w.size, 2, w.forward)}
	for slot := 1; slot < 3; slot++ {
		if slices.Equal(n.In[slot].Shape, n.Out[0].Shape) {
			r.InPlace = append(r.InPlace, slot)
		}
	}
	first, second := w.gradient(1), w.gradient(2)
	r.Backward = func(f *Frame) {
		if f.DIn[1] != nil {
			first(f)
		}
		if f.DIn[2] != nil {
			second(f)
		}
	}
	return r, nil
}

// layoutWhere: the condition is no float and stays where it is, so that its
// elements must lie the same either way.
func layoutWhere(n *Node) (Layout, bool) {
	l, ok := layoutBroadcast(n)
	if !ok {
		return l, false
	}
	p := padded(n.In[0].Shape, n.Out[0].Rank())
	l.In = slices.DeleteFunc(l.In, func(i int) bool { return i == 0 })
	return l, len(l.In) > 0 && (p[1] == 1 || product(p[2:]) == 1)
}

// condition is a piece of the condition: n elements, or one for all of them.
func (w *choice) condition(f *Frame, i, from, n int) []byte {
	at := w.spread.at(0, i)
	if w.spread.step[0] == 0 {
		return f.In[0].Data[at : at+1]
	}
	return f.In[0].Data[at+from : at+from+n]
}

func (w *choice) forward(f *Frame, _, lo, hi int) {
	s, y := w.spread, f.Y(0)
	s.each(lo, hi, func(i, from, n int) {
		to, c := y[i*s.inner+from:][:n], w.condition(f, i, from, n)
		a, b := s.run(f.X(1), 1, s.at(1, i), from, n), s.run(f.X(2), 2, s.at(2, i), from, n)
		switch {
		case len(c) == 1 && c[0] != 0:
			fill(to, a)
		case len(c) == 1:
			fill(to, b)
		case len(a) == n && len(b) == n:
			for k, first := range c {
				v := b[k]
				if first != 0 {
					v = a[k]
				}
				to[k] = v
			}
		default:
			for k, first := range c {
				if first != 0 {
					to[k] = at(a, k)
				} else {
					to[k] = at(b, k)
				}
			}
		}
	})
}

// gradient passes on to input slot what the condition took from it.
func (w *choice) gradient(slot int) func(*Frame) {
	s, repeats := w.spread, w.spread.repeats(slot)
	body := func(f *Frame, worker, lo, hi int) {
		dx, dy := f.DIn[slot].Float32s(), f.DOut[0].Float32s()
		s.each(lo, hi, func(i, from, n int) {
			for ; n > 0; from, n = from+piece, n-piece {
				m := min(n, piece)
				t := f.Pool.Scratch(worker, m)
				taken(t, dy[i*s.inner+from:][:m], w.condition(f, i, from, m), slot == 1)
				to := s.run(dx, slot, s.at(slot, i), from, m)
				switch {
				case len(to) != m:
					to[0] += float32(kernel.Sum(t))
				case repeats || f.Add[slot]:
					kernel.Add(to, to, t)
				default:
					copy(to, t)
				}
			}
		})
	}
	if !repeats {
		return shared(w.size, 2, body)
	}
	return func(f *Frame) {
		f.begin(slot, true)
		body(f, 0, 0, w.size)
	}
}

// taken sets t to dy where the condition is as wanted and to zero elsewhere.
func taken(t, dy []float32, condition []byte, want bool) {
	if len(condition) == 1 {
		if (condition[0] != 0) == want {
			copy(t, dy)
		} else {
			clear(t)
		}
		return
	}
	for k, c := range condition {
		if t[k] = 0; (c != 0) == want {
			t[k] = dy[k]
		}
	}
}
