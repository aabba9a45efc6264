package op

import (
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

var scatterElementsSpec = Spec{
	Infer: inferScatterElements, Links: linkScatterElements, Dead: deadScatter, Forward: forwardScatterElements,
}

var scatterNDSpec = Spec{
	Infer: inferScatterND, Links: linkScatterND, Dead: deadScatter, Forward: forwardScatterND,
}

// deadScatter joins what the data holds with the updates written over it.
func deadScatter(n *Node, _, _ int, in []State) State {
	if n.Attrs.Str("reduction", "none") == "none" || in[0] == Zero && in[2] == Zero {
		return in[0].Join(in[2])
	}
	if in[0] == Bad || in[2] == Bad {
		return Bad
	}
	return Varying
}

func inferScatterElements(n *Node) ([]Fact, error) {
	data, ok := n.Shape(0)
	index, okIndex := n.Shape(1)
	if ok && okIndex {
		if err := elementwiseIndex(n, data, index); err != nil {
			return nil, err
		}
		if updates, ok := n.Shape(2); ok && !slices.Equal(updates, index) {
			return nil, fmt.Errorf("updates of shape %v for indices of shape %v", updates, index)
		}
	}
	return likeFirst(n), nil
}

// likeFirst is an output of the type and shape of input 0.
func likeFirst(n *Node) []Fact {
	if shape, ok := n.Shape(0); ok {
		return []Fact{Of(n.DType(0), shape...)}
	}
	return []Fact{Unknown(n.DType(0))}
}

func linkScatterElements(n *Node, l *Linker) {
	data, index := n.In[0].Shape, n.In[1].Shape
	axis, err := Axis(n.Attrs.Int("axis", 0), len(data))
	if err != nil || elementwiseIndex(n, data, index) != nil {
		return
	}
	for a := range data {
		if a == axis {
			for _, r := range []Ref{In(0, a), In(1, a), In(2, a), Out(0, a)} {
				l.Pin(r, "writes to computed positions of this axis")
			}
			continue
		}
		l.Same(In(0, a), Out(0, a))
		l.Same(In(1, a), In(2, a))
		linkPrefix(l, Out(0, a), In(2, a))
	}
}

func forwardScatterElements(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	at, err := elementOffsets(n, in[0].Shape, in[1])
	if err != nil {
		return nil, err
	}
	return scatter(n, in[0], at, in[2], 1)
}

// scatter writes runs of updates at flat positions of data.
func scatter(n *Node, data *tensor.Tensor, at []int64, updates *tensor.Tensor, run int64) ([]*tensor.Tensor, error) {
	if r := n.Attrs.Str("reduction", "none"); r != "none" {
		return nil, fmt.Errorf("reduction %s of constants is left to the runtime", r)
	}
	if updates.DType != data.DType || int64(updates.Len()) != int64(len(at))*run {
		return nil, fmt.Errorf("updates of shape %v do not fit", updates.Shape)
	}
	out := data.Clone()
	size := run * int64(data.DType.Size())
	if size == 0 && data.Strings == nil && run > 0 {
		return nil, fmt.Errorf("elements of %v cannot be moved one by one", data.DType)
	}
	for i, to := range at {
		if data.Strings != nil {
			copy(out.Strings[to:], updates.Strings[int64(i)*run:int64(i+1)*run])
			continue
		}
		to *= int64(data.DType.Size())
		copy(out.Data[to:to+size], updates.Data[int64(i)*size:])
	}
	return []*tensor.Tensor{out}, nil
}

func inferScatterND(n *Node) ([]Fact, error) {
	data, ok := n.Shape(0)
	index, okIndex := n.Shape(1)
	if ok && okIndex {
		t, err := tuplesOf(data, index, 0)
		if err != nil {
			return nil, err
		}
		if updates, ok := n.Shape(2); ok && !slices.Equal(updates, slices.Concat(t.outer, t.inner)) {
			return nil, fmt.Errorf("updates of shape %v for indices of shape %v", updates, index)
		}
	}
	return likeFirst(n), nil
}

func linkScatterND(n *Node, l *Linker) {
	t, err := tuplesOf(n.In[0].Shape, n.In[1].Shape, 0)
	if err != nil {
		return
	}
	const reason = "writes to computed positions of this axis"
	for a := range n.In[0].Shape {
		if a < t.depth {
			l.Pin(In(0, a), reason)
			l.Pin(Out(0, a), reason)
			continue
		}
		l.Same(In(0, a), Out(0, a))
		l.Same(In(2, len(t.outer)+a-t.depth), Out(0, a))
	}
	for a := range t.outer {
		l.Pin(In(1, a), reason)
		l.Pin(In(2, a), reason)
	}
	l.Pin(In(1, len(t.outer)), "holds the parts of an index")
}

func forwardScatterND(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	t, err := tuplesOf(in[0].Shape, in[1].Shape, 0)
	if err != nil {
		return nil, err
	}
	at, err := t.offsets(in[0].Shape, in[1])
	if err != nil {
		return nil, err
	}
	return scatter(n, in[0], at, in[2], product(t.inner))
}
