package op

import (
	"bytes"
	"cmp"
	"fmt"
	"math"

	"onnxcompress/graph/tensor"
)

// ordering compares elements of t by their places: numbers by size, NaN before
// all others, text byte by byte.
func ordering(t *tensor.Tensor) (func(i, j int64) int, error) {
	if t.DType == tensor.String {
		return func(i, j int64) int { return bytes.Compare(t.Strings[i], t.Strings[j]) }, nil
	}
	if isWhole(t) {
		v := signless(t.DType, t.AsInt64s())
		return func(i, j int64) int { return cmp.Compare(v[i], v[j]) }, nil
	}
	v := t.AsFloat64s()
	if v == nil && t.Len() > 0 {
		return nil, fmt.Errorf("elements of %v have no order", t.DType)
	}
	return func(i, j int64) int { return cmp.Compare(v[i], v[j]) }, nil
}

// signless turns the bits of numbers of type Uint64 into signed numbers that
// are in the same order, and back again; other types stay as they are. It may
// change v.
func signless(dt tensor.DType, v []int64) []int64 {
	if dt == tensor.Uint64 {
		for i := range v {
			v[i] ^= math.MinInt64
		}
	}
	return v
}

// limits are the bits of the lowest and the highest number of a type of whole
// numbers.
func limits(dt tensor.DType) (lowest, highest int64, ok bool) {
	bits := dt.Bits()
	if !dt.IsWhole() && dt != tensor.Bool {
		return 0, 0, false
	}
	switch dt {
	case tensor.Int2, tensor.Int4, tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64:
		return math.MinInt64 >> (64 - bits), math.MaxInt64 >> (64 - bits), true
	case tensor.Bool:
		return 0, 1, true
	}
	return 0, int64(^uint64(0) >> (64 - bits)), true
}
