package kernel

// Relu sets dst to the larger of x and 0, NaN where x is NaN.
func Relu(dst, x []float32) {
	same(dst, x)
	vec.relu(dst, x)
}

// ReluGrad sets dx to dy where y > 0 and to 0 elsewhere; y may be what Relu took
// or what it gave.
func ReluGrad(dx, dy, y []float32) {
	same(dx, dy, y)
	vec.reluGrad(dx, dy, y)
}

// Clip sets dst to x, but to lo below it and to hi above; NaN stays.
func Clip(dst, x []float32, lo, hi float32) {
	same(dst, x)
	vec.clip(dst, x, lo, hi)
}

// ClipGrad sets dx to dy where lo < x < hi and to 0 elsewhere; x may be what Clip
// took or what it gave.
func ClipGrad(dx, dy, x []float32, lo, hi float32) {
	same(dx, dy, x)
	vec.clipGrad(dx, dy, x, lo, hi)
}

// LeakyRelu sets dst to x, and to alpha·x where x < 0.
func LeakyRelu(dst, x []float32, alpha float32) {
	same(dst, x)
	vec.leakyRelu(dst, x, alpha)
}

// LeakyReluGrad sets dx to dy where x > 0 and to alpha·dy elsewhere; if alpha is
// not negative, x may be what LeakyRelu gave.
func LeakyReluGrad(dx, dy, x []float32, alpha float32) {
	same(dx, dy, x)
	vec.leakyReluGrad(dx, dy, x, alpha)
}

// Elu sets dst to x where x > 0 and to alpha·(exp(x)-1) elsewhere.
func Elu(dst, x []float32, alpha float32) {
	same(dst, x)
	vec.elu(dst, x, alpha)
}

// EluGrad sets dx to dy times the slope of Elu, given its value y, for an alpha
// that is not negative.
func EluGrad(dx, dy, y []float32, alpha float32) {
	same(dx, dy, y)
	vec.eluGrad(dx, dy, y, alpha)
}

// HardSigmoid sets dst to alpha·x + beta, clipped to 0 and 1.
func HardSigmoid(dst, x []float32, alpha, beta float32) {
	same(dst, x)
	vec.hardSigmoid(dst, x, alpha, beta)
}

// HardSigmoidGrad sets dx to alpha·dy where 0 < y < 1 and to 0 elsewhere, given
// HardSigmoid's value y.
func HardSigmoidGrad(dx, dy, y []float32, alpha float32) {
	same(dx, dy, y)
	vec.hardSigmoidGrad(dx, dy, y, alpha)
}

// HardSwish sets dst to x times x/6 + 1/2 clipped to 0 and 1.
func HardSwish(dst, x []float32) {
	same(dst, x)
	vec.hardSwish(dst, x)
}

// HardSwishGrad sets dx to dy times the slope of HardSwish at x.
func HardSwishGrad(dx, dy, x []float32) {
	same(dx, dy, x)
	vec.hardSwishGrad(dx, dy, x)
}
