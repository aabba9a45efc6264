package op

import (
	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/kernel"
)

// matrices is a stack of products C = alpha·A·B of one size. In terms of it the
// gradients are stacks of products, too: dA = alpha·dC·Bᵀ and dB = alpha·Aᵀ·dC.
type matrices struct {
	rows, inner, cols int
	alpha             float32
	a, b, c           pitch
}

// pitch is how far apart the rows and columns of a matrix lie.
type pitch struct{ row, col int }

func (s pitch) view(data []float32, rows, cols int) kernel.Matrix {
	return kernel.Matrix{Data: data, Rows: rows, Cols: cols, RowStride: s.row, ColStride: s.col}
}

func (s pitch) t() pitch { return pitch{s.col, s.row} }

func compileMatMul(n *Node) (*Routine, error) {
	if !floats(n, 0, 1) {
		return nil, nil
	}
	if weights := constantMatrix(n); weights != nil {
		return dense(n, int(product(n.In[0].Shape))/weights.Rows, *weights, nil), nil
	}
	hold := newHolding(n, 0, 1)
	a, b, c, ok := stacks(n, hold.places[0].Lie, hold.places[1].Lie, n.outLie())
	if !ok {
		return nil, nil
	}
	shape, err := Broadcast(a.batch, b.batch)
	if err != nil {
		return nil, err
	}
	m := matrices{rows: int(a.rows), inner: int(a.cols), cols: int(b.cols), alpha: 1, a: a.pitch, b: b.pitch, c: c.pitch}
	steps := [3][]int64{a.along(shape), b.along(shape), c.along(shape)}
	return m.routine(hold, newPile(shape, steps, -1), newPile(shape, steps, 0), newPile(shape, steps, 1)), nil
}

// routine computes the products; the piles are those of the product and of the
// gradients of A and B.
func (m matrices) routine(hold *holding, forward, gradA, gradB pile) *Routine {
	empty := m.rows*m.inner*m.cols == 0
	swapA := kernel.Batch{Sizes: gradA.Sizes, A: gradA.C, B: gradA.B, C: gradA.A}
	swapB := kernel.Batch{Sizes: gradB.Sizes, A: gradB.A, B: gradB.C, C: gradB.B}
	inputs := hold.inputs()
	return &Routine{
		KeepIn: inputs, Adds: true,
		Forward: func(f *Frame) {
			if empty {
				clear(f.Y(0))
				return
			}
			productsOf(f.Pool, forward.Batch, m.alpha, m.a.view(hold.x(f, 0), m.rows, m.inner), m.b.view(hold.x(f, 1), m.inner, m.cols),
				0, m.c.view(f.Y(0), m.rows, m.cols))
		},
		Backward: func(f *Frame) {
			if empty {
				for _, i := range inputs {
					if f.DIn[i] != nil {
						f.begin(i, true)
					}
				}
				return
			}
			hold.begin(f)
			dy := f.DOut[0].Float32s()
			if dx := hold.dx(f, 0); dx != nil {
				beta := hold.beta(f, 0)
				for _, at := range gradA.starts {
					productsOf(f.Pool, swapA, m.alpha, m.c.view(dy[at[2]:], m.rows, m.cols), m.b.t().view(hold.x(f, 1)[at[1]:], m.cols, m.inner),
						beta, m.a.view(dx[at[0]:], m.rows, m.inner))
					beta = 1
				}
			}
			if dx := hold.dx(f, 1); dx != nil {
				beta := hold.beta(f, 1)
				for _, at := range gradB.starts {
					productsOf(f.Pool, swapB, m.alpha, m.a.t().view(hold.x(f, 0)[at[0]:], m.inner, m.rows), m.c.view(dy[at[2]:], m.rows, m.cols),
						beta, m.b.view(dx[at[1]:], m.inner, m.cols))
					beta = 1
				}
			}
		},
	}
}

// productsOf computes a batch of products; one alone may be divided further. A
// result that lies column by column is that of the transposed operands.
func productsOf(p *kernel.Pool, batch kernel.Batch, alpha float32, a, b kernel.Matrix, beta float32, c kernel.Matrix) {
	if c.ColStride != 1 {
		a, b, c = b.T(), a.T(), c.T()
		batch.A, batch.B = batch.B, batch.A
	}
	if len(batch.Sizes) == 0 {
		kernel.Gemm(p, alpha, a, b, beta, c, nil)
		return
	}
	kernel.GemmBatch(p, batch, alpha, a, b, beta, c)
}

// compileGemm: the bias is spread over C before the product is added to it.
func compileGemm(n *Node) (*Routine, error) {
	if !floats(n, 0, 1) {
		return nil, nil
	}
	row, innerA, innerB, column := gemmAxes(n)
	a, b, out := n.In[0].Shape, n.In[1].Shape, n.Out[0].Shape
	if weights := constantMatrix(n); weights != nil && innerA == 1 {
		if innerB == 1 {
			*weights = weights.T()
		}
		if bias, ok := constantRow32(n, weights.Cols); ok {
			return dense(n, int(a[row]), *weights, bias), nil
		}
	}
	m := matrices{rows: int(a[row]), inner: int(a[innerA]), cols: int(b[column]), alpha: n.Attrs.Float("alpha", 1)}
	m.a, m.b, m.c = pitch{m.inner, 1}, pitch{m.cols, 1}, pitch{m.cols, 1}
	if innerA == 0 {
		m.a = pitch{1, m.rows}
	}
	if innerB == 1 {
		m.b = pitch{1, m.inner}
	}
	alone := newPile(nil, [3][]int64{}, -1)
	r := m.routine(newHolding(n, 0, 1), alone, alone, alone)
	beta := n.Attrs.Float("beta", 1)
	if !n.Has(2) || beta == 0 {
		return r, nil
	}
	if !floats(n, 2) {
		return nil, nil
	}
	bias := newAddend(out, n.In[2].Shape, beta)
	product, backward := r.Forward, r.Backward
	r.Forward = func(f *Frame) { product(f); bias.add(f.Y(0), f.X(2)) }
	r.Backward = func(f *Frame) {
		backward(f)
		if len(f.DIn) > 2 && f.DIn[2] != nil {
			bias.gradient(f.begin(2, true), f.DOut[0].Float32s())
		}
	}
	return r, nil
}

// addend is an operand that is broadcast, scaled and added.
type addend struct {
	spread *spread
	beta   float32
}

func newAddend(out, shape []int64, beta float32) addend { return addend{newSpread(out, shape), beta} }

func (a addend) add(y, x []float32) {
	s := a.spread
	for i := range s.count {
		dst, at := y[i*s.inner:(i+1)*s.inner], s.at(0, i)
		if s.step[0] == 1 {
			for j, v := range x[at : at+s.inner] {
				dst[j] += a.beta * v
			}
			continue
		}
		for j := range dst {
			dst[j] += a.beta * x[at]
		}
	}
}

// gradient adds what the operand is to be changed by to dx.
func (a addend) gradient(dx, dy []float32) {
	s := a.spread
	for i := range s.count {
		src, at := dy[i*s.inner:(i+1)*s.inner], s.at(0, i)
		if s.step[0] == 1 {
			for j, v := range src {
				dx[at+j] += a.beta * v
			}
			continue
		}
		sum := float32(0)
		for _, v := range src {
			sum += v
		}
		dx[at] += a.beta * sum
	}
}

// floats reports whether inputs are float32 tensors of known shape.
func floats(n *Node, slots ...int) bool {
	for _, i := range slots {
		if f := n.Input(i); f == nil || !f.Known || f.DType != tensor.Float32 {
			return false
		}
	}
	return true
}
