package op

import (
	"fmt"

	"onnxcompress/graph/tensor"
)

// number is what reductions and sums of products are computed in: whole numbers wrap around as
// those of their type do.
type number interface{ float64 | int64 }

// matrix is a stack's matrix as rows and columns of a list: element (i, j) is
// at i·row + j·column.
type matrix[T number] struct {
	v           []T
	row, column int
}

// multiplyInto adds a·b to out, rows × width, over inner.
func multiplyInto[T number](out []T, a, b matrix[T], rows, inner, width int) {
	for i := range rows {
		sums := out[i*width:][:width]
		if b.column == 1 {
			for k := range inner {
				f := a.v[i*a.row+k*a.column]
				for j, x := range b.v[k*b.row:][:width] {
					sums[j] += f * x
				}
			}
			continue
		}
		for j := range sums {
			from, to, sum := i*a.row, j*b.column, T(0)
			for range inner {
				sum += a.v[from] * b.v[to]
				from, to = from+a.column, to+b.row
			}
			sums[j] += sum
		}
	}
}

func forwardGemm(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	_, facts, err := settled(n, in, inferGemm)
	if err != nil {
		return nil, err
	}
	if all(in, isWhole) {
		return gemm(n, in, &facts[0], wholes, ofWholes)
	}
	return gemm(n, in, &facts[0], reals, rounded)
}

// gemm is alpha·A·B + beta·C.
func gemm[T number](n *Node, in []*tensor.Tensor, f *Fact, read func(*tensor.Tensor) ([]T, error), write func(tensor.DType, []int64, []T) (*tensor.Tensor, error)) ([]*tensor.Tensor, error) {
	lists := make([][]T, len(in))
	for i, t := range in {
		v, err := read(t)
		if err != nil {
			return nil, err
		}
		lists[i] = v
	}
	rows, width := int(f.Shape[0]), int(f.Shape[1])
	_, innerA, _, _ := gemmAxes(n)
	a, b := matrix[T]{lists[0], int(in[0].Shape[1]), 1}, matrix[T]{lists[1], int(in[1].Shape[1]), 1}
	if n.Attrs.Int("transA", 0) != 0 {
		a.row, a.column = a.column, a.row
	}
	if n.Attrs.Int("transB", 0) != 0 {
		b.row, b.column = b.column, b.row
	}
	y := make([]T, rows*width)
	multiplyInto(y, a, b, rows, int(in[0].Shape[innerA]), width)
	alpha, beta := T(n.Attrs.Float("alpha", 1)), T(n.Attrs.Float("beta", 1))
	for i := range y {
		y[i] *= alpha
	}
	if c := operand(in, 2); c != nil {
		walk := newWalk(in[2:3], f.Shape)
		for i := range y {
			y[i] += beta * lists[2][walk.at[0]]
			walk.next()
		}
	}
	t, err := write(f.DType, f.Shape, y)
	return []*tensor.Tensor{t}, err
}

// wholes are the elements of a tensor of whole numbers; nil for an absent one.
func wholes(t *tensor.Tensor) ([]int64, error) {
	if t == nil {
		return nil, nil
	}
	v := t.AsInt64s()
	if v == nil && t.Len() > 0 {
		return nil, fmt.Errorf("%v are no whole numbers", t.DType)
	}
	return v, nil
}

// ofWholes makes a tensor of whole numbers, which wrap around.
func ofWholes(dt tensor.DType, shape []int64, v []int64) (*tensor.Tensor, error) {
	out, err := alloc(dt, shape)
	if err != nil {
		return nil, err
	}
	size := dt.Size()
	for i, x := range v {
		putInt(out.Data[i*size:(i+1)*size], x)
	}
	return out, nil
}
