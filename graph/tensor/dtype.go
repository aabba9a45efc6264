// Package tensor holds dense arrays the way ONNX stores them: a data type, a
// shape and little-endian bytes. It knows nothing of graphs and imports nothing
// of this module.
package tensor

import "fmt"

// DType is an element type, numbered as ONNX's TensorProto.DataType.
type DType int32

// The element types of ONNX.
const (
	Undefined      DType = 0
	Float32        DType = 1
	Uint8          DType = 2
	Int8           DType = 3
	Uint16         DType = 4
	Int16          DType = 5
	Int32          DType = 6
	Int64          DType = 7
	String         DType = 8
	Bool           DType = 9
	Float16        DType = 10
	Float64        DType = 11
	Uint32         DType = 12
	Uint64         DType = 13
	Complex64      DType = 14
	Complex128     DType = 15
	BFloat16       DType = 16
	Float8E4M3FN   DType = 17
	Float8E4M3FNUZ DType = 18
	Float8E5M2     DType = 19
	Float8E5M2FNUZ DType = 20
	Uint4          DType = 21
	Int4           DType = 22
	Float4E2M1     DType = 23
	Float8E8M0     DType = 24
	Uint2          DType = 25
	Int2           DType = 26
)

type dtypeRow struct {
	name string
	bits int
}

var dtypes = map[DType]dtypeRow{
	Float32: {"float32", 32}, Uint8: {"uint8", 8}, Int8: {"int8", 8},
	Uint16: {"uint16", 16}, Int16: {"int16", 16}, Int32: {"int32", 32},
	Int64: {"int64", 64}, String: {"string", 0}, Bool: {"bool", 8},
	Float16: {"float16", 16}, Float64: {"float64", 64}, Uint32: {"uint32", 32},
	Uint64: {"uint64", 64}, Complex64: {"complex64", 64},
	Complex128: {"complex128", 128}, BFloat16: {"bfloat16", 16},
	Float8E4M3FN: {"float8e4m3fn", 8}, Float8E4M3FNUZ: {"float8e4m3fnuz", 8}, Float8E5M2: {"float8e5m2", 8},
	Float8E5M2FNUZ: {"float8e5m2fnuz", 8}, Uint4: {"uint4", 4}, Int4: {"int4", 4},
	Float4E2M1: {"float4e2m1", 4}, Float8E8M0: {"float8e8m0", 8}, Uint2: {"uint2", 2}, Int2: {"int2", 2},
}

func (d DType) String() string {
	if r, ok := dtypes[d]; ok {
		return r.name
	}
	return fmt.Sprintf("dtype(%d)", int32(d))
}

// Bits is the storage of one element in bits; 0 for strings and unknown types.
func (d DType) Bits() int { return dtypes[d].bits }

// Size is the storage of one element in bytes, 0 where an element is not a
// whole number of bytes.
func (d DType) Size() int { return dtypes[d].bits / 8 }

// IsFloat reports whether elements are real floating-point numbers of 16 bits
// or more: the types weights may be zeroed and sliced in.
func (d DType) IsFloat() bool {
	return d == Float32 || d == Float64 || d == Float16 || d == BFloat16
}

// IsInt reports whether elements are whole numbers of at least 8 bits.
func (d DType) IsInt() bool {
	switch d {
	case Uint8, Int8, Uint16, Int16, Int32, Int64, Uint32, Uint64:
		return true
	}
	return false
}

// IsWhole reports whether elements are whole numbers of any size.
func (d DType) IsWhole() bool {
	return d.IsInt() || d == Uint4 || d == Int4 || d == Uint2 || d == Int2
}
