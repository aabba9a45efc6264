package modelgen

import (
	"slices"
)

// steps are the nodes without weights of their own.
var steps = slices.Concat([]step{
	{"any function", func(g *generator, _ *pool, x val) (val, bool) { return g.activation(x), true }},
	{"smooth function", func(g *generator, _ *pool, x val) (val, bool) { return g.apply(g.one(smooth), x), true }},
	{"two values", twoValues},
	{"two values", twoValues},
	{"number", func(g *generator, _ *pool, x val) (val, bool) {
		return g.times(pick(g, []string{"Add", "Mul", "Sub", "Div"}), x, pick(g, []float32{0, 1, -0.5, 2})), true
	}},
	{"product", product},
	{"gram", func(g *generator, _ *pool, x val) (val, bool) {
		if x.rank() < 2 {
			return val{}, false
		}
		return g.matmul(x, g.flipped(x)), true
	}},
	{"reduce", reduceAny},
	{"reduce", reduceAny},
	{"normalise", normaliseAny},
	{"concat", concatAny},
	{"split", splitAny},
	{"pick", func(g *generator, _ *pool, x val) (val, bool) {
		axes := x.sized(1)
		if len(axes) == 0 {
			return val{}, false
		}
		return pickChannels(g, x, pick(g, axes)), true
	}},
	{"take", func(g *generator, _ *pool, x val) (val, bool) {
		axes := x.sized(1)
		if len(axes) == 0 || x.rank() < 2 {
			return val{}, false
		}
		axis := pick(g, axes)
		return g.take(x, axis, g.Int64N(x.shape[axis])), true
	}},
	{"transpose", func(g *generator, _ *pool, x val) (val, bool) {
		return g.transpose(x, g.Perm(x.rank())...), x.rank() > 1
	}},
	{"merge axes", mergeAxes},
	{"part an axis", partAxis},
	{"part an axis", partAxis},
	{"new axis", func(g *generator, _ *pool, x val) (val, bool) {
		return g.unsqueeze(x, g.IntN(x.rank()+1)), x.rank() < 5
	}},
	{"drop an axis", func(g *generator, _ *pool, x val) (val, bool) {
		axis := slices.Index(x.shape, 1)
		if axis < 0 || x.rank() < 2 {
			return val{}, false
		}
		return g.squeeze(x, axis), true
	}},
	{"expand", expandAny},
	{"tile", tileAny},
	{"pad", padAny},
	{"where", func(g *generator, p *pool, x val) (val, bool) {
		y, ok := p.find(g, func(y val) bool { return slices.Equal(x.shape, y.shape) })
		if !ok || g.opset < 9 || x.rank() == 0 {
			return val{}, false
		}
		return g.where(x, y), true
	}},
	{"flatten", func(g *generator, _ *pool, x val) (val, bool) {
		if x.rank() < 2 || slices.ContainsFunc(x.shape[1:], func(d int64) bool { return d < 0 }) {
			return val{}, false
		}
		return val{g.node("Flatten", []string{x.name}), []int64{x.shape[0], count(x.shape[1:])}}, true
	}},
	{"quantised", func(g *generator, _ *pool, x val) (val, bool) { return quantised(g, x), g.chance(30) }},
}, imageSteps, rareSteps, uncommonSteps)

// twoValues combines x with any value that broadcasts against it.
func twoValues(g *generator, p *pool, x val) (val, bool) {
	y, ok := p.find(g, func(y val) bool { return broadcasts(x.shape, y.shape) })
	if !ok {
		return val{}, false
	}
	op := pick(g, []string{"Add", "Add", "Add", "Mul", "Mul", "Sub", "Div", "Max", "Min", "Sum", "Mean", "Pow", "PRelu"})
	switch {
	case g.opset < 8 && slices.Contains([]string{"Max", "Min", "Sum", "Mean"}, op):
		op = "Add"
	case op == "Div":
		y = g.plus(g.unary("Abs", y), 1)
	case op == "Pow":
		x, y = g.plus(g.unary("Abs", x), 0.5), g.unary("Tanh", y)
	case op == "PRelu" && (y.rank() > x.rank() || !slices.Equal(broadcast(x.shape, y.shape), x.shape)):
		op = "Sub"
	}
	return g.binary(op, x, y), true
}

// product multiplies two values as matrices.
func product(g *generator, p *pool, x val) (val, bool) {
	if x.rank() < 2 {
		return val{}, false
	}
	y, ok := p.find(g, func(y val) bool {
		return y.rank() > 1 && y.shape[y.rank()-2] == x.last() && broadcasts(x.shape[:x.rank()-2], y.shape[:y.rank()-2])
	})
	if !ok {
		return val{}, false
	}
	return g.matmul(x, y), true
}

