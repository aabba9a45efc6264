package op

import (
	"errors"
	"fmt"

	"onnxcompress/graph/tensor"
)

var depthToSpaceSpec = Spec{
	Infer: inferDepthToSpace, Links: linkDepthToSpace, Forward: forwardDepthToSpace, Carry: true, Dead: deadFirst,
	Compile: compileDepthToSpace, Layout: layoutAlike,
}

var spaceToDepthSpec = Spec{
	Infer: inferSpaceToDepth, Links: linkSpaceToDepth, Forward: forwardSpaceToDepth, Carry: true, Dead: deadFirst,
	Compile: compileSpaceToDepth, Layout: layoutAlike,
}

const (
	intoSpace = "rearranges channels into space"
	intoDepth = "rearranges space into channels"
)

// imageAndBlock returns the shape [n, c, h, w] of input 0 and the block size.
func imageAndBlock(n *Node) (shape []int64, block int64, err error) {
	block = n.Attrs.Int("blocksize", 0)
	shape, ok := n.Shape(0)
	if !ok {
		return nil, block, nil
	}
	if len(shape) != 4 || block < 1 || block > 1<<20 {
		return nil, 0, fmt.Errorf("shape %v does not divide into blocks of %d", shape, block)
	}
	return shape, block, nil
}

