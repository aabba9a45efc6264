package op

import "onnxcompress/runtime/kernel"

// gruCell has the gates z and r and the candidate h. What the candidate gets from
// the state is, where linear, r·(h·Rᵀ + b), of which the factor of r is kept, and
// else (r·h)·Rᵀ, of which r·h is.
type gruCell struct {
	linear bool
	// gates and candidate are the weights of z and r, and of h.
	gates, candidate         *kernel.Packed
	gatesBack, candidateBack *kernel.Packed
	bias                     kernel.Epilogue
}

func (c *gruCell) pack(r *recurring, v *side, back bool) {
	h := r.hidden
	gates, candidate := kernel.Dense(v.r[:2*h*h], 2*h, h), kernel.Dense(v.r[2*h*h:], h, h)
	if back {
		c.gatesBack, c.candidateBack = repacked(c.gatesBack, gates), repacked(c.candidateBack, candidate)
		return
	}
	c.gates, c.candidate = repacked(c.gates, gates.T()), repacked(c.candidate, candidate.T())
	if c.bias.Bias = nil; v.biasR != nil {
		c.bias.Bias = v.biasR[2*h:]
	}
}

// part is columns from to before end of the gates of step t.
func (c *gruCell) part(r *recurring, list []float32, t, from, end int) kernel.Matrix {
	n := r.batch * r.rowWidth
	return kernel.Matrix{Data: list[t*n+from : (t+1)*n], Rows: r.batch, Cols: end - from, RowStride: r.rowWidth, ColStride: 1}
}

func (c *gruCell) step(f *Frame, r *recurring, v *side, t int) {
	h := r.hidden
	before, after, kept := r.slot(v.states, v.before(t)), r.slot(v.states, v.after(t)), r.slot(v.extra, t)
	state, rest := kernel.Dense(before, r.batch, h), kernel.Dense(kept, r.batch, h)
	kernel.GemmPacked(f.Pool, 1, state, c.gates, 1, c.part(r, v.gates, t, 0, 2*h), nil)
	if c.linear {
		kernel.GemmPacked(f.Pool, 1, state, c.candidate, 0, rest, &c.bias)
	}
	for b := range r.batch {
		g := rowOf(v.gates, t*r.batch+b, r.rowWidth)
		reset := g[h : 2*h]
		r.bound(v, t*r.batch+b, 0, g[:2*h])
		v.units[0].forward(g[:2*h], g[:2*h])
		if c.linear {
			kernel.MulAdd(g[2*h:], reset, rowOf(kept, b, h))
		} else {
			kernel.Mul(rowOf(kept, b, h), reset, rowOf(before, b, h))
		}
	}
	if !c.linear {
		kernel.GemmPacked(f.Pool, 1, rest, c.candidate, 1, c.part(r, v.gates, t, 2*h, 3*h), nil)
	}
	for b := range r.batch {
		from, to := rowOf(before, b, h), rowOf(after, b, h)
		if !v.active(t, b) {
			copy(to, from)
			r.show(v, t, b, nil)
			continue
		}
		g := rowOf(v.gates, t*r.batch+b, r.rowWidth)
		update, candidate := g[:h], g[2*h:]
		r.bound(v, t*r.batch+b, 2*h, candidate)
		v.units[1].forward(candidate, candidate)
		kernel.Sub(to, from, candidate)
		kernel.Mul(to, to, update)
		kernel.Add(to, to, candidate)
		r.show(v, t, b, to)
	}
}

func (c *gruCell) back(f *Frame, r *recurring, v *side, t int) {
	h := r.hidden
	before, kept, dkept := r.slot(v.states, v.before(t)), r.slot(v.extra, t), r.slot(v.dextra, t)
	for b := range r.batch {
		at := t*r.batch + b
		d, dh, dk := rowOf(v.d, at, r.rowWidth), rowOf(v.dh, b, h), rowOf(dkept, b, h)
		if !v.active(t, b) {
			clear(d)
			clear(dk)
			continue
		}
		g := rowOf(v.gates, at, r.rowWidth)
		update, reset, candidate := g[:h], g[h:2*h], g[2*h:]
		dz, dr, dn := d[:h], d[h:2*h], d[2*h:]
		r.shown(v, t, b, dh)
		kernel.Sub(dz, rowOf(before, b, h), candidate)
		kernel.Mul(dz, dz, dh)
		v.units[0].slope(dz, dz, update)
		r.unbound(v, at, 0, dz)
		kernel.Mul(dr, dh, update)
		kernel.Sub(dn, dh, dr)
		copy(dh, dr)
		v.units[1].slope(dn, dn, candidate)
		r.unbound(v, at, 2*h, dn)
		if c.linear {
			kernel.Mul(dr, dn, rowOf(kept, b, h))
			kernel.Mul(dk, dn, reset)
			c.reset(r, v, at, dr, reset)
		}
	}
	rest, dh := kernel.Dense(dkept, r.batch, h), kernel.Dense(v.dh, r.batch, h)
	if c.linear {
		kernel.GemmPacked(f.Pool, 1, rest, c.candidateBack, 1, dh, nil)
	} else {
		kernel.GemmPacked(f.Pool, 1, c.part(r, v.d, t, 2*h, 3*h), c.candidateBack, 0, rest, nil)
		for b := range r.batch {
			if at := t*r.batch + b; v.active(t, b) {
				reset, dk, dr := rowOf(v.gates, at, r.rowWidth)[h:2*h], rowOf(dkept, b, h), rowOf(v.d, at, r.rowWidth)[h:2*h]
				kernel.Mul(dr, dk, rowOf(before, b, h))
				kernel.MulAdd(rowOf(v.dh, b, h), dk, reset)
				c.reset(r, v, at, dr, reset)
			}
		}
	}
	kernel.GemmPacked(f.Pool, 1, c.part(r, v.d, t, 0, 2*h), c.gatesBack, 1, dh, nil)
}

// reset takes the gradient of gate r back through its activation.
func (c *gruCell) reset(r *recurring, v *side, at int, dr, reset []float32) {
	v.units[0].slope(dr, dr, reset)
	r.unbound(v, at, r.hidden, dr)
}

func (c *gruCell) weights(f *Frame, r *recurring, v *side, dr []float32, beta float32) {
	h, n := r.hidden, r.steps*r.batch
	gates := kernel.Matrix{Data: v.d, Rows: n, Cols: 2 * h, RowStride: r.rowWidth, ColStride: 1}
	kernel.Gemm(f.Pool, 1, gates.T(), r.previous(v), beta, kernel.Dense(dr[:2*h*h], 2*h, h), nil)
	left, right := kernel.Dense(v.dextra, n, h), r.previous(v)
	if !c.linear {
		left = kernel.Matrix{Data: v.d[2*h:], Rows: n, Cols: h, RowStride: r.rowWidth, ColStride: 1}
		right = kernel.Dense(v.extra, n, h)
	}
	kernel.Gemm(f.Pool, 1, left.T(), right, beta, kernel.Dense(dr[2*h*h:], h, h), nil)
}
