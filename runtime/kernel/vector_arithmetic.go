package kernel

// Add sets dst to a + b. Here and in the functions of this package that follow,
// dst may be one of the slices that are read, which otherwise must not overlap
// it; lengths that differ are a panic.
func Add(dst, a, b []float32) {
	same(dst, a, b)
	vec.add(dst, a, b)
}

// Sub sets dst to a - b.
func Sub(dst, a, b []float32) {
	same(dst, a, b)
	vec.sub(dst, a, b)
}

// Mul sets dst to a·b.
func Mul(dst, a, b []float32) {
	same(dst, a, b)
	vec.mul(dst, a, b)
}

// Div sets dst to a / b.
func Div(dst, a, b []float32) {
	same(dst, a, b)
	vec.div(dst, a, b)
}

// Max sets dst to the larger of a and b, NaN where either is NaN.
func Max(dst, a, b []float32) {
	same(dst, a, b)
	vec.max(dst, a, b)
}

// Min sets dst to the smaller of a and b, NaN where either is NaN.
func Min(dst, a, b []float32) {
	same(dst, a, b)
	vec.min(dst, a, b)
}

// AddScalar sets dst to x + s.
func AddScalar(dst, x []float32, s float32) {
	same(dst, x)
	vec.addScalar(dst, x, s)
}

// MulScalar sets dst to x·s.
func MulScalar(dst, x []float32, s float32) {
	same(dst, x)
	vec.mulScalar(dst, x, s)
}

// DivScalar sets dst to x / s.
func DivScalar(dst, x []float32, s float32) {
	same(dst, x)
	vec.divScalar(dst, x, s)
}

// MaxScalar sets dst to the larger of x and s, NaN where either is NaN.
func MaxScalar(dst, x []float32, s float32) {
	same(dst, x)
	vec.maxScalar(dst, x, s)
}

// MinScalar sets dst to the smaller of x and s, NaN where either is NaN.
func MinScalar(dst, x []float32, s float32) {
	same(dst, x)
	vec.minScalar(dst, x, s)
}

// ScalarSub sets dst to s - x.
func ScalarSub(dst, x []float32, s float32) {
	same(dst, x)
	vec.scalarSub(dst, x, s)
}

// ScalarDiv sets dst to s / x.
func ScalarDiv(dst, x []float32, s float32) {
	same(dst, x)
	vec.scalarDiv(dst, x, s)
}

// Axpy adds s·x to dst.
func Axpy(dst, x []float32, s float32) {
	same(dst, x)
	vec.axpy(dst, x, s)
}

// MulAdd adds a·b to dst.
func MulAdd(dst, a, b []float32) {
	same(dst, a, b)
	vec.mulAdd(dst, a, b)
}

// ScaleShift sets dst to x·s + t.
func ScaleShift(dst, x []float32, s, t float32) {
	same(dst, x)
	vec.scaleShift(dst, x, s, t)
}
