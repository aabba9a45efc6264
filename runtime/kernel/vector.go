// Package kernel computes on slices of float32: slices in, slices out. It knows
// nothing of graphs and imports nothing of this module.
package kernel

import "fmt"

//go:generate go run onnxcompress/internal/cmd/kernels -kernel vector -out vector_amd64.s -stubs vector_amd64.go

// vectors are loops over slices that trust their lengths: one set for each
// processor level, which compute the same but for rounding. The slices that a
// loop writes come first and may be the very slices that it reads.
type vectors struct {
	name  string
	lanes int // rows and columns of what transposeBlock turns

	add, sub, mul, div, max, min func(dst, a, b []float32)

	addScalar, mulScalar, divScalar, maxScalar, minScalar, scalarSub, scalarDiv func(dst, x []float32, s float32)

	axpy       func(dst, x []float32, s float32)
	mulAdd     func(dst, a, b []float32)
	scaleShift func(dst, x []float32, s, t float32)

	relu, abs, sqrt, rsqrt, reciprocal, exp, log, sigmoid, tanh, erf, gelu, geluTanh, silu, hardSwish,
	softplus, mish func(dst, x []float32)

	clip           func(dst, x []float32, lo, hi float32)
	leakyRelu, elu func(dst, x []float32, alpha float32)
	hardSigmoid    func(dst, x []float32, alpha, beta float32)

	// The second slice read is the function's argument or its value, as the
	// exported function says.
	reluGrad, hardSwishGrad, sigmoidGrad, tanhGrad, sqrtGrad, rsqrtGrad, reciprocalGrad, erfGrad, geluGrad,
	geluTanhGrad, siluGrad, softplusGrad, mishGrad func(dx, dy, x []float32)

	clipGrad                                func(dx, dy, x []float32, lo, hi float32)
	leakyReluGrad, hardSigmoidGrad, eluGrad func(dx, dy, x []float32, alpha float32)

	sum, sumSquares, largest, smallest func(x []float32) float32
	dot                                func(a, b []float32) float32
	sumSquaresAbout                    func(x []float32, m float32) float32      // Σ (x-m)²
	expSum                             func(dst, x []float32, m float32) float32 // dst = exp(x-m), for x-m up to 88, and its sum
	sumExp                             func(x []float32, m float32) float32      // Σ exp(x-m), likewise

	subTwice                    func(dst, x []float32, s, t float32) // (x-s) - t
	softmaxGrad, logSoftmaxGrad func(dx, dy, y []float32, s float32) // (dy-s)·y, dy - s·exp(y)

	normalise      func(dst, x, scale []float32, mean, inv float32)
	normaliseShift func(dst, x, scale, shift []float32, mean, inv float32)
	// normSums adds dy·x̂ to dscale and returns Σ dy·scale and Σ dy·scale·x̂.
	normSums func(dscale, dy, x, scale []float32, mean, inv float32) (sum, product float32)
	normGrad func(dx, dy, x, scale []float32, inv, a, b float32) // dy·scale·inv + x·a + b

	biasRows, mulRows                        func(dst, x, shift []float32, rows int)
	scaleShiftRows, scaleShiftReluRows       func(dst, x, scale, shift []float32, rows int)
	scaleShiftAddRows, scaleShiftAddReluRows func(dst, x, r, scale, shift []float32, rows int)
	normGradRows                             func(dx, dy, x, a, b, c []float32, rows int)
	normGradReluRows                         func(dx, dy, x, y, a, b, c []float32, rows int)

	// These take one row at least and add to what they write.
	sumRows          func(sum, x []float32, rows int)
	momentsRows      func(sum, square, x, shift []float32, rows int)
	gradSumsRows     func(sum, product, dy, x, mean []float32, rows int)
	gradSumsReluRows func(sum, product, dy, x, y, mean []float32, rows int)

	sgd                func(w, g []float32, rate, l2, keep float32)
	momentum, nesterov func(w, v, g []float32, rate, l2, keep, mu float32)
	adam               func(w, m, v, g []float32, rate, l2, keep, beta1, rest1, beta2, rest2, correct, eps float32)

	transposeBlock func(dst, src []float32, dstStride, srcStride int)
}

// vec is the set in use: the best that this processor runs.
var vec = vectorLevels()[0]

// same panics unless all slices are of one length.
func same(x []float32, others ...[]float32) {
	for _, o := range others {
		if len(o) != len(x) {
			panic(fmt.Sprintf("kernel: slices of %d and %d elements", len(x), len(o)))
		}
	}
}

// rowsOf is the number of rows of a matrix in x, each as long as row.
func rowsOf(x, row []float32) int {
	return countRows(len(x), len(row))
}
