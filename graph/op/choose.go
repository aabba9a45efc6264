package op

import (
	"errors"
	"math"

	"onnxcompress/graph/tensor"
)

// whereSpec chooses between two inputs by a third.
func whereSpec() *Spec {
	s := elementwise(formula{}, likeInput(1))
	s.Forward, s.Compile, s.Layout, s.Hides = forwardWhere, compileWhere, layoutWhere, hidesWhere
	s.Dead = func(_ *Node, _, _ int, in []State) State {
		if c, ok := in[0].Number(); ok {
			return choose(c != 0, in[1], in[2])
		}
		return in[1].Join(in[2])
	}
	return s
}

func choose[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

// forwardWhere takes elements as they are, whatever their type.
func forwardWhere(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	condition := in[0].AsInt64s()
	if condition == nil && in[0].Len() > 0 || in[1].DType != in[2].DType {
		return nil, errors.New("needs a condition and two inputs of one type")
	}
	facts, err := inferBroadcast(given(n, in), in[1].DType)
	if err != nil {
		return nil, err
	}
	shape := facts[0].Shape
	if err := bounded(tensor.Int64, shape); err != nil {
		return nil, err
	}
	both, err := joined([]*tensor.Tensor{flat(in[1]), flat(in[2])})
	if err != nil {
		return nil, err
	}
	at, walk, second := make([]int64, product(shape)), newWalk(in, shape), int64(in[1].Len())
	for i := range at {
		at[i] = choose(condition[walk.at[0]] != 0, walk.at[1], second+walk.at[2])
		walk.next()
	}
	t, err := pick(both, shape, [][]int64{at}, nil)
	return []*tensor.Tensor{t}, err
}

// joined is the concatenation of tensors along their first axis.
func joined(in []*tensor.Tensor) (*tensor.Tensor, error) {
	out, err := forwardConcat(&Node{}, in)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// flat is a tensor as a list.
func flat(t *tensor.Tensor) *tensor.Tensor { return reshaped(t, []int64{int64(t.Len())}) }

// clipSpec bounds its first input by attributes until opset 11, by scalar
// inputs since.
func clipSpec() *Spec {
	return elementwise(formula{float: func(n *Node, v []float64) float64 {
		low, high := clipBounds(n)
		if n.Has(1) {
			low = v[1]
		}
		if n.Has(2) {
			high = v[2]
		}
		return min(max(v[0], low), high)
	}, whole: clip[int64], wide: clip[uint64]}, likeInput(0), mixed(mixClip), func(s *Spec) { s.curve = curveClip })
}

// clipBounds are the bounds where no input gives them.
func clipBounds(n *Node) (low, high float64) {
	limit := float64(math.MaxFloat32)
	if n.DType(0) == tensor.Float64 {
		limit = math.MaxFloat64
	}
	low, high = -limit, limit
	if a, ok := n.Attrs["min"]; ok {
		low = float64(a.Float)
	}
	if a, ok := n.Attrs["max"]; ok {
		high = float64(a.Float)
	}
	return low, high
}

func clip[T int64 | uint64](n *Node, v []T) (T, error) {
	x := v[0]
	if n.Has(1) {
		x = max(x, v[1])
	}
	if n.Has(2) {
		x = min(x, v[2])
	}
	return x, nil
}
