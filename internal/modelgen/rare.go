package modelgen

import (
	"slices"

	"onnxcompress/graph/tensor"
)

// rareSteps are operators that few models have.
var rareSteps = []step{
	{"comparison", comparison},
	{"cast and back", func(g *generator, _ *pool, x val) (val, bool) {
		y := g.unary("Cast", x, attr("to", pick(g, []int{int(tensor.Float64), int(tensor.Int32)})))
		if g.opset >= 15 && g.chance(50) {
			return val{g.node("CastLike", []string{y.name, g.zeroDim(1)}), x.shape}, true
		}
		return g.unary("Cast", y, attr("to", int(tensor.Float32))), true
	}},
	{"largest", func(g *generator, _ *pool, x val) (val, bool) {
		axes := x.sized(1)
		if len(axes) == 0 {
			return val{}, false
		}
		axis := pick(g, axes)
		k := 1 + g.Int64N(x.shape[axis])
		if g.opset < 10 {
			return val{g.nodes("TopK", []string{x.name}, 2, attr("axis", axis), attr("k", k))[0], x.with(axis, k)}, true
		}
		return val{g.nodes("TopK", []string{x.name, g.ints(k)}, 2, attr("axis", axis))[0], x.with(axis, k)}, true
	}},
	{"place of the largest", func(g *generator, _ *pool, x val) (val, bool) {
		axes := x.sized(1)
		if len(axes) == 0 {
			return val{}, false
		}
		axis := pick(g, axes)
		y := g.unary(pick(g, []string{"ArgMax", "ArgMin"}), x, attr("axis", axis), attr("keepdims", 1))
		return val{g.unary("Cast", y, attr("to", int(tensor.Float32))).name, x.with(axis, 1)}, true
	}},
	{"elements", gatherElements},
	{"n-dimensional places", gatherND},
	{"scatter", scatter},
	{"triangle", func(g *generator, _ *pool, x val) (val, bool) {
		return g.unary("Trilu", x, attr("upper", g.IntN(2))), x.rank() >= 2 && g.opset >= 14
	}},
	{"compress", func(g *generator, _ *pool, x val) (val, bool) {
		axes := x.sized(2)
		if len(axes) == 0 || g.opset < 9 {
			return val{}, false
		}
		axis := pick(g, axes)
		bits := make([]byte, x.shape[axis])
		bits[0], bits[len(bits)-1] = 1, 1
		mask := g.constant(tensorProto(tensor.Bool, []int64{int64(len(bits))}, bits))
		return val{g.node("Compress", []string{x.name, mask}, attr("axis", axis)), x.with(axis, 2)}, true
	}},
	{"filled", func(g *generator, _ *pool, x val) (val, bool) {
		if g.opset < 9 {
			return val{}, false
		}
		fill := tensorProto(tensor.Float32, []int64{1}, bytesOf([]float32{pick(g, []float32{0, 1, 0.5})}))
		y := val{g.node("ConstantOfShape", []string{g.node("Shape", []string{x.name})}, attr("value", fill)), x.shape}
		return g.binary(pick(g, []string{"Add", "Mul", "Sub"}), x, y), true
	}},
	{"size", func(g *generator, _ *pool, x val) (val, bool) {
		size := g.unary("Cast", val{g.node("Size", []string{x.name}), nil}, attr("to", int(tensor.Float32)))
		return g.binary("Div", x, size), true
	}},
	{"range", func(g *generator, _ *pool, x val) (val, bool) {
		if x.rank() == 0 || x.last() < 1 || g.opset < 11 {
			return val{}, false
		}
		n := g.take(val{g.node("Shape", []string{x.name}), []int64{int64(x.rank())}}, 0, int64(x.rank()-1))
		r := val{g.node("Range", []string{g.int(0), n.name, g.int(1)}), []int64{x.last()}}
		return g.binary("Add", x, g.unary("Cast", r, attr("to", int(tensor.Float32)))), true
	}},
	{"remainder", func(g *generator, _ *pool, x val) (val, bool) {
		return val{g.node("Mod", []string{x.name, g.zeroDim(1.5)}, attr("fmod", 1)), x.shape}, g.opset >= 10 && g.chance(30)
	}},
	{"reverse", func(g *generator, _ *pool, x val) (val, bool) {
		if g.opset < 10 || x.rank() < 2 || x.shape[0] < 1 || x.shape[1] < 1 {
			return val{}, false
		}
		lengths := slices.Repeat([]int64{x.shape[1]}, int(x.shape[0]))
		return val{g.node("ReverseSequence", []string{x.name, g.ints(lengths...)}, attr("batch_axis", 0), attr("time_axis", 1)), x.shape}, true
	}},
	{"not a number", func(g *generator, _ *pool, x val) (val, bool) {
		if g.opset < 10 {
			return val{}, false
		}
		return val{g.node("Where", []string{g.node(pick(g, []string{"IsNaN", "IsInf"}), []string{x.name}), g.zeroDim(0), x.name}), x.shape}, true
	}},
	{"sequence", func(g *generator, _ *pool, x val) (val, bool) {
		if g.opset < 11 || x.rank() == 0 || x.shape[0] < 1 {
			return val{}, false
		}
		axes := x.sized(2)
		if len(axes) == 0 {
			return val{}, false
		}
		axis := pick(g, axes)
		s := g.node("SplitToSequence", []string{x.name}, attr("axis", axis), attr("keepdims", 1))
		if g.chance(50) {
			return val{g.node("ConcatFromSequence", []string{s}, attr("axis", axis)), x.shape}, true
		}
		return val{g.node("SequenceAt", []string{s, g.int(0)}), x.with(axis, 1)}, true
	}},
	{"repeated", func(g *generator, p *pool, x val) (val, bool) { return condition(g, x), g.opset >= 13 && g.chance(40) }},
	{"crop", func(g *generator, _ *pool, x val) (val, bool) {
		axes := x.sized(2)
		if len(axes) == 0 || g.opset < 18 {
			return val{}, false
		}
		axis := pick(g, axes)
		return val{g.node("CenterCropPad", []string{x.name, g.ints(x.shape[axis] - 1)}, attr("axes", []int64{int64(axis)})), x.with(axis, x.shape[axis]-1)}, true
	}},
	{"whole numbers", wholeNumbers},
	{"noise", noise},
	{"places of all but zeros", func(g *generator, _ *pool, x val) (val, bool) {
		if g.opset < 13 || x.rank() == 0 {
			return val{}, false
		}
		at := val{g.node("Cast", []string{g.node("NonZero", []string{x.name})}, attr("to", int(tensor.Float32))), []int64{int64(x.rank()), 1}}
		return g.binary("Add", x, g.reduce("ReduceSum", at, []int{0, 1}, false)), g.chance(30)
	}},
	{"different numbers", func(g *generator, _ *pool, x val) (val, bool) {
		list := val{g.node("Unique", []string{x.name}), []int64{1}}
		return g.binary("Add", x, g.reduce("ReduceMax", list, []int{0}, true)), g.opset >= 11 && x.rank() > 0 && g.chance(30)
	}},
	{"one of all", func(g *generator, _ *pool, x val) (val, bool) {
		if g.opset < 11 || x.rank() != 2 || x.last() < 1 {
			return val{}, false
		}
		best := g.node("ArgMax", []string{x.name}, attr("axis", 1), attr("keepdims", 0))
		hot := g.node("OneHot", []string{best, g.int(x.last()), g.floats([]int64{2}, []float32{0, 1})})
		return g.binary("Mul", x, val{hot, x.shape}), true
	}},
	{"identity matrix", func(g *generator, _ *pool, x val) (val, bool) {
		if g.opset < 9 || x.rank() != 2 || x.last() < 1 {
			return val{}, false
		}
		return g.binary("Add", x, g.unary("EyeLike", x, attr("k", g.IntN(2)))), true
	}},
	{"rotary", func(g *generator, _ *pool, x val) (val, bool) {
		if g.opset < 23 || x.rank() != 4 || x.last() < 2 || x.last()%2 != 0 || x.shape[2] < 1 || x.shape[0] < 1 {
			return val{}, false
		}
		half := []int64{x.shape[0], x.shape[2], x.last() / 2}
		return val{g.node("RotaryEmbedding", []string{x.name, g.bias(half), g.bias(half)}), x.shape}, true
	}},
}

