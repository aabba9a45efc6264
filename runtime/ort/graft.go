package ort

import (
	"fmt"
	"io"
	"os"

	"onnxcompress/graph/tensor"
)

// maxModel is the most bytes that one protobuf message holds.
const maxModel = 1<<31 - 1

// graftName marks the values a graft adds, apart from any of the model's own.
const graftName = "onnxcompress.ort/"

// graft is what a model gets appended so that every value can pass the binding,
// which takes no model without inputs and returns neither scalars nor 16-bit
// floats: the first get an input that nothing reads, scalars are read as a
// vector and a shape, 16-bit floats as float32, which holds them exactly.
type graft struct {
	bytes           []byte // a ModelProto; appended to a serialized one, it is merged
	inputs, outputs []string
	reads           []read // by output of the model
}

// read says at which of a graft's outputs a model's output is found.
type read struct {
	value, shape int // shape is -1 where the value comes in its own shape
}

func newGraft(in, out []Port) graft {
	var g graft
	var graph []byte
	for _, p := range in {
		g.inputs = append(g.inputs, p.Name)
	}
	if len(in) == 0 {
		g.inputs = []string{graftName + "input"}
		graph = appendMessage(graph, fieldGraphInput, valueInfo(g.inputs[0], tensor.Float32))
	}
	for _, p := range out {
		r := read{value: len(g.outputs), shape: -1}
		name, dtype := p.Name, p.DType
		if dtype == tensor.Float16 || dtype == tensor.BFloat16 {
			name, dtype = graftName+p.Name+"/float32", tensor.Float32
			graph = appendMessage(graph, fieldGraphNode, node("Cast", name, intAttribute("to", int64(dtype)), p.Name))
			graph = appendMessage(graph, fieldGraphOutput, valueInfo(name, dtype))
		}
		g.outputs = append(g.outputs, name)
		if len(p.Shape) == 0 && dtype != tensor.Undefined && dtype != tensor.String {
			r.shape = len(g.outputs)
			vector, shape := graftName+p.Name+"/vector", graftName+p.Name+"/shape"
			graph = append(graph, flatten(name, vector, shape, dtype)...)
			g.outputs[r.value] = vector
			g.outputs = append(g.outputs, shape)
		}
		g.reads = append(g.reads, r)
	}
	if len(graph) > 0 {
		g.bytes = appendMessage(nil, fieldModelGraph, graph)
	}
	return g
}

// flatten is a piece of GraphProto that makes outputs of name's elements as a
// vector and of its shape.
func flatten(name, vector, shape string, dtype tensor.DType) []byte {
	rest := appendInt(nil, fieldTensorDims, 1)
	rest = appendInt(rest, fieldTensorType, int64(tensor.Int64))
	rest = appendInt(rest, fieldTensorInt64s, -1)
	constant := appendInt(nil, fieldAttributeType, attributeTensor)
	constant = appendString(constant, fieldAttributeName, "value")
	constant = appendMessage(constant, fieldAttributeTensor, rest)
	graph := appendMessage(nil, fieldGraphNode, node("Constant", vector+"/shape", constant))
	graph = appendMessage(graph, fieldGraphNode, node("Reshape", vector, nil, name, vector+"/shape"))
	graph = appendMessage(graph, fieldGraphNode, node("Shape", shape, nil, name))
	graph = appendMessage(graph, fieldGraphOutput, valueInfo(vector, dtype))
	return appendMessage(graph, fieldGraphOutput, valueInfo(shape, tensor.Int64))
}

// readModel reads a model file whole, up to the size onnxruntime can parse.
func readModel(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxModel+1))
	if err == nil && len(b) > maxModel {
		err = fmt.Errorf("%s is larger than 2 GiB", path)
	}
	return b, err
}
