package modelgen

import (
	"slices"

	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// form is one way to use an operator of one input that keeps the shape.
type form struct {
	opType string
	since  int
	attrs  []*onnx.AttributeProto
}

// smooth are the activations that are finite everywhere and do not jump.
var smooth = []form{
	{"Relu", 7, nil},
	{"Relu", 7, nil},
	{"Sigmoid", 7, nil},
	{"Tanh", 7, nil},
	{"LeakyRelu", 7, []*onnx.AttributeProto{attr("alpha", float32(0.2))}},
	{"Elu", 7, []*onnx.AttributeProto{attr("alpha", float32(0.7))}},
	{"Selu", 7, nil},
	{"Celu", 12, []*onnx.AttributeProto{attr("alpha", float32(1.5))}},
	{"Softplus", 7, nil},
	{"Softsign", 7, nil},
	{"HardSigmoid", 7, []*onnx.AttributeProto{attr("alpha", float32(0.3)), attr("beta", float32(0.4))}},
	{"HardSigmoid", 7, []*onnx.AttributeProto{attr("beta", float32(0))}},
	{"HardSwish", 14, nil},
	{"Mish", 18, nil},
	{"Gelu", 20, nil},
	{"Gelu", 20, []*onnx.AttributeProto{attr("approximate", "tanh")}},
	{"Erf", 9, nil},
	{"Abs", 7, nil},
	{"Neg", 7, nil},
	{"Sin", 7, nil},
	{"Cos", 7, nil},
	{"Atan", 7, nil},
	{"Asinh", 9, nil},
	{"Identity", 7, nil},
	{"Dropout", 7, nil},
	{"Shrink", 9, []*onnx.AttributeProto{attr("lambd", float32(0.1)), attr("bias", float32(0.1))}},
}

// narrow are those with a small domain, applied to a Tanh; jumping those that
// jump, of which rounding errors are amplified.
var (
	narrow = []form{
		{"Asin", 7, nil},
		{"Atanh", 9, nil},
		{"Tan", 7, nil},
		{"Exp", 7, nil},
		{"Sinh", 9, nil},
		{"Cosh", 9, nil},
		{"Acos", 7, nil},
	}
	jumping = []form{
		{"Floor", 7, nil},
		{"Ceil", 7, nil},
		{"Round", 11, nil},
		{"Sign", 9, nil},
		{"ThresholdedRelu", 10, []*onnx.AttributeProto{attr("alpha", float32(0.3))}},
	}
	// positiveOnly are defined above zero, and applied to one more than an
	// absolute value.
	positiveOnly = []form{
		{"Log", 7, nil},
		{"Sqrt", 7, nil},
		{"Reciprocal", 7, nil},
		{"Acosh", 9, nil},
	}
)

// one picks a form that the opset has.
func (g *generator) one(forms []form) form {
	for {
		if f := pick(g, forms); f.since <= g.opset {
			return f
		}
	}
}

func (g *generator) unary(opType string, x val, attrs ...*onnx.AttributeProto) val {
	return val{g.node(opType, []string{x.name}, attrs...), x.shape}
}

func (g *generator) apply(f form, x val) val { return g.unary(f.opType, x, f.attrs...) }

// activation is any function of single numbers.
func (g *generator) activation(x val) val {
	switch k := g.IntN(20); {
	case k < 12:
		return g.apply(g.one(smooth), x)
	case k == 12:
		return g.apply(g.one(narrow), g.unary("Tanh", x))
	case k == 13:
		return g.apply(g.one(positiveOnly), g.plus(g.unary("Abs", x), 1))
	case k == 14:
		return g.clip(x)
	case k == 15:
		return g.power(x)
	case k == 16:
		return g.binary("Mul", x, g.unary("Sigmoid", x))
	case k == 17:
		return g.gelu(x)
	case k == 18 && g.chance(30):
		return g.apply(g.one(jumping), x)
	}
	return g.apply(smooth[0], x)
}

// gelu is the function as exporters spell it out.
func (g *generator) gelu(x val) val {
	if g.opset < 9 {
		return g.unary("Tanh", x)
	}
	erf := g.unary("Erf", g.times("Div", x, 1.4142135))
	return g.times("Mul", g.binary("Mul", x, g.plus(erf, 1)), 0.5)
}

func (g *generator) plus(x val, c float32) val { return g.times("Add", x, c) }

// times combines x with a number.
func (g *generator) times(opType string, x val, c float32) val {
	s := g.scalarFor(x, c)
	if opType != "Div" && g.chance(30) {
		return val{g.node(opType, []string{s, x.name}), x.shape}
	}
	return val{g.node(opType, []string{x.name, s}), x.shape}
}

func (g *generator) clip(x val) val {
	if g.opset < 11 {
		return g.unary("Clip", x, attr("min", float32(-0.5)), attr("max", float32(6)))
	}
	in := []string{x.name, g.zeroDim(pick(g, []float32{0, -1, 0.25}))}
	if g.chance(70) {
		in = append(in, g.zeroDim(6))
	} else if g.chance(50) {
		in = []string{x.name, "", g.zeroDim(1)}
	}
	return val{g.node("Clip", in), x.shape}
}

func (g *generator) power(x val) val {
	if g.chance(70) {
		return val{g.node("Pow", []string{x.name, g.scalarFor(x, pick(g, []float32{2, 3}))}), x.shape}
	}
	return val{g.node("Pow", []string{g.plus(g.unary("Abs", x), 0.5).name, g.scalarFor(x, 0.5)}), x.shape}
}

// binary broadcasts a and b.
func (g *generator) binary(opType string, a, b val) val {
	return val{g.node(opType, []string{a.name, b.name}), broadcast(a.shape, b.shape)}
}

func broadcast(a, b []int64) []int64 {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	for i, d := range b {
		if at := len(a) - len(b) + i; d != 1 {
			out[at] = d
		}
	}
	return out
}

// broadcasts reports whether a and b broadcast against each other.
func broadcasts(a, b []int64) bool {
	for i := 1; i <= min(len(a), len(b)); i++ {
		x, y := a[len(a)-i], b[len(b)-i]
		if x != y && x != 1 && y != 1 {
			return false
		}
	}
	return true
}

// combine merges two values of one shape by an operator that takes many.
func (g *generator) combine(a, b val) val {
	op := pick(g, []string{"Add", "Add", "Add", "Add", "Mul", "Sub", "Max", "Min", "Sum", "Mean"})
	if (op == "Max" || op == "Min" || op == "Sum" || op == "Mean") && g.opset < 8 {
		op = "Add"
	}
	return g.binary(op, a, b)
}

// along is a shape that broadcasts along one axis of x only.
func (g *generator) along(x val, axis int) []int64 {
	shape := []int64{x.shape[axis]}
	for range x.shape[axis+1:] {
		shape = append(shape, 1)
	}
	for len(shape) < x.rank() && g.chance(40) {
		shape = append([]int64{1}, shape...)
	}
	return shape
}

// scaled combines x with a trained number per index of axis.
func (g *generator) scaled(x val, axis int) val {
	shape := g.along(x, axis)
	switch op := pick(g, []string{"Mul", "Add", "Sub", "Div", "Mul"}); {
	case op == "Div":
		return val{g.node(op, []string{x.name, g.floats(shape, g.positive(count(shape)))}), x.shape}
	case g.chance(50):
		return val{g.node(op, []string{x.name, g.bias(shape)}), x.shape}
	default:
		return val{g.node(op, []string{g.bias(shape), x.name}), x.shape}
	}
}

// prelu has a slope per index of axis, or one for all.
func (g *generator) prelu(x val, axis int) val {
	shape := g.along(x, axis)
	if g.chance(25) {
		shape = []int64{1}
	}
	return val{g.node("PRelu", []string{x.name, g.floats(shape, g.positive(count(shape)))}), x.shape}
}

func (g *generator) matmul(a, b val) val {
	shape := append(broadcast(a.shape[:a.rank()-2], b.shape[:b.rank()-2]), a.shape[a.rank()-2], b.last())
	return val{g.node("MatMul", []string{a.name, b.name}), shape}
}

// softmax normalises over an axis; before opset 13 over all from there on.
func (g *generator) softmax(x val, axis int) val {
	op := "Softmax"
	if g.chance(10) {
		op = "LogSoftmax"
	}
	return g.unary(op, x, attr("axis", axis))
}

// linear maps the last axis of x to n channels.
func (g *generator) linear(x val, n int64) val {
	k := x.last()
	var y val
	switch {
	case g.opset >= 12 && g.chance(10):
		eq := map[int]string{2: "bc,cd->bd", 3: "btc,cd->btd", 4: "bstc,dc->bstd"}[x.rank()]
		w := []int64{k, n}
		if x.rank() == 4 {
			w = []int64{n, k}
		}
		y = val{g.node("Einsum", []string{x.name, g.weight(k, w...)}, attr("equation", eq)), append(slices.Clone(x.shape[:x.rank()-1]), n)}
	case x.rank() == 2 && g.chance(70):
		return g.gemm(x, n)
	default:
		y = g.matmul(x, val{g.weight(k, k, n), []int64{k, n}})
	}
	if g.chance(70) {
		y.name = g.node("Add", shuffled(g, y.name, g.vector(n)))
	}
	return y
}

func shuffled(g *generator, a, b string) []string {
	if g.chance(40) {
		return []string{b, a}
	}
	return []string{a, b}
}

// gemm maps [B,K] to [B,n] by any of Gemm's forms.
func (g *generator) gemm(x val, n int64) val {
	k := x.last()
	var attrs []*onnx.AttributeProto
	w := []int64{k, n}
	if g.chance(60) {
		w = []int64{n, k}
		attrs = append(attrs, attr("transB", 1))
	}
	a := x
	if g.chance(15) {
		a = g.transpose(x, 1, 0)
		attrs = append(attrs, attr("transA", 1))
	}
	if g.chance(20) {
		attrs = append(attrs, attr("alpha", float32(0.8)))
	}
	if g.chance(20) {
		attrs = append(attrs, attr("beta", float32(1.3)))
	}
	in := []string{a.name, g.weight(k, w...)}
	if g.opset < 11 || g.chance(80) {
		shapes := [][]int64{{n}, {n}, {n}, {1, n}, {1}}
		if b := x.shape[0]; b > 0 {
			shapes = append(shapes, []int64{b, 1}, []int64{b, n})
		}
		in = append(in, g.bias(pick(g, shapes)))
	}
	return val{g.node("Gemm", in, attrs...), []int64{x.shape[0], n}}
}

// where chooses between a and b by a constant mask or by a comparison.
func (g *generator) where(a, b val) val {
	if g.opset < 9 {
		return g.binary("Add", a, b)
	}
	var mask string
	if g.chance(50) || a.last() < 0 {
		mask = g.node("Greater", []string{a.name, g.zeroDim(0.1)})
	} else {
		bits := make([]byte, a.last())
		for i := range bits {
			bits[i] = byte(g.IntN(2))
		}
		mask = g.constant(tensorProto(tensor.Bool, []int64{a.last()}, bits))
	}
	return val{g.node("Where", []string{mask, a.name, b.name}), broadcast(a.shape, b.shape)}
}
