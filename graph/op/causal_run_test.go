package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
)

func TestCausalConvRoutine(t *testing.T) {
	x := optest.Random
	silu := op.Attrs{"activation": {Str: "silu"}}
	for _, c := range []optest.Case{
		{Name: "plain", In: list(x(1, 2, 3, 5), x(2, 3, 1, 3))},
		{Name: "bias", Attrs: silu, In: list(x(1, 2, 3, 5), x(2, 3, 1, 3), x(3, 3))},
		{Name: "state", Attrs: silu, In: list(x(1, 2, 3, 5), x(2, 3, 1, 4), x(3, 3), x(4, 2, 3, 3))},
		{Name: "one step", In: list(x(1, 2, 3, 1), x(2, 3, 1, 4), nil, x(4, 2, 3, 3))},
		{Name: "one tap", In: list(x(1, 2, 3, 4), x(2, 3, 1, 1))},
	} {
		c.Op, c.Version, c.Outputs, c.Weighed = "CausalConvWithState", 27, 2, []int{1}
		optest.Run(t, c)
	}
}
