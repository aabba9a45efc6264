package onnxgo

import "gorgonia.org/tensor"

// Node is a value of a Graph. It implements onnx.Namer and onnx.DataCarrier.
type Node struct {
	id     int64
	name   string
	graph  *Graph
	tensor tensor.Tensor
	// declared is the element type that the model gives an input or output.
	declared tensor.Dtype
	// made says that an operation computes the value.
	made bool
	// loads counts the tensors set before the first operation came, sets those
	// since.
	loads, sets int
}

// ID implements graph.Node.
func (n *Node) ID() int64 { return n.id }

// SetName implements onnx.Namer.
func (n *Node) SetName(name string) { n.name = name }

// GetName implements onnx.Namer.
func (n *Node) GetName() string { return n.name }

// SetTensor implements onnx.DataCarrier. What an input's tensor holds when the
// graph runs is what counts.
func (n *Node) SetTensor(t tensor.Tensor) error {
	n.tensor = t
	n.sets++
	// A constant that changes is an input from now on.
	if r := n.graph.running; r != nil && !r.reads(n) {
		n.graph.stop()
	}
	return nil
}

// GetTensor implements onnx.DataCarrier. That of an output is what the last run
// computed.
func (n *Node) GetTensor() tensor.Tensor { return n.tensor }
