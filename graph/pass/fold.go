package pass

import (
	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
)

// small is the size in bytes up to which a constant may replace what computes
// it whatever that takes: a node is not much smaller.
const small = 1 << 10

// foldConstants evaluates nodes in order, so that a result is a constant for
// the nodes after it.
func foldConstants(r *rewriter) { fold(r, false) }

// evaluateConstants does so whatever it takes.
func evaluateConstants(r *rewriter) { fold(r, true) }

func fold(r *rewriter, always bool) {
	f := folder{rewriter: r, constants: map[*graph.Value]*tensor.Tensor{}, always: always}
	for _, n := range r.Nodes {
		f.node(n)
	}
}

type folder struct {
	*rewriter
	// constants are the nodes' results so far.
	constants map[*graph.Value]*tensor.Tensor
	// always evaluates although the result is larger than what it replaces.
	always bool
}

func (f *folder) node(n *graph.Node) {
	args, ok := f.args(n)
	if !ok || n.Spec == nil || !f.evaluates(n) || !f.sound(n) || !f.always && !f.pays(n, args) {
		return
	}
	results, err := n.Spec.Forward(f.view(n), args)
	if err != nil {
		return
	}
	for i, v := range n.Out {
		if v != nil && (i >= len(results) || results[i] == nil) {
			return
		}
	}
	settled := len(n.In) == 0 && (f.listed() || n.Out[0] != nil && n.Out[0].Output)
	for i, v := range n.Out {
		if v == nil {
			continue
		}
		f.constants[v] = results[i]
		if !settled {
			f.constant(v, results[i])
		}
	}
}

// evaluates excludes nodes whose constants are kept as they are although they
// could be computed: those that say so, as weights do that are stored in fewer
// bits than they are used in, and those that subgraphs take part in.
func (f *folder) evaluates(n *graph.Node) bool {
	if !ofONNX(n) || !n.Spec.Folds(f.view(n)) {
		return false
	}
	for _, a := range n.Proto.GetAttribute() {
		if a.GetG() != nil || len(a.GetGraphs()) > 0 {
			return false
		}
	}
	return true
}

// args are the contents of a node's inputs; ok is false where one is no
// constant.
func (f *folder) args(n *graph.Node) (args []*tensor.Tensor, ok bool) {
	args = make([]*tensor.Tensor, len(n.In))
	for i, v := range n.In {
		if v == nil {
			continue
		}
		if args[i] = f.constants[v]; args[i] == nil && v.Init != nil {
			args[i] = f.content(v)
		}
		if args[i] == nil {
			return nil, false
		}
	}
	return args, true
}

// pays reports whether the outputs of a node are no larger than the constants
// that nothing else reads, or small. It is asked before they are computed.
func (f *folder) pays(n *graph.Node, args []*tensor.Tensor) bool {
	before, after := int64(0), int64(0)
	for i, v := range n.In {
		if v != nil && only(v, n) {
			before += int64(len(args[i].Data))
		}
	}
	for _, v := range n.Out {
		if v == nil {
			continue
		}
		fact := &f.facts()[0].Values[v.ID]
		count, err := tensor.Count(fact.Shape)
		if !fact.Known || err != nil || count > 1<<31 {
			return false
		}
		after += (count*int64(fact.DType.Bits()) + 7) / 8
	}
	return after <= max(before, small) || len(n.In) == 0
}
