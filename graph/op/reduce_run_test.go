package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
	"onnxcompress/graph/tensor"
)

func TestReduceRoutines(t *testing.T) {
	for _, name := range []string{"Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSum", "LogSumExp"} {
		for _, c := range []struct {
			name  string
			shape []int64
			axes  []int64
		}{
			{"rows", []int64{2, 3, 5}, []int64{-1}},
			{"columns", []int64{4, 2, 5}, []int64{0}},
			{"channels", []int64{2, 4, 3, 3}, []int64{1}},
			{"space", []int64{2, 4, 3, 3}, []int64{2, -1}},
			{"between", []int64{2, 4, 3, 3}, []int64{0, 2}},
			{"batch and space", []int64{2, 4, 3, 3}, []int64{0, 2, 3}},
			{"height", []int64{2, 4, 3, 3}, []int64{2}},
			{"all", []int64{2, 3, 4}, nil},
			{"ones", []int64{1, 3, 1}, []int64{0, 2}},
			{"one element", []int64{1}, []int64{0}},
			{"number", nil, nil},
			{"nothing", []int64{2, 0, 3}, []int64{1}},
			{"of nothing", []int64{2, 0, 3}, []int64{0}},
		} {
			for _, keep := range []int64{0, 1} {
				x := between(0.3, 2, c.shape...)
				in := list(x)
				if c.axes != nil {
					in = list(x, ints(c.axes...))
				}
				optest.Run(t, optest.Case{Name: c.name, Op: "Reduce" + name, Attrs: op.Attrs{"keepdims": num(keep)}, In: in})
			}
		}
		none := op.Attrs{"noop_with_empty_axes": num(1)}
		optest.Run(t, optest.Case{Name: "no axes", Op: "Reduce" + name, Attrs: none, In: list(between(0.3, 2, 2, 3, 4), ints())})
		optest.Run(t, optest.Case{Name: "attribute", Op: "Reduce" + name, Version: 11, Attrs: op.Attrs{"axes": {Ints: []int64{1}}}, In: list(between(0.3, 2, 2, 3, 4))})
	}
	for _, name := range []string{"Sum", "L1", "LogSumExp"} {
		for _, axes := range [][]int64{{0}, {1}, {2}, {0, 1, 2}} {
			optest.Run(t, optest.Case{Name: "large", Op: "Reduce" + name, In: list(optest.Random(1, 2, 10, 1100), ints(axes...)), Tolerance: 1e-4})
		}
	}
}

// TestReduceOfEquals holds what differences do not show: gradients where some
// elements are equal, or zero.
func TestReduceOfEquals(t *testing.T) {
	for _, c := range []struct {
		op           string
		x, y, dx     []float32
		shape, drops []int64
	}{
		{op: "ReduceMax", x: []float32{1, 3, 3}, y: []float32{3}, dx: []float32{0, 2, 0}, shape: []int64{3}},
		{op: "ReduceMin", x: []float32{1, 3, 1}, y: []float32{1}, dx: []float32{2, 0, 0}, shape: []int64{3}},
		{op: "ReduceMax", x: []float32{1, 5, 1, 5}, y: []float32{1, 5}, dx: []float32{2, 2, 0, 0}, shape: []int64{2, 2}, drops: []int64{0}},
		{op: "ReduceProd", x: []float32{0, 3, 2}, y: []float32{0}, dx: []float32{12, 0, 0}, shape: []int64{3}},
		{op: "ReduceProd", x: []float32{0, 3, 0}, y: []float32{0}, dx: []float32{0, 0, 0}, shape: []int64{3}},
		{op: "ReduceL2", x: []float32{0, 0}, y: []float32{0}, dx: []float32{0, 0}, shape: []int64{2}},
		{op: "ReduceL1", x: []float32{0, -2}, y: []float32{2}, dx: []float32{0, -2}, shape: []int64{2}},
	} {
		t.Run(c.op, func(t *testing.T) {
			in := list(tensor.FromFloat32s(c.shape, c.x))
			if c.drops != nil {
				in = append(in, ints(c.drops...))
			}
			y, dx := optest.Evaluate(t, optest.Case{Op: c.op, Attrs: op.Attrs{"keepdims": num(0)}, In: in}, 2)
			for i, v := range y {
				if v != c.y[i] {
					t.Errorf("output is %v, not %v", y, c.y)
				}
			}
			for i, v := range dx {
				if v != c.dx[i] {
					t.Errorf("gradient is %v, not %v", dx, c.dx)
				}
			}
		})
	}
}
