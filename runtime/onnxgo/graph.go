// Package onnxgo is the native engine as a backend of
// github.com/owulveryck/onnx-go: a program written for another backend runs on it
// with its import changed to
//
//	gorgonnx "onnxcompress/runtime/onnxgo"
package onnxgo

import (
	"errors"
	"fmt"
	goruntime "runtime"
	"slices"

	"github.com/owulveryck/onnx-go"
	"gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/simple"

	"onnxcompress/graph/op"
	engine "onnxcompress/runtime"
)

// Graph is a computation graph that onnx-go fills and Run computes. Its nodes
// are values; edges lead from an output to the inputs of its operation, their
// place for a weight. It serves one caller at a time.
type Graph struct {
	*simple.WeightedDirectedGraph

	// Opset is that of ONNX's own operators, which onnx-go does not hand on: 0 for
	// the newest under which the model's attributes and operands have a meaning,
	// but not one of which onnx-go knows nothing.
	Opset int64
	// Threads is the number of cores to use, 0 for all.
	Threads int

	nodes      []*Node // by ID
	operations []*operation
	// operands are the nodes that an output is computed from, by the output's ID.
	// The graph itself forgets one that is read twice.
	operands map[int64][]*Node
	running  *running
}

// operation is one use of an operator.
type operation struct {
	name       string
	attributes map[string]any
	in, out    []*Node
}

// NewGraph returns an empty graph.
func NewGraph() *Graph {
	return &Graph{WeightedDirectedGraph: simple.NewWeightedDirectedGraph(0, 0), operands: map[int64][]*Node{}}
}

// NewNode implements graph.NodeAdder. IDs count from 0, for onnx-go takes an
// input's place for its ID.
func (g *Graph) NewNode() graph.Node {
	n := &Node{id: int64(len(g.nodes)), graph: g}
	g.nodes = append(g.nodes, n)
	return n
}

// NewWeightedEdge implements graph.WeightedEdgeAdder.
func (g *Graph) NewWeightedEdge(from, to graph.Node, weight float64) graph.WeightedEdge {
	return g.WeightedDirectedGraph.NewWeightedEdge(from, to, weight)
}

// SetWeightedEdge implements graph.WeightedEdgeAdder.
func (g *Graph) SetWeightedEdge(e graph.WeightedEdge) {
	from, to := e.From().(*Node), e.To().(*Node)
	place, list := int(e.Weight()), g.operands[from.id]
	if place >= len(list) {
		list = append(list, make([]*Node, place+1-len(list))...)
	}
	list[place] = to
	g.operands[from.id] = list
	// The graph itself knows no loops; Run tells of them.
	if from != to {
		g.WeightedDirectedGraph.SetWeightedEdge(e)
	}
}

// ApplyOperation implements onnx.OperationCarrier. Its error is an
// *onnx.ErrNotImplemented where the engine does not have the operator.
func (g *Graph) ApplyOperation(o onnx.Operation, outputs ...graph.Node) error {
	if len(outputs) == 0 {
		return fmt.Errorf("operator %s has no output", o.Name)
	}
	if spec := op.Lookup(domainOf(o.Name), o.Name); spec == nil || spec.Forward == nil && spec.Compile == nil {
		return &onnx.ErrNotImplemented{Operator: o.Name, Message: "the engine does not have it"}
	}
	if len(g.operations) == 0 {
		g.loaded()
	}
	done := &operation{name: o.Name, attributes: o.Attributes, in: g.operands[outputs[0].ID()]}
	for _, n := range outputs {
		node := n.(*Node)
		node.made = true
		done.out = append(done.out, node)
	}
	g.operations = append(g.operations, done)
	g.stop()
	return nil
}

// domainOf is the domain of an operator, which onnx-go does not tell.
func domainOf(name string) string {
	const ml = "ai.onnx.ml"
	if op.Lookup("", name) == nil && op.Lookup(ml, name) != nil {
		return ml
	}
	return ""
}

// loaded is called when all tensors of a model are there. From now on one that
// is set is an input.
func (g *Graph) loaded() {
	for _, n := range g.nodes {
		n.loads, n.sets = n.sets, 0
		if n.tensor != nil {
			n.declared = n.tensor.Dtype()
		}
	}
}

// Run implements backend.ComputationBackend: it computes all values that nothing
// else is computed from, and those that the model declares. Its error is an
// *onnx.ErrNotImplemented where the engine does not have an operator.
func (g *Graph) Run() error {
	if g.running == nil {
		r, err := g.start()
		var u *engine.Unsupported
		switch {
		case errors.As(err, &u):
			return &onnx.ErrNotImplemented{Operator: u.Operators[0], Message: u.Error()}
		case err != nil:
			return err
		}
		g.running = r
	}
	return g.running.run()
}

// Close ends the threads of a graph that ran. It may run again.
func (g *Graph) Close() error {
	g.stop()
	return nil
}

func (g *Graph) stop() {
	if g.running != nil {
		g.running.close()
		g.running = nil
	}
}

// inputs are the nodes that no operation makes and that are not constants: those
// declared before anything that is made, as onnx-go does with the inputs of a
// model, and left empty; and those whose tensor was set since.
func (g *Graph) inputs() []*Node {
	first := slices.IndexFunc(g.nodes, func(n *Node) bool { return n.made })
	var list []*Node
	for i, n := range g.nodes {
		if !n.made && n.tensor != nil && n.name != "" && (n.sets > 0 || n.loads == 1 && i < first) {
			list = append(list, n)
		}
	}
	return list
}

// outputs are the made nodes that are read by nothing or that are declared.
func (g *Graph) outputs() []*Node {
	read := map[*Node]bool{}
	for _, o := range g.operations {
		for _, n := range o.in {
			read[n] = true
		}
	}
	var list []*Node
	for _, n := range g.nodes {
		if n.made && n.name != "" && (n.loads > 0 || !read[n]) {
			list = append(list, n)
		}
	}
	return list
}

// running is a graph ready to run.
type running struct {
	session         *engine.Session
	inputs, outputs []*Node
	cleanup         goruntime.Cleanup
}

func (r *running) close() {
	r.cleanup.Stop()
	_ = r.session.Close()
}
