package modelgen

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// name invents a name.
func (g *generator) name(base string) string {
	g.count++
	return fmt.Sprintf("%s_%d", base, g.count)
}

// nodes adds a node with n outputs and returns their names.
func (g *generator) nodes(opType string, in []string, n int, attrs ...*onnx.AttributeProto) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = g.name(opType)
	}
	g.graph.Node = append(g.graph.Node, &onnx.NodeProto{
		OpType: proto.String(opType), Name: proto.String(g.name("node")), Input: in, Output: out, Attribute: attrs,
	})
	return out
}

// node adds a node with one output.
func (g *generator) node(opType string, in []string, attrs ...*onnx.AttributeProto) string {
	return g.nodes(opType, in, 1, attrs...)[0]
}

// attr is an attribute of the type that v has.
func attr(name string, v any) *onnx.AttributeProto {
	a := &onnx.AttributeProto{Name: proto.String(name)}
	switch v := v.(type) {
	case int:
		a.Type, a.I = onnx.AttributeProto_INT.Enum(), proto.Int64(int64(v))
	case int64:
		a.Type, a.I = onnx.AttributeProto_INT.Enum(), proto.Int64(v)
	case float32:
		a.Type, a.F = onnx.AttributeProto_FLOAT.Enum(), proto.Float32(v)
	case string:
		a.Type, a.S = onnx.AttributeProto_STRING.Enum(), []byte(v)
	case []int64:
		a.Type, a.Ints = onnx.AttributeProto_INTS.Enum(), v
	case []float32:
		a.Type, a.Floats = onnx.AttributeProto_FLOATS.Enum(), v
	case []string:
		a.Type = onnx.AttributeProto_STRINGS.Enum()
		for _, s := range v {
			a.Strings = append(a.Strings, []byte(s))
		}
	case *onnx.TensorProto:
		a.Type, a.T = onnx.AttributeProto_TENSOR.Enum(), v
	case *onnx.GraphProto:
		a.Type, a.G = onnx.AttributeProto_GRAPH.Enum(), v
	default:
		panic(fmt.Sprintf("modelgen: attribute %s of type %T", name, v))
	}
	return a
}

func tensorProto(dt tensor.DType, shape []int64, data []byte) *onnx.TensorProto {
	return &onnx.TensorProto{DataType: proto.Int32(int32(dt)), Dims: shape, RawData: data}
}

func bytesOf(v []float32) []byte {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

func bytesOfInts(v []int64) []byte {
	b := make([]byte, 0, 8*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint64(b, uint64(x))
	}
	return b
}

// initializer adds a constant of the graph.
func (g *generator) initializer(t *onnx.TensorProto) string {
	t.Name = proto.String(g.name("const"))
	g.graph.Initializer = append(g.graph.Initializer, t)
	if g.listed {
		g.graph.Input = append(g.graph.Input, declare(val{t.GetName(), t.GetDims()}, tensor.DType(t.GetDataType())))
	}
	return t.GetName()
}

// constant adds a constant: an initializer, or the output of a Constant node.
func (g *generator) constant(t *onnx.TensorProto) string {
	if g.chance(20) {
		return g.node("Constant", nil, attr("value", t))
	}
	return g.initializer(t)
}

// ints is a constant list of integers.
func (g *generator) ints(v ...int64) string {
	return g.constant(tensorProto(tensor.Int64, []int64{int64(len(v))}, bytesOfInts(v)))
}

// int is a constant integer without dimensions.
func (g *generator) int(v int64) string {
	return g.constant(tensorProto(tensor.Int64, nil, bytesOfInts([]int64{v})))
}

// scalar is a constant number, without dimensions or as a list of one.
func (g *generator) scalar(x float32) string {
	if g.opset >= 12 && g.chance(10) {
		return g.node("Constant", nil, attr("value_float", x))
	}
	var shape []int64
	if g.chance(30) {
		shape = []int64{1}
	}
	return g.constant(tensorProto(tensor.Float32, shape, bytesOf([]float32{x})))
}

// scalarFor is a scalar that does not change the rank of x.
func (g *generator) scalarFor(x val, c float32) string {
	if x.rank() == 0 {
		return g.zeroDim(c)
	}
	return g.scalar(c)
}

// zeroDim is a constant number without dimensions.
func (g *generator) zeroDim(x float32) string {
	return g.constant(tensorProto(tensor.Float32, nil, bytesOf([]float32{x})))
}

// normals draws n numbers from a normal distribution.
func (g *generator) normals(n int64, mean, deviation float64) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(mean + deviation*g.NormFloat64())
	}
	return v
}

// positive draws n numbers of at least a half.
func (g *generator) positive(n int64) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(0.5 + g.Float64())
	}
	return v
}

func (g *generator) floats(shape []int64, v []float32) string {
	return g.constant(tensorProto(tensor.Float32, shape, bytesOf(v)))
}

func count(shape []int64) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return n
}

// vector is a trained vector of n numbers, sometimes one that exists already.
func (g *generator) vector(n int64) string { return g.bias([]int64{n}) }

// bias is a trained tensor of any shape, to be added or multiplied.
func (g *generator) bias(shape []int64) string {
	key := fmt.Sprint("vector", shape)
	if list := g.weights[key]; len(list) > 0 && g.chance(10) {
		return pick(g, list)
	}
	name := g.floats(shape, g.normals(count(shape), 0.2, 0.7))
	g.weights[key] = append(g.weights[key], name)
	return name
}

// declare is the declaration of a value as an input or output.
func declare(v val, dt tensor.DType) *onnx.ValueInfoProto {
	shape := &onnx.TensorShapeProto{}
	for _, d := range v.shape {
		dim := &onnx.TensorShapeProto_Dimension{Value: &onnx.TensorShapeProto_Dimension_DimValue{DimValue: d}}
		if d < 0 {
			symbol := map[int64]string{freeBatch: "batch", freeSteps: "steps", merged: "rows"}[d]
			dim.Value = &onnx.TensorShapeProto_Dimension_DimParam{DimParam: symbol}
		}
		shape.Dim = append(shape.Dim, dim)
	}
	return &onnx.ValueInfoProto{Name: proto.String(v.name), Type: &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{
		TensorType: &onnx.TypeProto_Tensor{ElemType: proto.Int32(int32(dt)), Shape: shape},
	}}}
}

// input adds a graph input.
func (g *generator) input(dt tensor.DType, shape ...int64) val {
	v := val{g.name("input"), shape}
	g.graph.Input = append(g.graph.Input, declare(v, dt))
	return v
}

// output makes v a graph output, under a name of its own.
func (g *generator) output(v val, dt tensor.DType) {
	named := val{g.node("Identity", []string{v.name}), v.shape}
	g.graph.Output = append(g.graph.Output, declare(named, dt))
}
