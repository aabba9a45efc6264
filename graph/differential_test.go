package graph_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph/tensor"
	"onnxcompress/internal/ortest"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
)

func TestMain(m *testing.M) { ortest.Main(m) }

// trial is one node with the contents of its inputs.
type trial struct {
	op      string
	version int64
	attrs   map[string]any
	outputs int
	in      []*tensor.Tensor
	// back casts the output to float32: what has a type that onnxruntime does
	// not hand out can be seen so.
	back bool
}

// node is a trial of one node.
func node(op string, version int64, attrs map[string]any, outputs int, in []*tensor.Tensor) trial {
	return trial{op: op, version: version, attrs: attrs, outputs: outputs, in: in}
}

// seen is a trial of which the output is cast to float32.
func (x trial) seen() trial {
	x.back = true
	return x
}

// model makes a model of the node alone.
func (x trial) model() *onnx.ModelProto {
	domain, name, found := strings.Cut(x.op, ":")
	if !found {
		domain, name = "", x.op
	}
	node := &onnx.NodeProto{OpType: proto.String(name), Domain: proto.String(domain)}
	g := &onnx.GraphProto{Name: proto.String("trial"), Node: []*onnx.NodeProto{node}}
	for i, t := range x.in {
		if t == nil {
			node.Input = append(node.Input, "")
			continue
		}
		input := fmt.Sprintf("x%d", i)
		node.Input = append(node.Input, input)
		shape := &onnx.TensorShapeProto{}
		for _, d := range t.Shape {
			shape.Dim = append(shape.Dim, &onnx.TensorShapeProto_Dimension{Value: &onnx.TensorShapeProto_Dimension_DimValue{DimValue: d}})
		}
		g.Input = append(g.Input, &onnx.ValueInfoProto{Name: proto.String(input), Type: &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{
			TensorType: &onnx.TypeProto_Tensor{ElemType: proto.Int32(int32(t.DType)), Shape: shape},
		}}})
	}
	for i := range max(x.outputs, 1) {
		output := fmt.Sprintf("y%d", i)
		node.Output = append(node.Output, output)
		g.Output = append(g.Output, &onnx.ValueInfoProto{Name: proto.String(output)})
	}
	if x.back {
		g.Node = append(g.Node, &onnx.NodeProto{
			OpType: proto.String("Cast"), Input: []string{"hidden"}, Output: node.Output,
			Attribute: []*onnx.AttributeProto{attributeOf("to", int(tensor.Float32))},
		})
		node.Output = []string{"hidden"}
	}
	for name, value := range x.attrs {
		node.Attribute = append(node.Attribute, attributeOf(name, value))
	}
	opsets := []*onnx.OperatorSetIdProto{{Domain: proto.String(domain), Version: proto.Int64(x.version)}}
	if domain != "" {
		opsets = append(opsets, &onnx.OperatorSetIdProto{Domain: proto.String(""), Version: proto.Int64(17)})
	}
	return &onnx.ModelProto{IrVersion: proto.Int64(10), Graph: g, OpsetImport: opsets}
}

func attributeOf(name string, value any) *onnx.AttributeProto {
	a := &onnx.AttributeProto{Name: proto.String(name)}
	kind := onnx.AttributeProto_UNDEFINED
	switch v := value.(type) {
	case int:
		a.I, kind = proto.Int64(int64(v)), onnx.AttributeProto_INT
	case float64:
		a.F, kind = proto.Float32(float32(v)), onnx.AttributeProto_FLOAT
	case string:
		a.S, kind = []byte(v), onnx.AttributeProto_STRING
	case []int64:
		a.Ints, kind = v, onnx.AttributeProto_INTS
	case []float32:
		a.Floats, kind = v, onnx.AttributeProto_FLOATS
	case []string:
		for _, s := range v {
			a.Strings = append(a.Strings, []byte(s))
		}
		kind = onnx.AttributeProto_STRINGS
	default:
		panic(fmt.Sprintf("attribute %s is a %T", name, value))
	}
	a.Type = kind.Enum()
	return a
}

// refusals are how onnxruntime says that it lacks a kernel for some types, or a
// locale.
var refusals = []string{"NOT_IMPLEMENTED", "Could not find an implementation", "Type Error", "Type 'tensor", "Failed to construct locale"}

