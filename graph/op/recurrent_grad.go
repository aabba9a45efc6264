package op

import "onnxcompress/runtime/kernel"

// backward goes through the steps in the other order and then takes the products
// of all of them at once.
func (r *recurring) backward(f *Frame, v *side) {
	scratch, state := f.Scratch[r.rowWidth:], r.batch*r.hidden
	v.d, v.dextra = cut(&scratch, r.gates), cut(&scratch, r.extra)
	v.dh, v.dc = cut(&scratch, state), cut(&scratch, state)
	v.y = nil
	if dy := operand(f.DOut, 0); dy != nil {
		v.dy = dy.Float32s()
	}
	for k, d := range [2][]float32{v.dh, v.dc} {
		clear(d)
		if from := operand(f.DOut, 1+k); k < r.k.states && from != nil {
			for b := range r.batch {
				copy(rowOf(d, b, r.hidden), from.Float32s()[r.stateAt(v, b):])
			}
		}
	}
	r.cell.pack(r, v, true)
	for i := range r.steps {
		t := r.steps - 1 - i
		if v.reverse {
			t = i
		}
		r.cell.back(f, r, v, t)
	}
	r.initial(f, v)
	r.parameters(f, v)
}

// initial gives the gradients of what the states started from.
func (r *recurring) initial(f *Frame, v *side) {
	for k, d := range [2][]float32{v.dh, v.dc} {
		slot := recurrentInitialH + k
		if k >= r.k.states || operand(f.DIn, slot) == nil {
			continue
		}
		to := f.DIn[slot].Float32s()
		for b := range r.batch {
			part, own := to[r.stateAt(v, b):][:r.hidden], rowOf(d, b, r.hidden)
			if f.Add[slot] {
				kernel.Add(part, part, own)
			} else {
				copy(part, own)
			}
		}
	}
}

func (r *recurring) parameters(f *Frame, v *side) {
	w := kernel.Dense(v.w, r.rowWidth, r.width)
	for b := range r.pieces() {
		if f.DIn[recurrentX] != nil {
			dx, d := r.samples(f.DIn[recurrentX].Float32s(), v.d, b)
			kernel.Gemm(f.Pool, 1, d, w, f.beta(recurrentX, v.index), dx, nil)
		}
		if f.DIn[recurrentW] != nil {
			x, d := r.samples(f.X(recurrentX), v.d, b)
			dw := f.DIn[recurrentW].Float32s()[v.index*len(v.w):][:len(v.w)]
			kernel.Gemm(f.Pool, 1, d.T(), x, f.beta(recurrentW, b), kernel.Dense(dw, r.rowWidth, r.width), nil)
		}
	}
	if f.DIn[recurrentR] != nil {
		r.cell.weights(f, r, v, f.DIn[recurrentR].Float32s()[v.index*len(v.r):][:len(v.r)], f.beta(recurrentR, 0))
	}
	if operand(f.DIn, recurrentB) != nil {
		n := 2 * r.rowWidth
		db := f.DIn[recurrentB].Float32s()[v.index*n:][:n]
		if !f.Add[recurrentB] {
			clear(db)
		}
		sum := zeroed(f.Scratch[:r.rowWidth])
		kernel.SumRows(sum, v.d)
		own, state := db[:r.rowWidth], db[r.rowWidth:]
		kernel.Add(own, own, sum)
		if g, ok := r.cell.(*gruCell); ok && g.linear {
			last := zeroed(sum[2*r.hidden:])
			kernel.SumRows(last, v.dextra)
		}
		kernel.Add(state, state, sum)
	}
	if r.k.peephole >= 0 && operand(f.DIn, r.k.peephole) != nil {
		r.peepholes(f, v)
	}
}

// previous are the states before each step, in the order of the steps.
func (r *recurring) previous(v *side) kernel.Matrix {
	n := r.steps * r.batch
	return kernel.Dense(v.states[v.before(0)*r.batch*r.hidden:][:n*r.hidden], n, r.hidden)
}

