package modelgen

import "onnxcompress/onnx"

// flatBlocks map [B, C] to the like.
var flatBlocks = []block{
	{"linear", func(g *generator, x val) val { return g.linear(x, g.width()) }},
	{"linear", func(g *generator, x val) val { return g.activation(g.linear(x, g.width())) }},
	{"norm", func(g *generator, x val) val { return g.batchNorm(x) }},
	{"layer norm", func(g *generator, x val) val { return g.layerNorm(x) }},
	{"activation", func(g *generator, x val) val { return g.activation(x) }},
	{"scale", func(g *generator, x val) val { return g.scaled(x, 1) }},
	{"residual", func(g *generator, x val) val {
		return g.combine(x, g.linear(g.activation(g.linear(x, g.width())), x.last()))
	}},
	{"concat", func(g *generator, x val) val {
		if x.last() > maxChannels {
			return g.linear(x, 8)
		}
		return g.concat(1, x, g.activation(g.linear(x, 3)))
	}},
	{"pick channels", func(g *generator, x val) val { return pickChannels(g, x, 1) }},
	{"gated halves", func(g *generator, x val) val { return gatedHalves(g, x, 1) }},
	{"softmax", func(g *generator, x val) val { return g.softmax(x, 1) }},
	{"unit length", func(g *generator, x val) val { return g.lpNorm(x, 1) }},
	{"largest", largest},
	{"maxout", maxout},
	{"experts", experts},
	{"outer product", outer},
	{"one hot", oneHot},
	{"mean subtracted", func(g *generator, x val) val {
		return g.binary("Sub", x, g.reduce("ReduceMean", x, []int{1}, true))
	}},
	{"choose", func(g *generator, x val) val { return g.where(g.linear(x, x.last()), x) }},
}

// largest keeps the largest channels, in order.
func largest(g *generator, x val) val {
	k := 1 + g.Int64N(x.last())
	in, attrs := []string{x.name}, []*onnx.AttributeProto{attr("axis", 1)}
	if g.opset < 10 {
		attrs = append(attrs, attr("k", k))
	} else {
		in = append(in, g.ints(k))
	}
	return val{g.nodes("TopK", in, 2, attrs...)[0], []int64{x.shape[0], k}}
}

// maxout takes the largest of every two or three channels.
func maxout(g *generator, x val) val {
	n, k := g.width()/2, pick(g, []int64{2, 3})
	y := g.reshape(g.linear(x, n*k), []int64{x.shape[0], n, k}, x)
	if g.chance(50) {
		y = g.transpose(y, 0, 2, 1)
		return g.reduce("ReduceMax", y, []int{1}, false)
	}
	return g.reduce("ReduceMax", y, []int{2}, false)
}

// experts weighs several layers' outputs by a softmax.
func experts(g *generator, x val) val {
	e, n := pick(g, []int64{2, 3}), g.width()
	weights := g.unsqueeze(g.unary("Softmax", g.linear(x, e), attr("axis", 1)), 2)
	y := g.reshape(g.gemm(x, e*n), []int64{x.shape[0], e, n}, x)
	return g.reduce("ReduceSum", g.binary("Mul", y, weights), []int{1}, false)
}

// outer multiplies every channel with every other.
func outer(g *generator, x val) val {
	a, b := g.unsqueeze(g.linear(x, 4), 2), g.unsqueeze(g.linear(x, 3), 1)
	y := g.binary("Mul", a, b)
	return g.activation(g.reshape(y, []int64{x.shape[0], 12}, x))
}

// oneHot adds a row of a table, chosen by the largest channel.
func oneHot(g *generator, x val) val {
	n := x.last()
	best := val{g.node("ArgMax", []string{x.name}, attr("axis", 1), attr("keepdims", 0)), x.shape[:1]}
	row := g.node("Gather", []string{g.weight(1, n, n), best.name})
	return g.binary("Add", x, val{row, x.shape})
}
