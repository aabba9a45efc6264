package modelgen

import (
	"slices"

	"onnxcompress/graph/tensor"
)

// channelsLast moves axis 1 to the end.
func (g *generator) channelsLast(x val) val {
	perm := []int{0}
	for axis := 2; axis < x.rank(); axis++ {
		perm = append(perm, axis)
	}
	return g.transpose(x, append(perm, 1)...)
}

// channelsSecond undoes channelsLast.
func (g *generator) channelsSecond(x val) val {
	perm := []int{0, x.rank() - 1}
	for axis := 1; axis < x.rank()-1; axis++ {
		perm = append(perm, axis)
	}
	return g.transpose(x, perm...)
}

// channelsLast is what ConvNeXt makes of an image: layers on the last axis.
func channelsLast(g *generator, x val) val {
	y := g.channelsLast(g.depthwise(x, true))
	if g.chance(70) {
		y = g.layerNorm(y)
	}
	if x.rank() == 4 || g.opset < 12 {
		y = g.linear(g.activation(g.linear(y, g.width())), x.shape[1])
	}
	if g.chance(60) {
		y.name = g.node("Mul", []string{g.vector(x.shape[1]), y.name})
	}
	return g.binary("Add", x, g.channelsSecond(y))
}

// windows attends, or just maps, within square parts of an image.
func windows(g *generator, x val) val {
	if x.rank() != 4 || x.shape[2]%2 != 0 || x.shape[3]%2 != 0 {
		return channelsLast(g, x)
	}
	b, c, h, w := x.shape[0], x.shape[1], x.shape[2], x.shape[3]
	y := g.reshape(x, []int64{b, c, h / 2, 2, w / 2, 2})
	y = g.transpose(y, 0, 2, 4, 3, 5, 1)
	rows := merged
	if b > 0 {
		rows = b * h * w / 4
	}
	y.name = g.node("Reshape", []string{y.name, g.ints(-1, 4, c)})
	y.shape = []int64{rows, 4, c}
	n := g.width()
	if n > c {
		n = c
	}
	y = g.linear(g.activation(g.linear(y, n)), n)
	y.name = g.node("Reshape", []string{y.name, g.ints(-1, h/2, w/2, 2, 2, n)})
	y.shape = []int64{b, h / 2, w / 2, 2, 2, n}
	y = g.transpose(y, 0, 5, 1, 3, 2, 4)
	return g.reshape(y, []int64{b, n, h, w}, x)
}

// tokens makes a sequence of an image's places, and an image of it again.
func tokens(g *generator, x val) val {
	places := count(x.shape[2:])
	if places > 64 {
		return g.pool(x, false)
	}
	y := g.transpose(g.reshape(x, []int64{x.shape[0], x.shape[1], places}), 0, 2, 1)
	y = g.stack(sequenceBlocks, y, 1)
	if y.shape[1] != places {
		return x
	}
	y = g.transpose(y, 0, 2, 1)
	return g.reshape(y, append([]int64{x.shape[0], y.shape[1]}, x.shape[2:]...), x)
}

func localResponse(g *generator, x val) val {
	if x.rank() != 4 {
		return g.activation(x)
	}
	return g.unary("LRN", x, attr("size", 3), attr("alpha", float32(0.1)))
}

// positions adds or concatenates a constant image.
func positions(g *generator, x val) val {
	if g.chance(50) || g.opset < 8 || x.shape[1] > maxChannels-2 {
		return val{g.node("Add", []string{x.name, g.bias(append([]int64{1, x.shape[1]}, x.shape[2:]...))}), x.shape}
	}
	n := 1 + g.Int64N(2)
	grid := val{g.bias(append([]int64{1, n}, x.shape[2:]...)), append([]int64{1, n}, x.shape[2:]...)}
	shape := slices.Clone(x.shape)
	shape[1] = n
	return g.concat(1, x, g.expand(grid, shape, x))
}

// pickChannels reads channels by index: a part, a permutation, or some twice.
func pickChannels(g *generator, x val, axis int) val {
	c := x.shape[axis]
	switch k := g.IntN(5); {
	case k == 0 && c > 1:
		start := g.Int64N(c - 1)
		return g.slice(x, axis, start, start+1+g.Int64N(c-start), 1)
	case k == 1 && g.opset >= 10:
		return g.slice(x, axis, c-1, -1, -1)
	case k == 2 && g.opset >= 10 && c > 3:
		return g.slice(x, axis, g.Int64N(2), c, 2)
	case k == 3:
		idx := make([]int64, 1+g.Int64N(c))
		for i := range idx {
			idx[i] = g.Int64N(c)
		}
		return g.gather(x, axis, idx)
	}
	idx := make([]int64, c)
	for i, p := range g.Perm(int(c)) {
		idx[i] = int64(p)
	}
	return g.gather(x, axis, idx)
}

// quantised rounds to 8 bits and back.
func quantised(g *generator, x val) val {
	if g.opset < 10 {
		return g.activation(x)
	}
	zero := func() string { return g.constant(tensorProto(tensor.Uint8, nil, []byte{128})) }
	q := g.node("QuantizeLinear", []string{x.name, g.zeroDim(0.05), zero()})
	return val{g.node("DequantizeLinear", []string{q, g.zeroDim(0.05), zero()}), x.shape}
}

// repeatChannels has every channel more than once.
func repeatChannels(g *generator, x val) val {
	c := x.shape[1]
	if 2*c > maxChannels {
		return g.pointwise(x, 4)
	}
	repeats := slices.Repeat([]int64{1}, x.rank())
	repeats[1] = 2
	shape := slices.Clone(x.shape)
	shape[1] = 2 * c
	if g.chance(50) || g.opset < 8 {
		return val{g.node("Tile", []string{x.name, g.ints(repeats...)}), shape}
	}
	y := g.unsqueeze(x, 1+g.IntN(2))
	axis := slices.Index(y.shape[1:], 1) + 1
	wide := slices.Clone(y.shape)
	wide[axis] = 2
	if count(y.shape[1:]) == 0 || axis > 2 {
		return x
	}
	return g.reshape(g.expand(y, wide, x), shape, x)
}

// splitAttention weighs branches by a softmax over them.
func splitAttention(g *generator, x val) val {
	n := g.width()
	parts := []val{g.unsqueeze(g.pointwise(x, n), 1), g.unsqueeze(g.conv(x, n, true), 1)}
	u := g.concat(1, parts...)
	s := g.reduce("ReduceMean", g.reduce("ReduceSum", u, []int{1}, false), spatial(x), false)
	logits := g.reshape(g.linear(g.apply(smooth[0], g.linear(s, 4)), 2*n), []int64{x.shape[0], 2, n}, x)
	axis := 1
	if g.opset < 13 {
		logits = g.transpose(logits, 0, 2, 1)
		logits = g.transpose(g.unary("Softmax", logits, attr("axis", 2)), 0, 2, 1)
	} else {
		logits = g.unary("Softmax", logits, attr("axis", axis))
	}
	shape := append([]int64{x.shape[0], 2, n}, slices.Repeat([]int64{1}, x.rank()-2)...)
	return g.reduce("ReduceSum", g.binary("Mul", u, g.reshape(logits, shape, x)), []int{1}, false)
}