// peepholes sums the products of gates and cells: those before a step for the
// gates i and f, those behind it for o.
func (r *recurring) peepholes(f *Frame, v *side) {
	h, n := r.hidden, 3*r.hidden
	dp := f.DIn[r.k.peephole].Float32s()[v.index*n:][:n]
	if !f.Add[r.k.peephole] {
		clear(dp)
	}
	for t := range r.steps {
		before, after := r.slot(v.cells, v.before(t)), r.slot(v.cells, v.after(t))
		for b := range r.batch {
			d := rowOf(v.d, t*r.batch+b, r.rowWidth)
			kernel.MulAdd(dp[:h], d[:h], rowOf(before, b, h))
			kernel.MulAdd(dp[h:2*h], d[h:2*h], rowOf(after, b, h))
			kernel.MulAdd(dp[2*h:], d[2*h:3*h], rowOf(before, b, h))
		}
	}
}

// bound clips what activations read, and keeps it for the way back: row is that
// of the gates, from its first number that is clipped.
func (r *recurring) bound(v *side, row, from int, x []float32) {
	if r.clip > 0 {
		kernel.Clip(x, x, -r.clip, r.clip)
		copy(v.pre[row*r.rowWidth+from:], x)
	}
}

// unbound takes the gradient of what was clipped away.
func (r *recurring) unbound(v *side, row, from int, d []float32) {
	if r.clip > 0 {
		kernel.ClipGrad(d, d, v.pre[row*r.rowWidth+from:][:len(d)], -r.clip, r.clip)
	}
}

// repacked lays a matrix out, in the place of an earlier one where there is one.
func repacked(p *kernel.Packed, m kernel.Matrix) *kernel.Packed {
	if p == nil {
		return kernel.PackB(m)
	}
	p.Repack(m)
	return p
}

// rnnCell is h = f(x·Wᵀ + h·Rᵀ + b).
type rnnCell struct{ forward, backward *kernel.Packed }

func (c *rnnCell) pack(r *recurring, v *side, back bool) {
	m := kernel.Dense(v.r, r.rowWidth, r.hidden)
	if back {
		c.backward = repacked(c.backward, m)
	} else {
		c.forward = repacked(c.forward, m.T())
	}
}

func (c *rnnCell) step(f *Frame, r *recurring, v *side, t int) {
	h := r.hidden
	gates, before, after := r.slot(v.gates, t), r.slot(v.states, v.before(t)), r.slot(v.states, v.after(t))
	kernel.GemmPacked(f.Pool, 1, kernel.Dense(before, r.batch, h), c.forward, 1, kernel.Dense(gates, r.batch, h), nil)
	for b := range r.batch {
		to := rowOf(after, b, h)
		if !v.active(t, b) {
			copy(to, rowOf(before, b, h))
			r.show(v, t, b, nil)
			continue
		}
		g := rowOf(gates, b, h)
		r.bound(v, t*r.batch+b, 0, g)
		v.units[0].forward(g, g)
		copy(to, g)
		r.show(v, t, b, to)
	}
}

// show writes a state to the output of all steps, zeros behind the end.
func (r *recurring) show(v *side, t, b int, h []float32) {
	if v.y == nil {
		return
	}
	to := v.y[r.shownAt(v, t, b):][:r.hidden]
	if h == nil {
		clear(to)
	} else {
		copy(to, h)
	}
}

// shown adds the gradient of the output of all steps to that of the state.
func (r *recurring) shown(v *side, t, b int, dh []float32) {
	if v.dy != nil {
		kernel.Add(dh, dh, v.dy[r.shownAt(v, t, b):][:r.hidden])
	}
}

func (c *rnnCell) back(f *Frame, r *recurring, v *side, t int) {
	h, d := r.hidden, r.slot(v.d, t)
	for b := range r.batch {
		to, dh := rowOf(d, b, h), rowOf(v.dh, b, h)
		if !v.active(t, b) {
			clear(to)
			continue
		}
		r.shown(v, t, b, dh)
		v.units[0].slope(to, dh, rowOf(r.slot(v.gates, t), b, h))
		r.unbound(v, t*r.batch+b, 0, to)
		clear(dh)
	}
	kernel.GemmPacked(f.Pool, 1, kernel.Dense(d, r.batch, h), c.backward, 1, kernel.Dense(v.dh, r.batch, h), nil)
}

func (c *rnnCell) weights(f *Frame, r *recurring, v *side, dr []float32, beta float32) {
	d := kernel.Dense(v.d, r.steps*r.batch, r.rowWidth)
	kernel.Gemm(f.Pool, 1, d.T(), r.previous(v), beta, kernel.Dense(dr, r.rowWidth, r.hidden), nil)
}
