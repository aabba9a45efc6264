// Command secondreader reads models with onnx-go, which shares no code with this
// module, and writes what it found as JSON: a line for each file. It is a program
// of its own because both register ONNX's messages under the same names.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"

	"github.com/owulveryck/onnx-go"
	"gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/simple"
	"gorgonia.org/tensor"
)

// reading is what was found in a file, or the error that it is beyond reach.
type reading struct {
	Error      string            `json:",omitempty"`
	Operations []operation       `json:",omitempty"`
	Weights    map[string][]byte `json:",omitempty"`
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	lines := json.NewEncoder(out)
	for _, path := range os.Args[1:] {
		if err := lines.Encode(read(path)); err != nil {
			fmt.Fprintln(os.Stderr, "secondreader:", err)
			os.Exit(1)
		}
	}
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, "secondreader:", err)
		os.Exit(1)
	}
}

func read(path string) reading {
	b, err := os.ReadFile(path)
	if err != nil {
		return reading{Error: err.Error()}
	}
	var r recorder
	if err := r.read(b); err != nil {
		return reading{Error: err.Error()}
	}
	found := reading{Operations: r.operations, Weights: map[string][]byte{}}
	for name, v := range r.values {
		if v.content == nil {
			continue
		}
		var data bytes.Buffer
		if err := binary.Write(&data, binary.LittleEndian, v.content.Data()); err == nil {
			found.Weights[name] = data.Bytes()
		}
	}
	return found
}

// operation is one use of an operator.
type operation struct {
	Name    string
	In, Out []string
}

// recorder is a backend of onnx-go that writes down what it is told. In its
// graphs values are the nodes, and edges lead from an output to its inputs.
type recorder struct {
	*simple.WeightedDirectedGraph // what is asked of a backend and never used

	values     map[string]*value
	operations []operation
	inputs     map[int64]map[int]string // of an output, by place
	count      int64
}

func (r *recorder) read(b []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the second reader: %v", p)
		}
	}()
	r.WeightedDirectedGraph = simple.NewWeightedDirectedGraph(0, 0)
	r.values, r.inputs = map[string]*value{}, map[int64]map[int]string{}
	return onnx.NewModel(r).UnmarshalBinary(b)
}

// NewNode implements graph.NodeAdder.
func (r *recorder) NewNode() graph.Node {
	r.count++
	return &value{id: r.count}
}

// AddNode implements graph.NodeAdder.
func (r *recorder) AddNode(n graph.Node) {
	v := n.(*value)
	r.values[v.name] = v
}

// NewWeightedEdge implements graph.WeightedEdgeAdder.
func (r *recorder) NewWeightedEdge(from, to graph.Node, weight float64) graph.WeightedEdge {
	return edge{from.(*value), to.(*value), weight}
}

// SetWeightedEdge implements graph.WeightedEdgeAdder.
func (r *recorder) SetWeightedEdge(e graph.WeightedEdge) {
	from := e.From().ID()
	if r.inputs[from] == nil {
		r.inputs[from] = map[int]string{}
	}
	r.inputs[from][int(e.Weight())] = e.To().(*value).name
}

// ApplyOperation implements onnx.OperationCarrier.
func (r *recorder) ApplyOperation(o onnx.Operation, outputs ...graph.Node) error {
	done := operation{Name: o.Name}
	for _, n := range outputs {
		done.Out = append(done.Out, n.(*value).name)
	}
	if len(outputs) > 0 {
		places := r.inputs[outputs[0].ID()]
		for i := range len(places) {
			done.In = append(done.In, places[i])
		}
	}
	r.operations = append(r.operations, done)
	return nil
}

// value is a node of onnx-go's graphs.
type value struct {
	id      int64
	name    string
	content tensor.Tensor
}

func (v *value) ID() int64                       { return v.id }
func (v *value) SetName(name string)             { v.name = name }
func (v *value) GetName() string                 { return v.name }
func (v *value) SetTensor(t tensor.Tensor) error { v.content = t; return nil }
func (v *value) GetTensor() tensor.Tensor        { return v.content }

type edge struct {
	from, to *value
	weight   float64
}

func (e edge) From() graph.Node         { return e.from }
func (e edge) To() graph.Node           { return e.to }
func (e edge) ReversedEdge() graph.Edge { return edge{e.to, e.from, e.weight} }
func (e edge) Weight() float64          { return e.weight }
