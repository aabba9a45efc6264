// Package graph is the IR: a model's main graph as nodes and values, with
// what can be inferred of them. It reads the protobuf and never changes it;
// what is written back is built from the protobuf, so that an untouched node
// is written as it was.
package graph

import (
	"onnxcompress/graph/op"
	"onnxcompress/onnx"
)

// Value is a tensor of the main graph: an input, an initializer or an output
// of a node.
type Value struct {
	Name string
	// ID is the value's place in Graph.Values.
	ID int
	// Producer is the node that computes the value and Index the output it
	// is; Producer is nil for inputs and initializers.
	Producer *Node
	Index    int
	// Init is the initializer, nil for other values. An initializer that is
	// also listed as a graph input is a default that callers may override: it
	// is an input and Init is nil where the model's IR version says so.
	Init *onnx.TensorProto
	// Sparse says that the value is a sparse initializer, whose content is
	// not decoded.
	Sparse *onnx.SparseTensorProto
	// Type is the declared type, nil where there is none.
	Type *onnx.TypeProto
	// Uses are the inputs that read the value, in node order. Captures by
	// subgraphs and graph outputs are not among them.
	Uses []Use
	// Captured says that a subgraph of some node reads the value by name.
	Captured bool
	// Input and Output say that the value is one of the graph's.
	Input, Output bool
}

// Use is one reader of a value: input Slot of Node.
type Use struct {
	Node *Node
	Slot int
}

// Node is one node of the main graph.
type Node struct {
	// Index is the node's place in Graph.Nodes, a topological order.
	Index int
	Proto *onnx.NodeProto
	// Spec is the operator's meaning, nil for an operator, a domain or a
	// local function that the table does not know.
	Spec *op.Spec
	// Function says that the node calls a function of the model.
	Function bool
	// In and Out hold nil for an absent optional input or output.
	In, Out []*Value
	// Captures are the values that the node's subgraphs read by name.
	Captures []*Value

	graph   *Graph
	attrs   op.Attrs
	version int
	// limit bounds the elements of a constant that the node may compute.
	limit int64
}

// Label names the node in messages: its operator and its name, or the name of
// its first output.
func (n *Node) Label() string {
	name := n.Proto.GetName()
	if name == "" {
		for _, out := range n.Out {
			if out != nil {
				name = out.Name
				break
			}
		}
	}
	return n.Proto.GetOpType() + " " + name
}

// Graph is the main graph of a model.
type Graph struct {
	Model *onnx.Model
	// Nodes are in topological order.
	Nodes  []*Node
	Values []*Value
	// Inputs are the graph inputs that a caller must give, in order.
	Inputs  []*Value
	Outputs []*Value
	// Captures are, of a body, the outer values that it reads: the last of
	// Inputs, by the names they have outside.
	Captures []*Value

	byName    map[string]*Value
	opsets    map[string]int
	functions map[string]bool
}

// Value returns the value of that name, nil if there is none.
func (g *Graph) Value(name string) *Value { return g.byName[name] }

// Opset returns the version of a domain that the model imports, 0 if none.
func (g *Graph) Opset(domain string) int { return g.opsets[canonical(domain)] }

func canonical(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}
