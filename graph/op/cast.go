package op

import (
	"errors"
	"fmt"

	"onnxcompress/graph/tensor"
)

// castRows hand elements on, at most in another type.
var castRows = map[string]*Spec{
	"Cast":     elementwiseCast(func(n *Node) tensor.DType { return tensor.DType(n.Attrs.Int("to", 0)) }),
	"CastLike": elementwiseCast(likeInput(1)),
	"BitCast":  {Infer: inferBitCast, Opaque: "reads elements by their bits", Forward: forwardBitCast},
	"Identity": {Infer: inferIdentity, Compile: compileView, Lies: liesView, Layout: layoutAlike, Links: linkFirst, Forward: forwardFirst, Carry: true, Lists: true},
	"Dropout":  {Infer: inferDropout, Compile: compileDropout, Lies: liesStill(compileDropout), Layout: layoutAlike, Links: linkDropout, Forward: forwardDropout, Dead: deadDropout, Unfolded: mayDrop},
}

func elementwiseCast(to func(*Node) tensor.DType) *Spec {
	return &Spec{
		Infer:       func(n *Node) ([]Fact, error) { return likeFirstAs(n, to(n)), nil },
		Links:       linkFirst,
		Elementwise: true,
		ZeroIn:      []int{0},
		Forward: func(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
			dt := to(given(n, in))
			if dt == tensor.Undefined {
				return nil, errors.New("names no element type to cast to")
			}
			return cast(n, in[0], dt)
		},
		Compile: compileCast(to),
		Lies:    liesStill(compileCast(to)),
	}
}

// likeFirstAs has the shape of input 0 and element type dt.
func likeFirstAs(n *Node, dt tensor.DType) []Fact {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(dt)}
	}
	return []Fact{Of(dt, shape...)}
}

// linkFirst ties input 0 and output 0 axis by axis; other inputs have no say in
// channels.
func linkFirst(n *Node, l *Linker) {
	for axis := range n.In[0].Shape {
		l.Same(In(0, axis), Out(0, axis))
	}
	for i, in := range n.In {
		for axis := 0; i > 0 && in != nil && axis < in.Rank(); axis++ {
			l.Free(In(i, axis))
		}
	}
}

func inferBitCast(n *Node) ([]Fact, error) {
	return likeFirstAs(n, tensor.DType(n.Attrs.Int("to", 0))), nil
}

func forwardBitCast(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	to := tensor.DType(n.Attrs.Int("to", 0))
	if to.Bits() == 0 || to.Bits() != in[0].DType.Bits() || in[0].Kind != tensor.Dense {
		return nil, fmt.Errorf("%v has not the bits of %v", in[0].DType, to)
	}
	return one(&tensor.Tensor{DType: to, Shape: in[0].Shape, Data: in[0].Data}, nil)
}

func inferIdentity(n *Node) ([]Fact, error) { return likeFirst(n), nil }

func forwardFirst(_ *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	return []*tensor.Tensor{in[0]}, nil
}

// inferDropout gives the output and, where it is asked for, the mask.
func inferDropout(n *Node) ([]Fact, error) {
	facts := append(likeFirstAs(n, n.DType(0)), likeFirstAs(n, tensor.Bool)...)
	return facts[:min(max(n.Outputs, 1), 2)], nil
}

func linkDropout(n *Node, l *Linker) {
	linkFirst(n, l)
	for axis := 0; len(n.Out) > 1 && n.Out[1] != nil && axis < n.Out[1].Rank(); axis++ {
		l.Same(In(0, axis), Out(1, axis))
	}
}

func deadDropout(_ *Node, out, _ int, in []State) State {
	if out == 0 {
		return in[0]
	}
	return Varying
}
