package pass

import (
	"slices"

	"onnxcompress/graph"
	"onnxcompress/onnx"
)

// dropDead edits the model at once: nothing is left to commit but that it
// changed.
func dropDead(r *rewriter) {
	p := r.proto
	read := map[string]bool{}
	for _, out := range p.GetOutput() {
		read[out.GetName()] = true
	}
	live := map[*onnx.NodeProto]bool{}
	for _, n := range graph.Live(p.GetNode(), read) {
		live[n] = true
	}
	for _, n := range r.Nodes {
		if !live[n.Proto] {
			r.replace(n)
		}
	}
	required := map[string]bool{}
	for _, in := range r.Inputs {
		required[in.Name] = true
	}
	made := map[string]bool{}
	for n := range live {
		for _, out := range n.GetOutput() {
			made[out] = true
		}
	}
	p.Initializer = drop(r, p.Initializer, func(t *onnx.TensorProto) bool { return !read[t.GetName()] })
	p.SparseInitializer = drop(r, p.SparseInitializer, func(s *onnx.SparseTensorProto) bool { return !read[s.GetValues().GetName()] })
	p.Input = drop(r, p.Input, func(v *onnx.ValueInfoProto) bool { return !required[v.GetName()] && !read[v.GetName()] })
	p.ValueInfo = drop(r, p.ValueInfo, func(v *onnx.ValueInfoProto) bool { return !read[v.GetName()] && !made[v.GetName()] })
}

func drop[T any](r *rewriter, list []T, dead func(T) bool) []T {
	left := slices.DeleteFunc(slices.Clone(list), dead)
	if len(left) == len(list) {
		return list
	}
	r.changed = true
	return left
}
