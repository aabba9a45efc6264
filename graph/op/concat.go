package op

import (
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

var concatSpec = Spec{Infer: inferConcat, Links: linkConcat, Forward: forwardConcat, Compile: compileConcat, Layout: layoutAll, Carry: true}

func inferConcat(n *Node) ([]Fact, error) {
	if !n.Has(0) {
		return nil, errors.New("has no input")
	}
	for i := range n.In {
		if _, ok := n.Shape(i); !ok {
			return []Fact{Unknown(n.DType(0))}, nil
		}
	}
	first := n.In[0].Shape
	axis, err := Axis(n.Attrs.Int("axis", 0), len(first))
	if err != nil {
		return nil, err
	}
	out := slices.Clone(first)
	for _, in := range n.In[1:] {
		if len(in.Shape) != len(out) {
			return nil, fmt.Errorf("joins ranks %d and %d", len(out), len(in.Shape))
		}
		for a, d := range in.Shape {
			switch {
			case a == axis:
				out[a] += d
			case d != out[a]:
				return nil, fmt.Errorf("joins shapes %v and %v along axis %d", first, in.Shape, axis)
			}
		}
	}
	return []Fact{Of(n.DType(0), out...)}, nil
}

func linkConcat(n *Node, l *Linker) {
	rank := n.Out[0].Rank()
	axis, err := Axis(n.Attrs.Int("axis", 0), rank)
	if err != nil {
		return
	}
	at := int64(0)
	for i, in := range n.In {
		for a := range in.Shape {
			if a == axis {
				l.Range(Out(0, a), at, In(i, a), 0, in.Shape[a])
				at += in.Shape[a]
				continue
			}
			l.Same(In(i, a), Out(0, a))
		}
	}
}

func forwardConcat(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, len(in)); err != nil {
		return nil, err
	}
	if !all(in, func(t *tensor.Tensor) bool { return t.Kind == tensor.Dense }) {
		return nil, errors.New("joins what is no tensor")
	}
	facts, err := inferConcat(given(n, in))
	if err != nil {
		return nil, err
	}
	shape := facts[0].Shape
	axis, err := Axis(n.Attrs.Int("axis", 0), len(shape))
	if err != nil {
		return nil, err
	}
	out, err := alloc(in[0].DType, shape)
	if err != nil {
		return nil, err
	}
	below, size := product(shape[axis+1:]), int64(in[0].DType.Size())
	if size == 0 && out.Strings == nil {
		return concatCodes(n, in)
	}
	at := int64(0)
	for _, t := range in {
		if t.DType != in[0].DType {
			return nil, fmt.Errorf("joins %v and %v", in[0].DType, t.DType)
		}
		run := t.Shape[axis] * below
		for row := range product(shape[:axis]) {
			to := row*shape[axis]*below + at
			if out.Strings != nil {
				copy(out.Strings[to:], t.Strings[row*run:(row+1)*run])
			} else {
				copy(out.Data[to*size:], t.Data[row*run*size:(row+1)*run*size])
			}
		}
		at += run
	}
	return []*tensor.Tensor{out}, nil
}

// concatCodes joins elements of less than a byte.
func concatCodes(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	whole := make([]*tensor.Tensor, len(in))
	for i, t := range in {
		var ok bool
		if whole[i], ok = bytewise(t); !ok || t.DType != in[0].DType {
			return nil, fmt.Errorf("joins %v and %v", in[0].DType, t.DType)
		}
	}
	out, err := forwardConcat(n, whole)
	if err != nil {
		return nil, err
	}
	return []*tensor.Tensor{tensor.FromCodes(in[0].DType, out[0].Shape, out[0].Data)}, nil
}
