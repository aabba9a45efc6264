package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
)

func TestGroupNormRoutines(t *testing.T) {
	x := optest.Random
	for _, c := range []struct {
		name   string
		shape  []int64
		groups int64
	}{
		{"images", []int64{2, 6, 3, 4}, 3},
		{"sequence", []int64{3, 4, 7}, 2},
		{"volume", []int64{1, 4, 2, 3, 2}, 4},
		{"one group", []int64{2, 5, 3, 3}, 1},
		{"matrix", []int64{3, 8}, 2},
		{"empty", []int64{0, 4, 3}, 2},
		{"large", []int64{2, 8, 40, 40}, 2},
		{"one large", []int64{1, 12, 70, 33}, 3},
	} {
		channels := c.shape[1]
		attrs := op.Attrs{"num_groups": num(c.groups), "epsilon": {Float: 1e-3}}
		optest.Run(t, optest.Case{Name: c.name, Op: "GroupNormalization", Attrs: attrs, In: list(x(1, c.shape...), x(2, channels), x(3, channels)), Tolerance: 5e-5})
		optest.Run(t, optest.Case{Name: c.name + " of groups", Op: "GroupNormalization", Version: 18, Attrs: attrs, In: list(x(1, c.shape...), x(2, c.groups), x(3, c.groups)), Tolerance: 5e-5})
		if len(c.shape) > 2 {
			optest.Run(t, optest.Case{Name: c.name, Op: "InstanceNormalization", Attrs: attrs, In: list(x(1, c.shape...), x(2, channels), x(3, channels)), Tolerance: 5e-5})
		}
	}
}
