package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
)

func TestNormalizeRoutines(t *testing.T) {
	x := optest.Random
	shapes := [][]int64{{2, 3, 4, 5}, {3, 5}, {2, 4, 3}, {1, 1}, {0, 3}, {7}, {3, 1100, 2}}
	for _, shape := range shapes {
		for axis := range shape {
			for _, p := range []int64{1, 2} {
				attrs := op.Attrs{"axis": num(int64(axis - len(shape))), "p": num(p)}
				optest.Run(t, optest.Case{Op: "LpNormalization", Attrs: attrs, In: list(x(1, shape...)), Tolerance: 5e-5})
			}
		}
	}
	optest.Run(t, optest.Case{Op: "MeanVarianceNormalization", In: list(x(1, 3, 4, 5, 2)), Tolerance: 5e-5})
	for _, axes := range [][]int64{{0}, {1}, {-1}, {0, 2}, {0, 1, 2}} {
		attrs := op.Attrs{"axes": {Ints: axes}}
		optest.Run(t, optest.Case{Name: "axes", Op: "MeanVarianceNormalization", Attrs: attrs, In: list(x(1, 4, 5, 3)), Tolerance: 5e-5})
	}
}

func TestLRNRoutine(t *testing.T) {
	for _, size := range []int64{1, 2, 3, 5, 9} {
		attrs := op.Attrs{"size": num(size), "alpha": {Float: 0.5}, "beta": {Float: 0.6}, "bias": {Float: 1.5}}
		for _, shape := range [][]int64{{2, 7, 3, 4}, {3, 4}, {2, 1, 3}, {1, 0, 2}} {
			optest.Run(t, optest.Case{Op: "LRN", Attrs: attrs, In: list(optest.Random(1, shape...)), Tolerance: 5e-5})
		}
	}
}

func TestRMSNormRoutine(t *testing.T) {
	x := optest.Random
	for _, c := range []struct {
		name         string
		shape, scale []int64
		axis         int64
	}{
		{"rows", []int64{2, 3, 5}, []int64{5}, -1},
		{"one number", []int64{2, 3, 5}, []int64{1}, -1},
		{"no axes", []int64{2, 3, 5}, nil, -1},
		{"planes", []int64{2, 3, 5}, []int64{3, 5}, 1},
		{"columns of planes", []int64{2, 3, 5}, []int64{3, 1}, 1},
		{"rows of planes", []int64{2, 3, 5}, []int64{5}, -2},
		{"all", []int64{2, 3, 5}, []int64{2, 3, 5}, 0},
		{"leading ones", []int64{2, 3, 5}, []int64{1, 1, 5}, 2},
		{"large", []int64{40, 600}, []int64{600}, 1},
	} {
		optest.Run(t, optest.Case{Name: c.name, Op: "RMSNormalization", Version: 23, Attrs: op.Attrs{"axis": num(c.axis)}, In: list(x(1, c.shape...), x(2, c.scale...)), Tolerance: 5e-5})
	}
}
