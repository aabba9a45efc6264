package ort

import (
	"encoding/binary"
	"math"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"onnxcompress/graph/tensor"
)

// model serializes a model of the given pieces of a GraphProto.
func model(graph ...[]byte) []byte {
	opset := appendInt(nil, 2, 17)
	b := appendMessage(appendInt(nil, 1, 8), 8, opset)
	var g []byte
	g = appendString(g, 2, "test")
	for _, piece := range graph {
		g = append(g, piece...)
	}
	return appendMessage(b, fieldModelGraph, g)
}

func nodes(n ...[]byte) []byte {
	var g []byte
	for _, b := range n {
		g = appendMessage(g, fieldGraphNode, b)
	}
	return g
}

// port is a piece of GraphProto that declares an input or output; a negative
// dimension is free and nil dims declare no shape at all.
func port(field protowire.Number, name string, dtype tensor.DType, dims []int64) []byte {
	var shape []byte
	for _, d := range dims {
		if d < 0 {
			shape = appendMessage(shape, 1, appendString(nil, 2, "N"))
			continue
		}
		shape = appendMessage(shape, 1, appendInt(nil, 1, d))
	}
	kind := appendInt(nil, fieldElemType, int64(dtype))
	if dims != nil {
		kind = appendMessage(kind, 2, shape)
	}
	value := appendMessage(appendString(nil, fieldValueName, name), fieldValueType, appendMessage(nil, fieldTypeTensor, kind))
	return appendMessage(nil, field, value)
}

func input(name string, dtype tensor.DType, dims ...int64) []byte {
	return port(fieldGraphInput, name, dtype, append([]int64{}, dims...))
}

func output(name string, dtype tensor.DType, dims ...int64) []byte {
	return port(fieldGraphOutput, name, dtype, append([]int64{}, dims...))
}

// initializer is a piece of GraphProto with raw little-endian data.
func initializer(name string, t *tensor.Tensor) []byte {
	var b []byte
	for _, d := range t.Shape {
		b = appendInt(b, fieldTensorDims, d)
	}
	b = appendInt(b, fieldTensorType, int64(t.DType))
	b = appendString(b, 8, name)
	b = appendMessage(b, 9, t.Data)
	return appendMessage(nil, 5, b)
}

func mustOpen(t *testing.T, b []byte, o Options) *Session {
	t.Helper()
	s, err := OpenBytes(b, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func mustRun(t *testing.T, s *Session, in map[string]*tensor.Tensor) map[string]*tensor.Tensor {
	t.Helper()
	out, err := s.Run(in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// counting is a tensor whose elements are 1, 2, 3, ... (booleans alternate).
func counting(dtype tensor.DType, shape ...int64) *tensor.Tensor {
	t := tensor.New(dtype, shape...)
	if dtype == tensor.Complex64 || dtype == tensor.Complex128 {
		half := dtype.Size() / 2
		for i := range len(t.Data) / half {
			if half == 4 {
				binary.LittleEndian.PutUint32(t.Data[4*i:], math.Float32bits(float32(i+1)))
			} else {
				binary.LittleEndian.PutUint64(t.Data[8*i:], math.Float64bits(float64(i+1)))
			}
		}
		return t
	}
	for i := range t.Len() {
		switch dtype {
		case tensor.String:
			t.Strings[i] = []byte("é" + string(rune('a'+i)))
		case tensor.Bool:
			t.Data[i] = byte(i % 2)
		default:
			t.Set(i, float64(i+1))
		}
	}
	return t
}
