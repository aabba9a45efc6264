package graph

import (
	"fmt"

	"onnxcompress/onnx"
)

// Names invents names that a model does not use, its subgraphs included.
type Names struct{ taken map[string]bool }

// NewNames knows the names of all nodes and values of a model.
func NewNames(m *onnx.Model) *Names {
	n := &Names{taken: map[string]bool{}}
	n.graph(m.Proto.GetGraph())
	return n
}

func (n *Names) graph(g *onnx.GraphProto) {
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
		for _, sub := range subgraphs(node) {
			n.graph(sub)
		}
	}
}

// Fresh returns a new name that begins with base.
func (n *Names) Fresh(base string) string {
	for i := 1; ; i++ {
		name := fmt.Sprintf("%s_%d", base, i)
		if !n.taken[name] {
			n.taken[name] = true
			return name
		}
	}
}