var reductions = []string{
	"ReduceMean", "ReduceMean", "ReduceSum", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2",
	"ReduceSumSquare", "ReduceLogSumExp", "ReduceProd",
}

func reduceAny(g *generator, _ *pool, x val) (val, bool) {
	if x.rank() == 0 {
		return val{}, false
	}
	axes := g.Perm(x.rank())[:1+g.IntN(min(2, x.rank()))]
	slices.Sort(axes)
	if g.chance(10) {
		return g.reduce("ReduceLogSum", g.plus(g.unary("Abs", x), 0.5), axes, g.chance(60)), true
	}
	return g.reduce(pick(g, reductions), x, axes, g.chance(60)), true
}

func normaliseAny(g *generator, _ *pool, x val) (val, bool) {
	if x.rank() == 0 {
		return val{}, false
	}
	axis := g.IntN(x.rank())
	switch g.IntN(5) {
	case 0:
		return g.lpNorm(x, axis), true
	case 1:
		return g.unary("Hardmax", x, attr("axis", axis)), g.chance(30)
	case 2:
		if g.opset >= 11 {
			return val{g.node("CumSum", []string{g.times("Mul", x, 0.3).name, g.int(int64(axis))}), x.shape}, true
		}
	}
	return g.softmax(x, axis), true
}

// concatAny joins x and a value that differs along one axis at most.
func concatAny(g *generator, p *pool, x val) (val, bool) {
	axes := x.sized(1)
	if len(axes) == 0 {
		return val{}, false
	}
	axis := pick(g, axes)
	y, ok := p.find(g, func(y val) bool {
		return y.rank() == x.rank() && y.shape[axis] > 0 && slices.Equal(y.with(axis, 0), x.with(axis, 0))
	})
	if !ok {
		return val{}, false
	}
	if g.chance(20) && !slices.ContainsFunc(x.shape, func(d int64) bool { return d < 0 }) {
		c := val{g.bias(x.with(axis, 2)), x.with(axis, 2)}
		return g.concat(axis, x, c, y), true
	}
	return g.concat(axis, x, y), true
}

func splitAny(g *generator, p *pool, x val) (val, bool) {
	axes := x.sized(2)
	if len(axes) == 0 {
		return val{}, false
	}
	axis := pick(g, axes)
	first := 1 + g.Int64N(x.shape[axis]-1)
	parts := g.split(x, axis, first, x.shape[axis]-first)
	p.add(parts[1])
	return parts[0], true
}

// mergeAxes makes one axis of two neighbours.
func mergeAxes(g *generator, _ *pool, x val) (val, bool) {
	if x.rank() < 2 {
		return val{}, false
	}
	axis := g.IntN(x.rank() - 1)
	a, b := x.shape[axis], x.shape[axis+1]
	if a < 0 || b < 0 {
		return val{}, false
	}
	shape := slices.Delete(x.with(axis, a*b), axis+1, axis+2)
	return g.reshape(x, shape), true
}

// partAxis makes two axes of one.
func partAxis(g *generator, _ *pool, x val) (val, bool) {
	axes := x.sized(4)
	if len(axes) == 0 {
		return val{}, false
	}
	axis := pick(g, axes)
	d := g.divisor(x.shape[axis])
	if g.chance(50) {
		d = x.shape[axis] / d
	}
	shape := slices.Insert(x.with(axis, x.shape[axis]/d), axis, d)
	return g.reshape(x, shape), d > 1 && d < x.shape[axis]
}

func expandAny(g *generator, _ *pool, x val) (val, bool) {
	axis := slices.Index(x.shape, 1)
	if axis < 0 || g.opset < 8 {
		return val{}, false
	}
	return g.expand(x, x.with(axis, 1+g.Int64N(4)), x), true
}

func tileAny(g *generator, _ *pool, x val) (val, bool) {
	axes := x.sized(1)
	if len(axes) == 0 {
		return val{}, false
	}
	axis := pick(g, axes)
	repeats := slices.Repeat([]int64{1}, x.rank())
	repeats[axis] = 2
	return val{g.node("Tile", []string{x.name, g.ints(repeats...)}), x.with(axis, 2*x.shape[axis])}, true
}

func padAny(g *generator, _ *pool, x val) (val, bool) {
	axes := x.sized(1)
	if len(axes) == 0 {
		return val{}, false
	}
	axis := pick(g, axes)
	mode := "constant"
	if x.shape[axis] > 2 {
		mode = pick(g, []string{"constant", "constant", "edge", "reflect"})
	}
	return g.pad(x, axis, g.Int64N(3), g.Int64N(2), mode), true
}