func inferDepthToSpace(n *Node) ([]Fact, error) {
	shape, b, err := imageAndBlock(n)
	if err != nil {
		return nil, err
	}
	if shape == nil {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	if shape[1]%(b*b) != 0 {
		return nil, fmt.Errorf("%d channels do not divide into blocks of %d", shape[1], b)
	}
	if _, err := tensor.Count(shape); err != nil {
		return nil, err
	}
	return []Fact{Of(n.DType(0), shape[0], shape[1]/(b*b), shape[2]*b, shape[3]*b)}, nil
}

// columnFirst reports mode CRD: the channel is the highest digit of the depth.
func columnFirst(n *Node) bool { return n.Attrs.Str("mode", "DCR") == "CRD" }

func linkDepthToSpace(n *Node, l *Linker) {
	_, b, err := imageAndBlock(n)
	if err != nil {
		return
	}
	l.Same(In(0, 0), Out(0, 0))
	channels := n.Out[0].Shape[1]
	if columnFirst(n) {
		l.Digits(In(0, 1), b*b, Out(0, 1), 1, channels)
		l.PinDigit(In(0, 1), 1, b*b, intoSpace)
	} else {
		l.Digits(In(0, 1), 1, Out(0, 1), 1, channels)
		l.PinDigit(In(0, 1), channels, b*b, intoSpace)
	}
	linkImage(l, b, intoSpace)
}

// linkImage pins the spatial axes, unless blocks of one leave them alone.
func linkImage(l *Linker, block int64, reason string) {
	for axis := 2; axis < 4; axis++ {
		if block == 1 {
			l.Same(In(0, axis), Out(0, axis))
			continue
		}
		l.Pin(In(0, axis), reason)
		l.Pin(Out(0, axis), reason)
	}
}

func forwardDepthToSpace(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	facts, err := inferDepthToSpace(given(n, in))
	if err != nil {
		return nil, err
	}
	s, b := in[0].Shape, n.Attrs.Int("blocksize", 1)
	split, perm := []int64{s[0], b, b, s[1] / (b * b), s[2], s[3]}, []int64{0, 3, 4, 1, 5, 2}
	if columnFirst(n) {
		split, perm = []int64{s[0], s[1] / (b * b), b, b, s[2], s[3]}, []int64{0, 1, 4, 2, 5, 3}
	}
	return rearranged(in[0], split, perm, facts[0].Shape)
}

// rearranged views t in another shape, transposes it and views the result in
// the last shape.
func rearranged(t *tensor.Tensor, split, perm, shape []int64) ([]*tensor.Tensor, error) {
	out, err := transposed(reshaped(t, split), perm)
	if err != nil {
		return nil, err
	}
	return []*tensor.Tensor{reshaped(out, shape)}, nil
}

func inferSpaceToDepth(n *Node) ([]Fact, error) {
	shape, b, err := imageAndBlock(n)
	if err != nil {
		return nil, err
	}
	if shape == nil {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	if shape[2]%b != 0 || shape[3]%b != 0 {
		return nil, fmt.Errorf("image of shape %v does not divide into blocks of %d", shape, b)
	}
	if _, err := tensor.Count(shape); err != nil {
		return nil, err
	}
	return []Fact{Of(n.DType(0), shape[0], shape[1]*b*b, shape[2]/b, shape[3]/b)}, nil
}

func linkSpaceToDepth(n *Node, l *Linker) {
	shape, b, err := imageAndBlock(n)
	if err != nil {
		return
	}
	l.Same(In(0, 0), Out(0, 0))
	if columnFirst(n) {
		l.Digits(Out(0, 1), b*b, In(0, 1), 1, shape[1])
		l.PinDigit(Out(0, 1), 1, b*b, intoDepth)
	} else {
		l.Digits(Out(0, 1), 1, In(0, 1), 1, shape[1])
		l.PinDigit(Out(0, 1), shape[1], b*b, intoDepth)
	}
	linkImage(l, b, intoDepth)
}

func forwardSpaceToDepth(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	facts, err := inferSpaceToDepth(given(n, in))
	if err != nil {
		return nil, err
	}
	s, b := in[0].Shape, n.Attrs.Int("blocksize", 1)
	split, perm := []int64{s[0], s[1], s[2] / b, b, s[3] / b, b}, []int64{0, 3, 5, 1, 2, 4}
	if columnFirst(n) {
		perm = []int64{0, 1, 3, 5, 2, 4}
	}
	return rearranged(in[0], split, perm, facts[0].Shape)
}

var reverseSequenceSpec = Spec{
	Infer: func(n *Node) ([]Fact, error) { return likeFirst(n), nil },
	Links: linkReverseSequence, Forward: forwardReverseSequence, Carry: true, Dead: deadFirst,
	Compile: compileReverseSequence,
}

// sequenceAxes returns the time and the batch axis of ReverseSequence.
func sequenceAxes(n *Node, rank int) (time, batch int, err error) {
	if time, err = Axis(n.Attrs.Int("time_axis", 0), rank); err != nil {
		return 0, 0, err
	}
	if batch, err = Axis(n.Attrs.Int("batch_axis", 1), rank); err != nil {
		return 0, 0, err
	}
	if time == batch {
		return 0, 0, errors.New("time_axis and batch_axis are one")
	}
	return time, batch, nil
}

func linkReverseSequence(n *Node, l *Linker) {
	time, batch, err := sequenceAxes(n, n.In[0].Rank())
	if err != nil {
		return
	}
	for axis := range n.In[0].Shape {
		switch axis {
		case time:
			l.Pin(In(0, axis), "reverses this axis")
			l.Pin(Out(0, axis), "reverses this axis")
		default:
			l.Same(In(0, axis), Out(0, axis))
		}
	}
	if n.In[1].Rank() == 1 {
		l.Same(In(1, 0), Out(0, batch))
	}
}

func forwardReverseSequence(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	shape := in[0].Shape
	time, batch, err := sequenceAxes(n, len(shape))
	if err != nil {
		return nil, err
	}
	lengths := in[1].AsInt64s()
	if int64(len(lengths)) != shape[batch] {
		return nil, fmt.Errorf("%d lengths for a batch of %d", len(lengths), shape[batch])
	}
	steps, count := strides(shape), product(shape)
	at := line(count, 0, 1)
	for i := range at {
		length := min(lengths[at[i]/steps[batch]%shape[batch]], shape[time])
		if t := at[i] / steps[time] % shape[time]; t < length {
			at[i] += (length - 1 - 2*t) * steps[time]
		}
	}
	t, err := pick(in[0], shape, [][]int64{at}, nil)
	return []*tensor.Tensor{t}, err
}
