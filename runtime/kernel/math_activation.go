package kernel

// Sigmoid sets dst to 1/(1 + exp(-x)).
func Sigmoid(dst, x []float32) {
	same(dst, x)
	vec.sigmoid(dst, x)
}

// SigmoidGrad sets dx to dy times the slope of Sigmoid, given its value y.
func SigmoidGrad(dx, dy, y []float32) {
	same(dx, dy, y)
	vec.sigmoidGrad(dx, dy, y)
}

// Tanh sets dst to the hyperbolic tangent of x.
func Tanh(dst, x []float32) {
	same(dst, x)
	vec.tanh(dst, x)
}

// TanhGrad sets dx to dy times the slope of Tanh, given its value y.
func TanhGrad(dx, dy, y []float32) {
	same(dx, dy, y)
	vec.tanhGrad(dx, dy, y)
}

// Gelu sets dst to x times the distribution function of the standard normal
// distribution.
func Gelu(dst, x []float32) {
	same(dst, x)
	vec.gelu(dst, x)
}

// GeluGrad sets dx to dy times the slope of Gelu at x.
func GeluGrad(dx, dy, x []float32) {
	same(dx, dy, x)
	vec.geluGrad(dx, dy, x)
}

// GeluTanh sets dst to Gelu in the approximation
// x/2·(1 + tanh(√(2/π)·(x + 0.044715x³))).
func GeluTanh(dst, x []float32) {
	same(dst, x)
	vec.geluTanh(dst, x)
}

// GeluTanhGrad sets dx to dy times the slope of GeluTanh at x.
func GeluTanhGrad(dx, dy, x []float32) {
	same(dx, dy, x)
	vec.geluTanhGrad(dx, dy, x)
}

// Silu sets dst to x·sigmoid(x).
func Silu(dst, x []float32) {
	same(dst, x)
	vec.silu(dst, x)
}

// SiluGrad sets dx to dy times the slope of Silu at x.
func SiluGrad(dx, dy, x []float32) {
	same(dx, dy, x)
	vec.siluGrad(dx, dy, x)
}

// Softplus sets dst to the logarithm of 1 + exp(x).
func Softplus(dst, x []float32) {
	same(dst, x)
	vec.softplus(dst, x)
}

// SoftplusGrad sets dx to dy times the slope of Softplus at x.
func SoftplusGrad(dx, dy, x []float32) {
	same(dx, dy, x)
	vec.softplusGrad(dx, dy, x)
}

// Mish sets dst to x·tanh(softplus(x)).
func Mish(dst, x []float32) {
	same(dst, x)
	vec.mish(dst, x)
}

// MishGrad sets dx to dy times the slope of Mish at x.
func MishGrad(dx, dy, x []float32) {
	same(dx, dy, x)
	vec.mishGrad(dx, dy, x)
}
