package depgraph

import (
	"onnxcompress/graph/op"
)

// Reads reports whether the node sums over an axis of the weight, so that what
// lies along it weighs channels that come in rather than makes channels that go
// out.
func (g *Graph) Reads(w *Weight, axis int) bool {
	n := w.Node
	if n.Spec == nil || n.Spec.Links == nil {
		return false
	}
	view := g.Witness.Nodes[n.Index]
	l := op.NewLinker(view)
	n.Spec.Links(view, l)
	at := op.In(w.Slot, axis)
	for _, k := range l.Links {
		if k.Kind == op.Contract && (k.A.Ref == at || k.B.Ref == at) {
			return true
		}
	}
	return false
}
