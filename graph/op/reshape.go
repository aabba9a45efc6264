package op

import (
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

// A view names the shape that an operator gives its input without moving an
// element; known is false where that depends on contents that are not known.
type view func(n *Node) (shape []int64, known bool, err error)

func viewSpec(v view) *Spec {
	return &Spec{
		Infer: func(n *Node) ([]Fact, error) {
			shape, known, err := v(n)
			if err != nil {
				return nil, err
			}
			if !known {
				return []Fact{Unknown(n.DType(0))}, nil
			}
			return []Fact{Of(n.DType(0), shape...)}, nil
		},
		Links: linkView,
		Forward: func(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
			shape, known, err := v(given(n, in))
			if err != nil {
				return nil, err
			}
			if !known {
				return nil, errors.New("the shape is not known")
			}
			return []*tensor.Tensor{reshaped(in[0], shape)}, nil
		},
		Compile: compileView,
		Lies:    liesView,
		Carry:   true,
		Dead:    deadFirst,
	}
}

func reshapeSpec() *Spec {
	s := viewSpec(viewReshape)
	s.Narrow = narrowReshape
	return s
}

func viewReshape(n *Node) ([]int64, bool, error) {
	want, ok := n.Input(1).Ints()
	if !ok {
		return nil, false, nil
	}
	shape, ok := n.Shape(0)
	if !ok {
		for _, d := range want {
			if d <= 0 {
				return nil, false, nil
			}
		}
		return want, true, nil
	}
	out, err := reshapeTo(shape, want, n.Attrs.Int("allowzero", 0) != 0)
	return out, err == nil, err
}

// reshapeTo resolves 0 (the size as it was) and -1 (what is left) of a wanted
// shape.
func reshapeTo(shape, want []int64, allowZero bool) ([]int64, error) {
	out, open := slices.Clone(want), -1
	for i, d := range want {
		switch {
		case d == -1 && open >= 0:
			return nil, fmt.Errorf("shape %v has two open sizes", want)
		case d == -1:
			open, out[i] = i, 1
		case d == 0 && !allowZero:
			if i >= len(shape) {
				return nil, fmt.Errorf("shape %v copies an axis that %v does not have", want, shape)
			}
			out[i] = shape[i]
		}
	}
	have, err := tensor.Count(shape)
	if err != nil {
		return nil, err
	}
	count, err := tensor.Count(out)
	if err != nil {
		return nil, err
	}
	if open >= 0 && count > 0 {
		out[open] = have / count
		count *= out[open]
	}
	if count != have {
		return nil, fmt.Errorf("shape %v cannot hold the elements of %v", want, shape)
	}
	return out, nil
}

// narrowReshape keeps the signs for "as it was" and "what is left" where they
// still give the wanted shape.
func narrowReshape(n *Node, c *Cut) error {
	want, allowZero := c.OutShape(0), n.Attrs.Int("allowzero", 0) != 0
	old, ok := n.Input(1).Ints()
	if !ok {
		c.Operands[1] = want
		return nil
	}
	in := c.InShape(0)
	gives := func(shape []int64) bool {
		out, err := reshapeTo(in, shape, allowZero)
		return err == nil && slices.Equal(out, want)
	}
	if len(old) != len(want) || gives(old) {
		c.Operands[1] = old
		return nil
	}
	mixed := slices.Clone(want)
	for i, d := range old {
		if d == -1 || d == 0 && !allowZero && i < len(in) && in[i] == want[i] {
			mixed[i] = d
		}
	}
	if !gives(mixed) {
		mixed = want
	}
	c.Operands[1] = mixed
	return nil
}

func viewFlatten(n *Node) ([]int64, bool, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return nil, false, nil
	}
	axis := n.Attrs.Int("axis", 1)
	if axis < 0 {
		axis += int64(len(shape))
	}
	if axis < 0 || axis > int64(len(shape)) {
		return nil, false, fmt.Errorf("axis out of range for rank %d", len(shape))
	}
	rows, err := tensor.Count(shape[:axis])
	if err != nil {
		return nil, false, err
	}
	columns, err := tensor.Count(shape[axis:])
	return []int64{rows, columns}, true, err
}

func viewSqueeze(n *Node) ([]int64, bool, error) {
	shape, ok := n.Shape(0)
	axes, listed, known := n.IntsIn(1, "axes")
	if !ok || !known {
		return nil, false, nil
	}
	drop := make([]bool, len(shape))
	for i, d := range shape {
		drop[i] = !listed && d == 1
	}
	for _, a := range axes {
		axis, err := Axis(a, len(shape))
		if err != nil {
			return nil, false, err
		}
		if shape[axis] != 1 {
			return nil, false, fmt.Errorf("axis %d of shape %v has not size 1", axis, shape)
		}
		drop[axis] = true
	}
	out := make([]int64, 0, len(shape))
	for i, d := range shape {
		if !drop[i] {
			out = append(out, d)
		}
	}
	return out, true, nil
}

func viewUnsqueeze(n *Node) ([]int64, bool, error) {
	shape, ok := n.Shape(0)
	axes, _, known := n.IntsIn(1, "axes")
	if !ok || !known {
		return nil, false, nil
	}
	out := make([]int64, len(shape)+len(axes))
	for _, a := range axes {
		axis, err := Axis(a, len(out))
		if err != nil {
			return nil, false, err
		}
		if out[axis] == 1 {
			return nil, false, fmt.Errorf("axis %d is named twice", axis)
		}
		out[axis] = 1
	}
	next := 0
	for i := range out {
		if out[i] == 0 {
			out[i] = shape[next]
			next++
		}
	}
	return out, true, nil
}
