package kernel

// Abs sets dst to x without its sign.
func Abs(dst, x []float32) {
	same(dst, x)
	vec.abs(dst, x)
}

// Sqrt sets dst to the square root of x, NaN below zero.
func Sqrt(dst, x []float32) {
	same(dst, x)
	vec.sqrt(dst, x)
}

// Rsqrt sets dst to 1/√x.
func Rsqrt(dst, x []float32) {
	same(dst, x)
	vec.rsqrt(dst, x)
}

// Reciprocal sets dst to 1/x.
func Reciprocal(dst, x []float32) {
	same(dst, x)
	vec.reciprocal(dst, x)
}

// Exp sets dst to e to the power of x.
func Exp(dst, x []float32) {
	same(dst, x)
	vec.exp(dst, x)
}

// Log sets dst to the natural logarithm of x: -Inf at zero, NaN below it.
func Log(dst, x []float32) {
	same(dst, x)
	vec.log(dst, x)
}

// Erf sets dst to the error function of x.
func Erf(dst, x []float32) {
	same(dst, x)
	vec.erf(dst, x)
}

// SqrtGrad sets dx to dy times the slope of the square root, given its value y.
// The gradients of Exp and Log need no function of their own: they are dy·y and
// dy/x.
func SqrtGrad(dx, dy, y []float32) {
	same(dx, dy, y)
	vec.sqrtGrad(dx, dy, y)
}

// RsqrtGrad sets dx to dy times the slope of Rsqrt, given its value y.
func RsqrtGrad(dx, dy, y []float32) {
	same(dx, dy, y)
	vec.rsqrtGrad(dx, dy, y)
}

// ReciprocalGrad sets dx to dy times the slope of Reciprocal, given its value y.
func ReciprocalGrad(dx, dy, y []float32) {
	same(dx, dy, y)
	vec.reciprocalGrad(dx, dy, y)
}

// ErfGrad sets dx to dy times the slope of the error function at x.
func ErfGrad(dx, dy, x []float32) {
	same(dx, dy, x)
	vec.erfGrad(dx, dy, x)
}
