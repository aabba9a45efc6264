package op

import (
	"slices"

	"onnxcompress/runtime/kernel"
)

// Member is one node of a chain: nodes that compute element by element, whose
// outputs have the shape of the last one's and are read within the chain only.
type Member struct {
	Spec *Spec
	Node *Node
	// From says where each of the node's inputs that are there comes from: operand
	// i of the chain, or ^j for what member j computes.
	From []int
}

// Fuses reports whether a node may be a member of a chain.
func (s *Spec) Fuses(n *Node) bool {
	if s == nil || s.mix == nil {
		return false
	}
	for i, in := range n.In {
		if in != nil && !floats(n, i) {
			return false
		}
	}
	return true
}

// Fuse is the routine of a chain on operands of the given shapes. What members
// compute is held in pieces that stay in the cache, and is computed again for
// the gradient. Nil where there is nothing to compute, or runs of
// the broadcast are too short to pay.
func Fuse(members []Member, operands [][]int64) *Routine {
	last := members[len(members)-1].Node
	out := last.Out[0].Shape
	shapes := make([][]int64, len(operands))
	for i, shape := range operands {
		if last.Last {
			shape = padded(shape, len(out))
		}
		shapes[i] = last.stored(shape)
	}
	c := &chain{spread: newSpread(last.stored(out), shapes...), operands: len(operands), size: int(product(out))}
	if c.size == 0 || c.spread.inner < shortest && c.size > c.spread.inner {
		return nil
	}
	for _, shape := range shapes {
		c.sizes = append(c.sizes, int(product(shape)))
	}
	c.members = recognised(members)
	for _, l := range c.members {
		c.cost += l.cost
	}
	return c.routine()
}

// shortest is the least length of a run that pays for the calls it takes.
const shortest = 48

// chain computes its members piece by piece.
type chain struct {
	members  []linked
	spread   *spread
	operands int
	sizes    []int
	size     int
	cost     int
	// recompute says that the gradient wants what members compute, and not the
	// output alone.
	recompute bool
	work      []*chainWork
}

// linked is a mixture with the places that its operands come from.
type linked struct {
	mixture
	from []int
}

// chainWork is one worker's: the pieces of operands, members and gradients.
type chainWork struct {
	in, value, slope [][]float32
	args             [][]float32
	set              []bool // of operands and then members: a gradient is there
	buffer           []float32
}

// chainPiece is the number of elements that are computed at once.
const chainPiece = 1024

func (c *chain) routine() *Routine {
	r := &Routine{Adds: true}
	top := len(c.members) - 1
	for j, m := range c.members {
		c.recompute = c.recompute || m.out && j != top || m.in
	}
	if c.recompute {
		for i := range c.operands {
			r.KeepIn = append(r.KeepIn, i)
		}
	} else if c.members[top].out {
		r.KeepOut = []int{0}
	}
	for i := range c.operands {
		if c.sizes[i] == c.size && !c.spread.repeats(i) && !c.members[top].guards(i) {
			r.InPlace = append(r.InPlace, i)
		}
	}
	r.Forward = c.ready(shared(c.size, c.cost, func(f *Frame, worker, lo, hi int) {
		c.each(lo, hi, func(run, from, n int) {
			w := c.work[worker]
			c.read(f, w, run, from, n)
			at := run*c.spread.inner + from
			c.compute(w, f.Y(0)[at:at+n], n)
		})
	}))
	c.gradients(r)
	return r
}

// guards reports whether operand i is still read after the result is begun.
func (m *linked) guards(i int) bool {
	return m.first && slices.Contains(m.from[min(len(m.from), 1):], i)
}

// ready makes room for the workers before the first call.
func (c *chain) ready(run func(*Frame)) func(*Frame) {
	return func(f *Frame) {
		for len(c.work) < f.Pool.Threads() {
			m := len(c.members)
			w := &chainWork{
				in: make([][]float32, c.operands), value: make([][]float32, m), slope: make([][]float32, m),
				set: make([]bool, c.operands+m), buffer: make([]float32, (2*m+1)*chainPiece),
			}
			for _, l := range c.members {
				if len(l.from) > len(w.args) {
					w.args = make([][]float32, len(l.from))
				}
			}
			c.work = append(c.work, w)
		}
		run(f)
	}
}

// each calls f for pieces of elements lo to hi.
func (c *chain) each(lo, hi int, f func(run, from, n int)) {
	c.spread.each(lo, hi, func(run, from, n int) {
		for ; n > 0; from, n = from+chainPiece, n-chainPiece {
			f(run, from, min(n, chainPiece))
		}
	})
}

// read finds the operands' pieces.
func (c *chain) read(f *Frame, w *chainWork, run, from, n int) {
	for i := range w.in {
		w.in[i] = c.spread.run(f.X(i), i, c.spread.at(i, run), from, n)
	}
}

