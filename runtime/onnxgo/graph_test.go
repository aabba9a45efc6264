package onnxgo_test

import (
	"errors"
	"math"
	"os"
	"testing"

	"github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend"
	"google.golang.org/protobuf/proto"
	"gorgonia.org/tensor"

	ours "onnxcompress/graph/tensor"
	format "onnxcompress/onnx"
	"onnxcompress/runtime"
	"onnxcompress/runtime/onnxgo"
)

var _ backend.ComputationBackend = onnxgo.NewGraph()

// TestModel: a trained network gives through onnx-go what it gives without.
func TestModel(t *testing.T) {
	b, err := os.ReadFile("../../testdata/resnet8_digits.onnx")
	if err != nil {
		t.Fatal(err)
	}
	g := onnxgo.NewGraph()
	defer g.Close()
	m := onnx.NewModel(g)
	if err := m.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	parsed, err := format.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	s, err := runtime.Open(parsed, runtime.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	in := parsed.Proto.GetGraph().GetInput()[0].GetName()
	for batch := 1; batch <= 2; batch++ {
		x := make([]float32, batch*64)
		for i := range x {
			x[i] = float32(i*i%17) / 17
		}
		if err := m.SetInput(0, tensor.New(tensor.WithShape(batch, 1, 8, 8), tensor.WithBacking(x))); err != nil {
			t.Fatal(err)
		}
		if err := g.Run(); err != nil {
			t.Fatal(err)
		}
		out, err := m.GetOutputTensors()
		if err != nil {
			t.Fatal(err)
		}
		want, err := s.Run(map[string]*ours.Tensor{in: ours.FromFloat32s([]int64{int64(batch), 1, 8, 8}, x)})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			for i, v := range numbers(out[0]) {
				if math.Abs(v-w.AsFloat64s()[i]) > 1e-5 {
					t.Fatalf("batch of %d: %v at %d, want %v", batch, v, i, w.AsFloat64s()[i])
				}
			}
		}
	}
}

// graphOf is a model of float vectors x and, if it has initializers, w.
func graphOf(t *testing.T, initializers []*format.TensorProto, nodes ...*format.NodeProto) []byte {
	t.Helper()
	declared := func(name string) *format.ValueInfoProto {
		return &format.ValueInfoProto{Name: &name, Type: &format.TypeProto{Value: &format.TypeProto_TensorType{
			TensorType: &format.TypeProto_Tensor{ElemType: proto.Int32(1), Shape: &format.TensorShapeProto{Dim: []*format.TensorShapeProto_Dimension{{
				Value: &format.TensorShapeProto_Dimension_DimValue{DimValue: 3},
			}}}},
		}}}
	}
	b, err := proto.Marshal(&format.ModelProto{
		IrVersion: proto.Int64(7), OpsetImport: []*format.OperatorSetIdProto{{Version: proto.Int64(11)}},
		Graph: &format.GraphProto{
			Name: proto.String("g"), Node: nodes, Initializer: initializers,
			Input: []*format.ValueInfoProto{declared("x")}, Output: []*format.ValueInfoProto{declared("y")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func node(op string, out string, in ...string) *format.NodeProto {
	return &format.NodeProto{OpType: &op, Input: in, Output: []string{out}}
}

// TestSmall: what onnx-go hands on in ways of its own.
func TestSmall(t *testing.T) {
	w := &format.TensorProto{Name: proto.String("w"), DataType: proto.Int32(1), Dims: []int64{3}, FloatData: []float32{10, 20, 30}}
	tests := []struct {
		name  string
		model []byte
		want  []float64
	}{
		{"an operand twice", graphOf(t, nil, node("Mul", "y", "x", "x")), []float64{1, 4, 9}},
		{"a weight", graphOf(t, []*format.TensorProto{w}, node("Sub", "y", "w", "x")), []float64{9, 18, 27}},
		{"an absent operand", graphOf(t, []*format.TensorProto{{Name: proto.String("top"), DataType: proto.Int32(1), FloatData: []float32{2}}}, node("Clip", "y", "x", "", "top")), []float64{1, 2, 2}},
		{"an output that is read", graphOf(t, nil, node("Neg", "y", "x"), node("Relu", "z", "y")), []float64{-1, -2, -3}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := onnxgo.NewGraph()
			defer g.Close()
			m := onnx.NewModel(g)
			if err := m.UnmarshalBinary(test.model); err != nil {
				t.Fatal(err)
			}
			if err := m.SetInput(0, tensor.New(tensor.WithShape(3), tensor.WithBacking([]float32{1, 2, 3}))); err != nil {
				t.Fatal(err)
			}
			if err := g.Run(); err != nil {
				t.Fatal(err)
			}
			out, err := m.GetOutputTensors()
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range numbers(out[0]) {
				if v != test.want[i] {
					t.Errorf("%v at %d, want %v", v, i, test.want[i])
				}
			}
		})
	}
}

// TestChangedWeight: a weight that is set after a run counts in the next.
func TestChangedWeight(t *testing.T) {
	w := &format.TensorProto{Name: proto.String("w"), DataType: proto.Int32(1), Dims: []int64{3}, FloatData: []float32{10, 20, 30}}
	g := onnxgo.NewGraph()
	defer g.Close()
	m := onnx.NewModel(g)
	if err := m.UnmarshalBinary(graphOf(t, []*format.TensorProto{w}, node("Add", "y", "x", "w"))); err != nil {
		t.Fatal(err)
	}
	weight, _ := m.GetNodeByName("w")
	for _, first := range []float32{10, 5, 7} {
		backing := []float32{first, 0, 0}
		if err := weight.(onnx.DataCarrier).SetTensor(tensor.New(tensor.WithShape(3), tensor.WithBacking(backing))); err != nil {
			t.Fatal(err)
		}
		if err := g.Run(); err != nil {
			t.Fatal(err)
		}
		out, err := m.GetOutputTensors()
		if err != nil || numbers(out[0])[0] != float64(first) {
			t.Errorf("%v (%v), want %v", numbers(out[0]), err, first)
		}
	}
}

// TestBeyond: an operator that the engine does not have is told as onnx-go wants
// it.
func TestBeyond(t *testing.T) {
	var beyond *onnx.ErrNotImplemented
	err := onnx.NewModel(onnxgo.NewGraph()).UnmarshalBinary(graphOf(t, nil, node("Frobnicate", "y", "x")))
	if !errors.As(err, &beyond) || beyond.Operator != "Frobnicate" {
		t.Errorf("error %v", err)
	}
}
