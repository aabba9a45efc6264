package modelgen

import (
	"slices"

	"onnxcompress/onnx"
)

// sequenceBlocks map [B, T, C] to the like.
var sequenceBlocks = []block{
	{"linear", func(g *generator, x val) val { return g.linear(x, g.width()) }},
	{"feed forward", feedForward},
	{"feed forward", feedForward},
	{"gated feed forward", gatedFeedForward},
	{"norm", func(g *generator, x val) val { return g.layerNorm(x) }},
	{"activation", func(g *generator, x val) val { return g.activation(x) }},
	{"attention", attention},
	{"attention", attention},
	{"attention", attention},
	{"recurrent", recurrent},
	{"recurrent", recurrent},
	{"temporal convolution", temporal},
	{"mix tokens", mixTokens},
	{"scale", func(g *generator, x val) val { return g.scaled(x, 2) }},
	{"slopes", func(g *generator, x val) val { return g.prelu(x, 2) }},
	{"embed positions", embedPositions},
	{"softmax", func(g *generator, x val) val { return g.softmax(x, 2) }},
	{"running sum", runningSum},
	{"roll", roll},
	{"pick channels", func(g *generator, x val) val { return pickChannels(g, x, 2) }},
	{"gated halves", func(g *generator, x val) val { return gatedHalves(g, x, 2) }},
	{"left weight", leftWeight},
	{"concat", concatLast},
	{"unit length", func(g *generator, x val) val { return g.lpNorm(x, 2) }},
	{"merge batch", mergeBatch},
	{"two branches", func(g *generator, x val) val {
		n := g.width()
		return g.combine(g.linear(x, n), g.activation(g.linear(x, n)))
	}},
	{"mean subtracted", func(g *generator, x val) val {
		return g.binary("Sub", x, g.reduce("ReduceMean", x, []int{1}, true))
	}},
	{"quantised", quantised},
	{"choose", func(g *generator, x val) val { return g.where(g.linear(x, x.last()), x) }},
	{"condition", condition},
}

func feedForward(g *generator, x val) val {
	y := x
	if g.chance(60) {
		y = g.layerNorm(y)
	}
	y = g.linear(g.activation(g.linear(y, g.width())), x.last())
	if g.chance(20) {
		return y
	}
	return g.binary("Add", y, x)
}

func gatedFeedForward(g *generator, x val) val {
	n := g.width()
	var y val
	if g.chance(50) {
		y = g.binary("Mul", g.activation(g.linear(x, n)), g.linear(x, n))
	} else {
		y = gatedHalves(g, g.linear(x, 2*(n/2)+2), x.rank()-1)
	}
	return g.binary("Add", x, g.linear(y, x.last()))
}

// temporal convolves over the steps.
func temporal(g *generator, x val) val {
	if x.shape[1] < 0 {
		return g.linear(x, g.width())
	}
	y := g.transpose(x, 0, 2, 1)
	if g.chance(40) {
		y = g.depthwise(y, true)
	} else {
		y = g.conv(y, g.width(), true)
	}
	return g.transpose(y, 0, 2, 1)
}

// mixTokens maps the steps to steps, as MLP-Mixer does.
func mixTokens(g *generator, x val) val {
	t := x.shape[1]
	if t < 0 {
		return feedForward(g, x)
	}
	y := g.transpose(g.linear(g.transpose(x, 0, 2, 1), t), 0, 2, 1)
	return g.binary("Add", x, y)
}

// leftWeight multiplies a weight from the left.
func leftWeight(g *generator, x val) val {
	if x.rank() != 3 || x.shape[1] < 0 {
		return g.linear(x, g.width())
	}
	c, n := x.shape[2], g.width()
	y := g.transpose(x, 0, 2, 1)
	y = val{g.node("MatMul", []string{g.weight(c, n, c), y.name}), []int64{x.shape[0], n, x.shape[1]}}
	return g.transpose(y, 0, 2, 1)
}

func embedPositions(g *generator, x val) val {
	shape := []int64{x.last()}
	if t := x.shape[1]; t > 0 {
		shape = []int64{t, x.last()}
		if g.chance(50) {
			shape = []int64{1, t, x.last()}
		}
	}
	return val{g.node("Add", []string{x.name, g.bias(shape)}), x.shape}
}

func runningSum(g *generator, x val) val {
	if g.opset < 11 {
		return g.activation(x)
	}
	return val{g.node("CumSum", []string{g.times("Mul", x, 0.3).name, g.int(int64(1 + g.IntN(2)))}), x.shape}
}

