package opdiff

import (
	"onnxcompress/graph/tensor"
)

var imageTrials = []trials{
	{"Resize nearest", resize("nearest")},
	{"Resize linear", resize("linear")},
	{"Resize cubic", resize("cubic")},
	{"Resize antialias", antialias},
	{"Resize crop", crop},
	{"Upsample", upsample},
	{"Resize 10", resizeOld},
	{"GridSample", gridSample},
	{"AffineGrid", affineGrid},
	{"RoiAlign", roiAlign},
	{"MaxRoiPool", maxRoiPool},
	{"CenterCropPad", centerCropPad},
}

// factors are scales whose products with small sizes are far from whole.
func factors(r source, n int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, int64(n))
	for i := range n {
		t.Set(i, pick(r, 0.51, 0.63, 0.8, 1, 1.3, 1.7, 2, 2.5, 3))
	}
	return t
}

// resize draws scales or sizes of the last two axes.
func resize(mode string) func(source) trial {
	return func(r source) trial {
		version := pick[int64](r, 11, 13, 18, 19)
		c := trial{op: "Resize", version: version, outputs: 1, moves: []int{2, 3}, attrs: map[string]any{"mode": mode}}
		c.attrs["coordinate_transformation_mode"] = pick(r, "half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
		if version == 19 && r.maybe(3) {
			c.attrs["coordinate_transformation_mode"] = "half_pixel_symmetric"
		}
		if mode == "nearest" {
			c.attrs["nearest_mode"] = pick(r, "round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
		}
		if mode == "cubic" {
			c.attrs["cubic_coeff_a"] = pick(r, -0.5, -0.75)
			c.attrs["exclude_outside"] = r.IntN(2)
		}
		shape := []int64{r.size(1, 2), r.size(1, 2), r.size(2, 7), r.size(2, 7)}
		c.in = []*tensor.Tensor{r.floats(shape...), tensor.New(tensor.Float32, 0), nil, nil}
		c.size(r, version >= 18 && r.maybe(2))
		return c
	}
}

// size fills in scales or sizes, of all axes or of the last two.
func (c *trial) size(r source, few bool) {
	shape := c.in[0].Shape
	if few {
		c.attrs["axes"] = pick(r, []int64{2, 3}, []int64{-2, -1}, []int64{3, 2})
	}
	if r.maybe(2) {
		c.in[2], c.in = factors(r, 2), c.in[:3]
		if !few {
			last := c.in[2]
			c.in[2] = tensor.FromFloat32s([]int64{4}, append([]float32{1, 1}, last.Float32s()...))
		}
		return
	}
	sizes := r.sizes(2, 1, 9)
	// With axes that count from the end onnxruntime loses the sizes.
	if axes, _ := c.attrs["axes"].([]int64); few && axes[0] > 0 && r.maybe(2) {
		c.attrs["keep_aspect_ratio_policy"] = pick(r, "not_larger", "not_smaller")
	}
	if !few {
		sizes = append([]int64{shape[0], shape[1]}, sizes...)
	}
	c.in[3] = tensor.Vector(sizes...)
}

func antialias(r source) trial {
	c := resize(pick(r, "linear", "cubic"))(r)
	c.version, c.alone = 18, true
	c.attrs["antialias"] = 1
	c.attrs["coordinate_transformation_mode"] = pick(r, "half_pixel", "asymmetric", "align_corners")
	return c
}

func crop(r source) trial {
	c := resize(pick(r, "nearest", "linear"))(r)
	c.version = 13
	delete(c.attrs, "axes")
	delete(c.attrs, "keep_aspect_ratio_policy")
	c.attrs["coordinate_transformation_mode"], c.attrs["extrapolation_value"] = "tf_crop_and_resize", 7.0
	c.in = append(c.in[:2], nil, nil)
	c.in[1] = tensor.FromFloat32s([]int64{8}, []float32{
		0, 0, float32(r.Float64()*0.6 - 0.2), float32(r.Float64()*0.6 - 0.2), 1, 1, float32(r.Float64()*0.6 + 0.6), float32(r.Float64()*0.6 + 0.6),
	})
	// An axis that keeps its size is not cropped by onnxruntime.
	c.in[3] = tensor.Vector(c.in[0].Shape[0], c.in[0].Shape[1], c.in[0].Shape[2]+r.size(1, 4), c.in[0].Shape[3]-1)
	return c
}

func upsample(r source) trial {
	f := factors(r, 4)
	for i := range 4 {
		f.Set(i, max(f.AsFloat64s()[i], 1))
	}
	f.Set(0, 1)
	f.Set(1, 1)
	return trial{op: "Upsample", version: 9, outputs: 1, moves: []int{0, 1, 2, 3}, attrs: map[string]any{"mode": pick(r, "nearest", "linear")}, in: []*tensor.Tensor{
		r.floats(r.sizes(4, 1, 5)...), f,
	}}
}

func resizeOld(r source) trial {
	f := factors(r, 4)
	f.Set(0, 1)
	f.Set(1, 1)
	return trial{op: "Resize", version: 10, outputs: 1, moves: []int{2, 3}, attrs: map[string]any{"mode": pick(r, "nearest", "linear")}, in: []*tensor.Tensor{
		r.floats(r.size(1, 2), r.size(1, 2), r.size(2, 6), r.size(2, 6)), f,
	}}
}

func gridSample(r source) trial {
	rank := 2
	modes := []string{"linear", "nearest", "cubic"}
	version := pick[int64](r, 16, 20)
	if version == 16 {
		modes = []string{"bilinear", "nearest", "bicubic"}
	} else if r.maybe(3) {
		rank, modes = 3, modes[:2]
	}
	batch := r.size(1, 2)
	shape := append([]int64{batch, r.size(1, 2)}, r.sizes(rank, 2, 5)...)
	grid := append(append([]int64{batch}, r.sizes(rank, 1, 4)...), int64(rank))
	return trial{op: "GridSample", version: version, outputs: 1, attrs: map[string]any{
		"mode": pick(r, modes...), "padding_mode": pick(r, "zeros", "border", "reflection"), "align_corners": r.IntN(2),
	}, in: []*tensor.Tensor{r.floats(shape...), r.between(-1.7, 1.7, grid...)}}
}

func affineGrid(r source) trial {
	rank, batch := r.size(2, 3), r.size(1, 2)
	size := append([]int64{batch, 1}, r.sizes(int(rank), 2, 4)...)
	return trial{op: "AffineGrid", version: 20, outputs: 1, attrs: map[string]any{"align_corners": r.IntN(2)}, in: []*tensor.Tensor{
		r.floats(batch, rank, rank+1), tensor.Vector(size...),
	}}
}

// regions are [x1, y1, x2, y2].
func regions(r source, n int64, width int64, offset int, size float64) *tensor.Tensor {
	t := tensor.New(tensor.Float32, n, width)
	for i := range int(n) {
		x, y := r.Float64()*size, r.Float64()*size
		for k, v := range []float64{x, y, x + r.Float64()*size, y + r.Float64()*size} {
			t.Set(i*int(width)+offset+k, v)
		}
	}
	return t
}

func roiAlign(r source) trial {
	batch, count := r.size(1, 3), r.size(1, 3)
	version := pick[int64](r, 10, 16, 22)
	attrs := map[string]any{
		"output_height": int(r.size(1, 3)), "output_width": int(r.size(1, 3)), "sampling_ratio": r.IntN(3), "spatial_scale": pick(r, 1.0, 0.5),
		"mode": pick(r, "avg", "max"),
	}
	if version >= 16 && r.maybe(2) {
		attrs["coordinate_transformation_mode"] = pick(r, "half_pixel", "output_half_pixel")
	}
	return trial{op: "RoiAlign", version: version, outputs: 1, attrs: attrs, in: []*tensor.Tensor{
		r.floats(batch, r.size(1, 2), r.size(4, 8), r.size(4, 8)), regions(r, count, 4, 0, 7), r.whole(tensor.Int64, 0, int(batch), count),
	}}
}

func maxRoiPool(r source) trial {
	batch, count := r.size(1, 2), r.size(1, 3)
	rois := regions(r, count, 5, 1, 7)
	for i := range int(count) {
		rois.Set(5*i, float64(r.IntN(int(batch))))
	}
	return trial{op: "MaxRoiPool", version: pick[int64](r, 7, 22), outputs: 1, attrs: map[string]any{
		"pooled_shape": r.sizes(2, 1, 4), "spatial_scale": pick(r, 1.0, 0.7),
	}, in: []*tensor.Tensor{r.floats(batch, r.size(1, 2), r.size(4, 8), r.size(4, 8)), rois}}
}

func centerCropPad(r source) trial {
	shape := r.sizes(3, 1, 7)
	c := trial{op: "CenterCropPad", version: 18, outputs: 1, attrs: map[string]any{}, in: []*tensor.Tensor{r.floats(shape...), tensor.Vector(r.sizes(3, 1, 7)...)}}
	if r.maybe(2) {
		c.attrs["axes"], c.in[1] = pick(r, []int64{0, 2}, []int64{-1, 1}), tensor.Vector(r.sizes(2, 1, 7)...)
	}
	return c
}
