package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph/tensor"
	"onnxcompress/graph/tensor/npy"
	"onnxcompress/onnx"
)

// native are arguments that leave onnxruntime no chance.
func native(args ...string) []string {
	return append(args, "--engine", "native", "--ort-lib", "nowhere.so")
}

// value declares a tensor; a negative dimension is free, and nil leaves all open.
func value(name string, dt tensor.DType, dims []int64) *onnx.ValueInfoProto {
	tt := &onnx.TypeProto_Tensor{ElemType: proto.Int32(int32(dt))}
	if dims != nil {
		tt.Shape = &onnx.TensorShapeProto{}
	}
	for i, d := range dims {
		dim := &onnx.TensorShapeProto_Dimension{Value: &onnx.TensorShapeProto_Dimension_DimValue{DimValue: d}}
		if d < 0 {
			dim.Value = &onnx.TensorShapeProto_Dimension_DimParam{DimParam: fmt.Sprint(name, i)}
		}
		tt.Shape.Dim = append(tt.Shape.Dim, dim)
	}
	return &onnx.ValueInfoProto{Name: &name, Type: &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{TensorType: tt}}}
}

func modelOf(in, out []*onnx.ValueInfoProto, nodes ...*onnx.NodeProto) *onnx.ModelProto {
	return &onnx.ModelProto{
		IrVersion:   proto.Int64(13),
		OpsetImport: []*onnx.OperatorSetIdProto{{Version: proto.Int64(25)}, {Domain: proto.String("ai.onnx.ml"), Version: proto.Int64(3)}, {Domain: proto.String("x"), Version: proto.Int64(1)}},
		Graph:       &onnx.GraphProto{Name: proto.String("g"), Input: in, Output: out, Node: nodes},
	}
}

// filled is a tensor whose elements differ.
func filled(dt tensor.DType, shape []int64) *tensor.Tensor {
	t := tensor.New(dt, shape...)
	for i := range t.Data {
		t.Data[i] = byte(i % 2)
	}
	for i := range t.Strings {
		t.Strings[i] = []byte(strings.Repeat("ü", i))
	}
	return t
}

// TestNativeRoundTrip: every type, scalars, empty arrays and names of all kinds
// go in and come out by npz, with shapes known beforehand and not.
func TestNativeRoundTrip(t *testing.T) {
	dir := t.TempDir()
	arrays, names := map[string]*tensor.Tensor{}, []string{}
	var in, out []*onnx.ValueInfoProto
	var nodes []*onnx.NodeProto
	for dt := tensor.Float32; dt <= tensor.Int2; dt++ {
		for i, shape := range [][]int64{{}, {2, 3}, {0, 3}, {2, 2, 1}} {
			name := fmt.Sprintf("%v/a:%d.b", dt, i)
			declared := slices.Clone(shape)
			switch i {
			case 2:
				declared[0] = -1
			case 3:
				declared = nil
			}
			names = append(names, "/out."+name)
			in, out = append(in, value(name, dt, declared)), append(out, value("/out."+name, dt, declared))
			nodes = append(nodes, node("Identity", []string{name}, "/out."+name))
			arrays[name] = filled(dt, shape)
		}
	}
	path := write(t, filepath.Join(dir, "m.onnx"), encoded(t, modelOf(in, out, nodes...)))
	given, got := filepath.Join(dir, "in.npz"), filepath.Join(dir, "out.npz")
	order := make([]string, len(in))
	for i, v := range in {
		order[i] = v.GetName()
	}
	if err := npy.WriteArchive(given, order, arrays); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := command(native("run", path, "--inputs", given, "--outputs", got)...); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	want, _, err := npy.ReadArchive(given)
	if err != nil {
		t.Fatal(err)
	}
	back, order, err := npy.ReadArchive(got)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(order, names) {
		t.Errorf("outputs are %q, want %q", order, names)
	}
	for name, x := range want {
		y := back["/out."+name]
		if y == nil || x.DType != y.DType || !slices.Equal(x.Shape, y.Shape) || !bytes.Equal(x.Data, y.Data) || !slices.EqualFunc(x.Strings, y.Strings, bytes.Equal) {
			t.Errorf("%s: %v became %v", name, x, y)
		}
	}
	// Random inputs are made of every type, too.
	if code, _, stderr := command(native("run", path)...); code != 0 {
		t.Errorf("with random inputs: exit %d: %s", code, stderr)
	}
}

