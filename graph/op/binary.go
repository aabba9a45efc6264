package op

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/kernel"
)

// binaryRows combine inputs element by element, with broadcasting.
var binaryRows = map[string]*Spec{
	"Add": arithmetic(formula{float: plus, whole: wrapping(func(a, b int64) int64 { return a + b })}, sums, mixed(mixAdd)),
	"Sub": arithmetic(formula{float: minus, whole: wrapping(func(a, b int64) int64 { return a - b })}, mixed(mixSub)),
	"Mul": arithmetic(formula{float: times, whole: wrapping(func(a, b int64) int64 { return a * b })}, zeroIn(0, 1), mixed(mixMul), scales(false, func(c float64) float64 { return c })),
	"Div": arithmetic(formula{float: ratio, whole: divide[int64], wide: divide[uint64]}, zeroIn(0), partial(1), mixed(mixDiv), scales(true, func(c float64) float64 { return 1 / c })),
	"Mod": arithmetic(formula{float: modulo, whole: wholeModulo[int64], wide: wholeModulo[uint64]}, zeroIn(0), partial(1), mixed(mixMod)),
	"Pow": arithmetic(formula{float: func(_ *Node, v []float64) float64 { return math.Pow(v[0], v[1]) }, whole: wholePow}, partial(0, 1), mixed(mixPow)),

	"Sum":  arithmetic(formula{float: func(_ *Node, v []float64) float64 { return sumOf(v) }, whole: wrapping(func(a, b int64) int64 { return a + b })}, mixed(mixSum(false))),
	"Max":  arithmetic(formula{float: func(_ *Node, v []float64) float64 { return slices.Max(v) }, whole: largest[int64], wide: largest[uint64]}, mixed(mixExtreme(kernel.Max, kernel.MaxScalar))),
	"Min":  arithmetic(formula{float: func(_ *Node, v []float64) float64 { return slices.Min(v) }, whole: least[int64], wide: least[uint64]}, mixed(mixExtreme(kernel.Min, kernel.MinScalar))),
	"Mean": arithmetic(formula{float: func(_ *Node, v []float64) float64 { return meanOf(v) }}, mixed(mixSum(true))),

	"Equal":          comparison(func(c int) bool { return c == 0 }, bytes.Equal),
	"Greater":        comparison(func(c int) bool { return c > 0 }, nil),
	"Less":           comparison(func(c int) bool { return c < 0 }, nil),
	"GreaterOrEqual": comparison(func(c int) bool { return c >= 0 }, nil),
	"LessOrEqual":    comparison(func(c int) bool { return c <= 0 }, nil),

	"And":        bits(func(a, b int64) int64 { return a & b }, zeroIn(0, 1)),
	"Or":         bits(func(a, b int64) int64 { return a | b }),
	"Xor":        bits(func(a, b int64) int64 { return a ^ b }),
	"BitwiseAnd": bits(func(a, b int64) int64 { return a & b }, zeroIn(0, 1)),
	"BitwiseOr":  bits(func(a, b int64) int64 { return a | b }),
	"BitwiseXor": bits(func(a, b int64) int64 { return a ^ b }),
	"BitShift":   elementwise(formula{whole: shift}, likeInput(0), zeroIn(0)),

	"PRelu": elementwise(formula{float: func(_ *Node, v []float64) float64 { return math.Max(v[0], 0) + v[1]*math.Min(v[0], 0) }}, likeInput(0), zeroIn(0), mixed(mixPRelu)),
	"SwiGLU": arithmetic(formula{float: func(n *Node, v []float64) float64 {
		return v[0] * sigmoid(alpha(n, 1)*v[0]) * v[1]
	}}, zeroIn(0, 1), mixed(mixSwiGLU)),
	"Where": whereSpec(),
	"Clip":  clipSpec(),
}

// arithmetic gives numbers of the type of its first input.
func arithmetic(f formula, options ...func(*Spec)) *Spec {
	return elementwise(f, likeInput(0), options...)
}

func plus(_ *Node, v []float64) float64  { return v[0] + v[1] }
func minus(_ *Node, v []float64) float64 { return v[0] - v[1] }
func times(_ *Node, v []float64) float64 { return v[0] * v[1] }
func ratio(_ *Node, v []float64) float64 { return v[0] / v[1] }

// wrapping folds the inputs; what does not fit loses its high bits.
func wrapping(f func(a, b int64) int64) func(*Node, []int64) (int64, error) {
	return func(_ *Node, v []int64) (int64, error) { return fold(v, f), nil }
}

func largest[T int64 | uint64](_ *Node, v []T) (T, error) { return slices.Max(v), nil }

func least[T int64 | uint64](_ *Node, v []T) (T, error) { return slices.Min(v), nil }

// comparison asks how the first input compares with the second; no question is
// answered with yes for what is not a number.
func comparison(holds func(int) bool, text func(a, b []byte) bool) *Spec {
	f := formula{
		float: func(_ *Node, v []float64) float64 {
			return truth(!math.IsNaN(v[0]) && !math.IsNaN(v[1]) && holds(cmp.Compare(v[0], v[1])))
		},
		whole: func(_ *Node, v []int64) (int64, error) { return int64(truth(holds(cmp.Compare(v[0], v[1])))), nil },
		wide:  func(_ *Node, v []uint64) (uint64, error) { return uint64(truth(holds(cmp.Compare(v[0], v[1])))), nil },
	}
	if text != nil {
		f.text = func(v [][]byte) bool { return text(v[0], v[1]) }
	}
	return elementwise(f, always(tensor.Bool))
}

func bits(f func(a, b int64) int64, options ...func(*Spec)) *Spec {
	return elementwise(formula{
		whole: func(_ *Node, v []int64) (int64, error) { return f(v[0], v[1]), nil },
	}, likeInput(0), options...)
}

func fold[T any](v []T, f func(a, b T) T) T {
	x := v[0]
	for _, y := range v[1:] {
		x = f(x, y)
	}
	return x
}

// divide cuts the fraction off.
func divide[T int64 | uint64](_ *Node, v []T) (T, error) {
	if v[1] == 0 {
		return 0, errUndefined
	}
	return v[0] / v[1], nil
}

// modulo takes its sign from the dividend under fmod, else from the divisor.
func modulo(n *Node, v []float64) float64 {
	r := math.Mod(v[0], v[1])
	if n.Attrs.Int("fmod", 0) == 0 && r*v[1] < 0 {
		r += v[1]
	}
	return r
}

func wholeModulo[T int64 | uint64](n *Node, v []T) (T, error) {
	if v[1] == 0 {
		return 0, errUndefined
	}
	r := v[0] % v[1]
	if n.Attrs.Int("fmod", 0) == 0 && r != 0 && (r < 0) != (v[1] < 0) {
		r += v[1]
	}
	return r, nil
}

// wholePow wraps around as the products do that it stands for.
func wholePow(n *Node, v []int64) (int64, error) {
	base, exponent := v[0], v[1]
	if exponent < 0 && n.DType(1) != tensor.Uint64 {
		return int64(math.Pow(float64(base), float64(exponent))), nil
	}
	power := int64(1)
	for e := uint64(exponent); e > 0; e >>= 1 {
		if e&1 == 1 {
			power *= base
		}
		base *= base
	}
	return power, nil
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
