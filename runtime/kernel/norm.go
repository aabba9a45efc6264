package kernel

import "math"

// Softmax sets each row of dst to exp(x) divided by its sum over the row.
// Rows are cols long.
func Softmax(dst, x []float32, cols int) {
	eachRow(dst, x, nil, cols, func(dst, x, _ []float32) {
		s := expSum(dst, x, vec.largest(x))
		vec.mulScalar(dst, dst, float32(1/s))
	})
}

// SoftmaxGrad sets dx to the gradient at the argument of Softmax, given the
// gradient dy at its value y.
func SoftmaxGrad(dx, dy, y []float32, cols int) {
	eachRow(dx, dy, y, cols, func(dx, dy, y []float32) {
		vec.softmaxGrad(dx, dy, y, float32(Dot(dy, y)))
	})
}

// LogSoftmax sets each row of dst to the logarithm of what Softmax gives.
func LogSoftmax(dst, x []float32, cols int) {
	eachRow(dst, x, nil, cols, func(dst, x, _ []float32) {
		m := vec.largest(x)
		vec.subTwice(dst, x, m, float32(math.Log(sumExp(x, m))))
	})
}

// LogSoftmaxGrad sets dx to the gradient at the argument of LogSoftmax, given
// the gradient dy at its value y.
func LogSoftmaxGrad(dx, dy, y []float32, cols int) {
	eachRow(dx, dy, y, cols, func(dx, dy, y []float32) {
		vec.logSoftmaxGrad(dx, dy, y, float32(Sum(dy)))
	})
}

// LogSumExp is the logarithm of the sum of exp(x).
func LogSumExp(x []float32) float64 {
	m := vec.largest(x)
	if math.IsInf(float64(m), 0) {
		return float64(m)
	}
	return float64(m) + math.Log(sumExp(x, m))
}

// eachRow calls f for every row of matrices of one shape; b may be nil.
func eachRow(dst, a, b []float32, cols int, f func(dst, a, b []float32)) {
	same(dst, a)
	if b != nil {
		same(dst, b)
	}
	for range countRows(len(dst), cols) {
		f(dst[:cols], a[:cols], b[:min(cols, len(b))])
		dst, a, b = dst[cols:], a[cols:], b[min(cols, len(b)):]
	}
}

// expSum sets dst to exp(x-m) and returns the sum.
func expSum(dst, x []float32, m float32) float64 {
	var s float64
	for ; len(x) > chunk; dst, x = dst[chunk:], x[chunk:] {
		s += float64(vec.expSum(dst[:chunk], x[:chunk], m))
	}
	return s + float64(vec.expSum(dst, x, m))
}

// sumExp is the sum of exp(x-m).
func sumExp(x []float32, m float32) float64 {
	var s float64
	for ; len(x) > chunk; x = x[chunk:] {
		s += float64(vec.sumExp(x[:chunk], m))
	}
	return s + float64(vec.sumExp(x, m))
}
