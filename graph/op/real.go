package op

import (
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

// reals are the elements of a numeric tensor as float64; nil for an absent one.
func reals(t *tensor.Tensor) ([]float64, error) {
	if t == nil {
		return nil, nil
	}
	if err := plausible(t.Shape); err != nil {
		return nil, err
	}
	if t.DType != tensor.Float32 {
		return numbersOf(t)
	}
	list := t.Float32s()
	v := make([]float64, len(list))
	for i, x := range list {
		v[i] = float64(x)
	}
	return v, nil
}

// longest bounds the axes of a tensor without elements.
const longest = 1 << 24

// plausible refuses a shape that takes nothing to write down and would take
// much to walk over: without elements, and long all the same.
func plausible(shape []int64) error {
	if slices.Contains(shape, 0) && slices.Max(shape) > longest {
		return fmt.Errorf("shape %v is too long to evaluate", shape)
	}
	return nil
}

// allReals are the elements of all inputs.
func allReals(in []*tensor.Tensor) ([][]float64, error) {
	lists := make([][]float64, len(in))
	for i, t := range in {
		v, err := reals(t)
		if err != nil {
			return nil, err
		}
		lists[i] = v
	}
	return lists, nil
}

// rounded makes a tensor of numbers, each rounded to the element type once.
func rounded(dt tensor.DType, shape []int64, v []float64) (*tensor.Tensor, error) {
	if dt == tensor.Float32 {
		list := make([]float32, len(v))
		for i, x := range v {
			list[i] = float32(x)
		}
		return tensor.FromFloat32s(shape, list), nil
	}
	out, err := alloc(dt, shape)
	if err != nil {
		return nil, err
	}
	for i, x := range v {
		if !out.Set(i, x) {
			return nil, errors.New("the element type cannot be computed with")
		}
	}
	return out, nil
}

// result is the only output of a node, with the type and shape of a fact.
func result(f *Fact, v []float64) ([]*tensor.Tensor, error) {
	t, err := rounded(f.DType, f.Shape, v)
	return []*tensor.Tensor{t}, err
}

// settled is the node as seen with the contents of its inputs, and what it
// gives: shapes that are known and not too large to evaluate.
func settled(n *Node, in []*tensor.Tensor, infer func(*Node) ([]Fact, error)) (*Node, []Fact, error) {
	seen, invented := given(n, in), false
	seen.Fresh = func() int64 {
		invented = true
		return 0
	}
	facts, err := infer(seen)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range facts {
		if !f.Known || invented {
			return nil, nil, errors.New("the shape is not known")
		}
		if err := bounded(f.DType, f.Shape); err != nil {
			return nil, nil, err
		}
		if err := plausible(f.Shape); err != nil {
			return nil, nil, err
		}
	}
	return seen, facts, nil
}

// operand is input i, nil where the node has none.
func operand[T any](in []T, i int) (t T) {
	if i < len(in) {
		t = in[i]
	}
	return t
}

// holds checks that an optional list has as many elements as it must.
func holds(v []float64, want int64, what string) error {
	if v != nil && int64(len(v)) != want {
		return errors.New(what + " has another length than it must")
	}
	return nil
}
