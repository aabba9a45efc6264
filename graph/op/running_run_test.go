package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
	"onnxcompress/graph/tensor"
)

func TestRunningRoutines(t *testing.T) {
	for _, name := range []string{"CumSum", "CumProd"} {
		for _, shape := range [][]int64{{5}, {2, 3, 4}, {1}, {0, 3}, {3, 0}} {
			for axis := range shape {
				for flags := range int64(4) {
					attrs := op.Attrs{"exclusive": num(flags & 1), "reverse": num(flags >> 1)}
					optest.Run(t, optest.Case{Op: name, Version: 26, Attrs: attrs, In: list(optest.Random(1, shape...), shaped(nil, int64(axis-len(shape))))})
				}
			}
		}
	}
	x := tensor.FromFloat32s([]int64{5}, []float32{2, 0, 3, 0, 4})
	optest.Run(t, optest.Case{Name: "zeros", Op: "CumProd", Version: 26, In: list(x, shaped(nil, 0))})
}

func TestTopKRoutine(t *testing.T) {
	for _, shape := range [][]int64{{7}, {2, 5, 3}, {1, 1}, {0, 3}} {
		for axis := range shape {
			for _, k := range []int64{0, 1, shape[axis]} {
				for _, largest := range []int64{0, 1} {
					attrs := op.Attrs{"axis": num(int64(axis)), "largest": num(largest)}
					optest.Run(t, optest.Case{Op: "TopK", Outputs: 2, Attrs: attrs, In: list(optest.Random(1, shape...), ints(min(k, shape[axis])))})
				}
			}
		}
	}
	optest.Run(t, optest.Case{Name: "attribute", Op: "TopK", Version: 9, Outputs: 2, Attrs: op.Attrs{"k": num(2)}, In: list(optest.Random(1, 3, 4))})
	equals := tensor.FromFloat32s([]int64{6}, []float32{1, 3, 2, 3, 2, 3})
	optest.Run(t, optest.Case{Name: "equals", Op: "TopK", Outputs: 2, In: list(equals, ints(4)), NoGradient: true})
}

func TestHardmaxRoutine(t *testing.T) {
	for _, version := range []int{11, 13} {
		for _, shape := range [][]int64{{7}, {2, 5, 3}, {1, 1}, {0, 3}} {
			for axis := range shape {
				optest.Run(t, optest.Case{Op: "Hardmax", Version: version, Attrs: op.Attrs{"axis": num(int64(axis))}, In: list(optest.Random(1, shape...)), NoGradient: true})
			}
		}
	}
}

func TestCastRoutine(t *testing.T) {
	to := op.Attrs{"to": num(int64(tensor.Float32))}
	for _, dt := range []tensor.DType{tensor.Float32, tensor.Int64, tensor.Int32, tensor.Uint8, tensor.Bool} {
		x := tensor.New(dt, 2, 3)
		for i := range x.Len() {
			x.SetInt(i, int64(i%2))
		}
		optest.Run(t, optest.Case{Op: "Cast", Attrs: to, In: list(x)})
		optest.Run(t, optest.Case{Op: "CastLike", In: list(x, optest.Random(1, 2)), Skip: []int{1}})
	}
}
