package pass_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/compress/dataset"
	"onnxcompress/graph/pass"
	"onnxcompress/graph/tensor"
	"onnxcompress/internal/ortest"
	"onnxcompress/onnx"
	"onnxcompress/runtime/ort"
)

func TestMain(m *testing.M) { ortest.Main(m) }

// rewriteCase is a small graph and the operators that are left of it.
type rewriteCase struct {
	name  string
	graph small
	want  string
}

// small describes a model: inputs as "x:N,3,8", where letters are free
// dimensions, constants by name, nodes as node makes them, outputs by name. All
// inputs and outputs are float32.
type small struct {
	opset, ir int64
	inputs    []string
	outputs   []string
	constants map[string]*tensor.Tensor
	nodes     []*onnx.NodeProto
}

func (s small) model(t *testing.T) *onnx.Model {
	t.Helper()
	if s.opset == 0 {
		s.opset = 17
	}
	if s.ir == 0 {
		s.ir = 8
	}
	g := &onnx.GraphProto{Name: proto.String("small"), Node: s.nodes}
	for _, text := range s.inputs {
		name, dims, _ := strings.Cut(text, ":")
		g.Input = append(g.Input, declare(name, strings.Split(dims, ",")))
	}
	for _, name := range s.outputs {
		g.Output = append(g.Output, declare(name, nil))
	}
	for name, c := range s.constants {
		p := &onnx.TensorProto{Name: proto.String(name), DataType: proto.Int32(int32(c.DType)), Dims: c.Shape}
		onnx.SetData(p, c.Data)
		g.Initializer = append(g.Initializer, p)
		if s.ir < 4 {
			in := declare(name, []string{})
			in.Type.GetTensorType().ElemType = proto.Int32(int32(c.DType))
			for _, d := range c.Shape {
				in.Type.GetTensorType().Shape.Dim = append(in.Type.GetTensorType().Shape.Dim, dim(fmt.Sprint(d)))
			}
			g.Input = append(g.Input, in)
		}
	}
	return ortest.Model(t, &onnx.ModelProto{
		IrVersion: proto.Int64(s.ir), Graph: g,
		OpsetImport: []*onnx.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(s.opset)}},
	})
}

func declare(name string, dims []string) *onnx.ValueInfoProto {
	tt := &onnx.TypeProto_Tensor{ElemType: proto.Int32(int32(tensor.Float32))}
	if dims != nil {
		tt.Shape = &onnx.TensorShapeProto{}
	}
	for _, d := range dims {
		tt.Shape.Dim = append(tt.Shape.Dim, dim(d))
	}
	return &onnx.ValueInfoProto{Name: proto.String(name), Type: &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{TensorType: tt}}}
}

func dim(text string) *onnx.TensorShapeProto_Dimension {
	if size, err := strconv.ParseInt(text, 10, 64); err == nil {
		return &onnx.TensorShapeProto_Dimension{Value: &onnx.TensorShapeProto_Dimension_DimValue{DimValue: size}}
	}
	return &onnx.TensorShapeProto_Dimension{Value: &onnx.TensorShapeProto_Dimension_DimParam{DimParam: text}}
}

// node makes a node of space-separated inputs and outputs; - is an absent one.
// Attributes are names followed by values.
func node(opType, in, out string, attrs ...any) *onnx.NodeProto {
	n := &onnx.NodeProto{OpType: proto.String(opType), Input: strings.Fields(in), Output: strings.Fields(out)}
	for i, name := range n.Input {
		if name == "-" {
			n.Input[i] = ""
		}
	}
	for i := 0; i < len(attrs); i += 2 {
		a := &onnx.AttributeProto{Name: proto.String(attrs[i].(string))}
		switch v := attrs[i+1].(type) {
		case int:
			a.Type, a.I = onnx.AttributeProto_INT.Enum(), proto.Int64(int64(v))
		case []int64:
			a.Type, a.Ints = onnx.AttributeProto_INTS.Enum(), v
		case []float32:
			a.Type, a.Floats = onnx.AttributeProto_FLOATS.Enum(), v
		case float64:
			a.Type, a.F = onnx.AttributeProto_FLOAT.Enum(), proto.Float32(float32(v))
		case string:
			a.Type, a.S = onnx.AttributeProto_STRING.Enum(), []byte(v)
		case *onnx.GraphProto:
			a.Type, a.G = onnx.AttributeProto_GRAPH.Enum(), v
		case *tensor.Tensor:
			p := &onnx.TensorProto{DataType: proto.Int32(int32(v.DType)), Dims: v.Shape}
			onnx.SetData(p, v.Data)
			a.Type, a.T = onnx.AttributeProto_TENSOR.Enum(), p
		default:
			panic(fmt.Sprintf("attribute of type %T", v))
		}
		n.Attribute = append(n.Attribute, a)
	}
	return n
}

