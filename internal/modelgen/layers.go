package modelgen

import (
	"slices"

	"onnxcompress/onnx"
)

// layers are the steps with trained weights.
var layers = []step{
	{"linear", func(g *generator, _ *pool, x val) (val, bool) {
		if x.rank() < 2 || x.rank() > 4 || x.last() < 1 {
			return val{}, false
		}
		return g.linear(x, g.width()), true
	}},
	{"linear along an axis", linearAlong},
	{"weight from the left", weightFromLeft},
	{"conv", whereImage(func(g *generator, x val) val { return g.conv(x, g.width(), false) })},
	{"conv that keeps", whereImage(func(g *generator, x val) val { return g.conv(x, g.width(), true) })},
	{"depthwise", whereImage(func(g *generator, x val) val { return g.depthwise(x, false) })},
	{"transposed", whereImage(transposedConv)},
	{"gemm", func(g *generator, _ *pool, x val) (val, bool) {
		if x.rank() != 2 || x.last() < 1 {
			return val{}, false
		}
		return g.gemm(x, g.width()), true
	}},
	{"per channel", func(g *generator, _ *pool, x val) (val, bool) {
		axes := x.sized(2)
		if len(axes) == 0 {
			return val{}, false
		}
		return g.scaled(x, pick(g, axes)), true
	}},
	{"whole constant", wholeConstant},
	{"batch norm", func(g *generator, _ *pool, x val) (val, bool) {
		if x.rank() < 2 || x.shape[1] < 1 {
			return val{}, false
		}
		return g.batchNorm(x), true
	}},
	{"instance norm", whereImage(func(g *generator, x val) val { return g.instanceNorm(x) })},
	{"group norm", whereImage(func(g *generator, x val) val { return g.groupNorm(x) })},
	{"layer norm", layerNormFrom},
	{"slopes", func(g *generator, _ *pool, x val) (val, bool) {
		axes := x.sized(2)
		if len(axes) == 0 {
			return val{}, false
		}
		return g.prelu(x, pick(g, axes)), true
	}},
	{"recurrent", func(g *generator, _ *pool, x val) (val, bool) {
		if x.rank() != 3 || len(x.sized(1)) < 2 || x.shape[1] < 1 || x.shape[2] < 1 {
			return val{}, false
		}
		return recurrent(g, x), true
	}},
	{"equation", equation},
}

func whereImage(make func(g *generator, x val) val) func(*generator, *pool, val) (val, bool) {
	return func(g *generator, _ *pool, x val) (val, bool) {
		if !x.isImage() {
			return val{}, false
		}
		return make(g, x), true
	}
}

// linearAlong contracts any axis, brought to the end for it or not.
func linearAlong(g *generator, _ *pool, x val) (val, bool) {
	axes := x.sized(1)
	if len(axes) == 0 || x.rank() < 2 || x.rank() > 4 {
		return val{}, false
	}
	axis := pick(g, axes)
	perm := make([]int, x.rank())
	for i := range perm {
		perm[i] = i
	}
	perm[axis], perm[len(perm)-1] = perm[len(perm)-1], perm[axis]
	y := g.linear(g.transpose(x, perm...), g.width())
	if g.chance(50) {
		y = g.transpose(y, perm...)
	}
	return y, true
}

// weightFromLeft multiplies [n, k] and [..., k, m].
func weightFromLeft(g *generator, _ *pool, x val) (val, bool) {
	if x.rank() < 2 || x.rank() > 5 || x.shape[x.rank()-2] < 1 {
		return val{}, false
	}
	k, n := x.shape[x.rank()-2], g.width()
	w := val{g.weight(k, n, k), []int64{n, k}}
	if x.rank() > 2 && x.shape[x.rank()-3] > 1 && g.chance(30) {
		w = val{g.weight(k, x.shape[x.rank()-3], n, k), []int64{x.shape[x.rank()-3], n, k}}
	}
	y := val{g.node("MatMul", []string{w.name, x.name}), nil}
	y.shape = append(slices.Clone(x.shape[:x.rank()-2]), n, x.last())
	return y, true
}

// wholeConstant adds or multiplies a constant along several axes at once.
func wholeConstant(g *generator, _ *pool, x val) (val, bool) {
	if x.rank() == 0 {
		return val{}, false
	}
	shape := slices.Clone(x.shape)
	for axis, d := range shape {
		if d < 0 || g.chance(30) {
			shape[axis] = 1
		}
	}
	in := shuffled(g, x.name, g.bias(shape))
	return val{g.node(pick(g, []string{"Add", "Mul", "Sub", "Max", "Min"}[:3+min(2, max(g.opset-7, 0)*2)]), in), x.shape}, true
}

