package onnx

import (
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

func rawTensor(name string, kind TensorProto_DataType, raw []byte, dims ...int64) *TensorProto {
	return &TensorProto{Name: proto.String(name), DataType: proto.Int32(int32(kind)), Dims: dims, RawData: raw}
}

// counting is n bytes that differ from one place to the next.
func counting(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)*7 + byte(i>>8) + seed
	}
	return b
}

func node(op string, in, out []string, attributes ...*AttributeProto) *NodeProto {
	return &NodeProto{OpType: proto.String(op), Input: in, Output: out, Attribute: attributes}
}

func values(names ...string) []*ValueInfoProto {
	var list []*ValueInfoProto
	for _, name := range names {
		list = append(list, &ValueInfoProto{Name: proto.String(name)})
	}
	return list
}

func subgraph(name string, g *GraphProto) *AttributeProto {
	return &AttributeProto{Name: proto.String(name), Type: AttributeProto_GRAPH.Enum(), G: g}
}

// sample is a sound model with tensors in every place that can hold one, of
// sizes about that of a marker, and with fields that this package has no name for.
func sample() *ModelProto {
	constant := &AttributeProto{Name: proto.String("value"), Type: AttributeProto_TENSOR.Enum(), T: rawTensor("", TensorProto_FLOAT, counting(32, 1), 8)}
	list := &AttributeProto{Name: proto.String("list"), Tensors: []*TensorProto{
		rawTensor("t15", TensorProto_UINT8, counting(15, 2), 15), rawTensor("t16", TensorProto_UINT8, counting(16, 3), 16),
	}}
	sparse := &SparseTensorProto{
		Values: rawTensor("sparse", TensorProto_FLOAT, counting(20, 4), 5), Indices: rawTensor("", TensorProto_INT64, counting(40, 5), 5), Dims: []int64{9},
	}
	branch := func(out string) *GraphProto {
		return &GraphProto{
			Name: proto.String("branch"), Output: values(out), Initializer: []*TensorProto{rawTensor(out+"w", TensorProto_FLOAT, counting(64, 6), 16)},
			Node: []*NodeProto{node("Add", []string{"c", out + "w"}, []string{out})},
		}
	}
	small := rawTensor("empty", TensorProto_FLOAT, []byte{}, 0)
	unknown := protowire.AppendBytes(protowire.AppendTag(nil, 900, protowire.BytesType), counting(200, 7))
	small.ProtoReflect().SetUnknown(unknown)
	m := &ModelProto{
		IrVersion: proto.Int64(8), ProducerName: proto.String("hand"), DocString: proto.String("doc"),
		OpsetImport: []*OperatorSetIdProto{{Version: proto.Int64(17)}, {Domain: proto.String("local"), Version: proto.Int64(1)}},
		Graph: &GraphProto{
			Name: proto.String("g"), Input: values("x", "big"), Output: values("y", "z"),
			Initializer: []*TensorProto{
				rawTensor("big", TensorProto_FLOAT, counting(4096, 8), 32, 32), small,
				{Name: proto.String("typed"), DataType: proto.Int32(1), Dims: []int64{2}, FloatData: []float32{1, 2}},
				{Name: proto.String("words"), DataType: proto.Int32(8), Dims: []int64{1}, StringData: [][]byte{{0xFF, 'a'}}},
			},
			SparseInitializer: []*SparseTensorProto{sparse},
			Node: []*NodeProto{
				node("Constant", nil, []string{"c"}, constant, list),
				node("If", []string{"x"}, []string{"y"}, subgraph("then_branch", branch("t")), subgraph("else_branch", branch("e"))),
				node("Twice", []string{"", "c", "big"}, []string{"z", ""}),
			},
		},
		Functions: []*FunctionProto{{
			Name: proto.String("Twice"), Domain: proto.String("local"), Input: []string{"a", "b"}, Output: []string{"o"},
			Node: []*NodeProto{node("Constant", nil, []string{"k"}, constant), node("Add", []string{"b", "k"}, []string{"o"})},
		}},
		TrainingInfo: []*TrainingInfoProto{{Initialization: branch("init"), Algorithm: branch("step")}},
	}
	m.ProtoReflect().SetUnknown(unknown)
	return m
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// mustLoad loads a model that is closed with the test.
func mustLoad(t testing.TB, path string) *Model {
	t.Helper()
	m, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func fileNames(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
