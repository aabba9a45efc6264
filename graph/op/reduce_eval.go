package op

import (
	"errors"
	"fmt"
	"math"

	"onnxcompress/graph/tensor"
)

func sumOf(v []float64) float64 {
	s := 0.0
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

func sumOfSquares(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x * x
	}
	return s
}

func rootOfSquares(v []float64) float64 { return math.Sqrt(sumOfSquares(v)) }

func productOf(v []float64) float64 {
	p := 1.0
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
	size := dt.Size()
	for i, x := range v {
		if !dt.IsFloat() && !(math.Abs(x) < exact) {
			return nil, fmt.Errorf("%g is out of range", x)
		}
		e := tensor.Scalar(dt, x)
		if e == nil {
			return nil, fmt.Errorf("cannot compute in %v", dt)
		}
		copy(out.Data[i*size:], e.Data)
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
	v, err := numbersOf(in[0])
	if err != nil {
		return nil, err
	}
	first, within := places(shape, drop)
	if err := empty(int64(len(within))); err != nil {
		return nil, err
	}
	out, list := make([]float64, len(first)), make([]float64, len(within))
	for i, from := range first {
		for j, step := range within {
			list[j] = v[from+step]
		}
		out[i] = k.number(list)
	}
	t, err := ofNumbers(in[0].DType, dropped(shape, drop, keepsDims(n)), out)
	return []*tensor.Tensor{t}, err
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

// forwardArg finds the largest of the numbers times sign.
func forwardArg(sign float64) func(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	return func(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
		facts, err := inferArg(given(n, in))
		if err != nil {
			return nil, err
		}
		axis, err := argAxis(n, in[0].Rank())
		if err != nil {
			return nil, err
		}
		v, err := numbersOf(in[0])
		if err != nil {
			return nil, err
		}
		last := n.Attrs.Int("select_last_index", 0) != 0
		first, within := places(in[0].Shape, only(axis, in[0].Rank()))
		if err := empty(int64(len(within))); err != nil {
			return nil, err
		}
		out := make([]int64, len(first))
		for i, from := range first {
			for j, step := range within {
				best, x := sign*v[from+within[out[i]]], sign*v[from+step]
				if x > best || last && x == best {
					out[i] = int64(j)
				}
			}
		}
		return []*tensor.Tensor{tensor.FromInt64s(facts[0].Shape, out)}, nil
	}
}
