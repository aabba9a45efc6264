package graph

import (
	"slices"

	"onnxcompress/onnx"
)

// Live keeps, in order, the nodes that make what is read, and adds what those
// read in turn, by their subgraphs too. nodes are sorted topologically.
func Live(nodes []*onnx.NodeProto, read map[string]bool) []*onnx.NodeProto {
	var kept []*onnx.NodeProto
	for _, n := range slices.Backward(nodes) {
		if !slices.ContainsFunc(n.GetOutput(), func(out string) bool { return read[out] }) {
			continue
		}
		kept = append(kept, n)
		for _, in := range n.GetInput() {
			read[in] = true
		}
		for _, in := range Captures(n) {
			read[in] = true
		}
	}
	slices.Reverse(kept)
	return kept
}