// check compares what the node gives here with what onnxruntime gives; ran is
// false where onnxruntime has no kernel for it.
func (x trial) check(t *testing.T) (ran bool) {
	t.Helper()
	p := x.model()
	s, err := ortest.Open(t.TempDir(), p)
	if err != nil {
		if slices.ContainsFunc(refusals, func(s string) bool { return strings.Contains(err.Error(), s) }) {
			return false
		}
		t.Fatal(err)
	}
	defer s.Close()
	feeds := map[string]*tensor.Tensor{}
	for i, in := range x.in {
		if in != nil {
			feeds[fmt.Sprintf("x%d", i)] = in
		}
	}
	want, failed := s.Run(feeds)
	engine, err := runtime.Open(ortest.Model(t, p), runtime.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	got, err := engine.Run(feeds)
	if failed != nil {
		if err == nil {
			t.Logf("onnxruntime refuses what is evaluated here: %v", failed)
		}
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	for name := range got {
		same(t, want[name], got[name])
	}
	if t.Failed() {
		t.Logf("attributes: %v", x.attrs)
		for i, in := range x.in {
			t.Logf("input %d: %v", i, show(in))
		}
		for name := range got {
			t.Logf("output %s: %v, onnxruntime %v", name, show(got[name]), show(want[name]))
		}
	}
	return true
}

func show(t *tensor.Tensor) string {
	switch {
	case t == nil:
		return "none"
	case t.DType == tensor.String:
		return fmt.Sprintf("%v%v %q", t.DType, t.Shape, t.Strings)
	}
	return fmt.Sprintf("%v%v %v", t.DType, t.Shape, t.AsFloat64s())
}

// dice draws contents.
type dice struct{ *rand.Rand }

// tensor draws small numbers of a type: halves for floats, so that sums are
// exact.
func (d dice) tensor(dt tensor.DType, shape ...int64) *tensor.Tensor {
	return d.between(dt, -8, 8, shape...)
}

func (d dice) between(dt tensor.DType, low, high int, shape ...int64) *tensor.Tensor {
	t := tensor.New(dt, shape...)
	for i := range t.Len() {
		x := float64(low + d.IntN(high-low+1))
		switch dt {
		case tensor.String:
			t.Strings[i] = []byte{"abcdefgh"[d.IntN(8)]}
			continue
		case tensor.Bool:
			x = float64(d.IntN(2))
		case tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16:
			x += float64(d.IntN(2)) / 2
		case tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64, tensor.Uint4, tensor.Uint2:
			x = math.Abs(x)
		}
		t.Set(i, x)
	}
	return t
}

// extremes are the largest numbers of a type, and their neighbours.
func (d dice) extremes(dt tensor.DType, shape ...int64) *tensor.Tensor {
	t := tensor.New(dt, shape...)
	for i := range t.Data {
		t.Data[i] = []byte{0xff, 0xff, 0x7f, 0x80, 0x00, 0x01}[d.IntN(6)]
	}
	return t
}

func (d dice) floats(count int) []float32 {
	v := make([]float32, count)
	for i := range v {
		v[i] = float32(d.IntN(33)-16) / 8
	}
	return v
}

// scalar is a tensor without dimensions.
func scalar(dt tensor.DType, x float64) *tensor.Tensor { return tensor.Scalar(dt, x) }

var (
	wholes = []tensor.DType{
		tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64, tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64,
	}
	floats  = []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16}
	numbers = slices.Concat(wholes, floats)
)

// differential holds families of trials: one function for each, which gives
// another trial for each draw.
func differential(t *testing.T, families map[string]func(d dice) trial) {
	const draws = 12
	for name, family := range families {
		t.Run(name, func(t *testing.T) {
			ran, refused := 0, 0
			for seed := range uint64(draws) {
				x := family(dice{rand.New(rand.NewPCG(seed, 7))})
				t.Run(fmt.Sprint(seed), func(t *testing.T) {
					if x.check(t) {
						ran++
					} else {
						refused++
					}
				})
			}
			if ran == 0 {
				t.Errorf("onnxruntime ran none of %d draws", draws)
			}
			t.Logf("%d ran, %d refused", ran, refused)
		})
	}
}

func one[T any](d dice, list ...T) T { return list[d.IntN(len(list))] }

// same holds an evaluated value against that of onnxruntime.
func same(t *testing.T, want, got *tensor.Tensor) {
	t.Helper()
	switch {
	case want == nil:
		return
	case got == nil:
		t.Errorf("gives nothing")
		return
	case want.Kind != got.Kind || len(want.Items) != len(got.Items):
		t.Errorf("gives kind %v of %d items, want %v of %d", got.Kind, len(got.Items), want.Kind, len(want.Items))
		return
	}
	for i := range want.Items {
		same(t, want.Items[i], got.Items[i])
	}
	if want.Kind != tensor.Dense {
		return
	}
	if want.DType != got.DType || !slices.Equal(want.Shape, got.Shape) {
		t.Errorf("gives %v%v, want %v%v", got.DType, got.Shape, want.DType, want.Shape)
		return
	}
	if at, x, y := difference(want, got); at >= 0 {
		t.Errorf("has %v at %d, want %v", y, at, x)
	}
}
