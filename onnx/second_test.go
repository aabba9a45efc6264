package onnx_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	onnxgo "github.com/owulveryck/onnx-go"
	"gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/simple"
	"google.golang.org/protobuf/proto"
	"gorgonia.org/tensor"

	"onnxcompress/internal/modelgen"
	"onnxcompress/onnx"
)

// operation is one use of an operator.
type operation struct {
	Name    string
	In, Out []string
}

func (o operation) equal(p operation) bool {
	return o.Name == p.Name && slices.Equal(o.In, p.In) && slices.Equal(o.Out, p.Out)
}

// TestSecondReader reads models with onnx-go too, which shares no code with this
// package: on those within its reach its operators, edges and weights are those
// that this package reads.
func TestSecondReader(t *testing.T) {
	paths, err := filepath.Glob("../testdata/*.onnx")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no shipped models (%v)", err)
	}
	models := map[string][]byte{}
	for _, path := range paths {
		if models[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	for seed := range uint64(150) {
		if models[fmt.Sprintf("seed=%d", seed)], err = proto.Marshal(modelgen.Blocks(seed)); err != nil {
			t.Fatal(err)
		}
	}
	within := 0
	for name, b := range models {
		var theirs recorder
		if err := theirs.read(b); err != nil {
			continue
		}
		within++
		t.Run(name, func(t *testing.T) { sameReading(t, b, &theirs) })
	}
	if within < len(models)/2 {
		t.Errorf("only %d of %d models are within its reach", within, len(models))
	}
}

func sameReading(t *testing.T, b []byte, theirs *recorder) {
	m, err := onnx.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	var nodes []operation
	for _, n := range m.Proto.GetGraph().GetNode() {
		o := operation{n.GetOpType(), n.GetInput(), n.GetOutput()}
		if len(o.In) == 0 {
			o.In = []string{n.GetName() + "/input"} // the second reader gives every node an input
		}
		nodes = append(nodes, o)
	}
	if !slices.EqualFunc(nodes, theirs.operations, operation.equal) {
		t.Errorf("nodes are %v, and by the second reader %v", nodes, theirs.operations)
	}
	for _, w := range m.Proto.GetGraph().GetInitializer() {
		data, err := m.Data(w)
		if err != nil {
			t.Fatal(err)
		}
		if read := theirs.weight(w.GetName()); !bytes.Equal(read, data) {
			t.Errorf("weight %q of %d bytes is one of %d by the second reader", w.GetName(), len(data), len(read))
		}
	}
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
	return onnxgo.NewModel(r).UnmarshalBinary(b)
}

// weight is the content of a value as it is stored, nil where it has none.
func (r *recorder) weight(name string) []byte {
	v := r.values[name]
	if v == nil || v.content == nil {
		return nil
	}
	var data bytes.Buffer
	if err := binary.Write(&data, binary.LittleEndian, v.content.Data()); err != nil {
		return nil
	}
	return data.Bytes()
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

// ApplyOperation implements onnxgo.OperationCarrier.
func (r *recorder) ApplyOperation(o onnxgo.Operation, outputs ...graph.Node) error {
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