// layerNormFrom normalises over all axes from one on.
func layerNormFrom(g *generator, _ *pool, x val) (val, bool) {
	axes := x.sized(1)
	if len(axes) == 0 || axes[len(axes)-1] != x.rank()-1 {
		return val{}, false
	}
	axis := axes[len(axes)-1]
	for axis > 1 && x.shape[axis-1] > 0 && g.chance(30) {
		axis--
	}
	if axis == x.rank()-1 {
		return g.layerNorm(x), true
	}
	shape := slices.Clone(x.shape[axis:])
	switch {
	case g.opset >= 23 && g.chance(40):
		return val{g.node("RMSNormalization", []string{x.name, g.bias(shape)}, attr("axis", axis)), x.shape}, true
	case g.opset >= 17:
		return val{g.node("LayerNormalization", []string{x.name, g.bias(shape), g.bias(shape)}, attr("axis", axis)), x.shape}, true
	}
	return val{}, false
}

// equation is an Einsum with a weight or with x itself.
func equation(g *generator, _ *pool, x val) (val, bool) {
	if g.opset < 12 || x.rank() != 3 || x.shape[1] < 1 || x.shape[2] < 1 {
		return val{}, false
	}
	a, b, c, n := x.shape[0], x.shape[1], x.shape[2], g.width()
	einsum := func(eq string, in []string, shape ...int64) (val, bool) {
		return val{g.node("Einsum", in, attr("equation", eq)), shape}, true
	}
	switch g.IntN(8) {
	case 0:
		return einsum("abc,dc->abd", []string{x.name, g.weight(c, n, c)}, a, b, n)
	case 1:
		return einsum("abc,bcd->ad", []string{x.name, g.weight(b*c, b, c, n)}, a, n)
	case 2:
		return einsum("abc,bcd->abd", []string{x.name, g.weight(c, b, c, n)}, a, b, n)
	case 3:
		return einsum("abc->acb", []string{x.name}, a, c, b)
	case 4:
		return einsum("abc->ac", []string{x.name}, a, c)
	case 5:
		return einsum("abc,adc->abd", []string{x.name, x.name}, a, b, b)
	case 6:
		return einsum("abc,c->abc", []string{x.name, g.vector(c)}, a, b, c)
	}
	return einsum("bd,abc->acd", []string{g.weight(b, b, n), x.name}, a, c, n)
}

// pooled over any image: what keeps channels and reads places.
var imageSteps = []step{
	{"pool", whereImage(func(g *generator, x val) val { return g.pool(x, false) })},
	{"global pool", whereImage(func(g *generator, x val) val { return g.global(x) })},
	{"pixels", whereImage(pixels)},
	{"resize", whereImage(resize)},
	{"local response", whereImage(localResponse)},
	{"shuffle", whereImage(shuffle)},
	{"repeat", whereImage(repeatChannels)},
	{"centred", func(g *generator, _ *pool, x val) (val, bool) {
		if !x.isImage() || x.rank() != 4 || g.opset < 9 {
			return val{}, false
		}
		return g.unary("MeanVarianceNormalization", x), true
	}},
	{"sample", sample},
	{"largest and back", unpool},
}

// sample reads an image at places that another value, or a constant, names.
func sample(g *generator, _ *pool, x val) (val, bool) {
	if !x.isImage() || x.rank() != 4 || g.opset < 16 || x.shape[0] < 0 {
		return val{}, false
	}
	b := x.shape[0]
	grid := g.floats([]int64{b, 3, 2, 2}, g.normals(b*12, 0, 0.6))
	mode := "bilinear"
	if g.opset >= 20 {
		mode = "linear"
	}
	return val{g.node("GridSample", []string{x.name, grid}, attr("mode", mode)), []int64{b, x.shape[1], 3, 2}}, true
}

// unpool puts the largest of every window back to its place.
func unpool(g *generator, _ *pool, x val) (val, bool) {
	if !x.isImage() || x.rank() != 4 || x.shape[2]%2 != 0 || x.shape[3]%2 != 0 || g.opset < 9 {
		return val{}, false
	}
	attrs := []*onnx.AttributeProto{attr("kernel_shape", []int64{2, 2}), attr("strides", []int64{2, 2})}
	out := g.nodes("MaxPool", []string{x.name}, 2, attrs...)
	return val{g.node("MaxUnpool", out, attrs...), x.shape}, true
}
