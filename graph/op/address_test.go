package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
)

// TestIndicesOutOfRange: what is computed from data may not be there.
func TestIndicesOutOfRange(t *testing.T) {
	x := optest.Random
	for _, c := range []struct {
		optest.Case
		want string
	}{
		{optest.Case{Op: "GatherElements", In: list(x(1, 2, 3), shaped([]int64{1, 2}, 0, 2)), Untold: []int{1}}, "index 2"},
		{optest.Case{Op: "GatherND", In: list(x(1, 2, 3), shaped([]int64{1, 2}, 0, -4)), Untold: []int{1}}, "index -4"},
		{optest.Case{Op: "ScatterElements", In: list(x(1, 2, 3), shaped([]int64{1, 2}, 0, 2), x(2, 1, 2)), Untold: []int{1}}, "index 2"},
		{optest.Case{Op: "ScatterND", Attrs: op.Attrs{"reduction": {Str: "add"}}, In: list(x(1, 2, 3), shaped([]int64{1, 1}, 5), x(2, 1, 3)), Untold: []int{1}}, "index 5"},
		{optest.Case{Op: "MaxUnpool", Attrs: op.Attrs{"kernel_shape": {Ints: []int64{2}}}, In: list(x(1, 1, 1, 2), shaped([]int64{1, 1, 2}, 0, 9)), Untold: []int{1}}, "index 9"},
		{optest.Case{Op: "TensorScatter", Version: 24, In: list(x(1, 2, 5, 2), x(2, 2, 3, 2), ints(0, 4)), Untold: []int{2}}, "index 4"},
		{optest.Case{Op: "RotaryEmbedding", Version: 23, In: list(x(1, 1, 1, 1, 2), x(2, 3, 1), x(3, 3, 1), shaped([]int64{1, 1}, 3)), Untold: []int{3}}, "index 3"},
		{optest.Case{Op: "NegativeLogLikelihoodLoss", In: list(x(1, 2, 3), ints(0, 3)), Untold: []int{1}}, "class 3"},
		{optest.Case{Op: "RoiAlign", In: list(x(1, 1, 1, 2, 2), x(2, 1, 4), ints(1)), Untold: []int{2}}, "index 1"},
	} {
		optest.Fails(t, c.Case, c.want)
	}
}