// noise multiplies random numbers by zero: they are drawn, and not seen.
// onnxruntime draws none for the newest opsets.
func noise(g *generator, _ *pool, x val) (val, bool) {
	if x.rank() == 0 || len(x.sized(1)) != x.rank() || g.opset >= 22 {
		return val{}, false
	}
	var y val
	switch g.IntN(5) {
	case 0, 1:
		y = g.unary(pick(g, []string{"RandomNormalLike", "RandomUniformLike"}), x)
	case 2, 3:
		y = val{g.node(pick(g, []string{"RandomNormal", "RandomUniform"}), nil, attr("shape", x.shape)), x.shape}
	default:
		if g.opset < 15 {
			return val{}, false
		}
		y = g.unary("Bernoulli", g.unary("Sigmoid", x))
	}
	return g.binary("Add", g.times("Mul", y, 0), x), true
}

// comparison makes a mask of two comparisons, and keeps x where it holds.
func comparison(g *generator, p *pool, x val) (val, bool) {
	if g.opset < 9 {
		return val{}, false
	}
	ops := []string{"Greater", "Less"}
	if g.opset >= 12 {
		ops = append(ops, "GreaterOrEqual", "LessOrEqual")
	}
	if g.opset >= 11 {
		ops = append(ops, "Equal")
	}
	a := g.node(pick(g, ops), []string{x.name, g.zeroDim(0.1)})
	b := g.node(pick(g, ops), []string{x.name, g.zeroDim(-0.7)})
	m := g.node(pick(g, []string{"And", "Or", "Xor"}), []string{a, g.node("Not", []string{b})})
	if g.chance(50) {
		return g.binary("Mul", val{g.node("Cast", []string{m}, attr("to", int(tensor.Float32))), x.shape}, x), true
	}
	return val{g.node("Where", []string{m, x.name, g.zeroDim(pick(g, []float32{0, 1}))}), x.shape}, true
}

