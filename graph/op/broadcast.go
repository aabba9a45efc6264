package op

import (
	"fmt"

	"onnxcompress/graph/tensor"
)

// Broadcast is the shape that multidirectional broadcasting gives.
func Broadcast(shapes ...[]int64) ([]int64, error) {
	rank := 0
	for _, s := range shapes {
		rank = max(rank, len(s))
	}
	out := make([]int64, rank)
	for i := range out {
		out[i] = 1
	}
	for _, s := range shapes {
		for i, d := range s {
			o := &out[rank-len(s)+i]
			switch {
			case *o == 1:
				*o = d
			case d != 1 && d != *o:
				return nil, fmt.Errorf("shapes %v do not broadcast", shapes)
			}
		}
	}
	return out, nil
}

// inferBroadcast gives one output of element type dt with the broadcast shape
// of all inputs.
func inferBroadcast(n *Node, dt tensor.DType) ([]Fact, error) {
	shapes := make([][]int64, 0, len(n.In))
	for _, in := range n.In {
		if in == nil {
			continue
		}
		if !in.Known {
			return []Fact{Unknown(dt)}, nil
		}
		shapes = append(shapes, in.Shape)
	}
	shape, err := Broadcast(shapes...)
	if err != nil {
		return nil, err
	}
	return []Fact{Of(dt, shape...)}, nil
}

// linkBroadcast ties the axes of output 0 to those of every input that does
// not broadcast along them.
func linkBroadcast(n *Node, l *Linker) {
	out := n.Out[0]
	for i, in := range n.In {
		if in == nil {
			continue
		}
		shift := out.Rank() - in.Rank()
		if shift < 0 {
			continue
		}
		for axis, d := range in.Shape {
			if d != 1 || out.Shape[shift+axis] == 1 {
				l.Same(In(i, axis), Out(0, shift+axis))
			}
		}
	}
}

// broadcastStrides are the strides of a shape along the axes that it
// broadcasts into.
func broadcastStrides(shape []int64, rank int) []int64 {
	out, own, shift := make([]int64, rank), strides(shape), rank-len(shape)
	for i, d := range shape {
		if d != 1 {
			out[shift+i] = own[i]
		}
	}
	return out
}
