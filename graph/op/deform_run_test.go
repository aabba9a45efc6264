package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
)

func TestDeformConvRoutine(t *testing.T) {
	x := optest.Random
	pads := op.Attr{Ints: []int64{1, 1, 1, 1}}
	for _, c := range []optest.Case{
		{Name: "plain", In: list(x(1, 2, 3, 4, 5), x(2, 4, 3, 2, 2), x(3, 2, 8, 3, 4))},
		{Name: "mask and bias", Attrs: op.Attrs{"pads": pads}, In: list(x(1, 1, 2, 3, 3), x(2, 3, 2, 3, 3), x(3, 1, 18, 3, 3), x(4, 3), x(5, 1, 9, 3, 3))},
		{Name: "groups", Attrs: op.Attrs{"group": num(2), "offset_group": num(2), "strides": {Ints: []int64{2, 1}}}, In: list(x(1, 2, 4, 5, 4), x(2, 4, 2, 2, 2), x(3, 2, 16, 2, 3), nil, x(5, 2, 8, 2, 3))},
		{Name: "line", In: list(x(1, 1, 2, 6), x(2, 3, 2, 2), x(3, 1, 2, 5))},
	} {
		c.Op, c.Version, c.Tolerance = "DeformConv", 19, 1e-4
		optest.Run(t, c)
	}
}