// TestNativeSequence: a sequence comes apart into its tensors.
func TestNativeSequence(t *testing.T) {
	dir := t.TempDir()
	sequence := &onnx.ValueInfoProto{Name: proto.String("parts"), Type: &onnx.TypeProto{Value: &onnx.TypeProto_SequenceType{
		SequenceType: &onnx.TypeProto_Sequence{ElemType: value("", tensor.Float32, []int64{1, 2}).Type},
	}}}
	m := modelOf([]*onnx.ValueInfoProto{value("x", tensor.Float32, []int64{12, 2})}, []*onnx.ValueInfoProto{sequence},
		node("SplitToSequence", []string{"x"}, "parts", attribute("axis", 0)))
	path, out := write(t, filepath.Join(dir, "m.onnx"), encoded(t, m)), filepath.Join(dir, "out.npz")
	if code, _, stderr := command(native("run", path, "--outputs", out)...); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	_, order, err := npy.ReadArchive(out)
	if err != nil || len(order) != 12 || order[0] != "parts[0]" || order[11] != "parts[11]" {
		t.Errorf("outputs are %q (%v)", order, err)
	}
}

// TestNativeMaps: what a classifier says comes apart into labels and scores, as
// in onnxruntime.
func TestNativeMaps(t *testing.T) {
	needRuntime(t)
	dir := t.TempDir()
	float := &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{TensorType: &onnx.TypeProto_Tensor{ElemType: proto.Int32(1)}}}
	maps := &onnx.ValueInfoProto{Name: proto.String("p"), Type: &onnx.TypeProto{Value: &onnx.TypeProto_SequenceType{
		SequenceType: &onnx.TypeProto_Sequence{ElemType: &onnx.TypeProto{Value: &onnx.TypeProto_MapType{
			MapType: &onnx.TypeProto_Map{KeyType: proto.Int32(8), ValueType: float},
		}}},
	}}}
	zip := node("ZipMap", []string{"x"}, "p", &onnx.AttributeProto{
		Name: proto.String("classlabels_strings"), Type: onnx.AttributeProto_STRINGS.Enum(), Strings: [][]byte{[]byte("dog"), []byte("ant"), []byte("cat")},
	})
	zip.Domain = proto.String("ai.onnx.ml")
	m := modelOf([]*onnx.ValueInfoProto{value("x", tensor.Float32, []int64{2, 3})}, []*onnx.ValueInfoProto{maps}, zip)
	m.OpsetImport, m.IrVersion = m.OpsetImport[:2], proto.Int64(8)
	m.OpsetImport[0].Version = proto.Int64(17)
	path := write(t, filepath.Join(dir, "m.onnx"), encoded(t, m))
	var results []map[string]*tensor.Tensor
	for _, name := range []string{"native", "onnxruntime"} {
		out := filepath.Join(dir, name+".npz")
		if code, _, stderr := command("run", path, "--engine", name, "--outputs", out); code != 0 {
			t.Fatalf("%s: exit %d: %s", name, code, stderr)
		}
		arrays, _, err := npy.ReadArchive(out)
		if err != nil || len(arrays) != 4 {
			t.Fatalf("%s: %v (%v)", name, arrays, err)
		}
		results = append(results, arrays)
	}
	if !reflect.DeepEqual(results[0], results[1]) {
		t.Errorf("native: %v, onnxruntime: %v", results[0], results[1])
	}
}

