// Package modeltext reads small models that tests write as text, a line for
// each node:
//
//	input x N,3,8,8
//	a = Conv x w[16,3,3,3] w[16] ; pads=[1,1,1,1]
//	b, c = Split a i[8,8] ; axis=1
//	output c
//
// Letters in shapes are free dimensions. An operand is the name of a value, or
// w[shape] for random weights, p[shape] for positive ones, i[numbers] for an int64
// vector, f[number] for a float scalar, - for none; name:w[shape] names it for
// other nodes. Attributes are integers, floats (with a point), [lists] or strings.
package modeltext

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// Parse reads a model of that opset. Weights follow from the seed.
func Parse(text string, opset int64, seed uint64) (*onnx.ModelProto, error) {
	p := &parser{g: &onnx.GraphProto{Name: proto.String("text")}, rng: rand.New(rand.NewPCG(seed, 1))}
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("line %d: %q: %w", i+1, line, err)
		}
	}
	return &onnx.ModelProto{
		IrVersion: proto.Int64(8), Graph: p.g,
		OpsetImport: []*onnx.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(opset)}},
	}, nil
}

type parser struct {
	g   *onnx.GraphProto
	rng *rand.Rand
}

func (p *parser) line(line string) error {
	if rest, ok := strings.CutPrefix(line, "input "); ok {
		name, shape, _ := strings.Cut(rest, " ")
		p.g.Input = append(p.g.Input, declare(name, shape))
		return nil
	}
	if rest, ok := strings.CutPrefix(line, "output "); ok {
		p.g.Output = append(p.g.Output, declare(rest, ""))
		return nil
	}
	left, right, ok := strings.Cut(line, " = ")
	if !ok {
		return fmt.Errorf("neither input, output nor node")
	}
	call, attrs, _ := strings.Cut(right, ";")
	words := strings.Fields(call)
	n := &onnx.NodeProto{OpType: proto.String(words[0])}
	for _, out := range strings.Split(left, ",") {
		n.Output = append(n.Output, strings.TrimSpace(out))
	}
	n.Name = proto.String(n.Output[0])
	for _, w := range words[1:] {
		name, err := p.operand(w)
		if err != nil {
			return err
		}
		n.Input = append(n.Input, name)
	}
	for _, a := range strings.Fields(attrs) {
		name, value, _ := strings.Cut(a, "=")
		n.Attribute = append(n.Attribute, attribute(name, value))
	}
	p.g.Node = append(p.g.Node, n)
	return nil
}

func declare(name, shape string) *onnx.ValueInfoProto {
	t := &onnx.TypeProto_Tensor{ElemType: proto.Int32(int32(tensor.Float32))}
	if kind, rest, ok := strings.Cut(shape, ":"); ok && kind == "int64" {
		t.ElemType, shape = proto.Int32(int32(tensor.Int64)), rest
	}
	if shape != "" {
		t.Shape = &onnx.TensorShapeProto{}
		for _, d := range strings.Split(shape, ",") {
			dim := &onnx.TensorShapeProto_Dimension{Value: &onnx.TensorShapeProto_Dimension_DimParam{DimParam: d}}
			if v, err := strconv.ParseInt(d, 10, 64); err == nil {
				dim.Value = &onnx.TensorShapeProto_Dimension_DimValue{DimValue: v}
			}
			t.Shape.Dim = append(t.Shape.Dim, dim)
		}
	}
	return &onnx.ValueInfoProto{Name: proto.String(name), Type: &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{TensorType: t}}}
}

// operand names a value, after making it a constant where it is one.
func (p *parser) operand(word string) (string, error) {
	if word == "-" {
		return "", nil
	}
	name, constant, named := strings.Cut(word, ":")
	if !named {
		constant = word
	}
	kind, list, ok := strings.Cut(strings.TrimSuffix(constant, "]"), "[")
	if !ok {
		return word, nil
	}
	if !named {
		name = fmt.Sprintf("%s%d", kind, len(p.g.Initializer))
	}
	t, err := p.constant(kind, list)
	if err != nil {
		return "", err
	}
	t.Name = proto.String(name)
	p.g.Initializer = append(p.g.Initializer, t)
	return name, nil
}

func (p *parser) constant(kind, list string) (*onnx.TensorProto, error) {
	if kind == "f" {
		v, err := strconv.ParseFloat(list, 32)
		return &onnx.TensorProto{DataType: proto.Int32(int32(tensor.Float32)), FloatData: []float32{float32(v)}}, err
	}
	var numbers []int64
	for _, d := range strings.Split(list, ",") {
		v, err := strconv.ParseInt(d, 10, 64)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, v)
	}
	if kind == "i" {
		return &onnx.TensorProto{DataType: proto.Int32(int32(tensor.Int64)), Dims: []int64{int64(len(numbers))}, Int64Data: numbers}, nil
	}
	count, err := tensor.Count(numbers)
	if err != nil {
		return nil, err
	}
	data := make([]float32, count)
	scale := math.Sqrt(2 * float64(numbers[0]) / float64(max(count, 1)))
	for i := range data {
		data[i] = float32(p.rng.NormFloat64() * scale)
		if len(numbers) == 1 {
			data[i] = float32(p.rng.NormFloat64())
		}
		if kind == "p" {
			data[i] = float32(0.5 + p.rng.Float64())
		}
	}
	return &onnx.TensorProto{DataType: proto.Int32(int32(tensor.Float32)), Dims: numbers, FloatData: data}, nil
}

func attribute(name, value string) *onnx.AttributeProto {
	a := &onnx.AttributeProto{Name: proto.String(name)}
	if list, ok := strings.CutPrefix(value, "["); ok {
		a.Type = onnx.AttributeProto_INTS.Enum()
		for _, d := range strings.Split(strings.TrimSuffix(list, "]"), ",") {
			v, _ := strconv.ParseInt(d, 10, 64)
			a.Ints = append(a.Ints, v)
		}
		return a
	}
	if v, err := strconv.ParseInt(value, 10, 64); err == nil {
		a.Type, a.I = onnx.AttributeProto_INT.Enum(), proto.Int64(v)
	} else if v, err := strconv.ParseFloat(value, 32); err == nil {
		a.Type, a.F = onnx.AttributeProto_FLOAT.Enum(), proto.Float32(float32(v))
	} else {
		a.Type, a.S = onnx.AttributeProto_STRING.Enum(), []byte(value)
	}
	return a
}
