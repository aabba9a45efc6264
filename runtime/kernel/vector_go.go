package kernel

import "math"

// vectorsGo defines what every other set computes.
var vectorsGo = vectors{
	name: "go", lanes: 8,

	add: addGo,
	sub: pairs(func(a, b float32) float32 { return a - b }),
	mul: mulGo,
	div: pairs(func(a, b float32) float32 { return a / b }),
	max: pairs(func(a, b float32) float32 { return max(a, b) }),
	min: pairs(func(a, b float32) float32 { return min(a, b) }),

	addScalar: withScalar(func(x, s float32) float32 { return x + s }),
	mulScalar: withScalar(func(x, s float32) float32 { return x * s }),
	divScalar: withScalar(func(x, s float32) float32 { return x / s }),
	maxScalar: withScalar(func(x, s float32) float32 { return max(x, s) }),
	minScalar: withScalar(func(x, s float32) float32 { return min(x, s) }),
	scalarSub: withScalar(func(x, s float32) float32 { return s - x }),
	scalarDiv: withScalar(func(x, s float32) float32 { return s / x }),

	axpy:       axpyGo,
	mulAdd:     mulAddGo,
	scaleShift: scaleShiftGo,

	relu:       reluGo,
	abs:        each(math.Abs),
	sqrt:       each(math.Sqrt),
	rsqrt:      each(func(x float64) float64 { return 1 / math.Sqrt(x) }),
	reciprocal: each(func(x float64) float64 { return 1 / x }),
	exp:        each(math.Exp),
	log:        each(math.Log),
	sigmoid:    each(sigmoid),
	tanh:       each(math.Tanh),
	erf:        each(math.Erf),
	gelu:       each(func(x float64) float64 { return x * normal(x) }),
	geluTanh:   each(func(x float64) float64 { return x * geluGate(x) }),
	silu:       each(func(x float64) float64 { return x * sigmoid(x) }),
	hardSwish:  each(func(x float64) float64 { return x * min(max(x/6+0.5, 0), 1) }),
	softplus:   each(softplus),
	mish:       each(func(x float64) float64 { return x * math.Tanh(softplus(x)) }),

	clip:        clipGo,
	leakyRelu:   leakyReluGo,
	elu:         eluGo,
	hardSigmoid: hardSigmoidGo,

	reluGrad:       reluGradGo,
	hardSwishGrad:  slopes(hardSwishSlope),
	sigmoidGrad:    slopes(func(y float64) float64 { return y * (1 - y) }),
	tanhGrad:       slopes(func(y float64) float64 { return 1 - y*y }),
	sqrtGrad:       slopes(func(y float64) float64 { return 0.5 / y }),
	rsqrtGrad:      slopes(func(y float64) float64 { return -0.5 * y * y * y }),
	reciprocalGrad: slopes(func(y float64) float64 { return -y * y }),
	erfGrad:        slopes(func(x float64) float64 { return 2 / math.Sqrt(math.Pi) * math.Exp(-x*x) }),
	geluGrad:       slopes(geluSlope),
	geluTanhGrad:   slopes(geluTanhSlope),
	siluGrad:       slopes(siluSlope),
	softplusGrad:   slopes(sigmoid),
	mishGrad:       slopes(mishSlope),

	clipGrad:        clipGradGo,
	leakyReluGrad:   leakyReluGradGo,
	hardSigmoidGrad: hardSigmoidGradGo,
	eluGrad:         eluGradGo,

	sum:             sumGo,
	sumSquares:      func(x []float32) float32 { return dotGo(x, x) },
	dot:             dotGo,
	largest:         func(x []float32) float32 { return fold(x, math.Inf(-1), math.Max) },
	smallest:        func(x []float32) float32 { return fold(x, math.Inf(1), math.Min) },
	sumSquaresAbout: sumSquaresAboutGo,
	expSum:          expSumGo,
	sumExp:          sumExpGo,

	subTwice:       subTwiceGo,
	softmaxGrad:    softmaxGradGo,
	logSoftmaxGrad: logSoftmaxGradGo,
	normalise:      normaliseGo,
	normaliseShift: normaliseShiftGo,
	normSums:       normSumsGo,
	normGrad:       normGradGo,

	biasRows:              biasRowsGo,
	mulRows:               mulRowsGo,
	scaleShiftRows:        scaleShiftRowsGo,
	scaleShiftReluRows:    scaleShiftReluRowsGo,
	scaleShiftAddRows:     scaleShiftAddRowsGo,
	scaleShiftAddReluRows: scaleShiftAddReluRowsGo,
	normGradRows:          normGradRowsGo,
	normGradReluRows:      normGradReluRowsGo,

	sumRows:          sumRowsGo,
	momentsRows:      momentsRowsGo,
	gradSumsRows:     gradSumsRowsGo,
	gradSumsReluRows: gradSumsReluRowsGo,

	sgd:      sgdGo,
	momentum: momentumGo,
	nesterov: nesterovGo,
	adam:     adamGo,

	transposeBlock: func(dst, src []float32, dstStride, srcStride int) {
		transposeGo(dst, src, 8, 8, dstStride, srcStride)
	},
}

// pairs is a loop over two slices.
func pairs(f func(a, b float32) float32) func(dst, a, b []float32) {
	return func(dst, a, b []float32) {
		for i := range dst {
			dst[i] = f(a[i], b[i])
		}
	}
}

// withScalar is a loop over a slice and a number.
func withScalar(f func(x, s float32) float32) func(dst, x []float32, s float32) {
	return func(dst, x []float32, s float32) {
		for i := range dst {
			dst[i] = f(x[i], s)
		}
	}
}

// each is a loop over one slice.
func each(f func(x float64) float64) func(dst, x []float32) {
	return func(dst, x []float32) {
		for i := range dst {
			dst[i] = float32(f(float64(x[i])))
		}
	}
}

// slopes is a loop that multiplies dy by a slope that depends on x.
func slopes(f func(x float64) float64) func(dx, dy, x []float32) {
	return func(dx, dy, x []float32) {
		for i := range dx {
			dx[i] = dy[i] * float32(f(float64(x[i])))
		}
	}
}

func addGo(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

func mulGo(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func axpyGo(dst, x []float32, s float32) {
	for i := range dst {
		dst[i] += s * x[i]
	}
}

func mulAddGo(dst, a, b []float32) {
	for i := range dst {
		dst[i] += a[i] * b[i]
	}
}

func scaleShiftGo(dst, x []float32, s, t float32) {
	for i := range dst {
		dst[i] = x[i]*s + t
	}
}
