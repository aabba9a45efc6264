package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
)

func whole(v ...int64) op.Attr { return op.Attr{Ints: v} }

func number(v int64) op.Attr { return op.Attr{Int: v} }

func TestConvRoutines(t *testing.T) {
	x := optest.Random
	for _, c := range []struct {
		name    string
		attrs   op.Attrs
		x, w, b []int64
	}{
		{"3x3", op.Attrs{"pads": whole(1, 1, 1, 1)}, []int64{2, 3, 7, 6}, []int64{5, 3, 3, 3}, []int64{5}},
		{"1x1", nil, []int64{2, 17, 3, 5}, []int64{18, 17, 1, 1}, nil},
		{"1x1 with stride", op.Attrs{"strides": whole(2, 2)}, []int64{2, 4, 5, 6}, []int64{3, 4, 1, 1}, []int64{3}},
		{"strides and pads", op.Attrs{"strides": whole(2, 3), "pads": whole(1, 0, 2, 1)}, []int64{1, 2, 9, 8}, []int64{4, 2, 3, 2}, nil},
		{"dilations", op.Attrs{"dilations": whole(2, 3)}, []int64{1, 2, 9, 11}, []int64{3, 2, 3, 2}, []int64{3}},
		{"groups", op.Attrs{"group": number(2)}, []int64{2, 6, 5, 5}, []int64{4, 3, 3, 3}, []int64{4}},
		{"depthwise", op.Attrs{"group": number(6), "pads": whole(1, 1, 1, 1)}, []int64{2, 6, 5, 5}, []int64{6, 1, 3, 3}, []int64{6}},
		{"depthwise twice", op.Attrs{"group": number(3), "strides": whole(2, 2)}, []int64{2, 3, 7, 7}, []int64{6, 1, 3, 3}, nil},
		{"same upper", op.Attrs{"auto_pad": {Str: "SAME_UPPER"}, "strides": whole(2, 2)}, []int64{1, 2, 8, 7}, []int64{3, 2, 3, 3}, nil},
		{"one axis", op.Attrs{"pads": whole(2, 1)}, []int64{2, 3, 8}, []int64{4, 3, 4}, []int64{4}},
		{"three axes", op.Attrs{"pads": whole(1, 0, 1, 1, 1, 0), "strides": whole(1, 2, 1)}, []int64{1, 2, 4, 5, 4}, []int64{3, 2, 2, 3, 2}, []int64{3}},
		{"many channels", op.Attrs{"pads": whole(1, 1, 1, 1)}, []int64{1, 33, 5, 5}, []int64{35, 33, 3, 3}, nil},
	} {
		in := list(x(1, c.x...), x(2, c.w...))
		if c.b != nil {
			in = append(in, x(3, c.b...))
		}
		optest.Run(t, optest.Case{Name: c.name, Op: "Conv", Attrs: c.attrs, In: in})
		optest.Run(t, optest.Case{Name: c.name + " prepared", Op: "Conv", Attrs: c.attrs, In: in, Constant: []int{1}})
	}
}

func TestConvTransposeRoutines(t *testing.T) {
	x := optest.Random
	for _, c := range []struct {
		name  string
		attrs op.Attrs
		x, w  []int64
		b     []int64
	}{
		{"plain", nil, []int64{2, 3, 4, 5}, []int64{3, 4, 3, 3}, []int64{4}},
		{"strides", op.Attrs{"strides": whole(2, 2), "pads": whole(1, 1, 1, 1)}, []int64{2, 3, 4, 5}, []int64{3, 4, 4, 4}, nil},
		{"output padding", op.Attrs{"strides": whole(2, 2), "pads": whole(1, 1, 1, 1), "output_padding": whole(1, 1)}, []int64{1, 3, 4, 5}, []int64{3, 2, 3, 3}, []int64{2}},
		{"groups", op.Attrs{"group": number(2), "strides": whole(2, 2)}, []int64{2, 4, 3, 3}, []int64{4, 3, 2, 2}, []int64{6}},
		{"output shape", op.Attrs{"strides": whole(3, 2), "output_shape": whole(10, 8)}, []int64{1, 1, 3, 3}, []int64{1, 2, 3, 3}, nil},
		{"one axis", op.Attrs{"strides": whole(2)}, []int64{2, 3, 4}, []int64{3, 2, 4}, nil},
	} {
		in := list(x(1, c.x...), x(2, c.w...))
		if c.b != nil {
			in = append(in, x(3, c.b...))
		}
		optest.Run(t, optest.Case{Name: c.name, Op: "ConvTranspose", Attrs: c.attrs, In: in})
	}
}

func TestPoolRoutines(t *testing.T) {
	x := optest.Random
	for _, c := range []struct {
		name  string
		attrs op.Attrs
		x     []int64
	}{
		{"2x2", op.Attrs{"kernel_shape": whole(2, 2), "strides": whole(2, 2)}, []int64{2, 3, 6, 8}},
		{"3x3 padded", op.Attrs{"kernel_shape": whole(3, 3), "strides": whole(2, 2), "pads": whole(1, 1, 1, 1)}, []int64{2, 17, 7, 6}},
		{"ceil", op.Attrs{"kernel_shape": whole(3, 3), "strides": whole(2, 2), "ceil_mode": number(1)}, []int64{1, 2, 6, 6}},
		{"dilated", op.Attrs{"kernel_shape": whole(2, 2), "dilations": whole(2, 2)}, []int64{1, 2, 6, 5}},
		{"one axis", op.Attrs{"kernel_shape": whole(3), "strides": whole(2)}, []int64{2, 3, 9}},
		{"three axes", op.Attrs{"kernel_shape": whole(2, 2, 2)}, []int64{1, 2, 3, 4, 3}},
	} {
		for _, name := range []string{"MaxPool", "AveragePool"} {
			optest.Run(t, optest.Case{Name: c.name, Op: name, Version: 22, Attrs: c.attrs, In: list(x(1, c.x...))})
		}
	}
	include := op.Attrs{"kernel_shape": whole(3, 3), "pads": whole(1, 1, 1, 1), "count_include_pad": number(1)}
	optest.Run(t, optest.Case{Name: "with pads", Op: "AveragePool", Attrs: include, In: list(x(1, 2, 3, 5, 4))})
	for _, name := range []string{"GlobalAveragePool", "GlobalMaxPool"} {
		optest.Run(t, optest.Case{Op: name, In: list(x(1, 2, 19, 5, 4))})
		optest.Run(t, optest.Case{Name: "one place", Op: name, In: list(x(1, 2, 3, 1))})
	}
}
