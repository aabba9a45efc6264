package op

import (
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

// padSpec is not a Carry: it makes elements that none of its input's are.
var padSpec = Spec{
	Infer: inferPad, Links: linkPad, Dead: deadPad, Narrow: narrowPad, Forward: forwardPad,
	Compile: compilePad, Layout: layoutAlike,
}

// margins returns how many elements Pad adds to each axis before and after it;
// known is false where that is computed.
func margins(n *Node, rank int) (before, after []int64, known bool, err error) {
	pads, given, known := n.IntsIn(1, "pads")
	if !given {
		return nil, nil, false, errors.New("has no pads")
	}
	axes, listed, knownAxes := n.IntsIn(3, "axes")
	if !known || !knownAxes {
		return nil, nil, false, nil
	}
	if !listed {
		axes = line(int64(rank), 0, 1)
	}
	if len(pads) != 2*len(axes) {
		return nil, nil, false, fmt.Errorf("%d pads for %d axes", len(pads), len(axes))
	}
	before, after = make([]int64, rank), make([]int64, rank)
	for i, a := range axes {
		axis, err := Axis(a, rank)
		if err != nil {
			return nil, nil, false, err
		}
		before[axis], after[axis] = pads[i], pads[len(axes)+i]
		for _, p := range []int64{before[axis], after[axis]} {
			if p > tensor.MaxElements || p < -tensor.MaxElements {
				return nil, nil, false, fmt.Errorf("pad %d is out of range", p)
			}
		}
	}
	return before, after, true, nil
}

func inferPad(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	before, after, known, err := margins(n, len(shape))
	if err != nil {
		return nil, err
	}
	out := slices.Clone(shape)
	for axis := range out {
		if !known {
			out[axis] = n.Fresh()
			continue
		}
		out[axis] += before[axis] + after[axis]
	}
	return []Fact{Of(n.DType(0), out...)}, nil
}

// padMode is the mode, constant where it is not given.
func padMode(n *Node) string { return n.Attrs.Str("mode", "constant") }

func linkPad(n *Node, l *Linker) {
	shape := n.In[0].Shape
	before, after, known, err := margins(n, len(shape))
	if err != nil || !known {
		l.Silence = "pads by a computed number of elements"
		return
	}
	for axis, size := range shape {
		in, out := In(0, axis), Out(0, axis)
		b, a := before[axis], after[axis]
		count := size - max(0, -b) - max(0, -a)
		switch {
		case b == 0 && a == 0:
			l.Same(in, out)
		case padMode(n) == "constant" && count >= 0:
			l.Range(out, max(b, 0), in, max(-b, 0), count)
		default:
			l.Pin(in, "pads this axis with its own elements")
			l.Pin(out, "pads this axis with its own elements")
		}
	}
}

// deadPad joins the channel with the value that fills the padding.
func deadPad(n *Node, _, _ int, in []State) State {
	before, after, known, err := margins(n, n.In[0].Rank())
	switch {
	case err != nil || !known:
		return Varying
	case padMode(n) != "constant":
		return in[0]
	case slices.Max(before) <= 0 && slices.Max(after) <= 0:
		return in[0]
	}
	fill := Const(float64(n.Attrs.Float("value", 0)))
	if n.Has(2) {
		fill = in[2]
	}
	return in[0].Join(fill)
}

func narrowPad(n *Node, c *Cut) error {
	rank := n.In[0].Rank()
	before, after, known, err := margins(n, rank)
	if err != nil || !known {
		return err
	}
	b, a := slices.Clone(before), slices.Clone(after)
	for axis := range b {
		if b[axis] != 0 || a[axis] != 0 {
			b[axis], a[axis] = narrowMargins(n, c, axis, b[axis], a[axis])
		}
	}
	if slices.Equal(b, before) && slices.Equal(a, after) && !n.Has(1) {
		return nil
	}
	axes, listed, _ := n.IntsIn(3, "axes")
	if !listed {
		axes = line(int64(rank), 0, 1)
	}
	pads := make([]int64, 2*len(axes))
	for i, axis := range axes {
		if axis < 0 {
			axis += int64(rank)
		}
		pads[i], pads[len(axes)+i] = b[axis], a[axis]
	}
	c.SetInts(1, "pads", pads)
	return nil
}

// narrowMargins counts what stays of the margins of an axis: a positive one is
// part of the output, a negative one of the input.
func narrowMargins(n *Node, c *Cut, axis int, before, after int64) (int64, int64) {
	in, out := c.Kept(In(0, axis)), c.Kept(Out(0, axis))
	b, a := before, after
	if before > 0 && out != nil {
		b = below(out, before)
	}
	if before < 0 && in != nil {
		b = -below(in, -before)
	}
	if after > 0 && out != nil {
		a = int64(len(out)) - below(out, n.Out[0].Shape[axis]-after)
	}
	if after < 0 && in != nil {
		a = below(in, n.In[0].Shape[axis]+after) - int64(len(in))
	}
	return b, a
}

func forwardPad(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	shape := in[0].Shape
	before, after, known, err := margins(given(n, in), len(shape))
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, errors.New("the pads are not known")
	}
	fill, err := padFill(n, in)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(shape)
	for axis := range out {
		out[axis] += before[axis] + after[axis]
	}
	if err := bounded(in[0].DType, out); err != nil {
		return nil, err
	}
	steps, tables := strides(shape), make([][]int64, len(shape))
	for axis, size := range shape {
		table := line(out[axis], -before[axis], 1)
		for i, at := range table {
			at, err := mirror(padMode(n), at, size)
			if err != nil {
				return nil, err
			}
			table[i] = max(at*steps[axis], -1)
		}
		tables[axis] = table
	}
	t, err := pick(in[0], out, tables, fill)
	return []*tensor.Tensor{t}, err
}

// mirror finds the element that stands at a position beside an axis, -1 for
// none.
func mirror(mode string, at, size int64) (int64, error) {
	switch {
	case at >= 0 && at < size:
		return at, nil
	case mode == "constant":
		return -1, nil
	case size == 0:
		return 0, errors.New("pads an empty axis with its own elements")
	case mode == "edge":
		return max(min(at, size-1), 0), nil
	case mode == "wrap":
		return (at%size + size) % size, nil
	case mode == "reflect" && size > 1:
		period := 2 * (size - 1)
		at = (at%period + period) % period
		return min(at, period-at), nil
	case mode == "reflect":
		return 0, nil
	}
	return 0, fmt.Errorf("mode %q is not one of Pad", mode)
}

// padFill is the element that constant padding consists of, nil for zero.
func padFill(n *Node, in []*tensor.Tensor) ([]byte, error) {
	if len(in) > 2 && in[2] != nil {
		switch {
		case in[2].DType != in[0].DType || in[2].Len() != 1:
			return nil, fmt.Errorf("constant_value is no %v", in[0].DType)
		case in[2].DType == tensor.String:
			return in[2].Strings[0], nil
		}
		return in[2].Data, nil
	}
	if v := n.Attrs.Float("value", 0); v != 0 {
		if t := tensor.Scalar(in[0].DType, float64(v)); t != nil {
			return t.Data, nil
		}
		return nil, fmt.Errorf("there is no %g in %v", v, in[0].DType)
	}
	return nil, nil
}
