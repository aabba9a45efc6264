package op_test

import (
	"math"
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
	"onnxcompress/graph/tensor"
)

func TestAttentionRoutine(t *testing.T) {
	x := optest.Random
	packed := func(q, k int64) op.Attrs { return op.Attrs{"q_num_heads": num(q), "kv_num_heads": num(k)} }
	with := func(a op.Attrs, name string, v op.Attr) op.Attrs {
		out := op.Attrs{name: v}
		for k, v := range a {
			out[k] = v
		}
		return out
	}
	hidden := x(9, 4, 5)
	for i := range hidden.Float32s() {
		if i%5 > 2 || i/5 == 1 {
			hidden.Float32s()[i] = float32(math.Inf(-1))
		}
	}
	heads := list(x(1, 2, 4, 4, 6), x(2, 2, 4, 5, 6), x(3, 2, 4, 5, 3))
	shares := list(x(1, 2, 4, 4, 6), x(2, 2, 2, 5, 6), x(3, 2, 2, 5, 3))
	flat := list(x(1, 2, 4, 12), x(2, 2, 5, 12), x(3, 2, 5, 8))
	flatShares := list(x(1, 2, 4, 12), x(2, 2, 5, 6), x(3, 2, 5, 4))
	masked := func(in []*tensor.Tensor, m *tensor.Tensor) []*tensor.Tensor {
		return append(append([]*tensor.Tensor{}, in...), m)
	}
	for _, c := range []optest.Case{
		{Name: "heads", In: heads},
		{Name: "shared", In: shares},
		{Name: "packed", Attrs: packed(4, 4), In: flat},
		{Name: "packed and shared", Attrs: packed(4, 2), In: flatShares},
		{Name: "mixed", Attrs: packed(4, 4), In: list(x(1, 2, 4, 24), heads[1], heads[2])},
		{Name: "causal", Attrs: op.Attrs{"is_causal": num(1)}, In: shares},
		{Name: "window", Attrs: op.Attrs{"left_window_size": num(1), "right_window_size": num(1)}, In: heads},
		{Name: "scale", Attrs: op.Attrs{"scale": {Float: 0.3}}, In: heads},
		{Name: "cap", Attrs: op.Attrs{"softcap": {Float: 0.8}}, In: shares},
		{Name: "mask of steps", In: masked(heads, x(4, 4, 5))},
		{Name: "mask of heads", Attrs: packed(4, 2), In: masked(flatShares, x(4, 4, 1, 5))},
		{Name: "mask of samples", In: masked(heads, x(4, 2, 1, 1, 5))},
		{Name: "whole mask", In: masked(heads, x(4, 2, 4, 4, 5))},
		{Name: "mask of a row", In: masked(heads, x(4, 5))},
		{Name: "hidden", In: masked(heads, hidden), Skip: []int{3}},
		{Name: "booleans", In: masked(shares, flags(4, 5))},
		{Name: "all", Attrs: with(with(packed(4, 2), "is_causal", num(1)), "softcap", op.Attr{Float: 2}), In: masked(flatShares, x(4, 2, 4, 4, 5))},
		{Name: "pieces", Attrs: packed(2, 1), In: list(x(1, 1, 40, 4), x(2, 1, 1025, 2), x(3, 1, 1025, 2))},
		{Name: "large", Attrs: packed(2, 1), In: list(x(1, 1, 40, 64), x(2, 1, 50, 32), x(3, 1, 50, 32))},
	} {
		c.Op, c.Version, c.Tolerance = "Attention", 24, 5e-5
		c.Train = true
		optest.Run(t, c)
		c.Name, c.Train, c.NoGradient = c.Name+", used", false, true
		optest.Run(t, c)
	}
}
