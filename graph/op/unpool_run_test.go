package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
)

func TestPlacingRoutines(t *testing.T) {
	x := optest.Random
	list64 := func(v ...int64) op.Attr { return op.Attr{Ints: v} }
	for _, c := range []optest.Case{
		{Op: "CenterCropPad", In: list(x(1, 2, 3, 4, 5), ints(2, 5, 3, 8))},
		{Name: "axes", Op: "CenterCropPad", Attrs: op.Attrs{"axes": list64(-1, 0)}, In: list(x(1, 3, 4), ints(2, 5))},
		{Op: "Compress", Attrs: op.Attrs{"axis": num(1)}, In: list(x(1, 2, 5, 3), flags(5))},
		{Name: "flat", Op: "Compress", In: list(x(1, 2, 3), flags(6))},
		{Op: "MaxUnpool", Attrs: op.Attrs{"kernel_shape": list64(2, 2), "strides": list64(2, 2)}, In: list(x(1, 1, 1, 2, 2), shaped([]int64{1, 1, 2, 2}, 5, 7, 13, 15))},
		{Name: "twice", Op: "MaxUnpool", Attrs: op.Attrs{"kernel_shape": list64(2), "strides": list64(2)}, In: list(x(1, 1, 2, 2), shaped([]int64{1, 2, 2}, 1, 1, 4, 6)), Untold: []int{1}},
		{Op: "TensorScatter", Version: 24, In: list(x(1, 2, 3, 5, 2), x(2, 2, 3, 2, 2), ints(1, 3)), Untold: []int{2}},
		{Name: "circular", Op: "TensorScatter", Version: 24, Attrs: op.Attrs{"mode": {Str: "circular"}}, In: list(x(1, 2, 5, 2), x(2, 2, 3, 2), ints(4, 1))},
		{Name: "from the start", Op: "TensorScatter", Version: 24, In: list(x(1, 2, 5, 2), x(2, 2, 3, 2))},
		{Op: "Col2Im", In: list(x(1, 1, 8, 12), ints(4, 5), ints(2, 2))},
		{Name: "padded", Op: "Col2Im", Attrs: op.Attrs{"pads": list64(1, 1, 1, 1), "strides": list64(2, 2)}, In: list(x(1, 2, 9, 9), ints(5, 5), ints(3, 3))},
		{Name: "line", Op: "Col2Im", Attrs: op.Attrs{"dilations": list64(2)}, In: list(x(1, 2, 6, 4), ints(6), ints(2))},
		{Op: "AffineGrid", In: list(x(1, 2, 2, 3), ints(2, 1, 3, 4))},
		{Name: "volume", Op: "AffineGrid", Attrs: op.Attrs{"align_corners": num(1)}, In: list(x(1, 2, 3, 4), ints(2, 1, 3, 2, 4))},
	} {
		optest.Run(t, c)
	}
}
