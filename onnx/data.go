package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// An element says how tensors of one data type are stored.
type element struct {
	bits  int
	field string // the typed field that may hold the elements
}

var elements = map[TensorProto_DataType]element{
	TensorProto_FLOAT:          {32, "float_data"},
	TensorProto_UINT8:          {8, "int32_data"},
	TensorProto_INT8:           {8, "int32_data"},
	TensorProto_UINT16:         {16, "int32_data"},
	TensorProto_INT16:          {16, "int32_data"},
	TensorProto_INT32:          {32, "int32_data"},
	TensorProto_INT64:          {64, "int64_data"},
	TensorProto_BOOL:           {8, "int32_data"},
	TensorProto_FLOAT16:        {16, "int32_data"},
	TensorProto_DOUBLE:         {64, "double_data"},
	TensorProto_UINT32:         {32, "uint64_data"},
	TensorProto_UINT64:         {64, "uint64_data"},
	TensorProto_COMPLEX64:      {64, "float_data"},
	TensorProto_COMPLEX128:     {128, "double_data"},
	TensorProto_BFLOAT16:       {16, "int32_data"},
	TensorProto_FLOAT8E4M3FN:   {8, "int32_data"},
	TensorProto_FLOAT8E4M3FNUZ: {8, "int32_data"},
	TensorProto_FLOAT8E5M2:     {8, "int32_data"},
	TensorProto_FLOAT8E5M2FNUZ: {8, "int32_data"},
	TensorProto_UINT4:          {4, "int32_data"},
	TensorProto_INT4:           {4, "int32_data"},
	TensorProto_FLOAT4E2M1:     {4, "int32_data"},
	TensorProto_FLOAT8E8M0:     {8, "int32_data"},
	TensorProto_UINT2:          {2, "int32_data"},
	TensorProto_INT2:           {2, "int32_data"},
	TensorProto_FLOAT6E2M3:     {6, "int32_data"},
	TensorProto_FLOAT6E3M2:     {6, "int32_data"},
}

// Data gives the elements of a tensor of this model as little-endian bytes,
// elements below 8 bits packed from the lowest bit on, wherever they are
// stored: raw, in a typed field or in external data. Raw and external bytes are
// not copied and not to be changed. It is an error if they are not as many as
// shape and data type say, or if the elements are strings.
func (m *Model) Data(t *TensorProto) ([]byte, error) {
	data, err := m.data(t)
	if err != nil {
		return nil, fmt.Errorf("tensor %q: %w", t.GetName(), err)
	}
	return data, nil
}

func (m *Model) data(t *TensorProto) ([]byte, error) {
	count, size, err := extent(t)
	switch {
	case err != nil:
		return nil, err
	case t.GetDataType() == int32(TensorProto_STRING):
		return nil, errors.New("strings have no element bytes")
	case external(t):
		return m.externalData(t, size)
	}
	if err := checkStored(t, count, size); err != nil {
		return nil, err
	}
	if t.RawData != nil {
		return t.RawData, nil
	}
	return appendTyped(make([]byte, 0, size), t), nil
}

// SetData makes data the raw bytes of a tensor, without a copy, and clears
// every other place where its elements may have been. Shape and data type stay.
func SetData(t *TensorProto, data []byte) {
	if data == nil {
		data = []byte{}
	}
	clearData(t)
	t.RawData = data
}

func clearData(t *TensorProto) {
	t.RawData = nil
	t.FloatData, t.Int32Data, t.Int64Data = nil, nil, nil
	t.DoubleData, t.Uint64Data, t.StringData = nil, nil, nil
	t.ExternalData, t.DataLocation = nil, nil
}

