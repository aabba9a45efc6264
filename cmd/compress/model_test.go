package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/onnx"
)

// conv is a sound model of two convolutions, ready to be spoilt.
func conv() *onnx.ModelProto {
	return &onnx.ModelProto{
		IrVersion:   proto.Int64(8),
		OpsetImport: []*onnx.OperatorSetIdProto{{Version: proto.Int64(17)}},
		Graph: &onnx.GraphProto{
			Name: proto.String("g"), Input: declared("x", 1, 3, 8, 8), Output: declared("y", 1, 4, 4, 4),
			Initializer: []*onnx.TensorProto{floats("w1", 16, 3, 3, 3), floats("w2", 4, 16, 3, 3)},
			Node: []*onnx.NodeProto{
				node("Conv", []string{"x", "w1"}, "h"), node("Relu", []string{"h"}, "r"), node("Conv", []string{"r", "w2"}, "y"),
			},
		},
	}
}

func node(op string, in []string, out string, attrs ...*onnx.AttributeProto) *onnx.NodeProto {
	return &onnx.NodeProto{OpType: proto.String(op), Name: proto.String("the_" + out), Input: in, Output: []string{out}, Attribute: attrs}
}

// declared is one input or output of floats.
func declared(name string, dims ...int64) []*onnx.ValueInfoProto {
	shape := &onnx.TensorShapeProto{}
	for _, d := range dims {
		shape.Dim = append(shape.Dim, &onnx.TensorShapeProto_Dimension{Value: &onnx.TensorShapeProto_Dimension_DimValue{DimValue: d}})
	}
	return []*onnx.ValueInfoProto{{Name: proto.String(name), Type: &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{
		TensorType: &onnx.TypeProto_Tensor{ElemType: proto.Int32(1), Shape: shape},
	}}}}
}

// floats is a tensor whose numbers differ and lie around zero.
func floats(name string, dims ...int64) *onnx.TensorProto {
	count := int64(1)
	for _, d := range dims {
		count *= d
	}
	t := &onnx.TensorProto{Name: proto.String(name), DataType: proto.Int32(1), Dims: dims}
	for i := range count {
		t.FloatData = append(t.FloatData, float32(i*37%19-9)/16)
	}
	return t
}

// integers is a vector of int64.
func integers(name string, v ...int64) *onnx.TensorProto {
	return &onnx.TensorProto{Name: proto.String(name), DataType: proto.Int32(7), Dims: []int64{int64(len(v))}, Int64Data: v}
}

func encoded(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path string, b []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// command runs the program as main does.
func command(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(args, &out, &err)
	return code, out.String(), err.String()
}

// files lists what a folder holds, with all that lies below.
func files(t *testing.T, dir string) string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, "\n")
}
