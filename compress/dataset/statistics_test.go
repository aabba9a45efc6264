package dataset

import (
	"math"
	"slices"
	"testing"

	"onnxcompress/graph/tensor"
)

func TestStatistics(t *testing.T) {
	odd := []float32{1, float32(math.NaN()), 3, float32(math.Inf(1))}
	b := Batch{Inputs: map[string]*tensor.Tensor{
		"x":    tensor.FromFloat32s([]int64{2, 2}, []float32{-1, 1, 3, 5}),
		"ids":  tensor.FromInt64s([]int64{1, 3}, []int64{1 << 40, 1 << 40, 1 << 40}),
		"odd":  tensor.FromFloat32s([]int64{4}, odd),
		"none": tensor.FromFloat32s([]int64{0}, nil),
		"word": {DType: tensor.String, Shape: []int64{1}, Strings: [][]byte{[]byte("a")}},
	}}
	want := []string{
		"ids int64[1,3]: 1.1e+12 to 1.1e+12, mean 1.1e+12, standard deviation 0",
		"none float32[0]: 0 to 0, mean 0, standard deviation 0",
		"odd float32[4]: 1 to 3, mean 2, standard deviation 1, 2 not finite",
		"x float32[2,2]: -1 to 5, mean 2, standard deviation 2.236",
	}
	var got []string
	for _, m := range Statistics(b) {
		got = append(got, m.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