// extent gives how many elements a tensor has and how many bytes they take,
// 0 bytes for strings.
func extent(t *TensorProto) (count, size int, err error) {
	kind := TensorProto_DataType(t.GetDataType())
	e, known := elements[kind]
	switch {
	case t.GetSegment() != nil:
		return 0, 0, errors.New("is stored in segments, which nothing reads")
	case !known && kind != TensorProto_STRING:
		return 0, 0, fmt.Errorf("unknown data type %d", t.GetDataType())
	}
	total, empty := uint64(1), false
	for _, d := range t.GetDims() {
		if d < 0 {
			return 0, 0, fmt.Errorf("negative dimension in shape %v", t.GetDims())
		}
		empty = empty || d == 0
		high, low := bits.Mul64(total, uint64(max(d, 1)))
		if high != 0 || low > math.MaxInt/256 {
			return 0, 0, fmt.Errorf("shape %v has more elements than memory has bytes", t.GetDims())
		}
		total = low
	}
	if empty {
		total = 0
	}
	return int(total), (int(total)*e.bits + 7) / 8, nil
}

// checkStored compares what is stored inside of the tensor with its extent.
func checkStored(t *TensorProto, count, size int) error {
	if t.RawData != nil {
		if len(t.RawData) != size {
			return fmt.Errorf("%d bytes of data where shape %v takes %d", len(t.RawData), t.GetDims(), size)
		}
		return nil
	}
	kind := TensorProto_DataType(t.GetDataType())
	field, want := elements[kind].field, count
	switch kind {
	case TensorProto_STRING:
		field = "string_data"
	case TensorProto_COMPLEX64, TensorProto_COMPLEX128:
		want = 2 * count
	case TensorProto_UINT4, TensorProto_INT4, TensorProto_FLOAT4E2M1, TensorProto_UINT2, TensorProto_INT2:
		want = size // an entry is a byte of packed elements
	}
	if got := stored(t, field); got != want {
		return fmt.Errorf("%d entries of %s where shape %v takes %d", got, field, t.GetDims(), want)
	}
	return nil
}

func stored(t *TensorProto, field string) int {
	switch field {
	case "float_data":
		return len(t.FloatData)
	case "int32_data":
		return len(t.Int32Data)
	case "int64_data":
		return len(t.Int64Data)
	case "double_data":
		return len(t.DoubleData)
	case "uint64_data":
		return len(t.Uint64Data)
	default:
		return len(t.StringData)
	}
}

// appendTyped appends the elements of the typed field of a tensor.
func appendTyped(b []byte, t *TensorProto) []byte {
	e := elements[TensorProto_DataType(t.GetDataType())]
	le := binary.LittleEndian
	switch {
	case e.field == "float_data":
		for _, v := range t.FloatData {
			b = le.AppendUint32(b, math.Float32bits(v))
		}
	case e.field == "double_data":
		for _, v := range t.DoubleData {
			b = le.AppendUint64(b, math.Float64bits(v))
		}
	case e.field == "int64_data":
		for _, v := range t.Int64Data {
			b = le.AppendUint64(b, uint64(v))
		}
	case e.field == "uint64_data" && e.bits == 64:
		for _, v := range t.Uint64Data {
			b = le.AppendUint64(b, v)
		}
	case e.field == "uint64_data":
		for _, v := range t.Uint64Data {
			b = le.AppendUint32(b, uint32(v))
		}
	case e.bits == 6:
		return appendSixBit(b, t.Int32Data)
	default:
		for _, v := range t.Int32Data {
			b = appendInt(b, v, e.bits)
		}
	}
	return b
}

func appendInt(b []byte, v int32, bits int) []byte {
	switch bits {
	case 32:
		return binary.LittleEndian.AppendUint32(b, uint32(v))
	case 16:
		return binary.LittleEndian.AppendUint16(b, uint16(v))
	default:
		return append(b, byte(v))
	}
}

// appendSixBit packs elements of six bits: alone among the small types their
// typed field holds one element an entry.
func appendSixBit(b []byte, values []int32) []byte {
	var window uint32
	filled := 0
	for _, v := range values {
		window |= uint32(v&0x3F) << filled
		for filled += 6; filled >= 8; filled -= 8 {
			b = append(b, byte(window))
			window >>= 8
		}
	}
	if filled > 0 {
		b = append(b, byte(window))
	}
	return b
}
