package op

import (
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

var expandSpec = Spec{
	Infer: inferExpand, Links: linkExpand, Narrow: narrowExpand, Forward: forwardExpand, Compile: compileExpand, Carry: true, Dead: deadFirst,
}

var tileSpec = Spec{
	Infer: inferTile, Links: linkTile, Narrow: narrowTile, Forward: forwardTile, Carry: true, Dead: deadFirst,
	Compile: compileTile, Layout: layoutAlike,
}

func inferExpand(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	want, okWant := n.Input(1).Ints()
	if !ok || !okWant {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	out, err := Broadcast(shape, want)
	if err != nil {
		return nil, err
	}
	return []Fact{Of(n.DType(0), out...)}, nil
}

func linkExpand(n *Node, l *Linker) {
	in, out := n.In[0].Shape, n.Out[0].Shape
	shift := len(out) - len(in)
	if shift < 0 {
		return
	}
	for axis := range out {
		if axis >= shift && in[axis-shift] == out[axis] {
			l.Same(In(0, axis-shift), Out(0, axis))
		} else {
			l.Free(Out(0, axis))
		}
	}
}

func narrowExpand(n *Node, c *Cut) error {
	want := c.OutShape(0)
	old, ok := n.Input(1).Ints()
	if !ok {
		c.Operands[1] = want
		return nil
	}
	if out, err := Broadcast(c.InShape(0), old); err == nil && slices.Equal(out, want) {
		c.Operands[1] = old
		return nil
	}
	shape, shift := slices.Clone(old), len(want)-len(old)
	for i, d := range old {
		if d != 1 {
			shape[i] = want[shift+i]
		}
	}
	c.Operands[1] = shape
	return nil
}

func forwardExpand(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	facts, err := inferExpand(given(n, in))
	if err != nil {
		return nil, err
	}
	if !facts[0].Known {
		return nil, errors.New("the shape is not known")
	}
	shape := facts[0].Shape
	if err := bounded(in[0].DType, shape); err != nil {
		return nil, err
	}
	tables, shift, whole := make([][]int64, len(shape)), len(shape)-in[0].Rank(), lines(in[0].Shape)
	for axis, d := range shape {
		if axis >= shift && in[0].Shape[axis-shift] == d {
			tables[axis] = whole[axis-shift]
		} else {
			tables[axis] = line(d, 0, 0)
		}
	}
	t, err := pick(in[0], shape, tables, nil)
	return []*tensor.Tensor{t}, err
}

func inferTile(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	repeats, okRepeats := n.Input(1).Ints()
	if !ok {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	if !okRepeats {
		out := slices.Clone(shape)
		for axis := range out {
			out[axis] = n.Fresh()
		}
		return []Fact{Of(n.DType(0), out...)}, nil
	}
	out, err := tiled(shape, repeats)
	if err != nil {
		return nil, err
	}
	return []Fact{Of(n.DType(0), out...)}, nil
}

func tiled(shape, repeats []int64) ([]int64, error) {
	if len(repeats) != len(shape) {
		return nil, fmt.Errorf("repeats %v do not fit shape %v", repeats, shape)
	}
	out := slices.Clone(shape)
	for axis, r := range repeats {
		if r < 0 || r > tensor.MaxElements || out[axis] > 0 && r > tensor.MaxElements/out[axis] {
			return nil, fmt.Errorf("repeats %v are out of range", repeats)
		}
		out[axis] *= r
	}
	return out, nil
}

func linkTile(n *Node, l *Linker) {
	repeats, ok := n.Input(1).Ints()
	if !ok || len(repeats) != n.In[0].Rank() {
		l.Silence = "repeats a computed number of times"
		return
	}
	for axis, size := range n.In[0].Shape {
		in, out := In(0, axis), Out(0, axis)
		switch {
		case repeats[axis] == 1:
			l.Same(in, out)
		case size == 1:
			l.Free(out)
		case repeats[axis] > 1 && size > 0:
			l.Digits(out, 1, in, 1, size)
			l.PinDigit(out, size, repeats[axis], "repeats this axis")
		}
	}
}

func narrowTile(n *Node, c *Cut) error {
	old, ok := n.Input(1).Ints()
	if !ok {
		return errors.New("repeats a computed number of times")
	}
	repeats := slices.Clone(old)
	for axis, size := range n.In[0].Shape {
		if size == 1 && repeats[axis] > 1 {
			repeats[axis] = c.Size(Out(0, axis))
		}
	}
	c.Operands[1] = repeats
	return nil
}

func forwardTile(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	shape, err := tiled(in[0].Shape, in[1].AsInt64s())
	if err != nil {
		return nil, err
	}
	if err := bounded(in[0].DType, shape); err != nil {
		return nil, err
	}
	tables, steps := lines(in[0].Shape), strides(in[0].Shape)
	for axis, size := range in[0].Shape {
		tables[axis] = line(shape[axis], 0, 0)
		for i := range tables[axis] {
			tables[axis][i] = int64(i) % size * steps[axis]
		}
	}
	t, err := pick(in[0], shape, tables, nil)
	return []*tensor.Tensor{t}, err
}
