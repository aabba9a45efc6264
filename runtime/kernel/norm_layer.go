package kernel

import (
	"fmt"
	"math"
)

// LayerNorm sets each row of dst to (x - mean)·inv·scale + bias, where mean is
// the row's mean and inv is 1/√(variance + eps); it leaves both in mean and
// inv, one number per row. Rows are as long as scale; bias may be nil.
func LayerNorm(dst, x, scale, bias, mean, inv []float32, eps float32) {
	cols := checkNorm(dst, x, scale, bias, mean, inv)
	for i := range mean {
		row, y := x[:cols], dst[:cols]
		m := float32(Sum(row) / float64(cols))
		v := inverse(sumSquaresAbout(row, m), cols, eps)
		if bias == nil {
			vec.normalise(y, row, scale, m, v)
		} else {
			vec.normaliseShift(y, row, scale, bias, m, v)
		}
		mean[i], inv[i] = m, v
		x, dst = x[cols:], dst[cols:]
	}
}

// LayerNormGrad sets dx to the gradient at the argument x of LayerNorm, given
// the gradient dy at its value and what it left in mean and inv, and adds
// the gradients at scale and bias to dscale and dbias. dbias may be nil, and
// dx may be dy.
func LayerNormGrad(dx, dy, x, scale, mean, inv, dscale, dbias []float32) {
	cols := checkNorm(dx, x, scale, dbias, mean, inv)
	same(dx, dy)
	same(scale, dscale)
	for i, m := range mean {
		g, row, v := dy[:cols], x[:cols], inv[i]
		if dbias != nil {
			vec.add(dbias, dbias, g)
		}
		sum, product := vec.normSums(dscale, g, row, scale, m, v)
		n := float32(cols)
		a := -v * v * product / n
		vec.normGrad(dx[:cols], g, row, scale, v, a, -v*sum/n-a*m)
		dx, dy, x = dx[cols:], dy[cols:], x[cols:]
	}
}

// RMSNorm sets each row of dst to x·inv·scale, where inv is 1/√(mean square +
// eps); it leaves inv, one number per row. Rows are as long as scale.
func RMSNorm(dst, x, scale, inv []float32, eps float32) {
	cols := checkNorm(dst, x, scale, nil, inv, inv)
	for i := range inv {
		row := x[:cols]
		inv[i] = inverse(SumSquares(row), cols, eps)
		vec.normalise(dst[:cols], row, scale, 0, inv[i])
		x, dst = x[cols:], dst[cols:]
	}
}

// RMSNormGrad sets dx to the gradient at the argument x of RMSNorm, given the
// gradient dy at its value and what it left in inv, and adds the gradient at
// scale to dscale. dx may be dy.
func RMSNormGrad(dx, dy, x, scale, inv, dscale []float32) {
	cols := checkNorm(dx, x, scale, nil, inv, inv)
	same(dx, dy)
	same(scale, dscale)
	for _, v := range inv {
		g, row := dy[:cols], x[:cols]
		_, product := vec.normSums(dscale, g, row, scale, 0, v)
		vec.normGrad(dx[:cols], g, row, scale, v, -v*v*product/float32(cols), 0)
		dx, dy, x = dx[cols:], dy[cols:], x[cols:]
	}
}

// inverse is 1/√(sum/n + eps).
func inverse(sum float64, n int, eps float32) float32 {
	return float32(1 / math.Sqrt(sum/float64(n)+float64(eps)))
}

// checkNorm returns the length of a row, or panics if the slices do not fit.
func checkNorm(dst, x, scale, bias, mean, inv []float32) int {
	same(dst, x)
	same(mean, inv)
	if bias != nil {
		same(scale, bias)
	}
	if rows := rowsOf(x, scale); rows != len(mean) {
		panic(fmt.Sprintf("kernel: %d rows with the statistics of %d", rows, len(mean)))
	}
	return len(scale)
}
