package opdiff

import (
	"slices"

	"onnxcompress/graph/tensor"
)

var slidingTrials = []trials{
	{"Conv", conv},
	{"ConvTranspose", convTranspose},
	{"DeformConv", deformConv},
	{"AveragePool", averagePool},
	{"MaxPool", maxPool},
	{"LpPool", lpPool},
	{"GlobalAveragePool", globalPool("GlobalAveragePool")},
	{"GlobalMaxPool", globalPool("GlobalMaxPool")},
	{"GlobalLpPool", globalPool("GlobalLpPool")},
	{"MaxUnpool", maxUnpool},
	{"Col2Im", col2Im},
}

// windows draws how a kernel slides over spatial axes.
func windows(r source, rank int, dilates bool) (kernel []int64, attrs map[string]any) {
	kernel, attrs = r.sizes(rank, 1, 3), map[string]any{}
	if r.maybe(2) {
		attrs["strides"] = r.sizes(rank, 1, 3)
	}
	if dilates && r.maybe(2) {
		attrs["dilations"] = r.sizes(rank, 1, 2)
	}
	switch r.IntN(5) {
	case 0:
		attrs["auto_pad"] = pick(r, "SAME_UPPER", "SAME_LOWER", "VALID")
		// Where windows leave gaps onnxruntime pads by less than nothing.
		if strides, ok := attrs["strides"].([]int64); ok {
			for i := range strides {
				strides[i] = min(strides[i], kernel[i])
			}
		}
	case 1, 2:
		pads := make([]int64, 2*rank)
		for i := range pads {
			pads[i] = r.size(0, int(kernel[i%rank])-1)
		}
		attrs["pads"] = pads
	}
	return kernel, attrs
}

func conv(r source) trial {
	rank := int(r.size(1, 3))
	kernel, attrs := windows(r, rank, true)
	groups := r.size(1, 3)
	in, out := r.size(1, 3), r.size(1, 3)
	attrs["group"] = int(groups)
	x := r.floats(slices.Concat([]int64{r.size(1, 2), groups * in}, r.sizes(rank, 4, 8))...)
	w := r.floats(slices.Concat([]int64{groups * out, in}, kernel)...)
	return trial{op: "Conv", version: pick[int64](r, 7, 11, 22), attrs: attrs, in: []*tensor.Tensor{x, w, r.optional(groups * out)}, outputs: 1}
}

func convTranspose(r source) trial {
	rank := int(r.size(1, 3))
	kernel, attrs := windows(r, rank, true)
	groups := r.size(1, 3)
	in, out := r.size(1, 3), r.size(1, 3)
	attrs["group"] = int(groups)
	if strides, ok := attrs["strides"].([]int64); ok && r.maybe(2) {
		more := make([]int64, rank)
		for i := range more {
			more[i] = r.size(0, int(strides[i])-1)
		}
		attrs["output_padding"] = more
	}
	sizes := r.sizes(rank, 3, 5)
	if r.maybe(4) {
		delete(attrs, "pads")
		delete(attrs, "output_padding")
		want := slices.Clone(sizes)
		for i := range want {
			stride := int64(1)
			if s, ok := attrs["strides"].([]int64); ok {
				stride = s[i]
			}
			want[i] = sizes[i]*stride + r.size(-1, 1)
		}
		attrs["output_shape"] = want
	}
	x := r.floats(slices.Concat([]int64{r.size(1, 2), groups * in}, sizes)...)
	w := r.floats(slices.Concat([]int64{groups * in, out}, kernel)...)
	return trial{op: "ConvTranspose", version: pick[int64](r, 7, 11, 22), attrs: attrs, in: []*tensor.Tensor{x, w, r.optional(groups * out)}, outputs: 1}
}

func deformConv(r source) trial {
	kernel, groups, shares := r.sizes(2, 1, 3), r.size(1, 2), r.size(1, 2)
	in, out, batch := r.size(1, 2)*shares, r.size(1, 2), r.size(1, 2)
	strides, dilations, pads := r.sizes(2, 1, 2), r.sizes(2, 1, 2), r.sizes(4, 0, 1)
	sizes, places := r.sizes(2, 5, 8), make([]int64, 2)
	for i := range places {
		places[i] = (sizes[i]+pads[i]+pads[2+i]-(kernel[i]-1)*dilations[i]-1)/strides[i] + 1
	}
	taps := kernel[0] * kernel[1]
	var mask *tensor.Tensor
	if r.maybe(2) {
		mask = r.floats(slices.Concat([]int64{batch, shares * taps}, places)...)
	}
	return trial{op: "DeformConv", version: pick[int64](r, 19, 22), outputs: 1, attrs: map[string]any{
		"group": int(groups), "offset_group": int(shares), "strides": strides, "dilations": dilations, "pads": pads, "kernel_shape": kernel,
	}, in: []*tensor.Tensor{
		r.floats(slices.Concat([]int64{batch, groups * in}, sizes)...), r.floats(slices.Concat([]int64{groups * out, in}, kernel)...),
		r.floats(slices.Concat([]int64{batch, shares * taps * 2}, places)...), r.optional(groups * out), mask,
	}}
}

