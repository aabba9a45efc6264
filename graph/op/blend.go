package op

import (
	"slices"

	"onnxcompress/runtime/kernel"
)

// mixture is how an element-by-element function of several inputs is computed.
// Operands are handed to it in pieces as long as the output's or, where one stays
// the same along it, of one number.
type mixture struct {
	forward func(y []float32, x [][]float32)
	// slope sets t to dy times the slope by operand k.
	slope func(k int, t, dy, y []float32, x [][]float32)
	// pass says that the slope by operand k is one everywhere.
	pass func(k int) bool
	// in and out say that slope reads the operands, or the output.
	in, out bool
	// first says that the result may be put in the place of operand 0 only: others
	// are read after it was begun.
	first bool
	cost  int
}

// mixed gives an operator whose inputs are all floats a routine.
func mixed(make func(n *Node) mixture) func(*Spec) {
	return func(s *Spec) {
		s.mix = make
		s.Layout = layoutBroadcast
		s.Compile = func(n *Node) (*Routine, error) {
			var slots []int
			for i, in := range n.In {
				if in == nil {
					continue
				}
				if !floats(n, i) {
					return nil, nil
				}
				slots = append(slots, i)
			}
			b := blend{mixture: make(n), slots: slots, size: int(product(n.Out[0].Shape)), spread: spreadOf(n, slots)}
			return b.routine(n), nil
		}
	}
}

// layoutBroadcast: an operand of fewer axes than the output takes part where its
// elements lie the same either way.
func layoutBroadcast(n *Node) (Layout, bool) {
	if !allKnown(n.Out[0]) || n.Out[0].Rank() < 3 {
		return Layout{}, false
	}
	var l Layout
	for i, in := range n.In {
		if in == nil {
			continue
		}
		if !in.Known {
			return l, false
		}
		if in.Rank() == n.Out[0].Rank() {
			l.In = append(l.In, i)
		} else if p := padded(in.Shape, n.Out[0].Rank()); p[1] != 1 && product(p[2:]) != 1 {
			return l, false
		}
	}
	return l, true
}

// padded is a shape with ones before it.
func padded(shape []int64, rank int) []int64 {
	out := make([]int64, rank)
	for i := range out {
		out[i] = 1
	}
	copy(out[rank-len(shape):], shape)
	return out
}

// spreadOf is the broadcast of a node's inputs as they are stored.
func spreadOf(n *Node, slots []int) *spread {
	var shapes [][]int64
	for _, i := range slots {
		shape := n.In[i].Shape
		if n.Last {
			shape = padded(shape, n.Out[0].Rank())
		}
		shapes = append(shapes, n.stored(shape))
	}
	return newSpread(n.stored(n.Out[0].Shape), shapes...)
}

// blend is a mixture over the pieces of a broadcast.
type blend struct {
	mixture
	spread *spread
	slots  []int
	size   int
	// views are the operands' pieces, of each worker.
	views [][][]float32
}

// piece is the longest that slope is asked for at once.
const piece = 2048

func (b *blend) routine(n *Node) *Routine {
	r := &Routine{Adds: true}
	for k, slot := range b.slots {
		if whole := slices.Equal(n.In[slot].Shape, n.Out[0].Shape); whole {
			if k == 0 || !b.first {
				r.InPlace = append(r.InPlace, slot)
			}
			if b.pass != nil && b.pass(k) {
				r.Pass = append(r.Pass, slot)
			}
		}
	}
	if b.in {
		r.KeepIn = b.slots
	}
	if b.out {
		r.KeepOut = []int{0}
	}
	r.Forward = b.ready(shared(b.size, b.cost, func(f *Frame, worker, lo, hi int) {
		x, y := b.views[worker], f.Y(0)
		b.spread.each(lo, hi, func(i, from, n int) {
			b.read(f, x, i, from, n)
			b.forward(y[i*b.spread.inner+from:][:n], x)
		})
	}))
	parts := make([]func(*Frame), len(b.slots))
	for k := range b.slots {
		parts[k] = b.gradient(k)
	}
	r.Backward = b.ready(func(f *Frame) {
		for k, slot := range b.slots {
			if f.DIn[slot] != nil {
				parts[k](f)
			}
		}
	})
	return r
}

// ready makes room for the workers before the first call.
func (b *blend) ready(run func(*Frame)) func(*Frame) {
	return func(f *Frame) {
		for len(b.views) < f.Pool.Threads() {
			b.views = append(b.views, make([][]float32, len(b.slots)))
		}
		run(f)
	}
}

// read sets x to the operands' pieces of n elements of run i.
func (b *blend) read(f *Frame, x [][]float32, i, from, n int) {
	for k, slot := range b.slots {
		x[k] = b.spread.run(f.X(slot), k, b.spread.at(k, i), from, n)
	}
}

// gradient computes the gradient of operand k: on all workers, or, where
// elements of it are read more than once, on one.
func (b *blend) gradient(k int) func(*Frame) {
	s, slot := b.spread, b.slots[k]
	repeats := s.repeats(k)
	body := func(f *Frame, worker, lo, hi int) {
		x, dx, dy := b.views[worker], f.DIn[slot].Float32s(), f.DOut[0].Float32s()
		s.each(lo, hi, func(i, from, n int) {
			for ; n > 0; from, n = from+piece, n-piece {
				m := min(n, piece)
				at := i*s.inner + from
				var y []float32
				if b.out {
					y = f.Y(0)[at : at+m]
				}
				if b.in {
					b.read(f, x, i, from, m)
				}
				to := s.run(dx, k, s.at(k, i), from, m)
				if !repeats && !f.Add[slot] {
					b.slope(k, to, dy[at:at+m], y, x)
					continue
				}
				t := f.Pool.Scratch(worker, m)
				b.slope(k, t, dy[at:at+m], y, x)
				if len(to) == m {
					kernel.Add(to, to, t)
				} else {
					to[0] += float32(kernel.Sum(t))
				}
			}
		})
	}
	if !repeats {
		return shared(b.size, b.cost, body)
	}
	return func(f *Frame) {
		f.begin(slot, true)
		body(f, 0, 0, b.size)
	}
}
