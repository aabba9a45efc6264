package depgraph

import (
	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
)

// Leaf is an initializer or the output of a Constant node. Base is the number
// of its first element.
type Leaf struct {
	Value *graph.Value
	Base  int
}

// Weight is one use of a trained constant: input Slot of Node.
type Weight struct {
	Node  *graph.Node
	Slot  int
	Value *graph.Value
	// Leaves hold the numbers whose zeros make this use zero: Value itself, or
	// the constants that Value is computed from. Empty where no float constant
	// silences the use.
	Leaves []Leaf
	// elements numbers, for each element of Value, the element of the leaves,
	// counted through; nil where Value is the only leaf.
	elements *tensor.Tensor
	// zeroable says along which axes slices can be zeroed by zeroing whole
	// elements of the leaves that nothing else in Value depends on.
	zeroable []bool
	// Follow says that the operator wants this input cut but never zeroed.
	Follow bool
}

// Elements numbers, for each element of the use, the element of the leaves that
// it comes from; nil where Value is the only leaf.
func (w *Weight) Elements() []int32 {
	if w.elements == nil {
		return nil
	}
	return w.elements.Int32s()
}

// Zeroable reports whether a slice along axis can be zeroed in Leaf.
func (w *Weight) Zeroable(axis int) bool {
	return len(w.Leaves) > 0 && !w.Follow && w.zeroable[axis]
}

// trained reports whether a constant is one that compression is about: of
// floating point, or quantised from it.
func trained(dt tensor.DType) bool {
	return dt.IsFloat() || dt == tensor.Int8 || dt == tensor.Uint8 || dt.Bits() < 8 && dt.Bits() > 0 || dt > tensor.BFloat16
}

// weigh finds the weights among the uses of constants.
func (x *axes) weigh() {
	var all []*Weight
	for i := range x.tensors {
		t := &x.tensors[i]
		if t.node == nil || len(t.shape) == 0 || !trained(x.Witness.Values[t.value.ID].DType) {
			continue
		}
		if count, err := tensor.Count(t.shape); err != nil || count == 0 {
			continue // its channels hold nothing, and there may be any number of them
		}
		w := &Weight{Node: t.node, Slot: t.slot, Value: t.value}
		if t.node.Spec != nil {
			for _, f := range t.node.Spec.Follow {
				w.Follow = w.Follow || f == t.slot
			}
		}
		x.trace(w, t.shape)
		t.weight = w
		all = append(all, w)
	}
	disjoin(all)
}
