package modelgen

import (
	"slices"

	"onnxcompress/onnx"
)

// window is how a kernel slides along each spatial axis.
type window struct {
	kernel, strides, dilations, begin, end []int64
	attrs                                  []*onnx.AttributeProto
}

// window draws a kernel that fits x. Windows that keep sizes are for branches
// that meet again.
func (g *generator) window(x val, keeps bool) window {
	var w window
	auto := g.chance(10)
	for _, d := range x.shape[2:] {
		k, s, l := pick(g, []int64{1, 3, 3, 2}), int64(1), int64(1)
		if keeps && k == 2 {
			k = 1
		}
		if !keeps {
			s = pick(g, []int64{1, 1, 2})
		}
		if k > 1 && d > 4 && !auto && g.chance(15) {
			l = 2
		}
		pad := (k - 1) * l
		if !keeps && !auto {
			pad = g.Int64N(pad + 1)
		}
		if auto {
			s = min(s, k)
		}
		if d+pad < (k-1)*l+1 {
			k, pad = 1, 0
		}
		w.kernel, w.strides, w.dilations = append(w.kernel, k), append(w.strides, s), append(w.dilations, l)
		w.begin, w.end = append(w.begin, pad/2), append(w.end, pad-pad/2)
	}
	w.attrs = []*onnx.AttributeProto{attr("kernel_shape", w.kernel), attr("strides", w.strides)}
	if auto {
		w.attrs = append(w.attrs, attr("auto_pad", pick(g, []string{"SAME_UPPER", "SAME_LOWER"})))
		for i, d := range x.shape[2:] {
			total := max((((d+w.strides[i]-1)/w.strides[i])-1)*w.strides[i]+w.kernel[i]-d, 0)
			w.begin[i], w.end[i] = total/2, total-total/2
		}
	} else {
		w.attrs = append(w.attrs, attr("pads", append(slices.Clone(w.begin), w.end...)))
	}
	return w
}

// dilated adds the attribute of operators that have it in every opset.
func (w window) dilated() []*onnx.AttributeProto {
	return append(w.attrs, attr("dilations", w.dilations))
}

// out is the shape of what n channels become.
func (w window) out(x val, n int64) []int64 {
	shape := []int64{x.shape[0], n}
	for i, d := range x.shape[2:] {
		shape = append(shape, (d+w.begin[i]+w.end[i]-(w.kernel[i]-1)*w.dilations[i]-1)/w.strides[i]+1)
	}
	return shape
}

// conv maps x to n channels.
func (g *generator) conv(x val, n int64, keeps bool) val {
	groups := int64(1)
	if c := x.shape[1]; g.chance(20) {
		if d := g.divisor(c); n%d == 0 {
			groups = d
		}
	}
	return g.grouped(x, n, groups, keeps)
}

// depthwise convolves every channel by itself, to one or more.
func (g *generator) depthwise(x val, keeps bool) val {
	c := x.shape[1]
	n := c
	if !keeps && 2*c <= maxChannels && g.chance(30) {
		n = 2 * c
	}
	return g.grouped(x, n, c, keeps)
}

func (g *generator) grouped(x val, n, groups int64, keeps bool) val {
	w := g.window(x, keeps)
	per := x.shape[1] / groups
	shape := append([]int64{n, per}, w.kernel...)
	in := []string{x.name, g.weight(count(shape[1:]), shape...)}
	if g.chance(60) {
		in = append(in, g.vector(n))
	}
	attrs := w.dilated()
	if groups > 1 || g.chance(30) {
		attrs = append(attrs, attr("group", groups))
	}
	return val{g.node("Conv", in, attrs...), w.out(x, n)}
}

// pointwise is a convolution of windows of one.
func (g *generator) pointwise(x val, n int64) val {
	shape := append([]int64{n, x.shape[1]}, slices.Repeat([]int64{1}, x.rank()-2)...)
	in := []string{x.name, g.weight(x.shape[1], shape...)}
	if g.chance(60) {
		in = append(in, g.vector(n))
	}
	return val{g.node("Conv", in), append([]int64{x.shape[0], n}, x.shape[2:]...)}
}

// convTranspose maps x to n channels and larger images.
func (g *generator) convTranspose(x val, n int64) val {
	groups := int64(1)
	if d := g.divisor(x.shape[1]); g.chance(30) && n%d == 0 {
		groups = d
	}
	shape := []int64{x.shape[1], n / groups}
	out := []int64{x.shape[0], n}
	var kernel, strides, pads, extra []int64
	for _, d := range x.shape[2:] {
		k, s := pick(g, []int64{1, 2, 3}), pick(g, []int64{1, 1, 2})
		if d > 4 {
			s = 1
		}
		e := int64(0)
		if s > 1 && g.chance(30) {
			e = 1
		}
		kernel, strides, extra = append(kernel, k), append(strides, s), append(extra, e)
		out = append(out, (d-1)*s+k+e)
	}
	pads = slices.Repeat([]int64{0}, 2*len(kernel))
	if kernel[0] == 3 && out[2] > 2 {
		pads[0], out[2] = 1, out[2]-1
	}
	attrs := []*onnx.AttributeProto{
		attr("kernel_shape", kernel), attr("strides", strides), attr("pads", pads),
		attr("output_padding", extra), attr("group", groups),
	}
	shape = append(shape, kernel...)
	in := []string{x.name, g.weight(x.shape[1]/groups, shape...)}
	if g.chance(60) {
		in = append(in, g.vector(n))
	}
	return val{g.node("ConvTranspose", in, attrs...), out}
}

// pool slides a window over every channel by itself.
func (g *generator) pool(x val, keeps bool) val {
	w := g.window(x, keeps)
	op := pick(g, []string{"MaxPool", "AveragePool", "LpPool"})
	attrs := w.attrs
	for i := range w.dilations {
		if w.dilations[i] > 1 || w.begin[i] >= w.kernel[i] || w.end[i] >= w.kernel[i] {
			return x
		}
	}
	if op == "AveragePool" && g.chance(40) {
		attrs = append(attrs, attr("count_include_pad", 1))
	}
	if op == "LpPool" {
		attrs = append(attrs, attr("p", 2))
	}
	return val{g.node(op, []string{x.name}, attrs...), w.out(x, x.shape[1])}
}

// global pools all of every channel to one number.
func (g *generator) global(x val) val {
	shape := slices.Repeat([]int64{1}, x.rank())
	copy(shape, x.shape[:2])
	switch k := g.IntN(6); {
	case k < 3:
		return val{g.node("GlobalAveragePool", []string{x.name}), shape}
	case k == 3:
		return val{g.node("GlobalMaxPool", []string{x.name}), shape}
	case k == 4 && g.opset < 22: // onnxruntime has no newer one
		return val{g.node("GlobalLpPool", []string{x.name}), shape}
	}
	return g.reduce("ReduceMean", x, spatial(x), true)
}

func spatial(x val) []int {
	var axes []int
	for axis := 2; axis < x.rank(); axis++ {
		axes = append(axes, axis)
	}
	return axes
}

// full reports whether x has no room to grow further.
func full(x val) bool {
	for _, d := range x.shape[2:] {
		if d > 6 {
			return true
		}
	}
	return x.rank() > 4 && x.shape[2] > 4
}
