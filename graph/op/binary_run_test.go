package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
	"onnxcompress/graph/tensor"
)

func TestBroadcastRoutines(t *testing.T) {
	x := optest.Random
	shapes := []struct {
		name string
		a, b []int64
	}{
		{"alike", []int64{2, 3, 4, 5}, []int64{2, 3, 4, 5}},
		{"channels", []int64{2, 3, 4, 5}, []int64{3, 1, 1}},
		{"channels of items", []int64{2, 3, 1, 1}, []int64{2, 3, 4, 5}},
		{"scalar", []int64{2, 3, 4}, nil},
		{"scalar first", []int64{1}, []int64{2, 3, 4}},
		{"row", []int64{4, 7}, []int64{7}},
		{"column and row", []int64{4, 1}, []int64{1, 7}},
		{"image", []int64{2, 3, 4, 5}, []int64{4, 5}},
		{"one number each", []int64{1, 1}, []int64{1}},
		{"empty", []int64{2, 0, 3}, []int64{3}},
		{"large", []int64{3, 10, 400}, []int64{10, 1}},
	}
	for _, s := range shapes {
		for _, name := range []string{"Add", "Sub", "Mul", "Max", "Min", "Sum", "Mean"} {
			if s.name == "large" && name[0] == 'M' && name != "Mul" && name != "Mean" {
				continue // of so many some are too close for differences
			}
			optest.Run(t, optest.Case{Name: s.name, Op: name, In: list(x(1, s.a...), x(2, s.b...))})
		}
		optest.Run(t, optest.Case{Name: s.name, Op: "Div", In: list(x(1, s.a...), between(0.5, 2, s.b...))})
		optest.Run(t, optest.Case{Name: s.name, Op: "Pow", In: list(between(0.5, 2, s.a...), x(2, s.b...))})
		optest.Run(t, optest.Case{Name: s.name, Op: "Mod", Attrs: op.Attrs{"fmod": {Int: 1}}, In: list(x(1, s.a...), between(0.3, 0.4, s.b...)), Tolerance: 2e-4})
	}
	for _, p := range []float32{2, 0.5, 3} {
		exponent := tensor.FromFloat32s(nil, []float32{p})
		optest.Run(t, optest.Case{Name: "constant", Op: "Pow", In: list(between(0.5, 2, 2, 3, 4), exponent), Constant: []int{1}})
	}
	optest.Run(t, optest.Case{Op: "PRelu", In: list(x(1, 2, 3, 4, 5), x(2, 3, 1, 1))})
	optest.Run(t, optest.Case{Name: "three", Op: "Max", In: list(x(1, 2, 3), x(2, 3), x(3, 2, 1))})
	optest.Run(t, optest.Case{Name: "three", Op: "Mean", In: list(x(1, 2, 3), x(2, 3), x(3, 2, 1))})
	optest.Run(t, optest.Case{Name: "one", Op: "Sum", In: list(x(1, 2, 3))})
	num := func(v float32) *tensor.Tensor { return tensor.FromFloat32s(nil, []float32{v}) }
	optest.Run(t, optest.Case{Op: "Clip", In: list(x(1, 2, 3, 4), num(-0.5), num(0.7))})
	optest.Run(t, optest.Case{Name: "low", Op: "Clip", In: list(x(1, 2, 3, 4), num(-0.5))})
	optest.Run(t, optest.Case{Name: "high", Op: "Clip", In: list(x(1, 2, 3, 4), nil, num(0.7))})
	optest.Run(t, optest.Case{Name: "crossed", Op: "Clip", In: list(x(1, 2, 3, 4), num(0.7), num(-0.5))})
	optest.Run(t, optest.Case{Name: "attributes", Op: "Clip", Version: 6, Attrs: op.Attrs{"min": {Float: -0.5}, "max": {Float: 0.7}}, In: list(x(1, 2, 3, 4))})
}
