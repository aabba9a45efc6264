package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
	"onnxcompress/graph/tensor"
)

func TestMovementRoutines(t *testing.T) {
	x, v := optest.Random, tensor.Vector
	for _, perm := range [][]int64{{0, 1, 2, 3}, {0, 2, 1, 3}, {0, 2, 3, 1}, {3, 2, 1, 0}, {1, 0, 2, 3}, {0, 1, 3, 2}, {2, 0, 3, 1}} {
		optest.Run(t, optest.Case{Op: "Transpose", Attrs: op.Attrs{"perm": whole(perm...)}, In: list(x(1, 2, 3, 17, 5))})
		optest.Run(t, optest.Case{Name: "ones", Op: "Transpose", Attrs: op.Attrs{"perm": whole(perm...)}, In: list(x(1, 1, 3, 1, 5))})
	}
	optest.Run(t, optest.Case{Name: "matrix", Op: "Transpose", In: list(x(1, 40, 70))})
	optest.Run(t, optest.Case{Op: "Expand", In: list(x(1, 3, 1, 2), v(2, 3, 4, 2)), Skip: []int{1}})
	optest.Run(t, optest.Case{Name: "axis before", Op: "Expand", In: list(x(1, 1, 1, 5), v(4, 1, 5))})
	optest.Run(t, optest.Case{Name: "last", Op: "Expand", In: list(x(1, 3, 1), v(3, 6))})
	optest.Run(t, optest.Case{Op: "Slice", In: list(x(1, 2, 6, 5, 4), v(1, 0), v(5, 3), v(1, 2))})
	optest.Run(t, optest.Case{Name: "steps", Op: "Slice", In: list(x(1, 2, 6, 5, 4), v(-1, 0, 3), v(-100, 5, 0), v(1, 2, 3), v(-2, 2, -1))})
	optest.Run(t, optest.Case{Name: "nothing", Op: "Slice", In: list(x(1, 2, 6), v(3), v(3), v(1))})
	for axis := range int64(4) {
		along := op.Attrs{"axis": number(axis)}
		optest.Run(t, optest.Case{Op: "Concat", Attrs: along, In: list(x(1, 2, 3, 2, 4), x(2, 2, 3, 2, 4), x(3, 2, 3, 2, 4))})
		optest.Run(t, optest.Case{Op: "Gather", Attrs: along, In: list(x(1, 4, 4, 5, 6), v(3, 0, -1, 0)), Skip: []int{1}})
		optest.Run(t, optest.Case{Op: "Split", Version: 13, Outputs: 2, Attrs: along, In: list(x(1, 4, 4, 6, 8)), Skip: []int{1}})
		for _, name := range []string{"Softmax", "LogSoftmax"} {
			optest.Run(t, optest.Case{Op: name, Version: 13, Attrs: along, In: list(x(1, 3, 4, 5, 6))})
			optest.Run(t, optest.Case{Name: "matrix", Op: name, Version: 11, Attrs: along, In: list(x(1, 3, 4, 5, 6))})
		}
	}
	optest.Run(t, optest.Case{Name: "uneven", Op: "Split", Version: 13, Outputs: 3, Attrs: op.Attrs{"axis": number(1)}, In: list(x(1, 2, 7, 3, 2), v(1, 4, 2))})
	optest.Run(t, optest.Case{Name: "scalar index", Op: "Gather", Attrs: op.Attrs{"axis": number(1)}, In: list(x(1, 2, 3, 4), tensor.FromInt64s(nil, []int64{2}))})
	optest.Run(t, optest.Case{Op: "Reshape", In: list(x(1, 2, 3, 4), v(4, -1))})
	optest.Run(t, optest.Case{Op: "Flatten", In: list(x(1, 2, 3, 4))})
	optest.Run(t, optest.Case{Op: "Identity", In: list(x(1, 2, 3, 4, 5))})
	optest.Run(t, optest.Case{Op: "Dropout", In: list(x(1, 2, 3, 4, 5))})
}

// TestDropoutTraining: what is dropped is dropped from the gradient, too, and the
// rest makes up for it.
func TestDropoutTraining(t *testing.T) {
	optest.Dropout(t, 0.3)
}