func gatherElements(g *generator, _ *pool, x val) (val, bool) {
	if g.opset < 11 || x.rank() == 0 || len(x.sized(1)) != x.rank() {
		return val{}, false
	}
	axis := g.IntN(x.rank())
	shape := x.with(axis, 1+g.Int64N(3))
	idx := make([]int64, count(shape))
	for i := range idx {
		idx[i] = g.Int64N(x.shape[axis])
	}
	at := g.constant(tensorProto(tensor.Int64, shape, bytesOfInts(idx)))
	return val{g.node("GatherElements", []string{x.name, at}, attr("axis", axis)), shape}, true
}

func gatherND(g *generator, _ *pool, x val) (val, bool) {
	if g.opset < 11 || x.rank() < 2 || x.shape[0] < 1 || x.shape[1] < 1 {
		return val{}, false
	}
	idx := []int64{0, g.Int64N(x.shape[1]), x.shape[0] - 1, 0}
	at := g.constant(tensorProto(tensor.Int64, []int64{2, 2}, bytesOfInts(idx)))
	return val{g.node("GatherND", []string{x.name, at}), append([]int64{2}, x.shape[2:]...)}, true
}

// scatter overwrites a part of x with constants.
func scatter(g *generator, _ *pool, x val) (val, bool) {
	if g.opset < 9 || x.rank() < 1 || len(x.sized(1)) != x.rank() {
		return val{}, false
	}
	if g.opset >= 11 && g.chance(50) {
		at := g.constant(tensorProto(tensor.Int64, []int64{1, 1}, bytesOfInts([]int64{0})))
		row := append([]int64{1}, x.shape[1:]...)
		return val{g.node("ScatterND", []string{x.name, at, g.bias(row)}), x.shape}, true
	}
	shape := slices.Repeat([]int64{1}, x.rank())
	at := g.constant(tensorProto(tensor.Int64, shape, bytesOfInts([]int64{0})))
	op := "ScatterElements"
	if g.opset < 11 {
		op = "Scatter"
	}
	return val{g.node(op, []string{x.name, at, g.bias(shape)}, attr("axis", g.IntN(x.rank()))), x.shape}, true
}

// wholeNumbers multiplies quantised numbers by a quantised weight.
func wholeNumbers(g *generator, _ *pool, x val) (val, bool) {
	if g.opset < 11 || x.rank() < 2 || x.last() < 1 || g.chance(60) {
		return val{}, false
	}
	q := g.nodes("DynamicQuantizeLinear", []string{x.name}, 3)
	n := g.width()
	b := make([]byte, x.last()*n)
	for i := range b {
		b[i] = byte(int8(g.IntN(255) - 127))
	}
	in := []string{q[0], g.constant(tensorProto(tensor.Int8, []int64{x.last(), n}, b)), q[2]}
	y := g.node("Cast", []string{g.node("MatMulInteger", in)}, attr("to", int(tensor.Float32)))
	scaled := g.node("Mul", []string{g.node("Mul", []string{y, q[1]}), g.zeroDim(0.01)})
	return val{scaled, append(slices.Clone(x.shape[:x.rank()-1]), n)}, true
}
