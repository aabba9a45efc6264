package op

import (
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

var gatherSpec = Spec{
	Infer: inferGather, Links: linkGather, Narrow: narrowGather, Forward: forwardGather, Compile: compileGather, Lies: liesGather, Carry: true, Dead: deadFirst,
}

func inferGather(n *Node) ([]Fact, error) {
	data, ok := n.Shape(0)
	index, okIndex := n.Shape(1)
	if !ok || !okIndex {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	axis, err := Axis(n.Attrs.Int("axis", 0), len(data))
	if err != nil {
		return nil, err
	}
	return []Fact{Of(n.DType(0), slices.Concat(data[:axis], index, data[axis+1:])...)}, nil
}

// liesGather: to take one index is to leave an axis out.
func liesGather(n *Node, in Lie) []Lie {
	axis, err := Axis(n.Attrs.Int("axis", 0), len(in.Steps))
	index, ok := n.Input(1).Ints()
	if err != nil || !ok || len(index) != 1 {
		return nil
	}
	if index, err = wrapped(index, n.In[0].Shape[axis]); err != nil {
		return nil
	}
	out := Lie{in.Offset + index[0]*in.Steps[axis], slices.Delete(slices.Clone(in.Steps), axis, axis+1)}
	out.Steps = slices.Insert(out.Steps, axis, make([]int64, n.In[1].Rank())...)
	return []Lie{out}
}

// constantRow returns the indices of a Gather that always takes the same ones,
// where they vary along one axis of the indices at most; along is that axis.
func constantRow(n *Node, size int64) (index []int64, along int, ok bool) {
	f := n.Input(1)
	index, ok = f.Ints()
	if !ok || !f.Static || f.Rank() == 0 || len(index) == 0 {
		return nil, 0, false
	}
	for axis, d := range f.Shape {
		if d == int64(len(index)) {
			along = axis
		}
	}
	if f.Shape[along] != int64(len(index)) {
		return nil, 0, false
	}
	index, err := wrapped(index, size)
	return index, along, err == nil
}

// wrapped resolves indices that count from the end.
func wrapped(index []int64, size int64) ([]int64, error) {
	index = slices.Clone(index)
	for i, k := range index {
		if k < 0 {
			k += size
		}
		if k < 0 || k >= size {
			return nil, fmt.Errorf("index %d is out of range for size %d", index[i], size)
		}
		index[i] = k
	}
	return index, nil
}

func linkGather(n *Node, l *Linker) {
	data, index := n.In[0].Shape, n.In[1].Shape
	axis, err := Axis(n.Attrs.Int("axis", 0), len(data))
	if err != nil || n.Out[0].Rank() != len(data)+len(index)-1 {
		return
	}
	for a := range data {
		switch {
		case a < axis:
			l.Same(In(0, a), Out(0, a))
		case a > axis:
			l.Same(In(0, a), Out(0, a+len(index)-1))
		}
	}
	for a := range index {
		l.Same(In(1, a), Out(0, axis+a))
	}
	row, along, ok := constantRow(n, data[axis])
	switch {
	case !ok && n.In[1].Static && len(index) == 0:
		l.Pin(In(0, axis), "picks one index of this axis")
	case !ok:
		l.Pin(In(0, axis), "looks up rows of this axis")
	case consecutive(row, 1):
		l.Range(Out(0, axis+along), 0, In(0, axis), row[0], int64(len(row)))
	default:
		l.Index(Out(0, axis+along), In(0, axis), row)
	}
}

func narrowGather(n *Node, c *Cut) error {
	axis, err := Axis(n.Attrs.Int("axis", 0), n.In[0].Rank())
	if err != nil {
		return err
	}
	kept := c.Kept(In(0, axis))
	if kept == nil {
		if index, ok := n.Input(1).Ints(); ok {
			c.Operands[1] = index
		}
		return nil
	}
	row, along, ok := constantRow(n, n.In[0].Shape[axis])
	if !ok {
		return errors.New("looks up rows of an axis that is cut")
	}
	stay := c.Kept(Out(0, axis+along))
	if stay == nil {
		stay = line(int64(len(row)), 0, 1)
	}
	index := make([]int64, len(stay))
	for i, j := range stay {
		at, found := slices.BinarySearch(kept, row[j])
		if !found {
			return fmt.Errorf("index %d is cut and still gathered", row[j])
		}
		index[i] = int64(at)
	}
	c.Operands[1] = index
	return nil
}

func forwardGather(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	data := in[0]
	axis, err := Axis(n.Attrs.Int("axis", 0), data.Rank())
	if err != nil {
		return nil, err
	}
	index, err := wrapped(in[1].AsInt64s(), data.Shape[axis])
	if err != nil {
		return nil, err
	}
	step := strides(data.Shape)[axis]
	for i := range index {
		index[i] *= step
	}
	tables := lines(data.Shape)
	tables[axis] = index
	t, err := pick(data, slices.Concat(data.Shape[:axis], in[1].Shape, data.Shape[axis+1:]), tables, nil)
	return []*tensor.Tensor{t}, err
}
