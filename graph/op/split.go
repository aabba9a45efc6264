package op

import (
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

var splitSpec = Spec{
	Infer: inferSplit, Links: linkSplit, Narrow: narrowSplit, Forward: forwardSplit, Compile: compileSplit, Layout: layoutSplit, Lies: liesSplit, Carry: true, Dead: deadFirst,
}

// parts returns the axis that Split divides, and the sizes of the parts; known
// is false where they are computed.
func parts(n *Node, shape []int64) (axis int, sizes []int64, known bool, err error) {
	if axis, err = Axis(n.Attrs.Int("axis", 0), len(shape)); err != nil {
		return 0, nil, false, err
	}
	sizes, listed, known := n.IntsIn(1, "split")
	if !known {
		return axis, nil, false, nil
	}
	if !listed {
		sizes, err = equalParts(n, shape[axis])
		return axis, sizes, err == nil, err
	}
	total, err := int64(0), error(nil)
	for _, size := range sizes {
		if size < 0 || size > shape[axis] {
			err = errors.New("a part does not fit")
		}
		total += size
	}
	if err != nil || total != shape[axis] || len(sizes) != n.Outputs {
		return 0, nil, false, fmt.Errorf("parts %v do not divide axis %d of shape %v into %d outputs", sizes, axis, shape, n.Outputs)
	}
	return axis, sizes, true, nil
}

// equalParts divides size; the last part is the smaller one.
func equalParts(n *Node, size int64) ([]int64, error) {
	count := n.Attrs.Int("num_outputs", int64(n.Outputs))
	if count < 1 || count != int64(n.Outputs) || n.Version < 18 && size%count != 0 {
		return nil, fmt.Errorf("size %d does not divide into %d parts for %d outputs", size, count, n.Outputs)
	}
	part := (size + count - 1) / count
	last := size - part*(count-1)
	if last < 0 {
		return nil, fmt.Errorf("size %d does not divide into %d parts", size, count)
	}
	sizes := line(count, part, 0)
	sizes[count-1] = last
	return sizes, nil
}

func inferSplit(n *Node) ([]Fact, error) {
	out := make([]Fact, n.Outputs)
	shape, ok := n.Shape(0)
	if !ok {
		for o := range out {
			out[o] = Unknown(n.DType(0))
		}
		return out, nil
	}
	axis, sizes, known, err := parts(n, shape)
	if err != nil {
		return nil, err
	}
	for o := range out {
		part := slices.Clone(shape)
		if known {
			part[axis] = sizes[o]
		} else {
			part[axis] = n.Fresh()
		}
		out[o] = Of(n.DType(0), part...)
	}
	return out, nil
}

func liesSplit(n *Node, in Lie) []Lie {
	axis, sizes, known, err := parts(n, n.In[0].Shape)
	if err != nil || !known {
		return nil
	}
	out := make([]Lie, len(sizes))
	for o, size := range sizes {
		out[o] = in
		in.Offset += size * in.Steps[axis]
	}
	return out
}

func linkSplit(n *Node, l *Linker) {
	shape := n.In[0].Shape
	axis, sizes, known, err := parts(n, shape)
	if err != nil {
		return
	}
	at := int64(0)
	for o, out := range n.Out {
		if out == nil {
			at += sizeAt(sizes, o)
			continue
		}
		for a := range shape {
			if a != axis {
				l.Same(In(0, a), Out(o, a))
			}
		}
		if !known {
			l.Pin(In(0, axis), "splits at computed positions")
			l.Pin(Out(o, axis), "splits at computed positions")
			continue
		}
		l.Range(Out(o, axis), 0, In(0, axis), at, sizes[o])
		at += sizes[o]
	}
}

func sizeAt(sizes []int64, i int) int64 {
	if i < len(sizes) {
		return sizes[i]
	}
	return 0
}

func narrowSplit(n *Node, c *Cut) error {
	axis, sizes, known, err := parts(n, n.In[0].Shape)
	if err != nil {
		return err
	}
	kept := c.Kept(In(0, axis))
	if kept == nil || !known {
		if n.Has(1) && known {
			c.Operands[1] = sizes
		}
		return nil
	}
	left, at := make([]int64, len(sizes)), int64(0)
	for o, size := range sizes {
		left[o] = below(kept, at+size) - below(kept, at)
		at += size
	}
	_, listed, _ := n.IntsIn(1, "split")
	if !listed {
		if equal, err := equalParts(n, int64(len(kept))); err == nil && slices.Equal(equal, left) {
			return nil
		}
	}
	if n.Version < 13 {
		c.Attrs["split"] = Attr{Ints: left}
		return nil
	}
	c.Operands[1] = left
	if _, ok := n.Attrs["num_outputs"]; ok {
		c.Attrs["num_outputs"] = Attr{}
	}
	return nil
}

func forwardSplit(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	shape := in[0].Shape
	axis, sizes, known, err := parts(given(n, in), shape)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, errors.New("the sizes are not known")
	}
	out, at, step := make([]*tensor.Tensor, len(sizes)), int64(0), strides(shape)[axis]
	for o, size := range sizes {
		part, tables := slices.Clone(shape), lines(shape)
		part[axis], tables[axis] = size, line(size, at*step, step)
		if out[o], err = pick(in[0], part, tables, nil); err != nil {
			return nil, err
		}
		at += size
	}
	return out, nil
}
