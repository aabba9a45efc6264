package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
)

func TestBatchNormRoutines(t *testing.T) {
	x := optest.Random
	trained := &op.Node{Type: "BatchNormalization", Version: 15, Outputs: 3, Attrs: op.Attrs{"training_mode": number(1)}}
	for _, shape := range [][]int64{{2, 3, 4, 5}, {4, 17}, {3, 2, 5}, {2, 2, 2, 3, 2}, {300, 3, 2, 2}, {5, 3, 1, 1}} {
		c := shape[1]
		in := list(x(1, shape...), x(2, c), x(3, c), x(4, c), between(0.5, 2, c))
		optest.Run(t, optest.Case{Op: "BatchNormalization", Version: 15, In: in, Skip: []int{3, 4}})
		optest.Run(t, optest.Case{Name: "training", Op: "BatchNormalization", Version: 15, In: in, Train: true, Definition: trained, Skip: []int{3, 4}, Tolerance: 1e-4})
	}
}

func TestLayerNormRoutines(t *testing.T) {
	x := optest.Random
	for _, c := range []struct {
		axis     int64
		x, scale []int64
		bias     bool
	}{
		{-1, []int64{2, 5, 7}, []int64{7}, true},
		{-1, []int64{40, 96}, []int64{96}, true},
		{1, []int64{3, 4, 5}, []int64{4, 5}, true},
		{-1, []int64{2, 9}, []int64{9}, false},
		{0, []int64{3, 4}, []int64{3, 4}, false},
	} {
		in := list(x(1, c.x...), x(2, c.scale...))
		if c.bias {
			in = append(in, x(3, c.scale...))
		}
		optest.Run(t, optest.Case{Op: "LayerNormalization", Version: 17, Attrs: op.Attrs{"axis": number(c.axis)}, In: in, Tolerance: 1e-4})
	}
}
