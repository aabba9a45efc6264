package op

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// samples are the rows of features in t: a vector is one row.
func samples(t *tensor.Tensor) (v []float64, rows, features int, err error) {
	if v, err = numbersOf(t); err != nil {
		return nil, 0, 0, err
	}
	switch t.Rank() {
	case 1:
		return v, 1, len(v), nil
	case 2:
		return v, int(t.Shape[0]), int(t.Shape[1]), nil
	}
	return nil, 0, 0, fmt.Errorf("needs rows of features, not shape %v", t.Shape)
}

// perFeature makes a tensor of type dt by a function of each number and the
// place of its feature, which is its index on the last axis.
func perFeature(t *tensor.Tensor, dt tensor.DType, f func(x float64, feature int) float64) ([]*tensor.Tensor, error) {
	v, err := numbersOf(t)
	if err != nil {
		return nil, err
	}
	features := 1
	if t.Rank() > 0 {
		features = max(int(t.Shape[t.Rank()-1]), 1)
	}
	for i, x := range v {
		v[i] = f(x, i%features)
	}
	return one(ofNumbers(dt, t.Shape, v))
}

// ofFeature is the number that a list has for a feature, def where the list is
// empty; a list of one number is one for all.
func ofFeature(list []float32, feature int, def float64) float64 {
	switch {
	case len(list) == 0:
		return def
	case len(list) == 1:
		return float64(list[0])
	}
	return float64(list[feature])
}

// fitting refuses lists that are neither one number nor one for each feature.
func fitting(t *tensor.Tensor, lists ...int) error {
	for _, count := range lists {
		if count > 1 && (t.Rank() == 0 || t.Shape[t.Rank()-1] != int64(count)) {
			return fmt.Errorf("%d numbers for features of shape %v", count, t.Shape)
		}
	}
	return nil
}

func forwardScaler(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	offset, scale := n.Attrs["offset"].Floats, n.Attrs["scale"].Floats
	if err := fitting(in[0], len(offset), len(scale)); err != nil {
		return nil, err
	}
	return perFeature(in[0], tensor.Float32, func(x float64, k int) float64 {
		return (x - ofFeature(offset, k, 0)) * ofFeature(scale, k, 1)
	})
}

func forwardBinarizer(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	threshold := float64(n.Attrs.Float("threshold", 0))
	return perFeature(in[0], in[0].DType, func(x float64, _ int) float64 { return truth(x > threshold) })
}

func forwardImputer(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	if isWhole(in[0]) {
		values := n.Attrs.Ints("imputed_value_int64s")
		if err := fitting(in[0], len(values)); err != nil || len(values) == 0 {
			return nil, errors.Join(errors.New("has no numbers to impute"), err)
		}
		v, replaced, features := in[0].AsInt64s(), n.Attrs.Int("replaced_value_int64", 0), len(values)
		for i, x := range v {
			if x == replaced {
				v[i] = values[i%features]
			}
		}
		return one(ofWhole(in[0].DType, in[0].Shape, v))
	}
	values, replaced := n.Attrs["imputed_value_floats"].Floats, float64(n.Attrs.Float("replaced_value_float", 0))
	if err := fitting(in[0], len(values)); err != nil || len(values) == 0 {
		return nil, errors.Join(errors.New("has no numbers to impute"), err)
	}
	return perFeature(in[0], in[0].DType, func(x float64, k int) float64 {
		if x == replaced || math.IsNaN(x) && math.IsNaN(replaced) {
			return ofFeature(values, k, 0)
		}
		return x
	})
}

// forwardNormalizer divides each row by its norm, unless that is zero.
func forwardNormalizer(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	norm := map[string]func([]float64) float64{"MAX": largestOf, "L1": sumOfAbs, "L2": rootOfSquares}[n.Attrs.Str("norm", "MAX")]
	if norm == nil {
		return nil, fmt.Errorf("norm %q is not one of ONNX's", n.Attrs.Str("norm", "MAX"))
	}
	v, rows, features, err := samples(in[0])
	if err != nil {
		return nil, err
	}
	for r := range rows {
		row := v[r*features : (r+1)*features]
		if by := norm(row); by != 0 {
			for i := range row {
				row[i] /= by
			}
		}
	}
	return one(ofNumbers(tensor.Float32, in[0].Shape, v))
}

func forwardArrayFeatureExtractor(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 2); err != nil {
		return nil, err
	}
	facts, err := inferArrayFeatureExtractor(given(n, in[:2]))
	if err != nil {
		return nil, err
	}
	if !facts[0].Known {
		return nil, errors.New("extracts from a scalar")
	}
	last := in[0].Rank() - 1
	at, err := wrapped(in[1].AsInt64s(), in[0].Shape[last])
	if err != nil {
		return nil, err
	}
	tables := lines(in[0].Shape)
	tables[last] = at
	return one(pick(in[0], facts[0].Shape, tables, nil))
}

// forwardFeatureVectorizer puts the features of all inputs behind each other,
// each cut or filled with zeros to the length it is given.
func forwardFeatureVectorizer(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	lengths := n.Attrs.Ints("inputdimensions")
	if err := present(in, max(len(lengths), 1)); err != nil {
		return nil, err
	}
	facts, err := inferFeatureVectorizer(given(n, in))
	if err != nil {
		return nil, err
	}
	shape := facts[0].Shape
	if !facts[0].Known || slices.ContainsFunc(lengths, func(d int64) bool { return d < 0 }) {
		return nil, errors.New("the features have no number")
	}
	out, err := alloc(tensor.Float32, shape)
	if err != nil {
		return nil, err
	}
	to := out.Float32s()
	for r, at := 0, 0; r < int(shape[0]); r++ {
		for k, length := range lengths {
			v, rows, features, err := samples(in[k])
			if err != nil || rows != int(shape[0]) {
				return nil, errors.New("the inputs are not of as many rows")
			}
			for i, x := range v[r*features : r*features+min(features, int(length))] {
				to[at+i] = float32(x)
			}
			at += int(length)
		}
	}
	return []*tensor.Tensor{out}, nil
}

func forwardOneHotEncoder(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	keys := attrTensor(n, "cats")
	if keys == nil {
		return nil, errors.New("has no categories")
	}
	data := in[0]
	if data.DType.IsFloat() { // categories are whole numbers, and so is what is looked up
		whole, err := cast(&Node{}, data, tensor.Int64)
		if err != nil {
			return nil, err
		}
		data = whole[0]
	}
	at, err := lookup(keys, data)
	if err != nil {
		return nil, err
	}
	out, err := alloc(tensor.Float32, append(slices.Clone(in[0].Shape), int64(keys.Len())))
	if err != nil {
		return nil, err
	}
	for i, k := range at {
		switch {
		case k >= 0:
			out.Set(i*keys.Len()+int(k), 1)
		case n.Attrs.Int("zeros", 1) == 0:
			return nil, errors.New("a category is not known")
		}
	}
	return []*tensor.Tensor{out}, nil
}
