package op

import "onnxcompress/runtime/kernel"

// constantMatrix is input 1 where it is a matrix that never changes and no
// gradient is wanted; nil otherwise.
func constantMatrix(n *Node) *kernel.Matrix {
	f := n.In[1]
	if n.Train || f.Value == nil || f.Rank() != 2 || n.Attrs.Float("alpha", 1) != 1 || product(n.Out[0].Shape) == 0 || product(f.Shape) == 0 {
		return nil
	}
	m := kernel.Dense(f.Value.Float32s(), int(f.Shape[0]), int(f.Shape[1]))
	return &m
}

// constantRow32 is input 2, which is added to each row; nil where there is none.
func constantRow32(n *Node, cols int) (row []float32, ok bool) {
	f := n.Input(2)
	if f == nil {
		return nil, true
	}
	if f.Value == nil || f.DType != n.DType(0) || n.Attrs.Float("beta", 1) != 1 {
		return nil, false
	}
	row = f.Value.Float32s()
	return row, len(row) == cols && f.Shape[f.Rank()-1] == int64(cols)
}

// tailsDense: a product with a matrix that never changes.
func tailsDense(n *Node) TailKind {
	if !floats(n, 0, 1) || n.Attrs.Int("transA", 0) != 0 || constantMatrix(n) == nil {
		return TailKind{}
	}
	if n.Has(2) {
		if _, ok := constantRow32(n, int(n.Out[0].Shape[n.Out[0].Rank()-1])); !ok {
			return TailKind{}
		}
	}
	return TailKind{Bias: !n.Has(2), Residual: true, Relu: true, Act: true}
}

// dense multiplies rows by a matrix that is packed once.
func dense(n *Node, rows int, weights kernel.Matrix, bias []float32) *Routine {
	packed, inner, cols := kernel.PackB(weights), weights.Rows, weights.Cols
	e := &kernel.Epilogue{Bias: bias}
	residual := false
	if n.Tail != nil {
		n.Tail.epilogue(e)
		residual = n.Tail.Residual
		if n.Tail.Bias != nil {
			e.Bias = n.Tail.Bias
		}
	}
	return &Routine{Forward: func(f *Frame) {
		if residual {
			e.Residual = kernel.Dense(f.X(len(f.In)-1), rows, cols)
		}
		kernel.GemmPacked(f.Pool, 1, kernel.Dense(f.X(0), rows, inner), packed, 0, kernel.Dense(f.Y(0), rows, cols), e)
	}}
}
