package optim

import "math"

// ClipNorm scales the gradients of all parameters together so that their
// Euclidean norm is at most limit, and returns the norm they had. What is not
// finite spoils all gradients; the norm tells.
func ClipNorm(params []Param, limit float64) (norm float64) {
	var square float64
	for _, p := range params {
		square += sumOfSquares(p.Grad)
	}
	norm = math.Sqrt(square)
	const little = 1e-6 // PyTorch's guard against a norm of zero
	if factor := limit / (norm + little); !(factor >= 1) {
		for _, p := range params {
			scale(p.Grad, float32(factor))
		}
	}
	return norm
}

// ClipValue moves every element of every gradient into [-limit, limit].
func ClipValue(params []Param, limit float64) {
	for _, p := range params {
		clamp(p.Grad, float32(limit))
	}
}

func sumOfSquares(g []float32) (sum float64) {
	for _, v := range g {
		sum += float64(v) * float64(v)
	}
	return sum
}

func scale(g []float32, factor float32) {
	for i := range g {
		g[i] *= factor
	}
}

func clamp(g []float32, limit float32) {
	for i, v := range g {
		g[i] = min(max(v, -limit), limit)
	}
}
