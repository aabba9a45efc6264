package op

import (
	"errors"
	"fmt"
	"math"

	"onnxcompress/graph/tensor"
)

// listTensor is a list attribute of any type as a tensor, nil for none.
func listTensor(a Attr) *tensor.Tensor {
	switch {
	case a.Tensor != nil:
		return flat(a.Tensor)
	case len(a.Strs) > 0:
		t := tensor.New(tensor.String, int64(len(a.Strs)))
		for i, s := range a.Strs {
			t.Strings[i] = []byte(s)
		}
		return t
	case len(a.Ints) > 0:
		return tensor.Vector(a.Ints...)
	case len(a.Floats) > 0:
		return tensor.FromFloat32s([]int64{int64(len(a.Floats))}, a.Floats)
	}
	return nil
}

// attrTensor is the list that attributes of a name and a type's suffix hold.
func attrTensor(n *Node, name string) *tensor.Tensor {
	for _, suffix := range []string{"_tensor", "_strings", "_int64s", "_ints", "_floats"} {
		if t := listTensor(n.Attrs[name+suffix]); t != nil {
			return t
		}
	}
	return nil
}

// lookup finds the place of each element of t among keys, -1 where it is not
// there. NaN is a key like any other.
func lookup(keys, t *tensor.Tensor) ([]int64, error) {
	if (keys.DType == tensor.String) != (t.DType == tensor.String) {
		return nil, fmt.Errorf("%v are looked up among %v", t.DType, keys.DType)
	}
	at := make([]int64, t.Len())
	if t.DType == tensor.String {
		places := map[string]int64{}
		for i, k := range keys.Strings {
			if _, ok := places[string(k)]; !ok {
				places[string(k)] = int64(i)
			}
		}
		for i, s := range t.Strings {
			if p, ok := places[string(s)]; ok {
				at[i] = p
			} else {
				at[i] = -1
			}
		}
		return at, nil
	}
	lists, err := columns([]*tensor.Tensor{keys, t}, (*tensor.Tensor).AsFloat64s)
	if err != nil {
		return nil, err
	}
	places, bits := map[uint64]int64{}, func(x float64) uint64 {
		if math.IsNaN(x) {
			x = math.NaN()
		}
		return math.Float64bits(x + 0)
	}
	for i, k := range lists[0] {
		if _, ok := places[bits(k)]; !ok {
			places[bits(k)] = int64(i)
		}
	}
	for i, x := range lists[1] {
		if p, ok := places[bits(x)]; ok {
			at[i] = p
		} else {
			at[i] = -1
		}
	}
	return at, nil
}

// translated are the values at the places of t among keys, def where it is not
// there.
func translated(keys, values, def, t *tensor.Tensor) ([]*tensor.Tensor, error) {
	if keys == nil || values == nil || keys.Len() != values.Len() || def.DType != values.DType || def.Len() != 1 {
		return nil, errors.New("keys, values and default do not fit")
	}
	at, err := lookup(keys, t)
	if err != nil {
		return nil, err
	}
	both, err := joined([]*tensor.Tensor{values, flat(def)})
	if err != nil {
		return nil, err
	}
	for i := range at {
		if at[i] < 0 {
			at[i] = int64(values.Len())
		}
	}
	return one(pick(both, t.Shape, [][]int64{at}, nil))
}

// defaultFor is what stands for keys that are not known, for values of a type.
func defaultFor(n *Node, dt tensor.DType) *tensor.Tensor {
	if t := n.Attrs["default_tensor"].Tensor; t != nil {
		return t
	}
	switch dt {
	case tensor.String:
		return &tensor.Tensor{DType: dt, Strings: [][]byte{[]byte(n.Attrs.Str("default_string", "_Unused"))}}
	case tensor.Int64:
		return tensor.FromInt64s(nil, []int64{n.Attrs.Int("default_int64", -1)})
	}
	t := tensor.New(dt)
	if a, ok := n.Attrs["default_float"]; ok {
		t.Set(0, float64(a.Float))
	} else {
		t.Set(0, math.Copysign(0, -1))
	}
	return t
}

func forwardLabelEncoder(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	keys, values := attrTensor(n, "keys"), attrTensor(n, "values")
	if classes := attrTensor(n, "classes"); classes != nil {
		keys, values = classes, tensor.Vector(line(int64(classes.Len()), 0, 1)...)
		if in[0].DType != tensor.String {
			keys, values = values, keys
		}
	}
	if values == nil {
		return nil, errors.New("has no values")
	}
	return translated(keys, values, defaultFor(n, values.DType), in[0])
}

func forwardCategoryMapper(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	keys, values := listTensor(n.Attrs["cats_int64s"]), listTensor(n.Attrs["cats_strings"])
	if in[0].DType == tensor.String {
		keys, values = values, keys
	}
	if values == nil {
		return nil, errors.New("has no categories")
	}
	return translated(keys, values, defaultFor(n, values.DType), in[0])
}
