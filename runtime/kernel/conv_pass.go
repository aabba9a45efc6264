package kernel

import "fmt"

// Forward computes y = conv(x, w) and then the epilogue, if there is one, whose
// residual has a row for each pixel of y. Scratch has the size that Scratch tells
// and is the caller's again afterwards, as in the other passes. What x holds that is
// not finite reaches the outputs whose windows see it and, by Winograd's algorithm,
// which takes on filters of 3×3 and 5×5, others in their squares of at most 4×4.
func (c *Conv) Forward(p *Pool, y, x, w []float32, e *Epilogue, scratch []float32) {
	c.check(x, y, w, nil)
	px, py := c.pixels()
	if c.pointwise {
		g := Matrix{Data: w, Rows: c.shape.In, Cols: c.shape.Out, RowStride: 1, ColStride: c.shape.In}
		Gemm(p, 1, Dense(x, px, c.shape.In), g, 0, Dense(y, py, c.shape.Out), e)
		return
	}
	scratch = settle(scratch)
	besides := c.preparedSize()
	c.pack(p, scratch[:besides], scratch[besides:], w)
	c.correlate(p, y, x, scratch[:besides], e)
}

// Prepared is the weights of a convolution laid out for its forward pass. It is
// read only and may be shared.
type Prepared struct {
	matrix *Packed
	panels []float32
	lv     *level
}

// Prepare lays weights out, which saves the work in every ForwardPrepared.
func (c *Conv) Prepare(p *Pool, w []float32) *Prepared {
	c.check(nil, nil, w, nil)
	if c.pointwise {
		m := PackB(Matrix{Data: w, Rows: c.shape.In, Cols: c.shape.Out, RowStride: 1, ColStride: c.shape.In})
		return &Prepared{matrix: m, lv: m.lv}
	}
	out := &Prepared{panels: aligned(c.preparedSize()), lv: c.lv}
	var besides []float32
	if c.fast[0] != nil {
		besides = aligned(c.packed[0])
	}
	c.pack(p, out.panels, besides, w)
	return out
}

// preparedSize is how many numbers the weights take when laid out.
func (c *Conv) preparedSize() int {
	if c.fast[0] != nil {
		filters, _ := c.fast[0].packed()
		return filters
	}
	return c.packed[0]
}

// pack lays weights out for the forward pass.
func (c *Conv) pack(p *Pool, panels, besides, w []float32) {
	if c.fast[0] != nil {
		c.fast[0].pack(p, &c.packing, panels, besides, w)
		return
	}
	if c.shape.isDepthwise() {
		packFilters(&c.forward[0], c.lv, panels, w)
		return
	}
	c.packing.run(p, c.lv, &c.forward[0], panels, w)
}

// ForwardPrepared is Forward with weights that Prepare of a convolution of the same
// shape, but for the number of images, laid out.
func (c *Conv) ForwardPrepared(p *Pool, y, x []float32, w *Prepared, e *Epilogue) {
	c.check(x, y, nil, nil)
	px, py := c.pixels()
	switch {
	case c.pointwise && w.matrix != nil:
		GemmPacked(p, 1, Dense(x, px, c.shape.In), w.matrix, 0, Dense(y, py, c.shape.Out), e)
	case w.lv == c.lv && len(w.panels) == c.preparedSize():
		c.correlate(p, y, x, w.panels, e)
	default:
		panic("kernel: weights prepared for another convolution")
	}
}

// correlate is the forward pass with packed weights.
func (c *Conv) correlate(p *Pool, y, x, panels []float32, e *Epilogue) {
	if e != nil {
		c.checkEpilogue(e)
	}
	if c.shape.isDepthwise() {
		d := &c.filters
		d.set(c.forward[:], c.lv, y, x, panels, false)
		if e != nil {
			d.bias, d.res, d.act = e.Bias, e.Residual, e.Act
		}
		d.run(p)
		return
	}
	if f := c.fast[0]; f != nil {
		f.y, f.x, f.u = y, x, panels
		if e != nil {
			f.bias, f.res, f.act = e.Bias, e.Residual, e.Act
		}
		f.run(p)
		return
	}
	j := &c.job
	j.set(&c.forward[0], c.lv, y, x, panels, false)
	if e != nil {
		j.bias, j.res, j.act = e.Bias, e.Residual, e.Act
	}
	j.run(p)
}

func (c *Conv) checkEpilogue(e *Epilogue) {
	c.check(nil, nil, nil, e.Bias)
	if e.Residual.Data == nil {
		return
	}
	e.Residual.checkResult("Residual")
	if _, py := c.pixels(); e.Residual.Rows != py || e.Residual.Cols != c.shape.Out {
		panic(fmt.Sprintf("kernel: a residual of %d×%d for a convolution with %d×%d results",
			e.Residual.Rows, e.Residual.Cols, py, c.shape.Out))
	}
}

// BackwardData computes the gradient of x from that of y, and adds it to dx if add
// is set. It is also the forward pass of a transposed convolution. What dy holds
// that is not finite reaches what it should and, by Winograd's algorithm or where x
// has few channels, some neighbours in the image.
func (c *Conv) BackwardData(p *Pool, dx, dy, w []float32, add bool, scratch []float32) {
	c.check(dx, dy, w, nil)
	px, py := c.pixels()
	if c.pointwise {
		Gemm(p, 1, Dense(dy, py, c.shape.Out), Dense(w, c.shape.Out, c.shape.In), keep(add), Dense(dx, px, c.shape.In), nil)
		return
	}
	scratch = settle(scratch)
	if f := c.fast[1]; f != nil {
		filters, _ := f.packed()
		f.pack(p, &c.packing, scratch[:filters], scratch[filters:], w)
		f.y, f.x, f.u, f.add = dx, dy, scratch, add
		f.run(p)
		return
	}
	if c.shape.isDepthwise() {
		for i := range c.phases {
			packFilters(&c.phases[i], c.lv, scratch, w)
		}
		c.filters.set(c.phases, c.lv, dx, dy, scratch, add)
		c.filters.run(p)
		return
	}
	for i := range c.phases {
		phase := &c.phases[i]
		c.packing.run(p, c.lv, phase, scratch, w)
		c.job.set(phase, c.lv, dx, dy, scratch, add)
		c.job.run(p)
	}
}

// BackwardWeight computes the gradients of the weights and, unless dbias is nil, of
// a bias from that of y. They are added to what dw and dbias hold if add is set.
func (c *Conv) BackwardWeight(p *Pool, dw, dbias, x, dy []float32, add bool, scratch []float32) {
	c.check(x, dy, dw, dbias)
	px, py := c.pixels()
	if dbias != nil {
		ones := Matrix{Data: one, Rows: 1, Cols: py}
		Gemm(p, 1, ones, Dense(dy, py, c.shape.Out), keep(add), Dense(dbias, 1, c.shape.Out), nil)
	}
	if c.pointwise {
		Gemm(p, 1, Dense(dy, py, c.shape.Out).T(), Dense(x, px, c.shape.In), keep(add), Dense(dw, c.shape.Out, c.shape.In), nil)
		return
	}
	if c.shape.isDepthwise() {
		c.filtersGradient.run(p, dw, x, dy, add, settle(scratch))
		return
	}
	if c.fastGradient != nil && c.shape.Batch > 0 {
		c.fastGradient.run(p, dw, x, dy, add, settle(scratch))
		return
	}
	c.gradient.run(p, dw, x, dy, add, settle(scratch))
}

// one is a matrix of ones, seen with strides of zero.
var one = []float32{1}

// keep is the factor of what a result held before.
func keep(add bool) float32 {
	if add {
		return 1
	}
	return 0
}
