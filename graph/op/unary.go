package op

import (
	"cmp"
	"math"

	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/kernel"
)

// unaryRows are functions of one number.
var unaryRows = map[string]*Spec{
	"Abs":             whole(math.Abs, func(x int64) int64 { return max(x, -x) }, func(x uint64) uint64 { return x }, simple(func(x, _ float64) float64 { return sign(x) })),
	"Neg":             whole(func(x float64) float64 { return -x }, func(x int64) int64 { return -x }, func(x uint64) uint64 { return -x }, argument(negate, negateGrad)),
	"Sign":            whole(sign, func(x int64) int64 { return int64(cmp.Compare(x, 0)) }, func(x uint64) uint64 { return min(x, 1) }, stepped),
	"Relu":            whole(func(x float64) float64 { return max(x, 0) }, func(x int64) int64 { return max(x, 0) }, func(x uint64) uint64 { return x }, value(kernel.Relu, kernel.ReluGrad), rectifier),
	"Ceil":            function(math.Ceil, stepped),
	"Floor":           function(math.Floor, stepped),
	"Round":           function(math.RoundToEven, stepped),
	"Sin":             function(math.Sin, simple(func(x, _ float64) float64 { return math.Cos(x) })),
	"Cos":             function(math.Cos, simple(func(x, _ float64) float64 { return -math.Sin(x) })),
	"Tan":             function(math.Tan, simple(func(_, y float64) float64 { return 1 + y*y })),
	"Sinh":            function(math.Sinh, simple(func(x, _ float64) float64 { return math.Cosh(x) })),
	"Cosh":            function(math.Cosh, simple(func(x, _ float64) float64 { return math.Sinh(x) })),
	"Tanh":            function(math.Tanh, value(kernel.Tanh, kernel.TanhGrad)),
	"Asin":            function(math.Asin, partial(0), simple(func(x, _ float64) float64 { return 1 / math.Sqrt(1-x*x) })),
	"Acos":            function(math.Acos, partial(0), simple(func(x, _ float64) float64 { return -1 / math.Sqrt(1-x*x) })),
	"Atan":            function(math.Atan, simple(func(x, _ float64) float64 { return 1 / (1 + x*x) })),
	"Asinh":           function(math.Asinh, simple(func(x, _ float64) float64 { return 1 / math.Sqrt(x*x+1) })),
	"Acosh":           function(math.Acosh, partial(0), simple(func(x, _ float64) float64 { return 1 / math.Sqrt(x*x-1) })),
	"Atanh":           function(math.Atanh, partial(0), simple(func(x, _ float64) float64 { return 1 / (1 - x*x) })),
	"Exp":             function(math.Exp, value(kernel.Exp, expGrad)),
	"Log":             function(math.Log, partial(0), argument(kernel.Log, logGrad)),
	"Sqrt":            function(math.Sqrt, partial(0), value(kernel.Sqrt, kernel.SqrtGrad)),
	"Reciprocal":      function(func(x float64) float64 { return 1 / x }, partial(0), value(kernel.Reciprocal, kernel.ReciprocalGrad)),
	"Erf":             function(math.Erf, argument(kernel.Erf, kernel.ErfGrad)),
	"Sigmoid":         function(sigmoid, value(kernel.Sigmoid, kernel.SigmoidGrad)),
	"Softplus":        function(softplus, argument(kernel.Softplus, kernel.SoftplusGrad)),
	"Softsign":        function(func(x float64) float64 { return x / (1 + math.Abs(x)) }, simple(func(x, _ float64) float64 { return 1 / ((1 + math.Abs(x)) * (1 + math.Abs(x))) })),
	"HardSwish":       function(func(x float64) float64 { return x * math.Max(0, math.Min(1, x/6+0.5)) }, argument(kernel.HardSwish, kernel.HardSwishGrad)),
	"Mish":            function(func(x float64) float64 { return x * math.Tanh(softplus(x)) }, argument(kernel.Mish, kernel.MishGrad)),
	"Gelu":            shaped(gelu, zeroIn(0), curved(curveGelu)),
	"Swish":           shaped(func(n *Node, x float64) float64 { return x * sigmoid(float64(n.Attrs.Float("alpha", 1))*x) }, zeroIn(0), slope(swishSlope)),
	"Elu":             shaped(func(n *Node, x float64) float64 { return elu(x, alpha(n, 1), 1) }, zeroIn(0), curved(curveElu)),
	"Celu":            shaped(celu, zeroIn(0), slope(celuSlope)),
	"Selu":            shaped(selu, zeroIn(0), slope(seluSlope)),
	"LeakyRelu":       shaped(func(n *Node, x float64) float64 { return elu(x, 0, 1) + alpha(n, 0.01)*math.Min(x, 0) }, zeroIn(0), curved(curveLeakyRelu)),
	"ThresholdedRelu": shaped(thresholdedRelu, slope(thresholdedReluSlope)),
	"HardSigmoid":     shaped(hardSigmoid, curved(curveHardSigmoid)),
	"Shrink":          shaped(shrink, slope(shrinkSlope)),
	"IsNaN":           elementwise(formula{float: func(_ *Node, v []float64) float64 { return truth(math.IsNaN(v[0])) }}, always(tensor.Bool), func(s *Spec) { s.Broken = true }),
	"IsInf":           elementwise(formula{float: isInf}, always(tensor.Bool)),
	"Not": elementwise(formula{whole: func(_ *Node, v []int64) (int64, error) { return int64(truth(v[0] == 0)), nil }},
		always(tensor.Bool)),
	"BitwiseNot": elementwise(formula{whole: func(_ *Node, v []int64) (int64, error) { return ^v[0], nil }},
		likeInput(0)),
}

