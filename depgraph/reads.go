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

// Heard reports whether the channels that a weight reads along an axis hold
// something else than zero when the weights that make them are zero, so that what
// reads them still counts.
func (g *Graph) Heard(w *Weight, axis int) bool {
	at := op.In(w.Slot, axis)
	for _, l := range g.spaces.linker.links[w.Node.Index] {
		if l.Kind != op.Contract || l.a < 0 || l.b < 0 {
			continue
		}
		if l.A.Ref == at && g.states[l.b] != op.Const(l.ZeroB) || l.B.Ref == at && g.states[l.a] != op.Const(l.ZeroA) {
			return true
		}
	}
	return false
}
