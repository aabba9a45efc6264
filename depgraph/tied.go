package depgraph

import (
	"onnxcompress/graph"
	"onnxcompress/graph/op"
)

// tiedAxes maps axes of input slot to the axes of output out that a node's
// operator ties them to whole.
func tiedAxes(n *graph.Node, view *op.Node, slot, out int) map[int]int {
	axisOf := map[int]int{}
	if n.Spec.Links == nil {
		return axisOf
	}
	l := op.NewLinker(view)
	n.Spec.Links(view, l)
	for _, k := range l.Links {
		if k.Kind != op.Tie || k.A.Size != l.Size(k.A.Ref) || k.B.Size != l.Size(k.B.Ref) {
			continue
		}
		a, b := k.A.Ref, k.B.Ref
		if a.Slot < 0 {
			a, b = b, a
		}
		if a.Slot == slot && b.Slot == ^out {
			axisOf[a.Axis] = b.Axis
		}
	}
	return axisOf
}
