package op

import (
	"errors"
	"fmt"
	"math"

	"onnxcompress/graph/tensor"
)

// scaled finds, for each element of a shape, the scale that it shares: the only
// one, that of its index along axis, or that of its block along it.
func scaled(n *Node, shape, scales []int64) ([]int64, error) {
	at := make([]int64, product(shape))
	if product(scales) == 1 {
		return at, nil
	}
	axis, err := Axis(n.Attrs.Int("axis", 1), len(shape))
	if err != nil {
		return nil, err
	}
	steps, block := strides(shape), n.Attrs.Int("block_size", 0)
	wrong := fmt.Errorf("scales of shape %v do not fit shape %v", scales, shape)
	if block == 0 {
		if len(scales) != 1 || scales[0] != shape[axis] {
			return nil, wrong
		}
		for i := range at {
			at[i] = int64(i) / steps[axis] % shape[axis]
		}
		return at, nil
	}
	if block < 0 || len(scales) != len(shape) {
		return nil, wrong
	}
	for a, d := range shape {
		if a != axis && scales[a] != d || a == axis && scales[a] != (d+block-1)/block {
			return nil, wrong
		}
	}
	own := strides(scales)
	for i := range at {
		for a, d := range shape {
			index := int64(i) / steps[a] % d
			if a == axis {
				index /= block
			}
			at[i] += index * own[a]
		}
	}
	return at, nil
}

// affine are the numbers that elements are divided by and counted from.
type affine struct {
	scale, zero []float64
	at          []int64
}

// affineOf reads scale and zero point in inputs slot and slot+1 for elements of
// a shape.
func affineOf(n *Node, in []*tensor.Tensor, slot int, shape []int64) (affine, error) {
	a := affine{}
	if len(in) <= slot || in[slot] == nil {
		return a, errNoScale
	}
	var err error
	if a.scale, err = numbersOf(in[slot]); err != nil {
		return a, err
	}
	if a.at, err = scaled(n, shape, in[slot].Shape); err != nil {
		return a, err
	}
	a.zero = make([]float64, len(a.scale))
	if len(in) > slot+1 && in[slot+1] != nil {
		if in[slot+1].Len() != len(a.scale) {
			return a, errors.New("there is not a zero point for each scale")
		}
		a.zero, err = numbersOf(in[slot+1])
	}
	return a, err
}

// narrowest rounds to the numbers that a quotient is computed in: those of dt,
// but no fewer bits than float32 has.
func narrowest(x float64, dt tensor.DType) float64 {
	if dt == tensor.Float64 {
		return x
	}
	return float64(float32(x))
}

// saturated writes x, rounded to the nearest number of out's type, ties to even
// and what is too large to the largest.
func saturated(out *tensor.Tensor, i int, x float64, r tensor.Rounding) bool {
	lowest, highest, ok := limits(out.DType)
	if !ok {
		return out.SetRounded(i, x, r)
	}
	x = math.RoundToEven(x)
	switch {
	case math.IsNaN(x):
		x = 0
	case x <= float64(lowest):
		x = float64(lowest)
	case x >= float64(highest):
		x = float64(highest)
	}
	return out.Set(i, x)
}

func forwardQuantize(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	facts, err := inferQuantize(given(n, in))
	if err != nil {
		return nil, err
	}
	v, err := numbersOf(in[0])
	if err != nil {
		return nil, err
	}
	a, err := affineOf(n, in, 1, in[0].Shape)
	if err != nil {
		return nil, err
	}
	out, err := alloc(facts[0].DType, in[0].Shape)
	if err != nil {
		return nil, err
	}
	precision := tensor.DType(n.Attrs.Int("precision", int64(in[1].DType)))
	r := tensor.Rounding{Wrap: n.Attrs.Int("saturate", 1) == 0}
	for i, x := range v {
		x = narrowest(x/a.scale[a.at[i]], precision)
		if out.DType.IsWhole() {
			x = math.RoundToEven(x)
		}
		if !saturated(out, i, x+a.zero[a.at[i]], r) {
			return nil, errElements
		}
	}
	return []*tensor.Tensor{out}, nil
}

func forwardDequantize(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	facts, err := inferDequantize(given(n, in))
	if err != nil {
		return nil, err
	}
	v, err := numbersOf(in[0])
	if err != nil {
		return nil, err
	}
	a, err := affineOf(n, in, 1, in[0].Shape)
	if err != nil {
		return nil, err
	}
	for i, x := range v {
		v[i] = (x - a.zero[a.at[i]]) * a.scale[a.at[i]]
	}
	t, err := ofNumbers(facts[0].DType, in[0].Shape, v)
	return []*tensor.Tensor{t}, err
}

// forwardDynamicQuantize divides the range of the numbers and zero into 255
// steps.
func forwardDynamicQuantize(_ *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	v, err := numbersOf(in[0])
	if err != nil {
		return nil, err
	}
	low, high := 0.0, 0.0
	for _, x := range v {
		low, high = min(low, x), max(high, x)
	}
	scale := float32(1)
	if high > low {
		scale = (float32(high) - float32(low)) / math.MaxUint8
	}
	zero, out := tensor.New(tensor.Uint8), tensor.New(tensor.Uint8, in[0].Shape...)
	saturated(zero, 0, float64(float32(-low)/scale), tensor.Rounding{})
	for i, x := range v {
		saturated(out, i, math.RoundToEven(float64(float32(x)/scale))+float64(zero.Data[0]), tensor.Rounding{})
	}
	return []*tensor.Tensor{out, tensor.FromFloat32s(nil, []float32{scale}), zero}, nil
}
