package kernel

import "math"

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// normal is the distribution function of the standard normal distribution.
func normal(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// geluGate is the factor of x in Gelu's tanh form.
func geluGate(x float64) float64 { return sigmoid(2 * math.Sqrt(2/math.Pi) * (x + 0.044715*x*x*x)) }

// gated is x, or the slope of a gate beyond which it no longer changes in
// float32: there the infinite would meet zero.
func gated(x float64) float64 { return min(max(x, -200), 200) }

func geluSlope(x float64) float64 {
	x = gated(x)
	return normal(x) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
}

func geluTanhSlope(x float64) float64 {
	x = gated(x)
	gate := geluGate(x)
	return gate + x*gate*(1-gate)*2*math.Sqrt(2/math.Pi)*(1+3*0.044715*x*x)
}

func siluSlope(x float64) float64 {
	x = gated(x)
	s := sigmoid(x)
	return s + x*s*(1-s)
}

func mishSlope(x float64) float64 {
	x = gated(x)
	t := math.Tanh(softplus(x))
	return t + x*(1-t*t)*sigmoid(x)
}

func hardSwishSlope(x float64) float64 {
	switch {
	case x <= -3:
		return 0
	case x > 3:
		return 1
	}
	return x/3 + 0.5
}

func reluGo(dst, x []float32) {
	for i, v := range x {
		dst[i] = max(v, 0)
	}
}

func clipGo(dst, x []float32, lo, hi float32) {
	for i, v := range x {
		dst[i] = min(max(v, lo), hi)
	}
}

func leakyReluGo(dst, x []float32, alpha float32) {
	for i, v := range x {
		if v < 0 {
			v *= alpha
		}
		dst[i] = v
	}
}

func eluGo(dst, x []float32, alpha float32) {
	for i, v := range x {
		if !(v > 0) {
			v = float32(float64(alpha) * math.Expm1(float64(v)))
		}
		dst[i] = v
	}
}

func hardSigmoidGo(dst, x []float32, alpha, beta float32) {
	for i, v := range x {
		dst[i] = min(max(alpha*v+beta, 0), 1)
	}
}

func reluGradGo(dx, dy, y []float32) {
	for i, d := range dy {
		if !(y[i] > 0) {
			d = 0
		}
		dx[i] = d
	}
}

func clipGradGo(dx, dy, x []float32, lo, hi float32) {
	for i, d := range dy {
		if !(x[i] > lo && x[i] < hi) {
			d = 0
		}
		dx[i] = d
	}
}

func leakyReluGradGo(dx, dy, x []float32, alpha float32) {
	for i, d := range dy {
		if !(x[i] > 0) {
			d *= alpha
		}
		dx[i] = d
	}
}

func hardSigmoidGradGo(dx, dy, y []float32, alpha float32) {
	for i, d := range dy {
		if !(y[i] > 0 && y[i] < 1) {
			d = 0
		}
		dx[i] = alpha * d
	}
}

func eluGradGo(dx, dy, y []float32, alpha float32) {
	for i, d := range dy {
		if !(y[i] > 0) {
			d *= y[i] + alpha
		}
		dx[i] = d
	}
}
