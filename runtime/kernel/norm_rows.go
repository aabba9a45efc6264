package kernel

// BiasRows sets each row of dst to that of x plus bias. Rows are as long as
// bias; here and below, matrices lie row after row, and dst may be one of
// them.
func BiasRows(dst, x, bias []float32) {
	same(dst, x)
	vec.biasRows(dst, x, bias, rowsOf(x, bias))
}

// MulRows sets each row of dst to that of x times scale.
func MulRows(dst, x, scale []float32) {
	same(dst, x)
	vec.mulRows(dst, x, scale, rowsOf(x, scale))
}

// ScaleShiftRows sets each row of dst to that of x times scale plus shift.
func ScaleShiftRows(dst, x, scale, shift []float32) {
	same(dst, x)
	same(scale, shift)
	vec.scaleShiftRows(dst, x, scale, shift, rowsOf(x, scale))
}

// ScaleShiftReluRows is ScaleShiftRows followed by Relu.
func ScaleShiftReluRows(dst, x, scale, shift []float32) {
	same(dst, x)
	same(scale, shift)
	vec.scaleShiftReluRows(dst, x, scale, shift, rowsOf(x, scale))
}

// ScaleShiftAddRows sets dst to x·scale + shift + r, where r is of x's shape.
func ScaleShiftAddRows(dst, x, r, scale, shift []float32) {
	same(dst, x, r)
	same(scale, shift)
	vec.scaleShiftAddRows(dst, x, r, scale, shift, rowsOf(x, scale))
}

// ScaleShiftAddReluRows is ScaleShiftAddRows followed by Relu.
func ScaleShiftAddReluRows(dst, x, r, scale, shift []float32) {
	same(dst, x, r)
	same(scale, shift)
	vec.scaleShiftAddReluRows(dst, x, r, scale, shift, rowsOf(x, scale))
}

// NormGradRows sets dx to dy·a + x·b + c, with one a, b and c per column: the
// gradient at the argument of a batch normalisation.
func NormGradRows(dx, dy, x, a, b, c []float32) {
	same(dx, dy, x)
	same(a, b, c)
	vec.normGradRows(dx, dy, x, a, b, c, rowsOf(x, a))
}

// NormGradReluRows is NormGradRows where dy counts as zero unless y > 0.
func NormGradReluRows(dx, dy, x, y, a, b, c []float32) {
	same(dx, dy, x, y)
	same(a, b, c)
	vec.normGradReluRows(dx, dy, x, y, a, b, c, rowsOf(x, a))
}

// runRows is how many rows are summed before the sums are added to those of
// the rows before: two levels keep the rounding of long columns small.
const runRows = 256

// eachRun calls f for runs of rows.
func eachRun(rows int, f func(from, n int)) {
	for from := 0; from < rows; from += runRows {
		f(from, min(runRows, rows-from))
	}
}

// SumRows adds the sum of the rows of x to sum.
func SumRows(sum, x []float32) {
	cols := len(sum)
	eachRun(rowsOf(x, sum), func(from, n int) {
		vec.sumRows(sum, x[from*cols:], n)
	})
}

// MomentsRows adds to sum and square, column by column, the sums of x - shift
// and of its square. They lose no digits if shift is near the means; a row of
// x will do.
func MomentsRows(sum, square, x, shift []float32) {
	same(sum, square, shift)
	cols := len(sum)
	eachRun(rowsOf(x, sum), func(from, n int) {
		vec.momentsRows(sum, square, x[from*cols:], shift, n)
	})
}

// GradSumsRows adds to sum and product, column by column, the sums of dy and
// of dy·(x - mean): what the gradient of a batch normalisation needs.
func GradSumsRows(sum, product, dy, x, mean []float32) {
	same(dy, x)
	same(sum, product, mean)
	cols := len(sum)
	eachRun(rowsOf(x, sum), func(from, n int) {
		vec.gradSumsRows(sum, product, dy[from*cols:], x[from*cols:], mean, n)
	})
}

// GradSumsReluRows is GradSumsRows where dy counts as zero unless y > 0.
func GradSumsReluRows(sum, product, dy, x, y, mean []float32) {
	same(dy, x, y)
	same(sum, product, mean)
	cols := len(sum)
	eachRun(rowsOf(x, sum), func(from, n int) {
		vec.gradSumsReluRows(sum, product, dy[from*cols:], x[from*cols:], y[from*cols:], mean, n)
	})
}