// roll shifts an axis around.
func roll(g *generator, x val) val {
	axis := 1 + g.IntN(2)
	n := x.shape[axis]
	if n < 2 {
		axis, n = 2, x.shape[2]
	}
	if n < 2 {
		return x
	}
	k := 1 + g.Int64N(n-1)
	return g.concat(axis, g.slice(x, axis, k, n, 1), g.slice(x, axis, 0, k, 1))
}

func concatLast(g *generator, x val) val {
	if x.last() > maxChannels-6 {
		return g.linear(x, 6)
	}
	return g.concat(2, x, g.activation(g.linear(x, 2+g.Int64N(4))))
}

// mergeBatch makes one axis of batch and steps for a while.
func mergeBatch(g *generator, x val) val {
	b, t, c := x.shape[0], x.shape[1], x.shape[2]
	rows := merged
	if b > 0 && t > 0 {
		rows = b * t
	}
	y := val{g.node("Reshape", []string{x.name, g.ints(-1, c)}), []int64{rows, c}}
	n := g.width()
	y = g.activation(g.gemm(y, n))
	shape := []string{"", "", ""}
	for i, d := range []int64{b, t, n} {
		if shape[i] = g.size([]val{x}, d); d == n {
			shape[i] = g.ints(n)
		}
	}
	return val{g.node("Reshape", []string{y.name, g.node("Concat", shape, attr("axis", 0))}), []int64{b, t, n}}
}

// recurrent runs one of the three recurrent operators over the steps.
func recurrent(g *generator, x val) val {
	kind := pick(g, []struct {
		opType string
		gates  int64
		states int
	}{{"LSTM", 4, 2}, {"GRU", 3, 1}, {"RNN", 1, 1}})
	b, t, c, n := x.shape[0], x.shape[1], x.shape[2], 2+g.Int64N(6)
	d, attrs := int64(1), []*onnx.AttributeProto{attr("hidden_size", n)}
	switch g.IntN(4) {
	case 0:
		d = 2
		attrs = append(attrs, attr("direction", "bidirectional"))
	case 1:
		attrs = append(attrs, attr("direction", "reverse"))
	}
	if kind.opType == "GRU" && g.chance(50) {
		attrs = append(attrs, attr("linear_before_reset", 1))
	}
	y := g.transpose(x, 1, 0, 2)
	in := []string{y.name, g.weight(c, d, kind.gates*n, c), g.weight(n, d, kind.gates*n, n)}
	initial := b > 0 && g.chance(40)
	if initial || g.chance(70) {
		in = append(in, g.bias([]int64{d, 2 * kind.gates * n}))
	}
	if initial {
		in = append(in, "")
		for range kind.states {
			in = append(in, g.bias([]int64{d, b, n}))
		}
		if kind.opType == "LSTM" && g.chance(30) {
			in = append(in, g.bias([]int64{d, 3 * n}))
		}
	}
	out := g.nodes(kind.opType, in, 1+g.IntN(2), attrs...)
	all := val{out[0], []int64{t, d, b, n}}
	if len(out) > 1 && t > 0 && g.chance(40) {
		final := g.transpose(val{out[1], []int64{d, b, n}}, 1, 0, 2)
		return g.reshape(final, []int64{b, 1, d * n}, x)
	}
	if d == 1 {
		return g.transpose(g.squeeze(all, 1), 1, 0, 2)
	}
	y = g.transpose(all, 2, 0, 1, 3)
	return g.reshape(y, []int64{b, t, d * n}, x)
}

// head splits the last axis into heads of n, before the steps.
func (g *generator) heads(x val, h, n int64, like val) val {
	y := g.reshape(x, []int64{x.shape[0], x.shape[1], h, n}, like)
	return g.transpose(y, 0, 2, 1, 3)
}

// unheads undoes heads.
func (g *generator) unheads(x val, like val) val {
	y := g.transpose(x, 0, 2, 1, 3)
	return g.reshape(y, []int64{y.shape[0], y.shape[1], y.shape[2] * y.shape[3]}, like)
}

// flipped swaps the last two axes.
func (g *generator) flipped(x val) val {
	perm := make([]int, x.rank())
	for i := range perm {
		perm[i] = i
	}
	slices.Reverse(perm[len(perm)-2:])
	return g.transpose(x, perm...)
}
