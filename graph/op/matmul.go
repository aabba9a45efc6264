package op

import (
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

// matmulRows are matrix products.
var matmulRows = map[string]*Spec{
	"Gemm":   guarded(Spec{Infer: inferGemm, Product: productGemm, Links: linkGemm, Dead: deadGemm, Cost: costGemm, Forward: forwardGemm, Compile: compileGemm, Tails: tailsDense}),
	"MatMul": guarded(Spec{Infer: inferMatMul, Product: productMatMul, Links: linkMatMul, ZeroIn: []int{0, 1}, Cost: costMatMul, Forward: forwardMatMul, Compile: compileMatMul, Reads: readsMatMul, Writes: writesMatMul, Stacks: true, Tails: tailsDense}),
}

// gemmAxes are the row and the inner axis of A, the inner and the column axis of
// B.
func gemmAxes(n *Node) (row, innerA, innerB, column int) {
	row, innerA, innerB, column = 0, 1, 0, 1
	if n.Attrs.Int("transA", 0) != 0 {
		row, innerA = 1, 0
	}
	if n.Attrs.Int("transB", 0) != 0 {
		innerB, column = 1, 0
	}
	return row, innerA, innerB, column
}

func inferGemm(n *Node) ([]Fact, error) {
	a, okA := n.Shape(0)
	b, okB := n.Shape(1)
	if !okA || !okB {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	if len(a) != 2 || len(b) != 2 {
		return nil, fmt.Errorf("multiplies shapes %v and %v", a, b)
	}
	row, innerA, innerB, column := gemmAxes(n)
	if a[innerA] != b[innerB] {
		return nil, fmt.Errorf("multiplies shapes %v and %v", a, b)
	}
	out := []int64{a[row], b[column]}
	if c, ok := n.Shape(2); ok {
		if sum, err := Broadcast(out, c); err != nil || !slices.Equal(sum, out) {
			return nil, fmt.Errorf("adds shape %v to %v", c, out)
		}
	}
	return []Fact{Of(n.DType(0), out...)}, nil
}

func linkGemm(n *Node, l *Linker) {
	row, innerA, innerB, column := gemmAxes(n)
	l.Same(In(0, row), Out(0, 0))
	l.Contract(In(0, innerA), In(1, innerB))
	l.Same(In(1, column), Out(0, 1))
	linkOperand(n, l, 2)
}

// linkOperand ties the axes of an input that broadcasts into output 0.
func linkOperand(n *Node, l *Linker, slot int) {
	if !n.Has(slot) {
		return
	}
	out := n.Out[0]
	shift := out.Rank() - n.In[slot].Rank()
	if shift < 0 {
		return
	}
	for axis, d := range n.In[slot].Shape {
		if d != 1 || out.Shape[shift+axis] == 1 {
			l.Same(In(slot, axis), Out(0, shift+axis))
		}
	}
}

// deadGemm is deadLinear with the addend scaled.
func deadGemm(n *Node, out, axis int, in []State) State {
	s := deadLinear(n, out, axis, in)
	if c, ok := s.Number(); ok {
		return Const(c * float64(n.Attrs.Float("beta", 1)))
	}
	return s
}

func costGemm(n *Node) int64 {
	if !allKnown(n.Out[0], n.In[0]) {
		return 0
	}
	_, inner, _, _ := gemmAxes(n)
	return product(n.Out[0].Shape) * n.In[0].Shape[inner]
}

func inferMatMul(n *Node) ([]Fact, error) {
	a, okA := n.Shape(0)
	b, okB := n.Shape(1)
	if !okA || !okB {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	out, err := matmulShape(a, b)
	if err != nil {
		return nil, err
	}
	return []Fact{Of(n.DType(0), out...)}, nil
}

func matmulShape(a, b []int64) ([]int64, error) {
	wrong := fmt.Errorf("multiplies shapes %v and %v", a, b)
	if len(a) == 0 || len(b) == 0 {
		return nil, wrong
	}
	innerB := max(len(b)-2, 0)
	if a[len(a)-1] != b[innerB] {
		return nil, wrong
	}
	out, err := Broadcast(a[:max(len(a)-2, 0)], b[:innerB])
	if err != nil {
		return nil, wrong
	}
	if len(a) > 1 {
		out = append(out, a[len(a)-2])
	}
	if len(b) > 1 {
		out = append(out, b[len(b)-1])
	}
	return out, nil
}

func linkMatMul(n *Node, l *Linker) {
	a, b, out := n.In[0], n.In[1], n.Out[0]
	l.Contract(In(0, a.Rank()-1), In(1, max(b.Rank()-2, 0)))
	last := out.Rank() - 1
	if b.Rank() > 1 {
		l.Same(In(1, b.Rank()-1), Out(0, last))
		last--
	}
	if a.Rank() > 1 {
		l.Same(In(0, a.Rank()-2), Out(0, last))
		last--
	}
	for slot, in := range []*Fact{a, b} {
		batch := in.Rank() - 2
		for axis := range max(batch, 0) {
			to := last + 1 - batch + axis
			if in.Shape[axis] != 1 || out.Shape[to] == 1 {
				l.Same(In(slot, axis), Out(0, to))
			}
		}
	}
}

func costMatMul(n *Node) int64 {
	if !allKnown(n.Out[0], n.In[0]) {
		return 0
	}
	return product(n.Out[0].Shape) * n.In[0].Shape[n.In[0].Rank()-1]
}

func forwardMatMul(_ *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	shape, err := matmulShape(in[0].Shape, in[1].Shape)
	if err != nil {
		return nil, err
	}
	f := Of(in[0].DType, shape...)
	if err := bounded(f.DType, shape); err != nil {
		return nil, err
	}
	if all(in, isWhole) {
		return matmul(in, &f, wholes, ofWholes)
	}
	return matmul(in, &f, reals, rounded)
}

// matmul multiplies stacks of matrices, which broadcast.
func matmul[T number](in []*tensor.Tensor, f *Fact, read func(*tensor.Tensor) ([]T, error), write func(tensor.DType, []int64, []T) (*tensor.Tensor, error)) ([]*tensor.Tensor, error) {
	a, err := read(in[0])
	if err != nil {
		return nil, err
	}
	b, err := read(in[1])
	if err != nil {
		return nil, err
	}
	batchA, rows, inner := stack(in[0].Shape, true)
	batchB, _, width := stack(in[1].Shape, false)
	batch, err := Broadcast(batchA, batchB)
	if err != nil {
		return nil, err
	}
	walk := newWalk([]*tensor.Tensor{{Shape: batchA}, {Shape: batchB}}, batch)
	y, each := make([]T, product(f.Shape)), rows*width
	for i := range product(batch) {
		left := matrix[T]{a[walk.at[0]*rows*inner:], int(inner), 1}
		right := matrix[T]{b[walk.at[1]*inner*width:], int(width), 1}
		multiplyInto(y[i*each:], left, right, int(rows), int(inner), int(width))
		walk.next()
	}
	t, err := write(f.DType, f.Shape, y)
	return []*tensor.Tensor{t}, err
}

// stack reads a shape as a stack of matrices; a vector is a row on the left and
// a column on the right.
func stack(shape []int64, left bool) (batch []int64, rows, columns int64) {
	switch {
	case len(shape) > 1:
		at := len(shape) - 2
		return shape[:at], shape[at], shape[at+1]
	case left:
		return nil, 1, shape[0]
	}
	return nil, shape[0], 1
}
