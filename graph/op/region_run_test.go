package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
	"onnxcompress/graph/tensor"
)

func TestRoiAlignRoutine(t *testing.T) {
	regions := tensor.FromFloat32s([]int64{3, 4}, []float32{0.3, 0.4, 5.2, 4.1, 1.2, 2.7, 3.3, 9.4, -2, -1, 2, 3})
	for _, mode := range []string{"avg", "max"} {
		for _, place := range []string{"half_pixel", "output_half_pixel"} {
			for _, ratio := range []int64{0, 2} {
				attrs := op.Attrs{
					"mode": {Str: mode}, "coordinate_transformation_mode": {Str: place}, "sampling_ratio": num(ratio),
					"output_height": num(2), "output_width": num(3), "spatial_scale": {Float: 0.7},
				}
				optest.Run(t, optest.Case{Name: mode + "/" + place, Op: "RoiAlign", Version: 16, Attrs: attrs, In: list(optest.Random(1, 2, 3, 6, 5), regions, ints(1, 0, 1)), Skip: []int{1}})
			}
		}
	}
}

func TestMaxRoiPoolRoutine(t *testing.T) {
	regions := tensor.FromFloat32s([]int64{3, 5}, []float32{1, 0.3, 0.4, 5.2, 4.1, 0, 1.2, 2.7, 3.3, 9.4, 1, 8, 8, 9, 9})
	attrs := op.Attrs{"pooled_shape": {Ints: []int64{2, 3}}, "spatial_scale": {Float: 0.7}}
	optest.Run(t, optest.Case{Op: "MaxRoiPool", Attrs: attrs, In: list(optest.Random(1, 2, 3, 6, 5), regions), Skip: []int{1}})
}

func TestLpPoolRoutines(t *testing.T) {
	for _, p := range []int64{1, 2, 3} {
		for _, c := range []struct {
			name  string
			shape []int64
			attrs op.Attrs
		}{
			{"images", []int64{2, 3, 5, 6}, op.Attrs{"kernel_shape": {Ints: []int64{2, 3}}, "strides": {Ints: []int64{2, 1}}}},
			{"padded", []int64{1, 2, 5, 5}, op.Attrs{"kernel_shape": {Ints: []int64{3, 3}}, "pads": {Ints: []int64{1, 1, 1, 1}}}},
			{"line", []int64{2, 2, 7}, op.Attrs{"kernel_shape": {Ints: []int64{3}}, "dilations": {Ints: []int64{2}}}},
		} {
			c.attrs["p"] = num(p)
			optest.Run(t, optest.Case{Name: c.name, Op: "LpPool", Attrs: c.attrs, In: list(optest.Random(1, c.shape...))})
		}
		if p < 3 {
			for _, shape := range [][]int64{{2, 3, 4, 5}, {2, 3, 7}} {
				optest.Run(t, optest.Case{Op: "GlobalLpPool", Attrs: op.Attrs{"p": num(p)}, In: list(optest.Random(1, shape...))})
			}
		}
	}
}
