package tensor

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// MaxElements bounds the number of elements of any tensor: a shape read from a
// file may claim more than any machine holds.
const MaxElements = 1 << 40

// Tensor is a dense array in row-major order. Data holds the elements as
// little-endian bytes; elements of less than a byte are packed low bits first,
// as ONNX packs them. Strings holds the elements of a String tensor instead. A
// sequence or an absent optional is told by Kind.
type Tensor struct {
	DType   DType
	Shape   []int64
	Data    []byte
	Strings [][]byte
	// Kind tells values that are no tensors, which nodes hand on like tensors.
	Kind Kind
	// Items are the elements of a ListKind value, or the parts of a MapKind one.
	Items []*Tensor
}

// New returns a tensor of zeros. The shape must be non-negative and its size
// below MaxElements: New is for shapes that inference has already accepted.
func New(dt DType, shape ...int64) *Tensor {
	n, err := Count(shape)
	if err != nil {
		panic(err)
	}
	t := &Tensor{DType: dt, Shape: shape}
	if dt == String {
		t.Strings = make([][]byte, n)
		return t
	}
	t.Data = make([]byte, (n*int64(dt.Bits())+7)/8)
	return t
}

// Count is the number of elements of a shape, or an error when a dimension is
// negative or the product exceeds MaxElements.
func Count(shape []int64) (int64, error) {
	n := int64(1)
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("negative dimension %d in shape %v", d, shape)
		}
		if d > 0 && n > MaxElements/d {
			return 0, fmt.Errorf("shape %v has more than 2^40 elements", shape)
		}
		n *= d
	}
	return n, nil
}

// Extent is what a tensor of a shape takes to be worked on: its elements or, where
// it has none, the places along its longest axis; MaxElements where Count is an
// error.
func Extent(shape []int64) int64 {
	count, err := Count(shape)
	if err != nil {
		return MaxElements
	}
	for _, d := range shape {
		count = max(count, d)
	}
	return count
}

// FromFloat32s returns a float32 tensor that shares v. A nil shape is a scalar.
func FromFloat32s(shape []int64, v []float32) *Tensor {
	return &Tensor{DType: Float32, Shape: shape, Data: bytesOf(v)}
}

// FromInt64s returns an int64 tensor that shares v. A nil shape is a scalar.
func FromInt64s(shape []int64, v []int64) *Tensor {
	return &Tensor{DType: Int64, Shape: shape, Data: bytesOf(v)}
}

// Vector returns a one-dimensional int64 tensor of v.
func Vector(v ...int64) *Tensor { return FromInt64s([]int64{int64(len(v))}, v) }

// Len is the number of elements.
func (t *Tensor) Len() int {
	n := 1
	for _, d := range t.Shape {
		n *= int(d)
	}
	return n
}

// Rank is the number of dimensions.
func (t *Tensor) Rank() int { return len(t.Shape) }

// Clone returns a deep copy.
func (t *Tensor) Clone() *Tensor {
	c := *t
	c.Items = append([]*Tensor(nil), t.Items...)
	for i, item := range c.Items {
		c.Items[i] = item.Clone()
	}
	c.Shape = append([]int64(nil), t.Shape...)
	c.Data = append([]byte(nil), t.Data...)
	c.Strings = append([][]byte(nil), t.Strings...)
	return &c
}

// Float32s views the elements of a Float32 tensor; the slice aliases Data
// where alignment allows and is a copy where it does not.
func (t *Tensor) Float32s() []float32 { return view[float32](t, Float32) }

// Int32s views the elements of an Int32 tensor, as Float32s does.
func (t *Tensor) Int32s() []int32 { return view[int32](t, Int32) }

// Int64s views the elements of an Int64 tensor, as Float32s does.
func (t *Tensor) Int64s() []int64 { return view[int64](t, Int64) }

func view[T any](t *Tensor, want DType) []T {
	if t.DType != want {
		panic(fmt.Sprintf("tensor: %v read as %v", t.DType, want))
	}
	var z T
	n, size := t.Len(), int(unsafe.Sizeof(z))
	if n == 0 {
		return nil
	}
	p := unsafe.Pointer(unsafe.SliceData(t.Data[: n*size : n*size]))
	if uintptr(p)%unsafe.Alignof(z) == 0 {
		return unsafe.Slice((*T)(p), n)
	}
	v := make([]T, n)
	copy(bytesOf(v), t.Data)
	return v
}

func bytesOf[T any](v []T) []byte {
	if len(v) == 0 {
		return []byte{}
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(v[0])))
}

// AsFloat64s converts the elements of any real or boolean type to float64; nil
// for strings and complex numbers.
func (t *Tensor) AsFloat64s() []float64 {
	bits := t.DType.Bits()
	if bits == 0 || t.Kind != Dense || t.DType == Complex64 || t.DType == Complex128 {
		return nil
	}
	v := make([]float64, t.Len())
	if codes := t.Codes(); codes != nil {
		for i := range v {
			v[i], _ = smallNumber(t.DType, codes[i])
		}
		return v
	}
	for i := range v {
		v[i] = t.at(i, bits/8)
	}
	return v
}

func (t *Tensor) at(i, size int) float64 {
	var u uint64
	for k, b := range t.Data[i*size : i*size+size] {
		u |= uint64(b) << (8 * k)
	}
	switch t.DType {
	case Float32:
		return float64(math.Float32frombits(uint32(u)))
	case Float64:
		return math.Float64frombits(u)
	case Float16:
		return float64(HalfToFloat32(uint16(u)))
	case BFloat16:
		return float64(math.Float32frombits(uint32(u) << 16))
	case Int16:
		return float64(int16(u))
	case Int32:
		return float64(int32(u))
	case Int64:
		return float64(int64(u))
	}
	return float64(u)
}

