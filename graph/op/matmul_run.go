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
	a, b, c           lie
}

// lie is how the rows and columns of a matrix lie in memory.
type lie struct{ row, col int }

func (s lie) view(data []float32, rows, cols int) kernel.Matrix {
	return kernel.Matrix{Data: data, Rows: rows, Cols: cols, RowStride: s.row, ColStride: s.col}
}

func (s lie) t() lie { return lie{s.col, s.row} }

// pile is how the matrices of a stack follow each other: all of the batch for
// each of the places in starts, in turn.
type pile struct {
	kernel.Batch
	starts [][3]int
}

// newPile stacks matrices of the sizes given. Axes along which operand sum, 0
// to 2, stays where it is come last, one place after the other: what is
// written there is added up. With sum -1 all is one batch.
func newPile(shape []int64, operands [3][]int64, sizes [3]int, sum int) pile {
	p := pile{starts: [][3]int{{}}}
	var all [3][]int64
	for k, s := range operands {
		all[k] = broadcastStrides(s, len(shape))
	}
	for axis, d := range shape {
		if d == 1 {
			continue
		}
		var step [3]int
		for k := range step {
			step[k] = int(all[k][axis]) * sizes[k]
		}
		if sum < 0 || step[sum] != 0 {
			p.Sizes = append(p.Sizes, int(d))
			p.A, p.B, p.C = append(p.A, step[0]), append(p.B, step[1]), append(p.C, step[2])
			continue
		}
		var more [][3]int
		for _, at := range p.starts {
			for i := range int(d) {
				more = append(more, [3]int{at[0] + i*step[0], at[1] + i*step[1], at[2] + i*step[2]})
			}
		}
		p.starts = more
	}
	return p
}

// compileMatMul reads a stack times one matrix as one product of many rows.
func compileMatMul(n *Node) (*Routine, error) {
	if !floats(n, 0, 1) {
		return nil, nil
	}
	batchA, rows, inner := stack(n.In[0].Shape, true)
	batchB, _, cols := stack(n.In[1].Shape, false)
	if product(batchB) == 1 {
		rows *= product(batchA)
		batchA, batchB = nil, nil
	}
	shape, err := Broadcast(batchA, batchB)
	if err != nil {
		return nil, err
	}
	if weights := constantMatrix(n); weights != nil {
		return dense(n, int(rows), *weights, nil), nil
	}
	m := matrices{rows: int(rows), inner: int(inner), cols: int(cols), alpha: 1}
	m.a, m.b, m.c = lie{m.inner, 1}, lie{m.cols, 1}, lie{m.cols, 1}
	operands := [3][]int64{batchA, batchB, shape}
	sizes := [3]int{m.rows * m.inner, m.inner * m.cols, m.rows * m.cols}
	return m.routine(newPile(shape, operands, sizes, -1), newPile(shape, operands, sizes, 0), newPile(shape, operands, sizes, 1)), nil
}

// routine computes the products; the piles are those of the product and of the
// gradients of A and B.
func (m matrices) routine(forward, gradA, gradB pile) *Routine {
	empty := m.rows*m.inner*m.cols == 0
	swapA := kernel.Batch{Sizes: gradA.Sizes, A: gradA.C, B: gradA.B, C: gradA.A}
	swapB := kernel.Batch{Sizes: gradB.Sizes, A: gradB.A, B: gradB.C, C: gradB.B}
	return &Routine{
		KeepIn: []int{0, 1}, Adds: true,
		Forward: func(f *Frame) {
			if empty {
				clear(f.Y(0))
				return
			}
			productsOf(f.Pool, forward.Batch, m.alpha, m.a.view(f.X(0), m.rows, m.inner), m.b.view(f.X(1), m.inner, m.cols),
				0, m.c.view(f.Y(0), m.rows, m.cols))
		},
		Backward: func(f *Frame) {
			dy := f.DOut[0].Float32s()
			if f.DIn[0] != nil {
				dx := f.begin(0, empty)
				for i, at := range gradA.starts {
					productsOf(f.Pool, swapA, m.alpha, m.c.view(dy[at[2]:], m.rows, m.cols), m.b.t().view(f.X(1)[at[1]:], m.cols, m.inner),
						f.beta(0, i), m.a.view(dx[at[0]:], m.rows, m.inner))
				}
			}
			if f.DIn[1] != nil {
				dx := f.begin(1, empty)
				for i, at := range gradB.starts {
					productsOf(f.Pool, swapB, m.alpha, m.a.t().view(f.X(0)[at[0]:], m.inner, m.rows), m.c.view(dy[at[2]:], m.rows, m.cols),
						f.beta(1, i), m.b.view(dx[at[1]:], m.inner, m.cols))
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
	m.a, m.b, m.c = lie{m.inner, 1}, lie{m.cols, 1}, lie{m.cols, 1}
	if innerA == 0 {
		m.a = lie{1, m.rows}
	}
	if innerB == 1 {
		m.b = lie{1, m.inner}
	}
	r := m.routine(pile{starts: [][3]int{{}}}, pile{starts: [][3]int{{}}}, pile{starts: [][3]int{{}}})
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
