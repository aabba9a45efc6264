package op

import (
	"fmt"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// lined is a tensor of numbers that belong to rows or columns of a stack of
// matrices, with a shape that broadcasts to the stack: a list of several is one
// for each row or each column.
func lined(t *tensor.Tensor, rows bool) *tensor.Tensor {
	if rows && t.Rank() == 1 && t.Len() > 1 {
		return reshaped(t, []int64{t.Shape[0], 1})
	}
	return t
}

// centred are the numbers of x less their zero points, which broadcast to it.
func centred(x, zero *tensor.Tensor) ([]float64, error) {
	v, err := numbersOf(x)
	if err != nil || zero == nil {
		return v, err
	}
	z, err := numbersOf(zero)
	if err != nil {
		return nil, err
	}
	if all, err := Broadcast(x.Shape, zero.Shape); err != nil || product(all) != product(x.Shape) {
		return nil, fmt.Errorf("zero points of shape %v do not fit shape %v", zero.Shape, x.Shape)
	}
	shape := x.Shape
	if zero.Rank() > x.Rank() {
		shape = slices.Concat(line(int64(zero.Rank()-x.Rank()), 1, 0), shape)
	}
	walk := newWalk([]*tensor.Tensor{zero}, shape)
	for i := range v {
		v[i] -= z[walk.at[0]]
		walk.next()
	}
	return v, nil
}

// optional is input slot, nil where the node has none.
func optional(in []*tensor.Tensor, slot int) *tensor.Tensor {
	if slot < 0 || slot >= len(in) {
		return nil
	}
	return in[slot]
}

// zeroOf is the zero point in input slot, spread over rows or columns.
func zeroOf(in []*tensor.Tensor, slot int, rows bool) *tensor.Tensor {
	if t := optional(in, slot); t != nil {
		return lined(t, rows)
	}
	return nil
}

func (k *integerProduct) forward(_ *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	a, b := in[k.a], in[k.b]
	shape, err := matrixProduct(a.Shape, b.Shape)
	if err != nil {
		return nil, err
	}
	if err := bounded(tensor.Float64, shape); err != nil {
		return nil, err
	}
	x, err := centred(a, zeroOf(in, k.zeroA, len(a.Shape) > 1))
	if err != nil {
		return nil, err
	}
	y, err := centred(b, zeroOf(in, k.zeroB, false))
	if err != nil {
		return nil, err
	}
	sums, err := multiply(x, y, a.Shape, b.Shape)
	if err != nil {
		return nil, err
	}
	if k.zeroY < 0 {
		t, err := ofNumbers(tensor.Int32, shape, sums)
		return []*tensor.Tensor{t}, err
	}
	return requantized(sums, shape, lined(in[k.scaleA], len(a.Shape) > 1), in[k.scaleB], in[k.zeroY-1], in[k.zeroY])
}

// multiply gives the product of two stacks of matrices, as MatMul does.
func multiply(x, y []float64, shapeX, shapeY []int64) ([]float64, error) {
	a, err := ofNumbers(tensor.Float64, shapeX, x)
	if err != nil {
		return nil, err
	}
	b, err := ofNumbers(tensor.Float64, shapeY, y)
	if err != nil {
		return nil, err
	}
	out, err := forwardMatMul(&Node{}, []*tensor.Tensor{a, b})
	if err != nil {
		return nil, err
	}
	return out[0].AsFloat64s(), nil
}

// requantized turns sums of products of quantised numbers into numbers of the
// type of zero. The scales broadcast to the shape.
func requantized(sums []float64, shape []int64, scaleA, scaleB, scaleY, zero *tensor.Tensor) ([]*tensor.Tensor, error) {
	all := []*tensor.Tensor{scaleA, scaleB, scaleY, zero}
	lists, err := columns(all, (*tensor.Tensor).AsFloat64s)
	if err != nil {
		return nil, err
	}
	shapes := [][]int64{shape}
	for _, t := range all {
		shapes = append(shapes, t.Shape)
	}
	if full, err := Broadcast(shapes...); err != nil || product(full) != product(shape) {
		return nil, fmt.Errorf("scales of shapes %v do not fit shape %v", shapes[1:], shape)
	}
	for i, t := range all {
		for t.Rank() > len(shape) {
			t = reshaped(t, t.Shape[1:])
		}
		all[i] = t
	}
	out, err := alloc(zero.DType, shape)
	if err != nil {
		return nil, err
	}
	walk := newWalk(all, shape)
	for i, sum := range sums {
		at := walk.at
		factor := float32(lists[0][at[0]]) * float32(lists[1][at[1]]) / float32(lists[2][at[2]])
		x := float64(float32(sum) * factor)
		if out.DType.IsWhole() {
			x = math.RoundToEven(x)
		}
		if !saturated(out, i, x+lists[3][at[3]], tensor.Rounding{}) {
			return nil, errElements
		}
		walk.next()
	}
	return []*tensor.Tensor{out}, nil
}
