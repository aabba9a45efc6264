package onnx

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
)

func typed(kind TensorProto_DataType, set func(*TensorProto), dims ...int64) *TensorProto {
	t := &TensorProto{Name: proto.String("t"), DataType: proto.Int32(int32(kind)), Dims: dims}
	set(t)
	return t
}

func floats(v ...float32) func(*TensorProto) { return func(t *TensorProto) { t.FloatData = v } }
func doubles(v ...float64) func(*TensorProto) {
	return func(t *TensorProto) { t.DoubleData = v }
}
func ints(v ...int32) func(*TensorProto)      { return func(t *TensorProto) { t.Int32Data = v } }
func longs(v ...int64) func(*TensorProto)     { return func(t *TensorProto) { t.Int64Data = v } }
func unsigned(v ...uint64) func(*TensorProto) { return func(t *TensorProto) { t.Uint64Data = v } }

func TestData(t *testing.T) {
	tests := []struct {
		name   string
		tensor *TensorProto
		want   string
	}{
		{"float", typed(TensorProto_FLOAT, floats(1, -2), 2), "\x00\x00\x80\x3f\x00\x00\x00\xc0"},
		{"float scalar", typed(TensorProto_FLOAT, floats(1)), "\x00\x00\x80\x3f"},
		{"float empty", typed(TensorProto_FLOAT, floats(), 3, 0), ""},
		{"complex64", typed(TensorProto_COMPLEX64, floats(1, 2), 1), "\x00\x00\x80\x3f\x00\x00\x00\x40"},
		{"double", typed(TensorProto_DOUBLE, doubles(1), 1), "\x00\x00\x00\x00\x00\x00\xf0\x3f"},
		{"complex128", typed(TensorProto_COMPLEX128, doubles(0, 1), 1), "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf0\x3f"},
		{"int32", typed(TensorProto_INT32, ints(-2, 258), 2), "\xfe\xff\xff\xff\x02\x01\x00\x00"},
		{"int16", typed(TensorProto_INT16, ints(-2, 258), 2), "\xfe\xff\x02\x01"},
		{"uint16", typed(TensorProto_UINT16, ints(65535), 1), "\xff\xff"},
		{"int8", typed(TensorProto_INT8, ints(-128, 127), 2), "\x80\x7f"},
		{"uint8", typed(TensorProto_UINT8, ints(255, 0), 2), "\xff\x00"},
		{"bool", typed(TensorProto_BOOL, ints(1, 0, 1), 3), "\x01\x00\x01"},
		{"float16", typed(TensorProto_FLOAT16, ints(0x3C00), 1), "\x00\x3c"},
		{"bfloat16", typed(TensorProto_BFLOAT16, ints(0x3F80), 1), "\x80\x3f"},
		{"float8", typed(TensorProto_FLOAT8E4M3FN, ints(0xF8, 1), 2), "\xf8\x01"},
		{"float8e8m0", typed(TensorProto_FLOAT8E8M0, ints(127), 1), "\x7f"},
		{"int64", typed(TensorProto_INT64, longs(-1, 1), 2), "\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00\x00\x00\x00\x00\x00"},
		{"uint64", typed(TensorProto_UINT64, unsigned(math.MaxUint64), 1), "\xff\xff\xff\xff\xff\xff\xff\xff"},
		{"uint32", typed(TensorProto_UINT32, unsigned(math.MaxUint32), 1), "\xff\xff\xff\xff"},
		{"int4 of odd count", typed(TensorProto_INT4, ints(0x21, 0x03), 3), "\x21\x03"},
		{"uint4", typed(TensorProto_UINT4, ints(0xFE), 2), "\xfe"},
		{"float4", typed(TensorProto_FLOAT4E2M1, ints(0x7A), 2), "\x7a"},
		{"uint2", typed(TensorProto_UINT2, ints(0xE4, 1), 5), "\xe4\x01"},
		{"float6", typed(TensorProto_FLOAT6E2M3, ints(0x3F, 0, 0x15, 0x2A, 1), 5), "\x3f\x50\xa9\x01"},
		{"raw", rawTensor("t", TensorProto_INT16, []byte("abcdef"), 3), "abcdef"},
		{"raw int4", rawTensor("t", TensorProto_INT4, []byte("ab"), 1, 3), "ab"},
		{"raw float6", rawTensor("t", TensorProto_FLOAT6E3M2, []byte("abc"), 4), "abc"},
		{"raw before typed", typed(TensorProto_INT8, func(t *TensorProto) { t.RawData, t.Int32Data = []byte("r"), []int32{1} }, 1), "r"},
	}
	m := &Model{}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := m.Data(test.tensor)
			if err != nil || string(got) != test.want {
				t.Fatalf("got %x, %v; want %x", got, err, test.want)
			}
			SetData(test.tensor, got)
			again, err := m.Data(test.tensor)
			if err != nil || !bytes.Equal(again, got) {
				t.Errorf("SetData of Data gives %x, %v", again, err)
			}
		})
	}
}

func TestDataRefuses(t *testing.T) {
	tests := []struct {
		name   string
		tensor *TensorProto
		want   string
	}{
		{"strings", &TensorProto{DataType: proto.Int32(8), StringData: [][]byte{nil}}, "strings"},
		{"no type", &TensorProto{RawData: []byte("a")}, "unknown data type 0"},
		{"unknown type", rawTensor("t", 99, []byte("a")), "unknown data type 99"},
		{"short raw", rawTensor("t", TensorProto_FLOAT, make([]byte, 7), 2), "7 bytes of data where shape [2] takes 8"},
		{"short typed", typed(TensorProto_FLOAT, floats(1), 2), "1 entries of float_data where shape [2] takes 2"},
		{"wrong field", typed(TensorProto_INT64, ints(1), 1), "0 entries of int64_data"},
		{"absent", typed(TensorProto_FLOAT, floats(), 2), "0 entries of float_data"},
		{"negative", rawTensor("t", TensorProto_FLOAT, nil, -1, -4), "negative dimension"},
		{"overflow", rawTensor("t", TensorProto_FLOAT, nil, 1<<32, 1<<32), "more elements than memory"},
		{"overflow by one factor", rawTensor("t", TensorProto_FLOAT, nil, math.MaxInt64), "more elements than memory"},
		{"segment", &TensorProto{DataType: proto.Int32(1), Segment: &TensorProto_Segment{}}, "segments"},
	}
	m := &Model{}
	for _, test := range tests {
		if _, err := m.Data(test.tensor); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

func TestSetData(t *testing.T) {
	all := &TensorProto{
		Name: proto.String("t"), DataType: proto.Int32(2), Dims: []int64{1}, DocString: proto.String("doc"),
		FloatData: []float32{1}, Int32Data: []int32{1}, Int64Data: []int64{1}, DoubleData: []float64{1}, Uint64Data: []uint64{1},
		StringData: [][]byte{nil}, DataLocation: TensorProto_EXTERNAL.Enum(), ExternalData: []*StringStringEntryProto{{}},
	}
	data := []byte{7}
	SetData(all, data)
	want := rawTensor("t", TensorProto_UINT8, data, 1)
	want.DocString = proto.String("doc")
	if !proto.Equal(all, want) || &all.RawData[0] != &data[0] {
		t.Errorf("got %v, want %v", all, want)
	}
}
