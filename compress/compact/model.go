package compact

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// Weights replaces the content of weights, at their original shapes: what
// training or compensation made of them.
type Weights map[*depgraph.Weight]*tensor.Tensor

// NodeError names the node that a cut cannot be carried through.
type NodeError struct {
	Node *graph.Node
	Err  error
}

func (e *NodeError) Error() string { return fmt.Sprintf("%s: %v", e.Node.Label(), e.Err) }

func (e *NodeError) Unwrap() error { return e.Err }

// Model returns the model without the channels of the cut. Names, order, types
// and declared dimensions of the graph's inputs and outputs are the
// original's. An error wraps a NodeError where a node cannot be narrowed.
func Model(g *depgraph.Graph, cut *depgraph.Cut, weights Weights) (*onnx.Model, error) {
	b, err := build(g, cut, weights)
	if err != nil {
		return nil, err
	}
	return b.out, nil
}

func build(g *depgraph.Graph, cut *depgraph.Cut, weights Weights) (*builder, error) {
	b := newBuilder(g, cut)
	b.replaced = weights
	for _, n := range g.Nodes {
		if err := b.node(n); err != nil {
			return nil, errors.Join(&NodeError{n, err}, b.out.Close())
		}
	}
	b.finish()
	return b, nil
}

// builder rewrites the nodes of a clone in topological order, keeping the
// facts of the compact model beside those of the original.
type builder struct {
	g        *depgraph.Graph
	cut      *depgraph.Cut
	replaced Weights
	out      *onnx.Model
	names    *graph.Names
	weights  map[[2]int]*depgraph.Weight
	// bindings are the witness and the nominal one.
	bindings [2]*binding
	// before and after hold the nodes inserted around each original node;
	// frozen marks nodes whose outputs became constants.
	before, after map[int][]*onnx.NodeProto
	frozen        map[int]bool
	// reads names what input Slot of a node reads now, where that is new.
	sliced map[*graph.Value][]slice
	added  []*onnx.TensorProto
	// reshaped are the values whose declared types no longer hold.
	reshaped map[string]bool
}

// binding holds the facts of both models under one binding.
type binding struct {
	old     *graph.Facts
	now     []op.Fact
	changed []bool
}

func newBuilder(g *depgraph.Graph, cut *depgraph.Cut) *builder {
	b := &builder{
		g: g, cut: cut, out: g.Model.Clone(), names: graph.NewNames(g.Model),
		weights: map[[2]int]*depgraph.Weight{},
		before:  map[int][]*onnx.NodeProto{}, after: map[int][]*onnx.NodeProto{},
		frozen: map[int]bool{}, sliced: map[*graph.Value][]slice{}, reshaped: map[string]bool{},
	}
	for _, w := range g.Weights {
		b.weights[[2]int{w.Node.Index, w.Slot}] = w
	}
	for i, facts := range []*graph.Facts{g.Witness, g.Nominal} {
		b.bindings[i] = &binding{old: facts, now: slices.Clone(facts.Values), changed: make([]bool, len(g.Values))}
	}
	return b
}

// node carries the cut through one node.
func (b *builder) node(n *graph.Node) error {
	if b.g.Constant(n) {
		return nil
	}
	cuts, changed := b.cut.Cuts(n), false
	for _, v := range n.In {
		changed = changed || v != nil && (b.bindings[0].changed[v.ID] || b.bindings[1].changed[v.ID])
	}
	for _, w := range b.slotWeights(n) {
		changed = changed || b.replaced[w] != nil
	}
	if !cuts && !changed {
		return nil
	}
	p := b.out.Proto.GetGraph().GetNode()[n.Index]
	e := &edit{builder: b, node: n, proto: p}
	if err := e.sliceConstants(); err != nil {
		return err
	}
	// An operand may count channels of another value, which go while this
	// node keeps its own.
	if n.Spec != nil && n.Spec.Narrow != nil {
		if err := e.narrow(); err != nil {
			return err
		}
	}
	return e.infer()
}

func (b *builder) slotWeights(n *graph.Node) []*depgraph.Weight {
	if len(b.replaced) == 0 {
		return nil
	}
	var list []*depgraph.Weight
	for slot := range n.In {
		if w := b.weights[[2]int{n.Index, slot}]; w != nil {
			list = append(list, w)
		}
	}
	return list
}

// addTensor adds an initializer.
func (b *builder) addTensor(name string, t *tensor.Tensor) {
	p := &onnx.TensorProto{Name: proto.String(name), DataType: proto.Int32(int32(t.DType)), Dims: slices.Clone(t.Shape)}
	onnx.SetData(p, t.Data)
	b.added = append(b.added, p)
}

// constant adds an initializer under a new name and returns the name.
func (b *builder) constant(base string, t *tensor.Tensor) string {
	name := b.names.Fresh(base)
	b.addTensor(name, t)
	return name
}
