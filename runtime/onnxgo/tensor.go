package onnxgo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"

	gorgonia "gorgonia.org/tensor"

	"onnxcompress/graph/tensor"
)

// dtypes pairs the element types that both sides have.
var dtypes = map[gorgonia.Dtype]tensor.DType{
	gorgonia.Bool: tensor.Bool, gorgonia.String: tensor.String, gorgonia.Float32: tensor.Float32, gorgonia.Float64: tensor.Float64,
	gorgonia.Int8: tensor.Int8, gorgonia.Int16: tensor.Int16, gorgonia.Int32: tensor.Int32, gorgonia.Int64: tensor.Int64,
	gorgonia.Uint8: tensor.Uint8, gorgonia.Uint16: tensor.Uint16, gorgonia.Uint32: tensor.Uint32, gorgonia.Uint64: tensor.Uint64,
	gorgonia.Complex64: tensor.Complex64, gorgonia.Complex128: tensor.Complex128, gorgonia.Int: tensor.Int64,
}

// content copies a tensor of onnx-go.
func content(t gorgonia.Tensor) (*tensor.Tensor, error) {
	dt, ok := dtypes[t.Dtype()]
	if !ok {
		return nil, fmt.Errorf("elements of type %v are unknown", t.Dtype())
	}
	out := &tensor.Tensor{DType: dt, Shape: []int64{}}
	for _, d := range t.Shape() {
		out.Shape = append(out.Shape, int64(d))
	}
	data, err := elements(t)
	if err != nil {
		return nil, err
	}
	if n := out.Len(); n != data.Len() {
		return nil, fmt.Errorf("%d elements for shape %v", data.Len(), t.Shape())
	}
	switch dt {
	case tensor.String:
		for i := range data.Len() {
			out.Strings = append(out.Strings, []byte(data.Index(i).String()))
		}
		return out, nil
	case tensor.Int64:
		if t.Dtype() == gorgonia.Int {
			for i := range data.Len() {
				out.Data = binary.LittleEndian.AppendUint64(out.Data, uint64(data.Index(i).Int()))
			}
			return out, nil
		}
	}
	out.Data, err = binary.Append([]byte{}, binary.LittleEndian, data.Interface())
	return out, err
}

// converted is t in the type that the model declares: programs for onnx-go, its
// suite among them, give whole numbers as floats.
func converted(t *tensor.Tensor, declared gorgonia.Dtype) *tensor.Tensor {
	want, ok := dtypes[declared]
	v := t.AsFloat64s()
	if !ok || want == t.DType || v == nil {
		return t
	}
	out := tensor.New(want, t.Shape...)
	for i, x := range v {
		if !out.Set(i, x) {
			return t
		}
	}
	return out
}

// elements are a tensor's elements in row-major order, as a slice.
func elements(t gorgonia.Tensor) (reflect.Value, error) {
	data := reflect.ValueOf(t.Data())
	if data.Kind() != reflect.Slice { // the element of a scalar
		one := reflect.MakeSlice(reflect.SliceOf(data.Type()), 1, 1)
		one.Index(0).Set(data)
		return one, nil
	}
	if !t.RequiresIterator() && !t.DataOrder().IsColMajor() {
		return data, nil
	}
	shape := t.Shape()
	list := reflect.MakeSlice(data.Type(), shape.TotalSize(), shape.TotalSize())
	index := make([]int, len(shape))
	for i := range list.Len() {
		v, err := t.At(index...)
		if err != nil {
			return list, err
		}
		list.Index(i).Set(reflect.ValueOf(v))
		for axis := len(index) - 1; axis >= 0; axis-- {
			if index[axis]++; index[axis] < shape[axis] {
				break
			}
			index[axis] = 0
		}
	}
	return list, nil
}

// dense is a value of the engine as a tensor of onnx-go; nil for what is absent.
func dense(t *tensor.Tensor) (gorgonia.Tensor, error) {
	switch {
	case t == nil:
		return nil, nil
	case t.Kind != tensor.Dense:
		return nil, errors.New("onnx-go has no sequences")
	}
	backing, err := backingOf(t)
	if err != nil {
		return nil, err
	}
	if len(t.Shape) == 0 {
		return gorgonia.New(gorgonia.FromScalar(backing.Index(0).Interface())), nil
	}
	shape := make([]int, len(t.Shape))
	for i, d := range t.Shape {
		shape[i] = int(d)
	}
	if backing.Len() == 0 {
		return nil, fmt.Errorf("onnx-go has no tensors without elements, as one of shape %v", shape)
	}
	return gorgonia.New(gorgonia.WithShape(shape...), gorgonia.WithBacking(backing.Interface())), nil
}

// backingOf is a slice of a tensor's elements.
func backingOf(t *tensor.Tensor) (reflect.Value, error) {
	if t.DType == tensor.String {
		list := make([]string, len(t.Strings))
		for i, s := range t.Strings {
			list[i] = string(s)
		}
		return reflect.ValueOf(list), nil
	}
	for theirs, ours := range dtypes {
		if ours != t.DType || theirs == gorgonia.Int {
			continue
		}
		list := reflect.MakeSlice(reflect.SliceOf(theirs.Type), t.Len(), t.Len())
		if t.Len() == 0 {
			return list, nil
		}
		_, err := binary.Decode(t.Data, binary.LittleEndian, list.Interface())
		return list, err
	}
	return reflect.Value{}, fmt.Errorf("onnx-go has no elements of type %v", t.DType)
}
