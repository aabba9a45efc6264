package depgraph

import (
	"onnxcompress/graph"
	"onnxcompress/graph/op"
)

// tensorAt is a tensor as channels see it: a value that depends on the
// model's input, or one use of a constant. Two uses of a constant are two
// tensors, because each may lose other channels.
type tensorAt struct {
	value *graph.Value
	// node and slot are the reader of a constant; node is nil for a value
	// that is not one.
	node *graph.Node
	slot int
	// base is the ID of the tensor's first axis; the others follow.
	base  int
	shape []int64
	// weight says what can be zeroed of a constant, nil for other tensors.
	weight *Weight
}

// axes numbers the axes of all tensors that channels may run along.
type axes struct {
	*graph.Analysis
	tensors []tensorAt
	// in and out give the tensor at each slot of each node, -1 where there is
	// none or where its shape is unknown.
	in, out [][]int
	byValue []int
	// owner is the tensor of each axis.
	owner []int32
	// uses are the tensors of each constant value.
	uses map[*graph.Value][]int
}

func newAxes(a *graph.Analysis) *axes {
	x := &axes{Analysis: a, byValue: make([]int, len(a.Values)), uses: map[*graph.Value][]int{}}
	for i := range x.byValue {
		x.byValue[i] = -1
	}
	for _, v := range a.Values {
		fact := &a.Witness.Values[v.ID]
		if !fact.Static && fact.Known {
			x.byValue[v.ID] = x.add(tensorAt{value: v, shape: fact.Shape})
		}
	}
	x.in, x.out = make([][]int, len(a.Nodes)), make([][]int, len(a.Nodes))
	for _, n := range a.Nodes {
		if x.constant(n) {
			continue
		}
		for slot, v := range n.In {
			x.in[n.Index] = append(x.in[n.Index], x.reads(n, slot, v))
		}
		for _, v := range n.Out {
			t := -1
			if v != nil {
				t = x.byValue[v.ID]
			}
			x.out[n.Index] = append(x.out[n.Index], t)
		}
	}
	return x
}

// constant reports whether a node computes nothing but constants.
func (x *axes) constant(n *graph.Node) bool {
	for _, v := range n.Out {
		if v != nil && !x.Witness.Values[v.ID].Static {
			return false
		}
	}
	return true
}

func (x *axes) reads(n *graph.Node, slot int, v *graph.Value) int {
	if v == nil {
		return -1
	}
	fact := &x.Witness.Values[v.ID]
	if !fact.Static {
		return x.byValue[v.ID]
	}
	t := x.add(tensorAt{value: v, node: n, slot: slot, shape: fact.Shape})
	x.uses[v] = append(x.uses[v], t)
	return t
}

func (x *axes) add(t tensorAt) int {
	t.base = len(x.owner)
	for range t.shape {
		x.owner = append(x.owner, int32(len(x.tensors)))
	}
	x.tensors = append(x.tensors, t)
	return len(x.tensors) - 1
}

// at is the tensor that a reference of node n names, -1 where there is none.
func (x *axes) at(n *graph.Node, r op.Ref) int {
	slots := x.in[n.Index]
	if r.Slot < 0 {
		slots, r.Slot = x.out[n.Index], ^r.Slot
	}
	if r.Slot >= len(slots) {
		return -1
	}
	return slots[r.Slot]
}

// axis is the ID of the axis that a reference of node n names, -1 where there
// is none.
func (x *axes) axis(n *graph.Node, r op.Ref) int {
	t := x.at(n, r)
	if t < 0 || r.Axis < 0 || r.Axis >= len(x.tensors[t].shape) {
		return -1
	}
	return x.tensors[t].base + r.Axis
}

// size is the length of an axis.
func (x *axes) size(axis int) int64 {
	t := &x.tensors[x.owner[axis]]
	return t.shape[axis-t.base]
}