// pooled draws a pooling of the version.
func pooled(r source, op string, version int64, dilates bool) trial {
	rank := int(r.size(1, 3))
	kernel, attrs := windows(r, rank, dilates)
	attrs["kernel_shape"] = kernel
	if attrs["auto_pad"] != nil {
		delete(attrs, "dilations") // which onnxruntime forgets when it pads
	}
	x := r.floats(slices.Concat([]int64{r.size(1, 2), r.size(1, 3)}, r.sizes(rank, 5, 9))...)
	return trial{op: op, version: version, attrs: attrs, in: []*tensor.Tensor{x}, outputs: 1}
}

func averagePool(r source) trial {
	version := pick[int64](r, 7, 11, 19, 22)
	c := pooled(r, "AveragePool", version, version >= 19)
	c.attrs["count_include_pad"] = r.IntN(2)
	if version >= 11 {
		c.attrs["ceil_mode"] = r.IntN(2)
	}
	return c
}

func maxPool(r source) trial {
	version := pick[int64](r, 7, 8, 10, 11, 12, 22)
	c := pooled(r, "MaxPool", version, version >= 10)
	if version >= 8 {
		c.attrs["storage_order"] = r.IntN(2)
		c.outputs = 1 + r.IntN(2)
	}
	if version >= 10 {
		c.attrs["ceil_mode"] = r.IntN(2)
	}
	if version >= 12 && r.maybe(3) {
		c.in[0] = r.whole(pick(r, tensor.Int8, tensor.Uint8), 0, 100, c.in[0].Shape...)
	}
	return c
}

func lpPool(r source) trial {
	version := pick[int64](r, 7, 11, 18, 22)
	c := pooled(r, "LpPool", version, version >= 18)
	c.attrs["p"] = 1 + r.IntN(3)
	if version >= 18 {
		c.attrs["ceil_mode"] = r.IntN(2)
	}
	return c
}

func globalPool(op string) func(source) trial {
	return func(r source) trial {
		c := trial{op: op, version: pick[int64](r, 7, 22), outputs: 1, attrs: map[string]any{}}
		if op == "GlobalLpPool" {
			c.attrs["p"] = 1 + r.IntN(3)
		}
		c.in = []*tensor.Tensor{r.floats(r.sizes(int(r.size(3, 5)), 1, 4)...)}
		return c
	}
}

func maxUnpool(r source) trial {
	rank := int(r.size(1, 3))
	kernel := r.sizes(rank, 2, 3)
	shape := slices.Concat(r.sizes(2, 1, 2), r.sizes(rank, 2, 3))
	out := slices.Clone(shape)
	for i, k := range kernel {
		out[2+i] *= k
	}
	t := tensor.New(tensor.Int64, shape...)
	count := int64(1)
	for _, d := range out {
		count *= d
	}
	for i, at := range r.Perm(int(count))[:t.Len()] {
		t.Set(i, float64(at))
	}
	c := trial{op: "MaxUnpool", version: pick[int64](r, 9, 11, 22), outputs: 1, attrs: map[string]any{"kernel_shape": kernel, "strides": kernel}, in: []*tensor.Tensor{r.floats(shape...), t}}
	if r.maybe(2) {
		c.in = append(c.in, tensor.Vector(out...))
	}
	return c
}

func col2Im(r source) trial {
	block, strides, dilations, pads := r.sizes(2, 1, 3), r.sizes(2, 1, 2), r.sizes(2, 1, 2), r.sizes(4, 0, 1)
	image, count := r.sizes(2, 6, 9), int64(1)
	for i := range image {
		count *= (image[i]+pads[i]+pads[2+i]-(block[i]-1)*dilations[i]-1)/strides[i] + 1
	}
	x := r.floats(r.size(1, 2), r.size(1, 2)*block[0]*block[1], count)
	return trial{op: "Col2Im", version: 18, outputs: 1, attrs: map[string]any{"strides": strides, "dilations": dilations, "pads": pads}, in: []*tensor.Tensor{
		x, tensor.Vector(image...), tensor.Vector(block...),
	}}
}
