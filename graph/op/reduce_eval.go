package op

import (
	"errors"
	"fmt"
	"math"

	"onnxcompress/graph/tensor"
)

func sumOf[T number](v []T) T {
	s := T(0)
	for _, x := range v {
		s += x
	}
	return s
}

func meanOf(v []float64) float64 { return sumOf(v) / float64(len(v)) }

func sumOfAbs(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += math.Abs(x)
	}
	return s
}

func sumOfSquares[T number](v []T) T {
	s := T(0)
	for _, x := range v {
		s += x * x
	}
	return s
}

func rootOfSquares(v []float64) float64 { return math.Sqrt(sumOfSquares(v)) }

func productOf[T number](v []T) T {
	p := T(1)
	for _, x := range v {
		p *= x
	}
	return p
}

func logOfSum(v []float64) float64 { return math.Log(sumOf(v)) }

func logOfExps(v []float64) float64 {
	top := math.Inf(-1)
	for _, x := range v {
		top = max(top, x)
	}
	s := 0.0
	for _, x := range v {
		s += math.Exp(x - top)
	}
	return top + math.Log(s)
}

// exact bounds the whole numbers that float64 holds.
const exact = 1 << 53

// ofNumbers makes a tensor of a numeric type; whole numbers are cut towards
// zero and must be exact.
func ofNumbers(dt tensor.DType, shape []int64, v []float64) (*tensor.Tensor, error) {
	out, err := alloc(dt, shape)
	if err != nil {
		return nil, err
	}
	for i, x := range v {
		if (dt.IsWhole() || dt == tensor.Bool) && !(math.Abs(x) < exact) {
			return nil, fmt.Errorf("%g is out of range", x)
		}
		if !out.Set(i, x) {
			return nil, fmt.Errorf("cannot compute in %v", dt)
		}
	}
	return out, nil
}

// ofWhole makes a tensor of whole numbers, of which high bits that do not fit
// are lost.
func ofWhole(dt tensor.DType, shape, v []int64) (*tensor.Tensor, error) {
	out, err := alloc(dt, shape)
	if err != nil {
		return nil, err
	}
	for i, x := range v {
		out.SetInt(i, x)
	}
	return out, nil
}

// numbersOf are the elements of a numeric tensor as float64.
func numbersOf(t *tensor.Tensor) ([]float64, error) {
	v := t.AsFloat64s()
	if v == nil && t.Len() > 0 {
		return nil, fmt.Errorf("cannot compute in %v", t.DType)
	}
	return v, nil
}

// places divides a tensor into the lists that share all but the marked axes:
// for each list the place of its first element, and the steps within a list.
func places(shape []int64, drop []bool) (first, within []int64) {
	first, within = []int64{0}, []int64{0}
	for axis, step := range strides(shape) {
		list := &first
		if drop[axis] {
			list = &within
		}
		next := make([]int64, 0, int64(len(*list))*shape[axis])
		for _, at := range *list {
			for i := range shape[axis] {
				next = append(next, at+i*step)
			}
		}
		*list = next
	}
	return first, within
}

func (k *reduction) forward(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	shape := in[0].Shape
	drop, none, known, err := reduced(given(n, in), len(shape))
	switch {
	case err != nil:
		return nil, err
	case !known:
		return nil, errors.New("the axes are not known")
	case none && k.keepsAll:
		return []*tensor.Tensor{in[0]}, nil
	}
	first, within := places(shape, drop)
	to := dropped(shape, drop, keepsDims(n))
	var t *tensor.Tensor
	switch {
	case len(within) == 0:
		t, err = k.ofNothing(in[0].DType, to)
	case isWhole(in[0]) && k.whole != nil:
		t, err = ofWhole(in[0].DType, to, signless(in[0].DType, reduceLists(signless(in[0].DType, in[0].AsInt64s()), first, within, k.whole)))
	default:
		var v []float64
		if v, err = numbersOf(in[0]); err == nil {
			t, err = ofNumbers(in[0].DType, to, reduceLists(v, first, within, k.number))
		}
	}
	return []*tensor.Tensor{t}, err
}

// reduceLists reduces each of the lists that places finds.
func reduceLists[T any](v []T, first, within []int64, number func([]T) T) []T {
	out, list := make([]T, len(first)), make([]T, len(within))
	for i, from := range first {
		for j, step := range within {
			list[j] = v[from+step]
		}
		out[i] = number(list)
	}
	return out
}

// ofNothing is a reduction of no elements: what changes no result it is
// reduced with.
func (k *reduction) ofNothing(dt tensor.DType, shape []int64) (*tensor.Tensor, error) {
	out, err := alloc(dt, shape)
	if err != nil {
		return nil, err
	}
	for i := range out.Len() {
		if lowest, highest, ok := limits(dt); ok && math.IsInf(k.nothing, 0) {
			out.SetInt(i, choose(k.nothing < 0, lowest, highest))
		} else if !out.Set(i, k.nothing) {
			return nil, errElements
		}
	}
	return out, nil
}

func inferArg(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(tensor.Int64)}, nil
	}
	axis, err := argAxis(n, len(shape))
	if err != nil {
		return nil, err
	}
	return []Fact{Of(tensor.Int64, dropped(shape, only(axis, len(shape)), keepsDims(n))...)}, nil
}

// forwardArg finds the place of the largest element, or of the least where sign
// is negative.
func forwardArg(sign int) func(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	return func(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
		facts, err := inferArg(given(n, in))
		if err != nil {
			return nil, err
		}
		axis, err := argAxis(n, in[0].Rank())
		if err != nil {
			return nil, err
		}
		compare, err := ordering(in[0])
		if err != nil {
			return nil, err
		}
		last := n.Attrs.Int("select_last_index", 0) != 0
		first, within := places(in[0].Shape, only(axis, in[0].Rank()))
		if len(first) > 0 && len(within) == 0 {
			return nil, errors.New("picks a place along an axis of size 0")
		}
		out := make([]int64, len(first))
		for i, from := range first {
			for j, step := range within {
				c := sign * compare(from+step, from+within[out[i]])
				if c > 0 || last && c == 0 {
					out[i] = int64(j)
				}
			}
		}
		return []*tensor.Tensor{tensor.FromInt64s(facts[0].Shape, out)}, nil
	}
}
