package op_test

import (
	"testing"

	"onnxcompress/graph/op"
	"onnxcompress/graph/op/optest"
	"onnxcompress/graph/tensor"
)

func numbers(v ...float32) *tensor.Tensor { return tensor.FromFloat32s([]int64{int64(len(v))}, v) }

func TestResizeRoutine(t *testing.T) {
	places := []string{"half_pixel", "asymmetric", "pytorch_half_pixel", "half_pixel_symmetric", "align_corners"}
	for _, c := range []struct {
		name   string
		shape  []int64
		scales []float32
	}{
		{"twice", []int64{2, 3, 4, 5}, []float32{1, 1, 2, 2}},
		{"uneven", []int64{1, 2, 5, 4}, []float32{1, 1, 0.6, 1.7}},
		{"one axis", []int64{2, 3, 5}, []float32{1, 1, 1.5}},
		{"volume", []int64{1, 2, 3, 4, 2}, []float32{1, 1, 2, 0.5, 2}},
		{"channels", []int64{2, 4, 3, 3}, []float32{1, 0.5, 1, 2}},
		{"matrix", []int64{4, 6}, []float32{1.5, 0.5}},
		{"same", []int64{2, 3, 4, 5}, []float32{1, 1, 1, 1}},
		{"to one", []int64{1, 2, 4, 4}, []float32{1, 1, 0.25, 0.25}},
		{"image", []int64{2, 8, 20, 20}, []float32{1, 1, 2, 2}},
	} {
		for _, place := range places {
			for _, mode := range []string{"nearest", "linear", "cubic"} {
				attrs := op.Attrs{"mode": {Str: mode}, "coordinate_transformation_mode": {Str: place}}
				optest.Run(t, optest.Case{Name: mode + "/" + place + "/" + c.name, Op: "Resize", Attrs: attrs, In: list(optest.Random(1, c.shape...), nil, numbers(c.scales...)), Constant: []int{2}, Skip: []int{2}})
			}
		}
	}
	x, sizes := optest.Random(1, 1, 2, 4, 5), ints(1, 2, 3, 9)
	for _, attrs := range []op.Attrs{
		{"mode": {Str: "nearest"}, "nearest_mode": {Str: "ceil"}},
		{"mode": {Str: "nearest"}, "nearest_mode": {Str: "floor"}},
		{"mode": {Str: "nearest"}, "nearest_mode": {Str: "round_prefer_ceil"}},
		{"mode": {Str: "linear"}, "antialias": num(1)},
		{"mode": {Str: "cubic"}, "antialias": num(1), "exclude_outside": num(1)},
		{"mode": {Str: "cubic"}, "exclude_outside": num(1), "cubic_coeff_a": {Float: -0.5}},
		{"mode": {Str: "linear"}, "keep_aspect_ratio_policy": {Str: "not_larger"}},
	} {
		optest.Run(t, optest.Case{Name: "sizes", Op: "Resize", Attrs: attrs, In: list(x, nil, nil, sizes)})
	}
	for _, mode := range []string{"nearest", "linear", "cubic"} {
		for _, fill := range []float32{0, 7} {
			attrs := op.Attrs{"mode": {Str: mode}, "coordinate_transformation_mode": {Str: "tf_crop_and_resize"}, "extrapolation_value": {Float: fill}}
			optest.Run(t, optest.Case{Name: "crop", Op: "Resize", Attrs: attrs, In: list(x, numbers(0, 0, -0.3, 0.1, 1, 1, 0.8, 1.4), nil, sizes), Constant: []int{1}, Skip: []int{1}})
		}
	}
	optest.Run(t, optest.Case{Name: "two axes", Op: "Resize", Attrs: op.Attrs{"mode": {Str: "linear"}, "axes": {Ints: []int64{2, 3}}}, In: list(x, nil, numbers(2, 3)), Constant: []int{2}, Skip: []int{2}})
	optest.Run(t, optest.Case{Name: "early", Op: "Resize", Version: 10, Attrs: op.Attrs{"mode": {Str: "nearest"}}, In: list(x, numbers(1, 1, 2, 3)), Constant: []int{1}, Skip: []int{1}})
	for _, mode := range []string{"nearest", "linear"} {
		optest.Run(t, optest.Case{Name: mode, Op: "Upsample", Version: 9, Attrs: op.Attrs{"mode": {Str: mode}}, In: list(x, numbers(1, 1, 2, 3)), Constant: []int{1}, Skip: []int{1}})
		optest.Run(t, optest.Case{Name: "attribute", Op: "Upsample", Version: 7, Attrs: op.Attrs{"mode": {Str: mode}, "scales": {Floats: []float32{1, 1, 2, 1}}}, In: list(x)})
	}
}