// AsInt64s converts the elements of any integer or boolean type to int64, those
// of Uint64 by their bits; nil for other types.
func (t *Tensor) AsInt64s() []int64 {
	if !t.DType.IsWhole() && t.DType != Bool || t.Kind != Dense {
		return nil
	}
	v := make([]int64, t.Len())
	if codes := t.Codes(); codes != nil {
		for i := range v {
			x, _ := smallNumber(t.DType, codes[i])
			v[i] = int64(x)
		}
		return v
	}
	size := t.DType.Size()
	for i := range v {
		var u uint64
		for k, b := range t.Data[i*size : i*size+size] {
			u |= uint64(b) << (8 * k)
		}
		switch t.DType {
		case Int16:
			v[i] = int64(int16(u))
		case Int32:
			v[i] = int64(int32(u))
		default:
			v[i] = int64(u)
		}
	}
	return v
}

// Scalar returns a tensor of no dimensions that holds c, rounded to dt; nil
// where AsFloat64s has no answer for dt.
func Scalar(dt DType, c float64) *Tensor {
	if dt.Bits() == 0 {
		return nil
	}
	t := New(dt)
	if !t.Set(0, c) {
		return nil
	}
	return t
}

// Set writes c, rounded to the element type, to element i. What is too large
// for a float becomes infinite, or the largest number of at most 8 bits. It
// reports false where AsFloat64s has no answer for the type.
func (t *Tensor) Set(i int, c float64) bool {
	size := t.DType.Size()
	if size == 0 || t.DType > BFloat16 {
		return t.DType.Bits() > 0 && t.SetRounded(i, c, Rounding{})
	}
	u, ok := encode(t.DType, c)
	if !ok {
		return false
	}
	for b := range size {
		t.Data[i*size+b] = byte(u >> (8 * b))
	}
	return true
}

// As is a tensor of another type with the same elements, which are written by Set.
func (t *Tensor) As(dt DType) *Tensor {
	out := New(dt, t.Shape...)
	for i, v := range t.AsFloat64s() {
		out.Set(i, v)
	}
	return out
}

// SetInt writes the low bits of v to element i of a whole-number or boolean
// tensor.
func (t *Tensor) SetInt(i int, v int64) {
	size := t.DType.Size()
	if size == 0 {
		t.setCode(i, uint8(v))
		return
	}
	for b := range size {
		t.Data[i*size+b] = byte(v >> (8 * b))
	}
}

// toInt64 cuts the fraction off and keeps the bits of numbers that only an
// unsigned type holds; what no 64 bits hold is the lowest number.
func toInt64(c float64) int64 {
	switch {
	case c >= 1<<63 && c < 1<<64:
		return int64(uint64(c))
	case !(c >= -1<<63 && c < 1<<63):
		return math.MinInt64
	}
	return int64(c)
}

// encode is the little-endian pattern of c rounded to dt.
func encode(dt DType, c float64) (u uint64, ok bool) {
	switch dt {
	case Float32:
		return uint64(math.Float32bits(float32(c))), true
	case Float64:
		return math.Float64bits(c), true
	case Float16:
		return uint64(Float32ToHalf(float32(c))), true
	case BFloat16:
		return uint64(roundBFloat16(math.Float32bits(float32(c)))), true
	}
	return uint64(toInt64(c)), dt.IsInt() || dt == Bool
}

// roundBFloat16 keeps NaN apart, which rounding could make infinite.
func roundBFloat16(b uint32) uint32 {
	if b&0x7fffffff > 0x7f800000 {
		return b>>16 | 0x40
	}
	return (b + 0x7fff + b>>16&1) >> 16
}

// Uniform returns the number that every element of t holds; ok is false where
// they differ, where there is none, or where AsFloat64s has no answer.
func (t *Tensor) Uniform() (c float64, ok bool) {
	size := t.DType.Size()
	if size == 0 || t.DType == String || t.DType > BFloat16 || len(t.Data) < size {
		return 0, false
	}
	for i := size; i < len(t.Data); i++ {
		if t.Data[i] != t.Data[i-size] {
			return 0, false
		}
	}
	one := Tensor{DType: t.DType, Data: t.Data[:size]}
	v := one.AsFloat64s()
	if v == nil {
		return 0, false
	}
	return v[0], true
}

// IntAt is element i of an integer tensor of whole bytes.
func (t *Tensor) IntAt(i int) int64 {
	switch size := t.DType.Size(); size {
	case 8:
		return int64(binary.LittleEndian.Uint64(t.Data[8*i:]))
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(t.Data[4*i:])))
	default:
		return int64(t.at(i, size))
	}
}

// Check reports a dense tensor whose content is not as long as its type and
// shape say.
func (t *Tensor) Check() error {
	if t.Kind != Dense {
		return nil
	}
	n, err := Count(t.Shape)
	if err != nil {
		return err
	}
	if t.DType == String {
		if int64(len(t.Strings)) != n {
			return fmt.Errorf("%d strings for shape %v", len(t.Strings), t.Shape)
		}
		return nil
	}
	if want := (n*int64(t.DType.Bits()) + 7) / 8; int64(len(t.Data)) != want {
		return fmt.Errorf("%d bytes for %v of shape %v, which takes %d", len(t.Data), t.DType, t.Shape, want)
	}
	return nil
}