// compute evaluates the members, the last of them into y.
func (c *chain) compute(w *chainWork, y []float32, n int) {
	for j, m := range c.members {
		w.value[j] = w.buffer[j*chainPiece:][:n]
		if j == len(c.members)-1 && y != nil {
			w.value[j] = y
		}
		m.forward(w.value[j], m.gather(w))
	}
}

// gather lists the pieces that a member reads.
func (m *linked) gather(w *chainWork) [][]float32 {
	args := w.args[:len(m.from)]
	for k, from := range m.from {
		if from >= 0 {
			args[k] = w.in[from]
		} else {
			args[k] = w.value[^from]
		}
	}
	return args
}

// chainSums is in how many stretches, each with sums of its own, the gradient of what
// is repeated is computed.
const chainSums = 8

// gradients adds the backward pass to the routine.
func (c *chain) gradients(r *Routine) {
	room, starts := 0, make([]int, c.operands)
	for i := range c.operands {
		if c.spread.repeats(i) {
			starts[i] = room
			room += c.sizes[i]
		}
	}
	stretches := chainSums
	if chainSums*room > c.size {
		stretches = 1
	}
	r.Scratch = stretches * room
	length := (c.size + stretches - 1) / stretches
	length = (length + c.spread.inner - 1) / c.spread.inner * c.spread.inner
	var frame *Frame
	part := func(k, worker int) {
		own := frame.Scratch[k*room : (k+1)*room]
		clear(own)
		lo, hi := min(k*length, c.size), min((k+1)*length, c.size)
		c.each(lo, hi, func(run, from, n int) { c.back(frame, c.work[worker], own, starts, run, from, n) })
	}
	plain := shared(c.size, 3*c.cost, func(f *Frame, worker, lo, hi int) {
		c.each(lo, hi, func(run, from, n int) { c.back(f, c.work[worker], nil, starts, run, from, n) })
	})
	r.Backward = c.ready(func(f *Frame) {
		if !c.wantsSums(f) {
			plain(f)
			return
		}
		frame = f
		f.Pool.Run(stretches, part)
		frame = nil
		for i, d := range f.DIn {
			if d == nil || !c.spread.repeats(i) {
				continue
			}
			dx := f.begin(i, true)
			for k := range stretches {
				kernel.Add(dx, dx, f.Scratch[k*room+starts[i]:][:len(dx)])
			}
		}
	})
}

// wantsSums reports whether the gradient of something that is repeated is wanted.
func (c *chain) wantsSums(f *Frame) bool {
	for i, d := range f.DIn {
		if d != nil && c.spread.repeats(i) {
			return true
		}
	}
	return false
}

// back carries the gradient of a piece from the last member to the operands.
func (c *chain) back(f *Frame, w *chainWork, own []float32, starts []int, run, from, n int) {
	at := run*c.spread.inner + from
	m := len(c.members)
	if c.recompute {
		c.read(f, w, run, from, n)
		c.compute(w, nil, n)
	} else if c.members[m-1].out {
		w.value[m-1] = f.Y(0)[at : at+n]
	}
	clear(w.set)
	t := w.buffer[2*m*chainPiece:][:n]
	for j := range c.members {
		w.slope[j] = w.buffer[(m+j)*chainPiece:][:n]
	}
	w.slope[m-1] = f.DOut[0].Float32s()[at : at+n]
	for j, l := range slices.Backward(c.members) {
		args := w.args[:len(l.from)]
		if c.recompute {
			args = l.gather(w)
		}
		for k, to := range l.from {
			if to < 0 {
				c.member(w, l, k, j, ^to, args, t)
			} else if to < len(f.DIn) && f.DIn[to] != nil {
				d := w.slope[j]
				if l.pass == nil || !l.pass(k) {
					d = t
					l.slope(k, t, w.slope[j], w.value[j], args)
				}
				c.operand(f, w, own, starts[to], to, run, from, d)
			}
		}
	}
}

// member adds a gradient to that of member i.
func (c *chain) member(w *chainWork, l linked, k, j, i int, args [][]float32, t []float32) {
	set := &w.set[c.operands+i]
	if !*set {
		*set = true
		l.slope(k, w.slope[i], w.slope[j], w.value[j], args)
		return
	}
	l.slope(k, t, w.slope[j], w.value[j], args)
	kernel.Add(w.slope[i], w.slope[i], t)
}

// operand adds t to the gradient of an operand. It does not change t.
func (c *chain) operand(f *Frame, w *chainWork, own []float32, start, i, run, from int, t []float32) {
	at := c.spread.at(i, run)
	if c.spread.repeats(i) {
		to := c.spread.run(own[start:start+c.sizes[i]], i, at, from, len(t))
		if len(to) == len(t) {
			kernel.Add(to, to, t)
		} else {
			to[0] += float32(kernel.Sum(t))
		}
		return
	}
	dx := c.spread.run(f.DIn[i].Float32s(), i, at, from, len(t))
	if set := &w.set[i]; !*set && !f.Add[i] {
		*set = true
		copy(dx, t)
		return
	}
	kernel.Add(dx, dx, t)
}
