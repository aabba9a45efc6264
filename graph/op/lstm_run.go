package op

import "onnxcompress/runtime/kernel"

// lstmCell has the gates i, o, f and the candidate c.
type lstmCell struct {
	rnnCell
	coupled bool
	// rows and rowsBack compute the samples of a step.
	rows, rowsBack func(*Frame)
	r              *recurring
	v              *side
	t              int
}

// ready makes the loops over samples before the first step.
func (c *lstmCell) ready(r *recurring, v *side, t int) {
	c.r, c.v, c.t = r, v, t
	if c.rows == nil {
		cost := 24 * r.hidden
		c.rows = shared(r.batch, cost, func(_ *Frame, _, lo, hi int) {
			for b := lo; b < hi; b++ {
				c.sample(b)
			}
		})
		c.rowsBack = shared(r.batch, cost, func(f *Frame, worker, lo, hi int) {
			for b := lo; b < hi; b++ {
				c.sampleBack(b, f.Pool.Scratch(worker, 2*c.r.hidden))
			}
		})
	}
}

func (c *lstmCell) step(f *Frame, r *recurring, v *side, t int) {
	n := r.batch * r.rowWidth
	gates := kernel.Dense(v.gates[t*n:(t+1)*n], r.batch, r.rowWidth)
	kernel.GemmPacked(f.Pool, 1, kernel.Dense(r.slot(v.states, v.before(t)), r.batch, r.hidden), c.forward, 1, gates, nil)
	c.ready(r, v, t)
	c.rows(f)
}

func (c *lstmCell) sample(b int) {
	r, v, t, h := c.r, c.v, c.t, c.r.hidden
	at := t*r.batch + b
	cell, next := rowOf(r.slot(v.cells, v.before(t)), b, h), rowOf(r.slot(v.cells, v.after(t)), b, h)
	out := rowOf(r.slot(v.states, v.after(t)), b, h)
	if !v.active(t, b) {
		copy(next, cell)
		copy(out, rowOf(r.slot(v.states, v.before(t)), b, h))
		r.show(v, t, b, nil)
		return
	}
	g := rowOf(v.gates, at, r.rowWidth)
	in, output, forget, candidate := g[:h], g[h:2*h], g[2*h:3*h], g[3*h:]
	if p := v.peephole; p != nil {
		kernel.MulAdd(in, p[:h], cell)
		kernel.MulAdd(forget, p[2*h:], cell)
	}
	r.bound(v, at, 0, in)
	r.bound(v, at, 2*h, g[2*h:])
	v.units[0].forward(in, in)
	if c.coupled {
		kernel.ScalarSub(forget, in, 1)
	} else {
		v.units[0].forward(forget, forget)
	}
	v.units[1].forward(candidate, candidate)
	kernel.Mul(next, forget, cell)
	kernel.MulAdd(next, in, candidate)
	if p := v.peephole; p != nil {
		kernel.MulAdd(output, p[h:2*h], next)
	}
	r.bound(v, at, h, output)
	v.units[0].forward(output, output)
	v.units[2].forward(out, next)
	kernel.Mul(out, out, output)
	r.show(v, t, b, out)
}

func (c *lstmCell) back(f *Frame, r *recurring, v *side, t int) {
	c.ready(r, v, t)
	c.rowsBack(f)
	n := r.batch * r.rowWidth
	d := kernel.Dense(v.d[t*n:(t+1)*n], r.batch, r.rowWidth)
	kernel.GemmPacked(f.Pool, 1, d, c.backward, 1, kernel.Dense(v.dh, r.batch, r.hidden), nil)
}

func (c *lstmCell) sampleBack(b int, temp []float32) {
	r, v, t, h := c.r, c.v, c.t, c.r.hidden
	at := t*r.batch + b
	d, dh, dc := rowOf(v.d, at, r.rowWidth), rowOf(v.dh, b, h), rowOf(v.dc, b, h)
	if !v.active(t, b) {
		clear(d)
		return
	}
	g, p := rowOf(v.gates, at, r.rowWidth), v.peephole
	in, output, forget, candidate := g[:h], g[h:2*h], g[2*h:3*h], g[3*h:]
	di, do, df, dg := d[:h], d[h:2*h], d[2*h:3*h], d[3*h:]
	cell, next := rowOf(r.slot(v.cells, v.before(t)), b, h), rowOf(r.slot(v.cells, v.after(t)), b, h)
	r.shown(v, t, b, dh)
	shown, temp := temp[:h], temp[h:]
	v.units[2].forward(shown, next)
	kernel.Mul(do, dh, shown)
	v.units[0].slope(do, do, output)
	r.unbound(v, at, h, do)
	kernel.Mul(temp, dh, output)
	v.units[2].slope(temp, temp, shown)
	if kernel.Add(dc, dc, temp); p != nil {
		kernel.MulAdd(dc, do, p[h:2*h])
	}
	kernel.Mul(di, dc, candidate)
	kernel.Mul(dg, dc, in)
	kernel.Mul(df, dc, cell)
	if c.coupled {
		kernel.Sub(di, di, df)
		clear(df)
	} else {
		v.units[0].slope(df, df, forget)
	}
	v.units[0].slope(di, di, in)
	v.units[1].slope(dg, dg, candidate)
	r.unbound(v, at, 0, di)
	r.unbound(v, at, 2*h, d[2*h:])
	kernel.Mul(dc, dc, forget)
	if p != nil {
		kernel.MulAdd(dc, di, p[:h])
		kernel.MulAdd(dc, df, p[2*h:])
	}
	clear(dh)
}
