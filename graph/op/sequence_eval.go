package op

import (
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

var (
	errNoList  = errors.New("needs a sequence")
	errMissing = errors.New("lacks an input")
)

// present refuses a node whose first count inputs are not all there.
func present(in []*tensor.Tensor, count int) error {
	if len(in) < count || slices.Contains(in[:count], nil) {
		return errMissing
	}
	return nil
}

// listOf are the elements of the sequence in input 0.
func listOf(in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if len(in) == 0 || in[0] == nil || in[0].Kind != tensor.ListKind {
		return nil, errNoList
	}
	return in[0].Items, nil
}

// one is the answer of an operator with one output.
func one(t *tensor.Tensor, err error) ([]*tensor.Tensor, error) {
	if err != nil {
		return nil, err
	}
	return []*tensor.Tensor{t}, nil
}

func forwardSequenceEmpty(n *Node, _ []*tensor.Tensor) ([]*tensor.Tensor, error) {
	return one(tensor.List(typeAttr(n, tensor.Float32)), nil)
}

func forwardSequenceConstruct(_ *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, max(len(in), 1)); err != nil {
		return nil, err
	}
	return one(tensor.List(in[0].DType, slices.Clone(in)...), nil)
}

// whereIn is the place in a list that input slot names, def where it names
// none.
func whereIn(n *Node, in []*tensor.Tensor, slot, size, def int) (int, error) {
	at, known, err := position(given(n, in), slot, size, def)
	if err == nil && !known {
		err = errors.New("the position is no whole number")
	}
	return at, err
}

func forwardSequenceInsert(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	list, err := listOf(in)
	if err != nil {
		return nil, err
	}
	if err := present(in, 2); err != nil {
		return nil, err
	}
	at, err := whereIn(n, in, 2, len(list), len(list))
	if err != nil {
		return nil, err
	}
	return one(tensor.List(in[0].DType, slices.Insert(slices.Clone(list), at, in[1])...), nil)
}

func forwardSequenceErase(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	list, err := listOf(in)
	if err != nil {
		return nil, err
	}
	at, err := whereIn(n, in, 1, len(list), len(list)-1)
	switch {
	case err != nil:
		return nil, err
	case at < 0 || at >= len(list):
		return nil, errors.New("erases an element that is not there")
	}
	return one(tensor.List(in[0].DType, slices.Delete(slices.Clone(list), at, at+1)...), nil)
}

func forwardSequenceAt(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	list, err := listOf(in)
	if err != nil {
		return nil, err
	}
	if err := present(in, 2); err != nil {
		return nil, err
	}
	at, err := whereIn(n, in, 1, len(list), 0)
	switch {
	case err != nil:
		return nil, err
	case at >= len(list):
		return nil, fmt.Errorf("position %d is out of range for %d elements", at, len(list))
	}
	return one(list[at], nil)
}

func forwardSequenceLength(_ *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	list, err := listOf(in)
	return one(tensor.FromInt64s(nil, []int64{int64(len(list))}), err)
}

func forwardSplitToSequence(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	shape, seen := in[0].Shape, given(n, in)
	axis, err := Axis(n.Attrs.Int("axis", 0), len(shape))
	if err != nil {
		return nil, err
	}
	sizes, known, err := pieces(seen, shape[axis], shape[axis]+1)
	if err == nil && !known {
		err = errors.New("the sizes are not known")
	}
	if err != nil {
		return nil, err
	}
	list, at := make([]*tensor.Tensor, len(sizes)), int64(0)
	for i, size := range sizes {
		if size < 0 || size > shape[axis]-at {
			return nil, fmt.Errorf("pieces %v do not divide axis %d of shape %v", sizes, axis, shape)
		}
		if list[i], err = stretchOf(in[0], axis, at, size); err != nil {
			return nil, err
		}
		if !seen.Has(1) && !keepsDims(n) {
			list[i] = reshaped(list[i], slices.Delete(slices.Clone(list[i].Shape), axis, axis+1))
		}
		at += size
	}
	if at != shape[axis] {
		return nil, fmt.Errorf("pieces %v do not divide axis %d of shape %v", sizes, axis, shape)
	}
	return one(tensor.List(in[0].DType, list...), nil)
}

// stretchOf is count indices of an axis, from start on.
func stretchOf(t *tensor.Tensor, axis int, start, count int64) (*tensor.Tensor, error) {
	shape, tables, step := slices.Clone(t.Shape), lines(t.Shape), strides(t.Shape)[axis]
	shape[axis], tables[axis] = count, line(count, start*step, step)
	return pick(t, shape, tables, nil)
}

// row is one index of an axis, without the axis.
func row(t *tensor.Tensor, axis int, index int64) (*tensor.Tensor, error) {
	r, err := stretchOf(t, axis, index, 1)
	if err != nil {
		return nil, err
	}
	return reshaped(r, slices.Delete(slices.Clone(r.Shape), axis, axis+1)), nil
}

// stacked joins tensors of one shape along a new axis.
func stacked(list []*tensor.Tensor, axis int64) (*tensor.Tensor, error) {
	if err := present(list, max(len(list), 1)); err != nil {
		return nil, err
	}
	at, err := Axis(axis, list[0].Rank()+1)
	if err != nil {
		return nil, err
	}
	parts := make([]*tensor.Tensor, len(list))
	for i, t := range list {
		parts[i] = reshaped(t, slices.Insert(slices.Clone(t.Shape), min(at, t.Rank()), 1))
	}
	out, err := forwardConcat(&Node{Attrs: Attrs{"axis": {Int: int64(at)}}}, parts)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

func forwardConcatFromSequence(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	list, err := listOf(in)
	switch {
	case err != nil:
		return nil, err
	case len(list) == 0:
		return nil, errors.New("joins no tensors")
	case n.Attrs.Int("new_axis", 0) != 0:
		return one(stacked(list, n.Attrs.Int("axis", 0)))
	}
	return forwardConcat(n, list)
}

// heldBy reports whether the optional in input 0 holds something.
func heldBy(in []*tensor.Tensor) bool {
	return len(in) > 0 && in[0] != nil && in[0].Kind != tensor.AbsentKind
}

func forwardOptional(_ *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if !heldBy(in) {
		return one(tensor.Absent(), nil)
	}
	return one(in[0], nil)
}

func forwardOptionalGet(_ *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if !heldBy(in) {
		return nil, errors.New("the optional holds nothing")
	}
	return one(in[0], nil)
}

func forwardOptionalHas(_ *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	return one(tensor.Scalar(tensor.Bool, truth(heldBy(in))), nil)
}
