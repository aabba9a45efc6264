package depgraph

import (
	"onnxcompress/graph"
	"onnxcompress/graph/op"
)

// Pinned is an axis of a weight that no group takes channels of, and why.
type Pinned struct {
	Value string
	Axis  int
	Reason
	// Node reads the weight.
	Node *graph.Node
}

// reasons lists why channels of a space are pinned.
func (x *indexing) reasons(id int32) []Reason {
	var list []Reason
	for _, p := range x.all[id].pins {
		list = append(list, p.reason)
	}
	if len(list) == 0 {
		list = append(list, Reason{Operator: "another axis", Text: "is tied to these channels index by index and is pinned"})
	}
	return list
}

// explain lists the weight axes that are pinned: those without any group.
func (g *Graph) explain(reasons [][]Reason) {
	s := g.spaces
	for i := range s.tensors {
		t := &s.tensors[i]
		if t.weight == nil {
			continue
		}
		for axis, size := range t.shape {
			id := s.of[t.base+axis]
			if size == 1 || s.all[id].free() {
				continue
			}
			r := Reason{Operator: t.node.Label(), Text: "gives this axis no group"}
			if len(reasons[id]) > 0 {
				r = reasons[id][0]
			}
			g.Pinned = append(g.Pinned, Pinned{Value: t.value.Name, Axis: axis, Reason: r, Node: t.node})
		}
	}
}

// Prunable reports whether some group takes channels of an axis of a node's
// input or output.
func (g *Graph) Prunable(n *graph.Node, r op.Ref) bool {
	axis := g.spaces.axis(n, r)
	return axis >= 0 && g.spaces.all[g.spaces.of[axis]].free()
}
