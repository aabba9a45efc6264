package modelgen

import (
	"slices"

	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// imageBlocks map [B, C, spatial axes] to the like.
var imageBlocks = []block{
	{"conv", func(g *generator, x val) val { return g.conv(x, g.width(), false) }},
	{"conv norm act", convNormAct},
	{"conv norm act", convNormAct},
	{"depthwise", func(g *generator, x val) val { return g.depthwise(x, false) }},
	{"transposed", transposedConv},
	{"residual", residual},
	{"residual", residual},
	{"inverted residual", invertedResidual},
	{"dense", dense},
	{"inception", inception},
	{"cross stage", crossStage},
	{"shuffle", shuffle},
	{"squeeze and excite", squeezeExcite},
	{"channel attention", channelAttention},
	{"spatial gate", spatialGate},
	{"norm", func(g *generator, x val) val { return imageNorm(g, x) }},
	{"activation", func(g *generator, x val) val { return g.activation(x) }},
	{"slopes", func(g *generator, x val) val { return g.prelu(x, 1) }},
	{"scale", func(g *generator, x val) val { return g.scaled(x, 1) }},
	{"pool", func(g *generator, x val) val { return g.pool(x, false) }},
	{"pixels", pixels},
	{"resize", resize},
	{"pad", padImage},
	{"gated halves", func(g *generator, x val) val { return gatedHalves(g, x, 1) }},
	{"two branches", twoBranches},
	{"channels last", channelsLast},
	{"windows", windows},
	{"tokens", tokens},
	{"local response", localResponse},
	{"positions", positions},
	{"pick channels", func(g *generator, x val) val { return pickChannels(g, x, 1) }},
	{"quantised", quantised},
	{"repeat", repeatChannels},
	{"condition", condition},
	{"grouped attention", splitAttention},
}

func imageNorm(g *generator, x val) val {
	switch g.IntN(6) {
	case 0:
		return g.instanceNorm(x)
	case 1:
		return g.groupNorm(x)
	case 2:
		return g.lpNorm(x, 1)
	}
	return g.batchNorm(x)
}

func convNormAct(g *generator, x val) val {
	y := g.conv(x, g.width(), false)
	if g.chance(80) {
		y = imageNorm(g, y)
	}
	return g.activation(y)
}

func transposedConv(g *generator, x val) val {
	if full(x) {
		return g.depthwise(x, false)
	}
	return g.convTranspose(x, g.width())
}

// residual adds what two convolutions make of x to x.
func residual(g *generator, x val) val {
	y := g.activation(g.batchNorm(g.conv(x, g.width(), true)))
	n := x.shape[1]
	if g.chance(40) {
		n = g.width()
		x = g.pointwise(x, n)
	}
	y = g.conv(y, n, true)
	if g.chance(20) {
		y = g.scaled(y, 1)
	}
	return g.apply(g.one(smooth), g.combine(x, y))
}

func invertedResidual(g *generator, x val) val {
	y := g.activation(g.pointwise(x, min(2*x.shape[1], maxChannels)))
	y = g.clip(g.depthwise(y, true))
	if g.chance(40) {
		y = squeezeExcite(g, y)
	}
	return g.binary("Add", g.pointwise(y, x.shape[1]), x)
}

// dense concatenates every layer's output to its input.
func dense(g *generator, x val) val {
	for range 1 + g.IntN(3) {
		if x.shape[1] >= maxChannels {
			break
		}
		y := g.conv(g.activation(g.batchNorm(x)), 2+g.Int64N(5), true)
		x = g.concat(1, x, y)
	}
	return x
}

func inception(g *generator, x val) val {
	parts := []val{g.pointwise(x, 2+g.Int64N(6)), g.conv(x, 2+g.Int64N(6), true)}
	if g.chance(50) {
		parts = append(parts, g.pool(x, true))
	}
	if g.chance(30) {
		parts = append(parts, x)
	}
	return g.concat(1, parts...)
}

// crossStage leaves a part of the channels alone.
func crossStage(g *generator, x val) val {
	c := x.shape[1]
	if c < 2 {
		return x
	}
	first := 1 + g.Int64N(c-1)
	parts := g.split(x, 1, first, c-first)
	parts[1] = g.activation(g.conv(parts[1], c-first, true))
	if g.chance(50) {
		parts[0], parts[1] = parts[1], parts[0]
	}
	y := g.concat(1, parts...)
	if g.chance(50) {
		return shuffle(g, y)
	}
	return y
}

// shuffle interleaves the channels of several groups.
func shuffle(g *generator, x val) val {
	c := x.shape[1]
	groups := g.divisor(c)
	split := append([]int64{x.shape[0], groups, c / groups}, x.shape[2:]...)
	perm := []int{0, 2, 1}
	for axis := 3; axis < len(split); axis++ {
		perm = append(perm, axis)
	}
	return g.reshape(g.transpose(g.reshape(x, split), perm...), x.shape, x)
}

func squeezeExcite(g *generator, x val) val {
	c := x.shape[1]
	n := max(c/2, 1)
	gate := pick(g, []form{{"Sigmoid", 7, nil}, {"HardSigmoid", 7, nil}, {"Tanh", 7, nil}})
	if g.chance(50) {
		y := g.activation(g.pointwise(g.global(x), n))
		return g.binary("Mul", x, g.apply(gate, g.pointwise(y, c)))
	}
	y := g.reduce("ReduceMean", x, spatial(x), false)
	y = g.apply(gate, g.linear(g.activation(g.linear(y, n)), c))
	shape := append(slices.Clone(y.shape), slices.Repeat([]int64{1}, x.rank()-2)...)
	return g.binary("Mul", g.reshape(y, shape), x)
}

// channelAttention slides a window over the channels themselves.
func channelAttention(g *generator, x val) val {
	y := g.reshape(g.global(x), []int64{x.shape[0], 1, x.shape[1]}, x)
	in := []string{y.name, g.weight(3, 1, 1, 3)}
	y.name = g.node("Conv", in, attr("kernel_shape", []int64{3}), attr("pads", []int64{1, 1}))
	shape := append([]int64{x.shape[0], x.shape[1]}, slices.Repeat([]int64{1}, x.rank()-2)...)
	return g.binary("Mul", x, g.unary("Sigmoid", g.reshape(y, shape, x)))
}

// spatialGate multiplies all channels by one image.
func spatialGate(g *generator, x val) val {
	var gate val
	if g.chance(50) {
		gate = g.pointwise(x, 1)
	} else {
		gate = g.pointwise(g.concat(1, g.reduce("ReduceMean", x, []int{1}, true), g.reduce("ReduceMax", x, []int{1}, true)), 1)
	}
	return g.binary("Mul", x, g.unary("Sigmoid", gate))
}

// pixels moves channels to pixels or back.
func pixels(g *generator, x val) val {
	if x.rank() != 4 {
		return g.conv(x, g.width(), false)
	}
	b, c, h, w := x.shape[0], x.shape[1], x.shape[2], x.shape[3]
	if h%2 == 0 && w%2 == 0 && c <= 6 && g.chance(60) {
		return val{g.node("SpaceToDepth", []string{x.name}, attr("blocksize", 2)), []int64{b, 4 * c, h / 2, w / 2}}
	}
	if c%4 != 0 || full(x) {
		x = g.pointwise(x, 8)
		c = 8
	}
	if full(x) {
		return x
	}
	if g.chance(40) {
		y := g.transpose(g.reshape(x, []int64{b, c / 4, 2, 2, h, w}), 0, 1, 4, 2, 5, 3)
		return g.reshape(y, []int64{b, c / 4, 2 * h, 2 * w}, x)
	}
	attrs := []*onnx.AttributeProto{attr("blocksize", 2)}
	if g.opset >= 11 {
		attrs = append(attrs, attr("mode", pick(g, []string{"DCR", "CRD"})))
	}
	return val{g.node("DepthToSpace", []string{x.name}, attrs...), []int64{b, c / 4, 2 * h, 2 * w}}
}

func resize(g *generator, x val) val {
	if full(x) {
		return g.pool(x, false)
	}
	shape, scales := slices.Clone(x.shape), slices.Repeat([]float32{1}, x.rank())
	for axis := 2; axis < x.rank(); axis++ {
		shape[axis] *= 2
		scales[axis] = 2
	}
	mode := "nearest"
	if x.rank() == 4 && g.chance(40) {
		mode = "linear"
	}
	factors := g.floats([]int64{int64(x.rank())}, scales)
	switch {
	case g.opset < 9:
		return val{g.node("Upsample", []string{x.name}, attr("scales", scales), attr("mode", "nearest")), shape}
	case g.opset == 9:
		return val{g.node("Upsample", []string{x.name, factors}, attr("mode", "nearest")), shape}
	case g.opset == 10:
		return val{g.node("Resize", []string{x.name, factors}, attr("mode", mode)), shape}
	}
	attrs := []*onnx.AttributeProto{attr("mode", mode), attr("coordinate_transformation_mode", "asymmetric"), attr("nearest_mode", "floor")}
	roi := ""
	if g.opset < 13 {
		roi = g.floats([]int64{0}, nil)
	}
	if g.chance(50) {
		return val{g.node("Resize", []string{x.name, roi, factors}, attrs...), shape}
	}
	in := []string{x.name, roi, "", g.exact([]val{x}, shape)}
	if g.opset < 13 {
		in[2] = g.floats([]int64{0}, nil)
	}
	return val{g.node("Resize", in, attrs...), shape}
}

func padImage(g *generator, x val) val {
	if full(x) {
		return g.activation(x)
	}
	axis := 2 + g.IntN(x.rank()-2)
	if x.shape[1] < maxChannels-2 && g.chance(25) {
		axis = 1
	}
	mode := pick(g, []string{"constant", "edge", "reflect"})
	if x.shape[axis] < 3 {
		mode = "constant"
	}
	return g.pad(x, axis, g.Int64N(2), 1, mode)
}

func (g *generator) pad(x val, axis int, begin, end int64, mode string) val {
	pads := make([]int64, 2*x.rank())
	pads[axis], pads[x.rank()+axis] = begin, end
	shape := slices.Clone(x.shape)
	shape[axis] += begin + end
	if g.opset < 11 {
		return val{g.node("Pad", []string{x.name}, attr("pads", pads), attr("mode", mode)), shape}
	}
	in := []string{x.name, g.ints(pads...)}
	if mode == "constant" && g.chance(50) {
		in = append(in, g.zeroDim(pick(g, []float32{0, 0, 0.5})))
	}
	return val{g.node("Pad", in, attr("mode", mode)), shape}
}

// gatedHalves multiplies one half of the channels by a gate from the other.
func gatedHalves(g *generator, x val, axis int) val {
	c := x.shape[axis]
	if c%2 != 0 {
		return x
	}
	var halves []val
	if g.chance(60) {
		halves = g.split(x, axis, c/2, c/2)
	} else {
		halves = []val{g.slice(x, axis, 0, c/2, 1), g.slice(x, axis, c/2, c, 1)}
	}
	gate := pick(g, []form{{"Sigmoid", 7, nil}, {"Tanh", 7, nil}, {"Identity", 7, nil}})
	return g.binary("Mul", halves[0], g.apply(gate, halves[1]))
}

func twoBranches(g *generator, x val) val {
	n := g.width()
	a, b := g.pointwise(x, n), g.pointwise(x, n)
	if g.chance(20) {
		return g.where(a, b)
	}
	return g.combine(a, g.activation(b))
}

// condition adds one of two values by a condition on the input, in branches
// that read values from outside.
func condition(g *generator, x val) val {
	if g.opset < 13 {
		return x
	}
	mean := g.unary("ReduceMean", x, attr("keepdims", 0))
	yes := g.node("Greater", []string{mean.name, g.zeroDim(0)})
	branch := func(op, in string) *onnx.GraphProto {
		out := g.name("branch")
		return &onnx.GraphProto{
			Name:   &out,
			Node:   []*onnx.NodeProto{{OpType: &op, Input: []string{in}, Output: []string{out}}},
			Output: []*onnx.ValueInfoProto{declare(val{out, x.shape}, tensor.Float32)},
		}
	}
	y := g.activation(x)
	attrs := []*onnx.AttributeProto{attr("then_branch", branch("Neg", x.name)), attr("else_branch", branch("Relu", y.name))}
	return val{g.node("If", []string{yes}, attrs...), x.shape}
}
