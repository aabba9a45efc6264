package ort

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"slices"
	"unsafe"

	onnxruntime "github.com/yalue/onnxruntime_go"

	"onnxcompress/graph/tensor"
)

// newValue hands t to onnxruntime. The value reads and writes t's own bytes and
// must be destroyed.
func newValue(t *tensor.Tensor) (onnxruntime.Value, error) {
	n, err := tensor.Count(t.Shape)
	if err != nil {
		return nil, err
	}
	if t.DType == tensor.String {
		return newStrings(t, n)
	}
	bits := int64(t.DType.Bits())
	if bits == 0 {
		return nil, fmt.Errorf("%v is no type of a tensor", t.DType)
	}
	if want := (n*bits + 7) / 8; want != int64(len(t.Data)) {
		return nil, fmt.Errorf("%v of shape %v is %d bytes, not %d", t.DType, t.Shape, want, len(t.Data))
	}
	if len(t.Shape) == 0 {
		return newScalar(t)
	}
	data := t.Data
	if len(data) == 0 {
		// The binding wants a byte to point at, even for no elements.
		data = make([]byte, 1)
	}
	if size := t.DType.Size(); size > 1 && uintptr(unsafe.Pointer(unsafe.SliceData(data)))%uintptr(size) != 0 {
		// Bytes cut from a file may lie anywhere; kernels expect whole words.
		data = slices.Clone(data)
	}
	return onnxruntime.NewCustomDataTensor(t.Shape, data, onnxruntime.TensorElementDataType(t.DType))
}

func newStrings(t *tensor.Tensor, n int64) (onnxruntime.Value, error) {
	if int64(len(t.Strings)) != n {
		return nil, fmt.Errorf("string of shape %v has %d elements, not %d", t.Shape, n, len(t.Strings))
	}
	v, err := onnxruntime.NewStringTensor(t.Shape)
	if err != nil {
		return nil, err
	}
	s := make([]string, len(t.Strings))
	for i, b := range t.Strings {
		s[i] = string(b)
	}
	if err := v.SetContents(s); err != nil {
		v.Destroy()
		return nil, err
	}
	return v, nil
}

func newScalar(t *tensor.Tensor) (onnxruntime.Value, error) {
	switch b := binary.LittleEndian; t.DType {
	case tensor.Float32, tensor.Float64:
		if t.DType == tensor.Float64 {
			return onnxruntime.NewScalar(t.AsFloat64s()[0])
		}
		return onnxruntime.NewScalar(t.Float32s()[0])
	case tensor.Bool:
		return onnxruntime.NewScalar(t.Data[0] != 0)
	case tensor.Int8:
		return onnxruntime.NewScalar(int8(t.Data[0]))
	case tensor.Uint8:
		return onnxruntime.NewScalar(t.Data[0])
	case tensor.Int16:
		return onnxruntime.NewScalar(int16(b.Uint16(t.Data)))
	case tensor.Uint16:
		return onnxruntime.NewScalar(b.Uint16(t.Data))
	case tensor.Int32:
		return onnxruntime.NewScalar(int32(b.Uint32(t.Data)))
	case tensor.Uint32:
		return onnxruntime.NewScalar(b.Uint32(t.Data))
	case tensor.Int64:
		return onnxruntime.NewScalar(int64(b.Uint64(t.Data)))
	case tensor.Uint64:
		return onnxruntime.NewScalar(b.Uint64(t.Data))
	}
	return nil, fmt.Errorf("a scalar of %v cannot be passed to onnxruntime", t.DType)
}

// readValue adds v to out under name: a tensor as it is, the members of a
// sequence as name[0], name[1], ..., of a map as name.keys and name.values.
func readValue(name string, v onnxruntime.Value, out map[string]*tensor.Tensor) error {
	switch v := v.(type) {
	case *onnxruntime.Sequence:
		members, err := v.GetValues()
		if err != nil {
			return err
		}
		for i, m := range members {
			if err := readValue(fmt.Sprintf("%s[%d]", name, i), m, out); err != nil {
				return err
			}
		}
		return nil
	case *onnxruntime.Map:
		keys, values, err := v.GetKeysAndValues()
		if err != nil {
			return err
		}
		if err := readValue(name+".keys", keys, out); err != nil {
			return err
		}
		return readValue(name+".values", values, out)
	}
	t, err := readTensor(v)
	if err != nil {
		return fmt.Errorf("output %s: %w", name, err)
	}
	out[name] = t
	return nil
}

func readTensor(v onnxruntime.Value) (*tensor.Tensor, error) {
	shape := []int64(v.GetShape())
	switch v := v.(type) {
	case *onnxruntime.Tensor[float32]:
		return copied(tensor.Float32, shape, v.GetData()), nil
	case *onnxruntime.Tensor[float64]:
		return copied(tensor.Float64, shape, v.GetData()), nil
	case *onnxruntime.Tensor[bool]:
		return copied(tensor.Bool, shape, v.GetData()), nil
	case *onnxruntime.Tensor[int8]:
		return copied(tensor.Int8, shape, v.GetData()), nil
	case *onnxruntime.Tensor[uint8]:
		return copied(tensor.Uint8, shape, v.GetData()), nil
	case *onnxruntime.Tensor[int16]:
		return copied(tensor.Int16, shape, v.GetData()), nil
	case *onnxruntime.Tensor[uint16]:
		return copied(tensor.Uint16, shape, v.GetData()), nil
	case *onnxruntime.Tensor[int32]:
		return copied(tensor.Int32, shape, v.GetData()), nil
	case *onnxruntime.Tensor[uint32]:
		return copied(tensor.Uint32, shape, v.GetData()), nil
	case *onnxruntime.Tensor[int64]:
		return copied(tensor.Int64, shape, v.GetData()), nil
	case *onnxruntime.Tensor[uint64]:
		return copied(tensor.Uint64, shape, v.GetData()), nil
	case *onnxruntime.StringTensor:
		return readStrings(v, shape)
	}
	return nil, fmt.Errorf("a value of type %v cannot be read", tensor.DType(v.DataType()))
}

// copied outlives the value that v belongs to.
func copied[T onnxruntime.TensorData](dtype tensor.DType, shape []int64, v []T) *tensor.Tensor {
	data := make([]byte, len(v)*dtype.Size())
	if len(v) > 0 {
		copy(data, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(data)))
	}
	return &tensor.Tensor{DType: dtype, Shape: shape, Data: data}
}

func readStrings(v *onnxruntime.StringTensor, shape []int64) (*tensor.Tensor, error) {
	n, err := tensor.Count(shape)
	if err != nil {
		return nil, err
	}
	t := &tensor.Tensor{DType: tensor.String, Shape: shape, Strings: make([][]byte, n)}
	for i := range t.Strings {
		s, err := v.GetElement(int64(i))
		if err != nil {
			return nil, err
		}
		t.Strings[i] = []byte(s)
	}
	return t, nil
}

// destroy frees values; a failed run leaves typed nils among them.
func destroy(values []onnxruntime.Value) {
	for _, v := range values {
		if v != nil && !reflect.ValueOf(v).IsNil() {
			v.Destroy()
		}
	}
}

// bfloat16 rounds to the nearest, ties to even.
func bfloat16(f float32) uint16 {
	b := math.Float32bits(f)
	if f != f {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}
