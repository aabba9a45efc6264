package op

import (
	"math"

	"onnxcompress/graph/tensor"
)

// binaryRows combine inputs element by element, with broadcasting.
var binaryRows = map[string]*Spec{
	"Add": arithmetic(func(a, b float64) float64 { return a + b }, func(a, b int64) (int64, error) { return a + b, nil }, sums),
	"Sub": arithmetic(func(a, b float64) float64 { return a - b }, func(a, b int64) (int64, error) { return a - b, nil }),
	"Mul": arithmetic(func(a, b float64) float64 { return a * b }, func(a, b int64) (int64, error) { return a * b, nil }, zeroIn(0, 1)),
	"Div": arithmetic(func(a, b float64) float64 { return a / b }, divide, zeroIn(0), partial(1)),
	"Mod": elementwise(formula{float: modulo, whole: wholeModulo}, likeInput(0), zeroIn(0), partial(1)),
	"Pow": elementwise(formula{float: func(_ *Node, v []float64) float64 { return math.Pow(v[0], v[1]) }, whole: wholePow}, likeInput(0), partial(0, 1)),

	"Sum":  variadic(func(a, b float64) float64 { return a + b }, func(a, b int64) int64 { return a + b }),
	"Max":  variadic(math.Max, func(a, b int64) int64 { return max(a, b) }),
	"Min":  variadic(math.Min, func(a, b int64) int64 { return min(a, b) }),
	"Mean": elementwise(formula{float: mean}, likeInput(0)),

	"Equal":          comparison(func(a, b float64) bool { return a == b }, func(a, b int64) bool { return a == b }),
	"Greater":        comparison(func(a, b float64) bool { return a > b }, func(a, b int64) bool { return a > b }),
	"Less":           comparison(func(a, b float64) bool { return a < b }, func(a, b int64) bool { return a < b }),
	"GreaterOrEqual": comparison(func(a, b float64) bool { return a >= b }, func(a, b int64) bool { return a >= b }),
	"LessOrEqual":    comparison(func(a, b float64) bool { return a <= b }, func(a, b int64) bool { return a <= b }),

	"And":        bits(func(a, b int64) int64 { return a & b }, zeroIn(0, 1)),
	"Or":         bits(func(a, b int64) int64 { return a | b }),
	"Xor":        bits(func(a, b int64) int64 { return a ^ b }),
	"BitwiseAnd": bits(func(a, b int64) int64 { return a & b }, zeroIn(0, 1)),
	"BitwiseOr":  bits(func(a, b int64) int64 { return a | b }),
	"BitwiseXor": bits(func(a, b int64) int64 { return a ^ b }),
	"BitShift":   elementwise(formula{whole: shift}, likeInput(0), zeroIn(0)),

	"PRelu": elementwise(formula{float: func(_ *Node, v []float64) float64 { return math.Max(v[0], 0) + v[1]*math.Min(v[0], 0) }}, likeInput(0), zeroIn(0)),
	"Where": whereSpec(),
	"Clip":  clipSpec(),
}

func arithmetic(f func(a, b float64) float64, g func(a, b int64) (int64, error), options ...func(*Spec)) *Spec {
	return elementwise(formula{
		float: func(_ *Node, v []float64) float64 { return f(v[0], v[1]) },
		whole: func(_ *Node, v []int64) (int64, error) { return g(v[0], v[1]) },
	}, likeInput(0), options...)
}

func comparison(f func(a, b float64) bool, g func(a, b int64) bool) *Spec {
	return elementwise(formula{
		float: func(_ *Node, v []float64) float64 { return truth(f(v[0], v[1])) },
		whole: func(_ *Node, v []int64) (int64, error) { return int64(truth(g(v[0], v[1]))), nil },
	}, always(tensor.Bool))
}

func bits(f func(a, b int64) int64, options ...func(*Spec)) *Spec {
	return elementwise(formula{
		whole: func(_ *Node, v []int64) (int64, error) { return f(v[0], v[1]), nil },
	}, likeInput(0), options...)
}

// variadic folds any number of inputs.
func variadic(f func(a, b float64) float64, g func(a, b int64) int64) *Spec {
	return elementwise(formula{
		float: func(_ *Node, v []float64) float64 { return fold(v, f) },
		whole: func(_ *Node, v []int64) (int64, error) { return fold(v, g), nil },
	}, likeInput(0))
}

func fold[T any](v []T, f func(a, b T) T) T {
	x := v[0]
	for _, y := range v[1:] {
		x = f(x, y)
	}
	return x
}

func mean(_ *Node, v []float64) float64 {
	return fold(v, func(a, b float64) float64 { return a + b }) / float64(len(v))
}

func divide(a, b int64) (int64, error) {
	if b == 0 {
		return 0, errUndefined
	}
	return a / b, nil
}

// modulo takes its sign from the dividend under fmod, else from the divisor.
func modulo(n *Node, v []float64) float64 {
	r := math.Mod(v[0], v[1])
	if n.Attrs.Int("fmod", 0) == 0 && r*v[1] < 0 {
		r += v[1]
	}
	return r
}

func wholeModulo(n *Node, v []int64) (int64, error) {
	if v[1] == 0 {
		return 0, errUndefined
	}
	r := v[0] % v[1]
	if n.Attrs.Int("fmod", 0) == 0 && r != 0 && (r < 0) != (v[1] < 0) {
		r += v[1]
	}
	return r, nil
}

func wholePow(_ *Node, v []int64) (int64, error) {
	return int64(math.Pow(float64(v[0]), float64(v[1]))), nil
}

// shift moves bits; a shift that is no place of the number moves all of them
// out, and to the right a signed number leaves its sign.
func shift(n *Node, v []int64) (int64, error) {
	signed := false
	switch n.DType(0) {
	case tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64:
		signed = true
	}
	by := uint64(v[1])
	switch right := n.Attrs.Str("direction", "LEFT") == "RIGHT"; {
	case right && signed:
		return v[0] >> min(by, 63), nil
	case right:
		return int64(uint64(v[0]) >> by), nil
	}
	return v[0] << by, nil
}

// whereSpec chooses between two inputs by a third.
func whereSpec() *Spec {
	s := elementwise(formula{
		float: func(_ *Node, v []float64) float64 { return choose(v[0] != 0, v[1], v[2]) },
		whole: func(_ *Node, v []int64) (int64, error) { return choose(v[0] != 0, v[1], v[2]), nil },
	}, likeInput(1))
	s.Dead = func(_ *Node, _, _ int, in []State) State {
		if c, ok := in[0].Number(); ok {
			return choose(c != 0, in[1], in[2])
		}
		return in[1].Join(in[2])
	}
	return s
}

func choose[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

// clipSpec bounds its first input by attributes until opset 11, by scalar
// inputs since.
func clipSpec() *Spec {
	bounds := func(n *Node, attr string, def float32) float64 {
		if _, ok := n.Attrs[attr]; ok {
			return float64(n.Attrs.Float(attr, def))
		}
		return float64(def)
	}
	return elementwise(formula{float: func(n *Node, v []float64) float64 {
		low, high := bounds(n, "min", -math.MaxFloat32), bounds(n, "max", math.MaxFloat32)
		if n.Has(1) {
			low = v[1]
		}
		if n.Has(2) {
			high = v[2]
		}
		return math.Min(math.Max(v[0], low), high)
	}, whole: func(n *Node, v []int64) (int64, error) {
		x := v[0]
		if n.Has(1) {
			x = max(x, v[1])
		}
		if n.Has(2) {
			x = min(x, v[2])
		}
		return x, nil
	}}, likeInput(0))
}