// floats is a constant with numbers that are all different.
func floats(shape ...int64) *tensor.Tensor {
	n, _ := tensor.Count(shape)
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i%17)/8 + 0.5
	}
	return tensor.FromFloat32s(shape, v)
}

func filled(c float32, shape ...int64) *tensor.Tensor {
	n, _ := tensor.Count(shape)
	return tensor.FromFloat32s(shape, slices.Repeat([]float32{c}, int(n)))
}

// check runs passes over the cases.
func check(t *testing.T, cases []rewriteCase, passes ...pass.Pass) {
	t.Helper()
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := c.graph.model(t)
			after := rewritten(t, before, passes...)
			if got := operators(after); got != c.want {
				t.Errorf("left: %s\nwant: %s", got, c.want)
			}
			agree(t, before.Proto, after.Proto, 1e-5, 1)
			agree(t, before.Proto, after.Proto, 1e-5, 6)
		})
	}
}

// rewritten is a rewritten clone, checked for what no rewrite may change.
func rewritten(t *testing.T, before *onnx.Model, passes ...pass.Pass) *onnx.Model {
	t.Helper()
	after := before.Clone()
	t.Cleanup(func() { _ = after.Close() })
	if err := pass.Run(after, passes...); err != nil {
		t.Fatal(err)
	}
	if err := after.Check(); err != nil {
		t.Fatal(err)
	}
	unchanged(t, before.Proto, after.Proto)
	return after
}

// unchanged holds the interface of a rewritten model against the original's.
func unchanged(t *testing.T, p, q *onnx.ModelProto) {
	t.Helper()
	strip := func(m *onnx.ModelProto) *onnx.ModelProto {
		constant := map[string]bool{}
		for _, i := range m.Graph.Initializer {
			constant[i.GetName()] = true
		}
		bare := proto.CloneOf(m)
		g := bare.Graph
		g.Node, g.Initializer, g.SparseInitializer, g.ValueInfo = nil, nil, nil, nil
		g.Input = slices.DeleteFunc(g.Input, func(v *onnx.ValueInfoProto) bool { return constant[v.GetName()] })
		return bare
	}
	if !proto.Equal(strip(p), strip(q)) {
		t.Error("the interface of the model has changed")
	}
}

func operators(m *onnx.Model) string {
	var names []string
	for _, n := range m.Proto.GetGraph().GetNode() {
		names = append(names, n.GetOpType())
	}
	return strings.Join(names, " ")
}

// agree runs both models on one batch; free dimensions have sizes from least.
func agree(t *testing.T, before, after *onnx.ModelProto, tolerance float64, least int64) {
	t.Helper()
	a, err := ortest.Open(t.TempDir(), before)
	if err != nil {
		t.Fatalf("original: %v", err)
	}
	defer a.Close()
	b, err := ortest.Open(t.TempDir(), after)
	if err != nil {
		t.Fatalf("rewritten: %v", err)
	}
	defer b.Close()
	shapes := map[string][]int64{}
	for _, p := range a.Inputs() {
		shape := slices.Clone(p.Shape)
		for axis, d := range shape {
			if d < 0 {
				shape[axis] = least + int64(axis)
			}
		}
		shapes[p.Name] = shape
	}
	in, err := dataset.Random(ortest.Ports(a), shapes, rand.New(rand.NewPCG(uint64(least), 3)))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, a, b, in, tolerance)
}

func compare(t *testing.T, a, b *ort.Session, in map[string]*tensor.Tensor, tolerance float64) {
	t.Helper()
	want, err := a.Run(in)
	if err != nil {
		t.Fatalf("original: %v", err)
	}
	got, err := b.Run(in)
	if err != nil {
		t.Fatalf("rewritten: %v", err)
	}
	if len(want) != len(got) {
		t.Errorf("%d outputs, not %d", len(got), len(want))
	}
	for name, v := range want {
		if e := ort.CompareTensors(name, v, got[name]); !(e.RelError <= tolerance) && !(e.RelError*largest(v) <= tiny) {
			t.Errorf("output %s differs by %.2g", name, e.RelError)
		}
	}
}

// tiny is a difference that is none, however small the output is.
const tiny = 1e-6

func largest(t *tensor.Tensor) float64 {
	most := 0.0
	for _, x := range t.AsFloat64s() {
		most = max(most, math.Abs(x))
	}
	return most
}
