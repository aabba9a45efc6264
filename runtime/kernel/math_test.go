package kernel

import (
	"math"
	"testing"
)

// sweep is numbers of every exponent and both signs, denser near one.
func sweep() []float32 {
	var all []float32
	for e := -149; e <= 127; e++ {
		n := 64
		if e >= -14 && e <= 7 {
			n = 4096
		}
		for i := range n {
			v := float32(math.Ldexp(1+(float64(i)+0.37)/float64(n), e))
			all = append(all, v, -v)
		}
	}
	return all
}

// lost is what a product of a large number and a denormal one may be off by.
const lost = 0x1p-142

// apart is how many steps of float32 lie between what is got and what is
// wanted, a fraction.
func apart(got float32, want float64) float64 {
	w := float32(want)
	if got == w || got != got && w != w {
		return 0
	}
	if got != got || w != w || math.IsInf(float64(got), 0) || math.IsInf(float64(w), 0) {
		return math.Inf(1)
	}
	if math.Abs(float64(got)-want) < lost {
		return 0
	}
	_, e := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, max(e-24, -149))
}

var accuracy = []struct {
	name  string
	loop  func(dst, x []float32)
	of    func(x float64) float64
	limit float64 // in steps of float32
}{
	{"Exp", Exp, math.Exp, 1},
	{"Log", Log, math.Log, 1},
	{"Sigmoid", Sigmoid, sigmoid, 3},
	{"Tanh", Tanh, math.Tanh, 3},
	{"Erf", Erf, math.Erf, 3},
	{"Gelu", Gelu, func(x float64) float64 { return x * normal(x) }, 6},
	// Its exponent is rounded, which far out is many steps of the power.
	{"GeluTanh", GeluTanh, func(x float64) float64 { return x * geluGate(x) }, 200},
	{"Silu", Silu, func(x float64) float64 { return x * sigmoid(x) }, 4},
	{"Softplus", Softplus, softplus, 3},
	{"Mish", Mish, func(x float64) float64 { return x * math.Tanh(softplus(x)) }, 5},
	{"Elu", func(dst, x []float32) { Elu(dst, x, 1) }, func(x float64) float64 {
		if x > 0 {
			return x
		}
		return math.Expm1(x)
	}, 2},
	{"Sqrt", Sqrt, math.Sqrt, 0.5},
	{"Rsqrt", Rsqrt, func(x float64) float64 { return 1 / math.Sqrt(x) }, 1.5},
	{"Reciprocal", Reciprocal, func(x float64) float64 { return 1 / x }, 0.5},
}

func TestAccuracy(t *testing.T) {
	x := sweep()
	y := make([]float32, len(x))
	atLevels(t, func(t *testing.T) {
		for _, row := range accuracy {
			row.loop(y, x)
			worst, at := 0.0, float32(0)
			for i, v := range x {
				if d := apart(y[i], row.of(float64(v))); d > worst {
					worst, at = d, v
				}
			}
			t.Logf("%-10s %.2f steps at %v", row.name, worst, at)
			if worst > row.limit {
				t.Errorf("%s is %.2f steps off at %v, limit %v", row.name, worst, at, row.limit)
			}
		}
	})
}

// slope is the derivative of f at x, by differences of the fourth order.
func slope(f func(float64) float64, x float64) float64 {
	const h = 1e-3
	return (8*(f(x+h)-f(x-h)) - (f(x+2*h) - f(x-2*h))) / (12 * h)
}

func TestSlopes(t *testing.T) {
	hardSwish := func(x float64) float64 { return x * min(max(x/6+0.5, 0), 1) }
	for _, row := range []struct {
		name    string
		of      func(x float64) float64
		grad    func(dx, dy, x []float32)
		byValue bool // takes the function's value in place of its argument
		from    float64
	}{
		{"Sqrt", math.Sqrt, SqrtGrad, true, 0.2},
		{"Rsqrt", func(x float64) float64 { return 1 / math.Sqrt(x) }, RsqrtGrad, true, 0.2},
		{"Reciprocal", func(x float64) float64 { return 1 / x }, ReciprocalGrad, true, 0.2},
		{"Erf", math.Erf, ErfGrad, false, -6},
		{"Sigmoid", sigmoid, SigmoidGrad, true, -9},
		{"Tanh", math.Tanh, TanhGrad, true, -5},
		{"Gelu", func(x float64) float64 { return x * normal(x) }, GeluGrad, false, -9},
		{"GeluTanh", func(x float64) float64 { return x * geluGate(x) }, GeluTanhGrad, false, -9},
		{"Silu", func(x float64) float64 { return x * sigmoid(x) }, SiluGrad, false, -15},
		{"Softplus", softplus, SoftplusGrad, false, -15},
		{"Mish", func(x float64) float64 { return x * math.Tanh(softplus(x)) }, MishGrad, false, -15},
		{"HardSwish", hardSwish, HardSwishGrad, false, -5},
		{"Relu", func(x float64) float64 { return max(x, 0) }, ReluGrad, true, -2},
		{"Clip", func(x float64) float64 { return min(max(x, -1), 2) }, func(dx, dy, x []float32) {
			ClipGrad(dx, dy, x, -1, 2)
		}, true, -3},
		{"LeakyRelu", func(x float64) float64 { return max(x, 0.25*x) }, func(dx, dy, x []float32) {
			LeakyReluGrad(dx, dy, x, 0.25)
		}, true, -2},
		{"HardSigmoid", func(x float64) float64 { return min(max(x/4+0.5, 0), 1) }, func(dx, dy, y []float32) {
			HardSigmoidGrad(dx, dy, y, 0.25)
		}, true, -4},
		{"Elu", func(x float64) float64 {
			if x > 0 {
				return x
			}
			return 0.5 * math.Expm1(x)
		}, func(dx, dy, y []float32) { EluGrad(dx, dy, y, 0.5) }, true, -5},
	} {
		atLevels(t, func(t *testing.T) {
			var x, dy, want []float32
			for v := row.from + 0.0137; v < 15; v += 0.0491 {
				in := v
				if row.byValue {
					in = row.of(v)
				}
				x, dy = append(x, float32(in)), append(dy, 2)
				want = append(want, float32(2*slope(row.of, v)))
			}
			dx := make([]float32, len(x))
			row.grad(dx, dy, x)
			for i := range dx {
				if !near(dx[i], want[i], 1e-6) {
					t.Fatalf("%s: slope %v at %v, want %v", row.name, dx[i]/2, x[i], want[i]/2)
				}
			}
		})
	}
}
