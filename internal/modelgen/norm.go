package modelgen

import (
	"slices"
)

// batchNorm normalises axis 1 by stored statistics.
func (g *generator) batchNorm(x val) val {
	c := x.shape[1]
	variance := g.floats([]int64{c}, g.positive(c))
	in := []string{x.name, g.vector(c), g.vector(c), g.vector(c), variance}
	return val{g.node("BatchNormalization", in, attr("epsilon", float32(1e-4))), x.shape}
}

func (g *generator) instanceNorm(x val) val {
	c := x.shape[1]
	return val{g.node("InstanceNormalization", []string{x.name, g.vector(c), g.vector(c)}), x.shape}
}

// groupNorm is the operator, or what exporters make of it where there is none.
func (g *generator) groupNorm(x val) val {
	c := x.shape[1]
	groups := g.divisor(c)
	if g.opset >= 18 && g.chance(50) {
		n := c
		if g.opset < 21 {
			n = groups
		}
		return val{g.node("GroupNormalization", []string{x.name, g.vector(n), g.vector(n)}, attr("num_groups", groups)), x.shape}
	}
	flat := g.reshape(x, []int64{x.shape[0], groups, count(x.shape[1:]) / groups})
	ones, zeros := slices.Repeat([]float32{1}, int(groups)), make([]float32, groups)
	n := val{g.node("InstanceNormalization", []string{flat.name, g.floats([]int64{groups}, ones), g.floats([]int64{groups}, zeros)}), flat.shape}
	y := g.reshape(n, x.shape, x)
	per := slices.Repeat([]int64{1}, x.rank()-1)
	per[0] = c
	y.name = g.node("Mul", []string{y.name, g.bias(per)})
	y.name = g.node("Add", []string{y.name, g.bias(per)})
	return y
}

// layerNorm normalises the last axis: as an operator, or spelled out.
func (g *generator) layerNorm(x val) val {
	c := x.last()
	switch {
	case g.opset >= 23 && g.chance(30):
		return val{g.node("RMSNormalization", []string{x.name, g.vector(c)}, attr("axis", -1)), x.shape}
	case g.opset >= 17 && g.chance(50):
		in := []string{x.name, g.vector(c)}
		if g.chance(70) {
			in = append(in, g.vector(c))
		}
		return val{g.node("LayerNormalization", in, attr("axis", -1)), x.shape}
	case g.chance(40):
		return g.rmsNorm(x)
	}
	last := []int{x.rank() - 1}
	centred := g.binary("Sub", x, g.reduce("ReduceMean", x, last, true))
	square := centred
	if g.chance(50) {
		square = g.binary("Mul", centred, centred)
	} else {
		square.name = g.node("Pow", []string{centred.name, g.zeroDim(2)})
	}
	deviation := g.unary("Sqrt", g.plus(g.reduce("ReduceMean", square, last, true), 1e-3))
	y := g.binary("Div", centred, deviation)
	y.name = g.node("Mul", []string{y.name, g.vector(c)})
	y.name = g.node("Add", []string{y.name, g.vector(c)})
	return y
}

func (g *generator) rmsNorm(x val) val {
	square := g.reduce("ReduceMean", g.binary("Mul", x, x), []int{x.rank() - 1}, true)
	inverse := g.unary("Reciprocal", g.unary("Sqrt", g.plus(square, 1e-3)))
	y := g.binary("Mul", x, inverse)
	y.name = g.node("Mul", shuffled(g, y.name, g.vector(x.last())))
	return y
}

// lpNorm divides by a norm over an axis: the operator, or spelled out.
func (g *generator) lpNorm(x val, axis int) val {
	if g.chance(50) {
		return g.unary("LpNormalization", x, attr("axis", axis), attr("p", 1+g.IntN(2)))
	}
	norm := g.reduce(pick(g, []string{"ReduceL2", "ReduceL1"}), x, []int{axis}, true)
	return g.binary("Div", x, g.plus(norm, 1e-2))
}
