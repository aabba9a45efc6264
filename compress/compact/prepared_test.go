package compact_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/pass"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// TestPrepared holds the promise where the dependency graph is that of a
// prepared model: the masked model has the nodes of the original all the same,
// and weights that several of them share are copied for the right ones.
func TestPrepared(t *testing.T) {
	m, err := onnx.Parse(sequences(t))
	if err != nil {
		t.Fatal(err)
	}
	prepared, err := pass.Prepare(m)
	if err != nil {
		t.Fatal(err)
	}
	defer prepared.Close()
	g, err := graph.Import(prepared)
	if err != nil {
		t.Fatal(err)
	}
	d := depgraph.Build(graph.Analyze(g, nil))
	if len(d.Groups) < 8 {
		t.Fatalf("only %d groups: channels are not followed through the sequence", len(d.Groups))
	}
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			tr := &trial{TB: t, rng: rand.New(rand.NewPCG(seed, 7)), model: m, graph: d}
			tr.cut = randomCut(d, tr.rng)
			tr.carryOut()
		})
	}
}

// sequences is a model whose channels go through a sequence of two parts; one
// vector is added before it and after it.
func sequences(t *testing.T) []byte {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	weight := func(name string, shape ...int64) *onnx.TensorProto {
		p := &onnx.TensorProto{Name: proto.String(name), DataType: proto.Int32(int32(tensor.Float32)), Dims: shape}
		n, _ := tensor.Count(shape)
		for range n {
			p.FloatData = append(p.FloatData, float32(rng.NormFloat64()))
		}
		return p
	}
	number := func(name string, v int64) *onnx.TensorProto {
		return &onnx.TensorProto{Name: proto.String(name), DataType: proto.Int32(int32(tensor.Int64)), Int64Data: []int64{v}}
	}
	node := func(opType string, out string, in ...string) *onnx.NodeProto {
		return &onnx.NodeProto{OpType: proto.String(opType), Input: in, Output: []string{out}}
	}
	port := func(name string, size int64) *onnx.ValueInfoProto {
		dims := []*onnx.TensorShapeProto_Dimension{
			{Value: &onnx.TensorShapeProto_Dimension_DimParam{DimParam: "N"}},
			{Value: &onnx.TensorShapeProto_Dimension_DimValue{DimValue: size}},
		}
		return &onnx.ValueInfoProto{Name: proto.String(name), Type: &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{
			TensorType: &onnx.TypeProto_Tensor{
				ElemType: proto.Int32(int32(tensor.Float32)), Shape: &onnx.TensorShapeProto{Dim: dims},
			},
		}}}
	}
	split := node("SplitToSequence", "parts", "h", "size")
	split.Attribute = []*onnx.AttributeProto{{Name: proto.String("axis"), Type: onnx.AttributeProto_INT.Enum(), I: proto.Int64(1)}}
	b, err := proto.Marshal(&onnx.ModelProto{
		IrVersion:   proto.Int64(8),
		OpsetImport: []*onnx.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(17)}},
		Graph: &onnx.GraphProto{
			Name: proto.String("sequences"), Input: []*onnx.ValueInfoProto{port("x", 6)}, Output: []*onnx.ValueInfoProto{port("y", 5)},
			Initializer: []*onnx.TensorProto{
				weight("w1", 6, 16), weight("w2", 8, 8), weight("w3", 8, 5), weight("b", 8), number("size", 8), number("one", 1), number("zero", 0),
			},
			Node: []*onnx.NodeProto{
				node("MatMul", "h", "x", "w1"), split, node("SequenceAt", "left", "parts", "zero"), node("SequenceAt", "right", "parts", "one"),
				node("Add", "l", "left", "b"), node("Relu", "r", "right"), node("MatMul", "m", "r", "w2"), node("Add", "mb", "m", "b"),
				node("Mul", "p", "l", "mb"), node("Add", "s", "p", "r"), node("MatMul", "y", "s", "w3"),
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