// function is an operator without attributes that matter.
func function(f func(float64) float64, options ...func(*Spec)) *Spec {
	if f(0) == 0 {
		options = append([]func(*Spec){zeroIn(0)}, options...)
	}
	return pointwise(func(_ *Node, x float64) float64 { return f(x) }, options)
}

// whole is a function that stays among whole numbers.
func whole(f func(float64) float64, g func(int64) int64, h func(uint64) uint64, options ...func(*Spec)) *Spec {
	return elementwise(formula{
		float: func(_ *Node, v []float64) float64 { return f(v[0]) },
		point: func(_ *Node, x float64) float64 { return f(x) },
		whole: func(_ *Node, v []int64) (int64, error) { return g(v[0]), nil },
		wide:  func(_ *Node, v []uint64) (uint64, error) { return h(v[0]), nil },
	}, likeInput(0), append(options, zeroIn(0))...)
}

// pointwise is a function of one real number.
func pointwise(f func(*Node, float64) float64, options []func(*Spec)) *Spec {
	float := func(n *Node, v []float64) float64 { return f(n, v[0]) }
	return elementwise(formula{float: float, point: f}, likeInput(0), options...)
}

// shaped is a function whose attributes give it its form.
func shaped(f func(*Node, float64) float64, options ...func(*Spec)) *Spec {
	return pointwise(f, options)
}

func alpha(n *Node, def float32) float64 { return float64(n.Attrs.Float("alpha", def)) }

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// sign is 1, 0 or -1; of what is not a number it is none.
func sign(x float64) float64 { return choose(math.IsNaN(x), x, float64(cmp.Compare(x, 0))) }

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func softplus(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// elu is scale·x above zero and scale·a·(eˣ-1) below.
func elu(x, a, scale float64) float64 {
	if x >= 0 {
		return scale * x
	}
	return scale * a * math.Expm1(x)
}

func celu(n *Node, x float64) float64 {
	a := alpha(n, 1)
	return math.Max(x, 0) + math.Min(0, a*math.Expm1(x/a))
}

func selu(n *Node, x float64) float64 {
	return elu(x, alpha(n, 1.6732632), float64(n.Attrs.Float("gamma", 1.0507010)))
}

func gelu(n *Node, x float64) float64 {
	if n.Attrs.Str("approximate", "none") == "tanh" {
		return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	}
	return 0.5 * x * (1 + math.Erf(x/math.Sqrt2))
}

func thresholdedRelu(n *Node, x float64) float64 {
	if x > alpha(n, 1) {
		return x
	}
	return 0
}

func hardSigmoid(n *Node, x float64) float64 {
	return math.Max(0, math.Min(1, alpha(n, 0.2)*x+float64(n.Attrs.Float("beta", 0.5))))
}

func shrink(n *Node, x float64) float64 {
	bias, limit := float64(n.Attrs.Float("bias", 0)), float64(n.Attrs.Float("lambd", 0.5))
	switch {
	case x < -limit:
		return x + bias
	case x > limit:
		return x - bias
	}
	return 0
}

func isInf(n *Node, v []float64) float64 {
	up, down := n.Attrs.Int("detect_positive", 1) != 0, n.Attrs.Int("detect_negative", 1) != 0
	return truth(up && math.IsInf(v[0], 1) || down && math.IsInf(v[0], -1))
}
