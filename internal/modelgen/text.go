package modelgen

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// Text builds the model that a few lines describe, for tables of small graphs:
//
//	input x 2 3 8 8
//	y = Conv x w:8,3,3,3 b:8 pads=1,1,1,1
//	a, b = Split y sizes#4,4 axis=1
//	output a
//
// An operand name:dims is a random weight and name#values a list of integers;
// both are made where they are first named, and read again by the name alone.
// name@values is a list of floats, a single number one without dimensions, and
// "-" an absent operand. An input of integers is "ids x 2 5"; a dimension that
// is a word is free. Attributes are numbers, lists of numbers, or words. A
// line that makes no sense panics: the text is part of a test.
func Text(opset int, text string) *onnx.ModelProto {
	g := &textual{
		generator: &generator{Rand: rand.New(rand.NewPCG(1, 2)), opset: opset, graph: &onnx.GraphProto{Name: proto.String("text")}},
		known:     map[string]bool{},
	}
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 {
			g.line(words)
		}
	}
	return g.model()
}

type textual struct {
	*generator
	known map[string]bool
}

func (g *textual) line(words []string) {
	switch words[0] {
	case "input", "ids":
		dt := tensor.Float32
		if words[0] == "ids" {
			dt = tensor.Int64
		}
		g.graph.Input = append(g.graph.Input, port(words[1], dt, words[2:]))
	case "output":
		g.graph.Output = append(g.graph.Output, &onnx.ValueInfoProto{Name: proto.String(words[1]), Type: &onnx.TypeProto{
			Value: &onnx.TypeProto_TensorType{TensorType: &onnx.TypeProto_Tensor{ElemType: proto.Int32(int32(tensor.Float32))}},
		}})
	default:
		g.assignment(words)
	}
}

func port(name string, dt tensor.DType, dims []string) *onnx.ValueInfoProto {
	shape := &onnx.TensorShapeProto{}
	for _, d := range dims {
		dim := &onnx.TensorShapeProto_Dimension{Value: &onnx.TensorShapeProto_Dimension_DimParam{DimParam: d}}
		if n, err := strconv.ParseInt(d, 10, 64); err == nil {
			dim.Value = &onnx.TensorShapeProto_Dimension_DimValue{DimValue: n}
		}
		shape.Dim = append(shape.Dim, dim)
	}
	return &onnx.ValueInfoProto{Name: proto.String(name), Type: &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{
		TensorType: &onnx.TypeProto_Tensor{ElemType: proto.Int32(int32(dt)), Shape: shape},
	}}}
}

func (g *textual) assignment(words []string) {
	n := &onnx.NodeProto{}
	for words[0] != "=" {
		n.Output = append(n.Output, strings.TrimSuffix(words[0], ","))
		words = words[1:]
	}
	n.OpType, n.Name = proto.String(words[1]), proto.String(n.Output[0])
	for _, word := range words[2:] {
		if name, value, ok := strings.Cut(word, "="); ok {
			n.Attribute = append(n.Attribute, attr(name, literal(value)))
			continue
		}
		n.Input = append(n.Input, g.operand(word))
	}
	g.graph.Node = append(g.graph.Node, n)
}

func (g *textual) operand(word string) string {
	if word == "-" {
		return ""
	}
	at := strings.IndexAny(word, ":#@")
	if at < 0 || g.known[word[:at]] {
		return word
	}
	name, list := word[:at], word[at+1:]
	g.known[name] = true
	t := g.tensor(word[at], list)
	t.Name = proto.String(name)
	g.graph.Initializer = append(g.graph.Initializer, t)
	return name
}

// tensor is a constant as the mark before its list says.
func (g *textual) tensor(mark byte, list string) *onnx.TensorProto {
	if mark == '@' {
		v := floatsOf(list)
		shape := []int64{int64(len(v))}
		if len(v) == 1 {
			shape = nil
		}
		return tensorProto(tensor.Float32, shape, bytesOf(v))
	}
	ints := intsOf(list)
	if mark == '#' {
		return tensorProto(tensor.Int64, []int64{int64(len(ints))}, bytesOfInts(ints))
	}
	return tensorProto(tensor.Float32, ints, bytesOf(g.normals(count(ints), 0.1, 0.5)))
}

// literal is an attribute's value: an integer, a float, a list or a word.
func literal(s string) any {
	if strings.Contains(s, ",") {
		return intsOf(strings.TrimSuffix(s, ","))
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(s, 32); err == nil {
		return float32(f)
	}
	return s
}

func intsOf(list string) []int64 {
	var v []int64
	for part := range strings.SplitSeq(list, ",") {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			panic(fmt.Sprintf("modelgen: %q is no list of integers", list))
		}
		v = append(v, n)
	}
	return v
}

func floatsOf(list string) []float32 {
	var v []float32
	for part := range strings.SplitSeq(list, ",") {
		f, err := strconv.ParseFloat(part, 32)
		if err != nil {
			panic(fmt.Sprintf("modelgen: %q is no list of numbers", list))
		}
		v = append(v, float32(f))
	}
	return v
}
