package compact

import (
	"fmt"

	"onnxcompress/depgraph"
	"onnxcompress/onnx"
)

// names invents names that the model does not use, subgraphs included.
type names struct{ taken map[string]bool }

func newNames(g *depgraph.Graph) *names {
	n := &names{taken: map[string]bool{}}
	n.graph(g.Model.Proto.GetGraph())
	return n
}

func (n *names) graph(g *onnx.GraphProto) {
	for _, t := range g.GetInitializer() {
		n.taken[t.GetName()] = true
	}
	for _, s := range g.GetSparseInitializer() {
		n.taken[s.GetValues().GetName()] = true
	}
	for _, in := range g.GetInput() {
		n.taken[in.GetName()] = true
	}
	for _, node := range g.GetNode() {
		n.taken[node.GetName()] = true
		for _, out := range node.GetOutput() {
			n.taken[out] = true
		}
		for _, a := range node.GetAttribute() {
			if a.GetG() != nil {
				n.graph(a.GetG())
			}
			for _, sub := range a.GetGraphs() {
				n.graph(sub)
			}
		}
	}
}

// fresh returns a new name that begins with base.
func (n *names) fresh(base string) string {
	for i := 1; ; i++ {
		name := fmt.Sprintf("%s_%d", base, i)
		if !n.taken[name] {
			n.taken[name] = true
			return name
		}
	}
}