// TestNativeExitCodes: how runs end that cannot succeed, in one line.
func TestNativeExitCodes(t *testing.T) {
	dir := t.TempDir()
	x, y := []*onnx.ValueInfoProto{value("x", tensor.Float32, []int64{2, 3})}, []*onnx.ValueInfoProto{value("y", tensor.Float32, []int64{2, 3})}
	relu := write(t, filepath.Join(dir, "relu.onnx"), encoded(t, modelOf(x, y, node("Relu", []string{"x"}, "y"))))
	odd := modelOf(x, y, node("Second", []string{"x"}, "h"), node("First", []string{"h"}, "k"), node("Relu", []string{"k"}, "y"))
	odd.Graph.Node[0].Domain, odd.Graph.Node[1].Domain = proto.String("x"), proto.String("x")
	unknown := write(t, filepath.Join(dir, "odd.onnx"), encoded(t, odd))
	pixels := strings.Repeat(",0", 63)
	table := write(t, filepath.Join(dir, "table"), []byte("0"+pixels+",3\noops"+pixels+",1\n1"+pixels+",2\n"))
	archive := func(name, array string, v *tensor.Tensor) string {
		path := filepath.Join(dir, name+".npz")
		if err := npy.WriteArchive(path, []string{array}, map[string]*tensor.Tensor{array: v}); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct {
		name   string
		args   []string
		code   int
		stderr string
	}{
		{"fine", []string{"run", relu}, 0, ""},
		{"wider floats", []string{"run", relu, "--inputs", archive("wide", "x", tensor.New(tensor.Float64, 2, 3))}, 0, ""},
		{"unsupported operators", []string{"run", unknown}, 3, "x.First, x.Second"},
		{"missing input", []string{"run", relu, "--inputs", archive("missing", "z/z", tensor.New(tensor.Float32, 5))}, 2, "x"},
		{"wrong type", []string{"run", relu, "--inputs", archive("type", "x", tensor.New(tensor.Int64, 2, 3))}, 2, "int64"},
		{"strings", []string{"run", relu, "--inputs", archive("text", "x", filled(tensor.String, []int64{2, 3}))}, 2, "string"},
		{"wrong shape", []string{"run", relu, "--inputs", archive("shape", "x", tensor.New(tensor.Float32, 2, 4))}, 2, "x"},
		{"wrong rank", []string{"run", relu, "--inputs", archive("rank", "x", tensor.New(tensor.Float32, 2, 3, 2))}, 2, "x"},
		{"shape by hand", []string{"run", relu, "--shape", "x:2,4"}, 2, relu},
		{"no such engine", []string{"run", relu, "--engine", "steam"}, 2, "steam"},
		{"eval", []string{"eval", resnet, "--data", digits}, 0, ""},
		{"eval of what is unsupported", []string{"eval", unknown, "--data", digits}, 3, "x.First, x.Second"},
		{"eval of a bad line", []string{"eval", resnet, "--data", table + ":csv"}, 2, "line 2: column 1: \"oops\" is no number"},
		{"eval without a bad line", []string{"eval", resnet, "--data", table + ":csv", "--skip-bad"}, 0, "left out, since they cannot be decoded: table line 2"},
		{"eval of an unknown format", []string{"eval", resnet, "--data", table + ":xls"}, 2, "format \"xls\" is not known"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			args := test.args
			if !slices.Contains(args, "--engine") {
				args = native(args...)
			}
			code, stdout, stderr := command(args...)
			if code != test.code || !strings.Contains(stderr, test.stderr) || test.code != 0 && (stdout != "" || strings.Count(stderr, "\n") != 1) {
				t.Errorf("exit %d, want %d\nstdout: %s\nstderr: %s", code, test.code, stdout, stderr)
			}
		})
	}
}

// TestNativeAgrees: both engines say the same of the shipped model.
func TestNativeAgrees(t *testing.T) {
	needRuntime(t)
	var said []string
	for _, name := range []string{"native", "onnxruntime"} {
		code, stdout, stderr := command("eval", resnet, "--data", digits, "--engine", name)
		if code != 0 {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		said = append(said, stdout)
	}
	if said[0] != said[1] {
		t.Errorf("native: %s, onnxruntime: %s", said[0], said[1])
	}
}
